r"""Asterisk CEL (channel event logging): cel_custom's legacy order of columns, a row of names, or JSON lines.

The events of one linkedid are one call: it begins with the first channel's CHAN_START, is charged from that channel's
ANSWER to its HANGUP, whatever transfers happen between, and is complete at LINKEDID_END.

>>> from integrations.cdr.registry import profile
>>> line = b'"ANSWER","1774738785.210000","","101","101","","","0846500401","c","PJSIP/1","Dial","","3","",'
>>> next(decode([line + b'"1.10","1.10","","","",""\n'], profile("asterisk-cel"), records_max=9)).records["_part"][0]
'answer'
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from integrations.cdr import delimited, generic_jsonl

_NEEDED: Final = frozenset({"eventtype", "eventtime", "uniqueid", "linkedid", "exten", "cid_num", "extra"})
# What the database's table, other mappings and JSON call the same fields.
_ALIASES: Final = {
    alias: name
    for name, aliases in {
        "eventtype": ("EventName", "EventType", "event", "eventName"),
        "eventtime": ("EventTime", "timestamp", "eventTime"),
        "cid_num": ("CIDnum", "CallerIDnum", "CID num", "callerIdNum"),
        "cid_rdnis": ("CIDrdnis", "CallerIDrdnis", "RDNIS"),
        "exten": ("Exten", "Extension", "extension"),
        "channame": ("ChanName", "ChannelName", "Channel", "channel"),
        "uniqueid": ("UniqueID", "Uniqueid", "uniqueId"),
        "linkedid": ("LinkedID", "Linkedid", "linkedId"),
        "extra": ("Extra", "eventextra", "eventExtra"),
    }.items()
    for alias in aliases
}
_PARTS: Final = {"CHAN_START": "begin", "ANSWER": "answer", "HANGUP": "end"}


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the events, each with what part of its call it is. Refuses with: Unreadable, BadValue."""
    stream = iter(blocks)
    head = next(stream, b"")
    whole = itertools.chain([head], stream)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        pieces = generic_jsonl.decode(whole, profile, records_max=records_max, also=_NEEDED | frozenset(_ALIASES))
    else:
        pieces = delimited.decode(whole, profile, records_max=records_max, also=_NEEDED | frozenset(_ALIASES))
    kind = pl.col("eventtype").str.to_uppercase()
    # An origination may give the first channel another uniqueid than the call's; the call is named after the first.
    first = pl.col("uniqueid") == pl.col("linkedid")
    part = (
        pl.when(kind == "LINKEDID_END")
        .then(pl.lit("close"))
        .when(first)
        .then(kind.replace_strict(list(_PARTS), list(_PARTS.values()), default="note"))
        .otherwise(pl.lit("note"))
    )
    mine = part != "note"
    cause = pl.col("extra").str.extract(r'"hangupcause"\s*:\s*"?([0-9]+)', 1).fill_null("")
    columns = {
        "_part": part,
        "_holds": pl.lit("1"),
        "_seq": pl.concat_str("eventtype", pl.lit("/"), "uniqueid"),
        "_a": pl.when(mine).then(pl.col("cid_num")).otherwise(pl.lit("")),
        "_b": pl.when(part == "begin").then(pl.col("exten")).otherwise(pl.lit("")),
        "_cause": pl.when(part == "end").then(cause).otherwise(pl.lit("")),
        "_answered": pl.when(part == "answer").then(pl.lit("yes")).otherwise(pl.lit("")),
    }
    for found in pieces:
        piece = replace(found, records=_renamed(found.records))
        missing = _NEEDED - set(piece.records.columns)
        records = piece.records.with_columns(pl.lit("").alias(name) for name in sorted(missing))
        yield replace(piece, records=records.with_columns(**columns) if records.height else piece.records)


def _renamed(records: pl.DataFrame) -> pl.DataFrame:
    """Call the fields by the names of the legacy mapping; the first of them with a value counts."""
    for alias, name in _ALIASES.items():
        if alias not in records.columns:
            continue
        other = pl.col(alias)
        if name in records.columns:
            other = pl.when(pl.col(name) == "").then(other).otherwise(pl.col(name))
        records = records.with_columns(other.alias(name)).drop(alias)
    return records
