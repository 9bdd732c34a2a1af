r"""Acme Packet / Oracle SBC local CDR files: RADIUS attributes by position, quotes inside quoted fields unescaped.

Only Stop records (2) are calls; Start, Interim, On and Off are counted. Numbers stand in SIP URIs, the display name
serves where the URI has none. Releases differ by a column before the calling station, so their
places are told from that of the setup time.

>>> from integrations.cdr.registry import profile
>>> row = b'2,h,5060,"s1@h",,,,,,""A "B" C"<sip:+46701740605@h>;tag=1","<sip:+46846500401@h>",User-Request,62,'
>>> row += b'"23:58:50.868 CET MAR 28 2026",,"00:00:00.200 CET MAR 29 2026",16,,,,,"in","out"\n'
>>> next(decode([row], profile("acme-sbc"), records_max=9)).records.select("calling", "setup").row(0)
('+46701740605', '2026-03-28 23:58:50.868+01:00')
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

import polars as pl

from domain.mediation.profile import Profile
from domain.mediation.timing import ZONELESS
from domain.ports.reader import Decoded
from integrations.cdr import delimited
from integrations.cdr.clock import h323, local

_COLUMNS: Final = [f"f{place}" for place in range(30)]
_KINDS: Final = {"1": "start", "3": "interim", "7": "control", "8": "control"}
_CALLING: Final = 9
_SETUP: Final = 13
_CLOCK: Final = re.compile(r"[.*]?\d{2}:\d{2}:\d{2}")
_URI: Final = re.compile(r"(?i)(?:sips?|tel):([^@;>?]*)")
_NUMBER: Final = re.compile(r"\+?[0-9][0-9 ()./-]{2,}")
_NAMED: Final = (
    "status",
    "session",
    "calling",
    "called",
    "cause_word",
    "duration",
    "setup",
    "connect",
    "disconnect",
    "cause",
)

_TIMES: Final = ("setup", "connect", "disconnect")
_DERIVED: Final = frozenset({*_NAMED, "realm_in", "realm_out"})


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield Stop records. Refuses with: Unreadable, BadValue."""
    pieces = delimited.decode(
        blocks, profile, records_max=records_max, also=frozenset(_COLUMNS), derived=_DERIVED, control=_control
    )
    for piece in pieces:
        ignored = dict(piece.ignored)
        if not piece.records.height:
            yield piece
            continue
        fields = [name for name in _COLUMNS if name in piece.records.columns]
        stop = piece.records["f0"] == "2"
        for kind, count in piece.records.filter(~stop)["f0"].value_counts().iter_rows():
            reason = _KINDS.get(str(kind), "other_record")
            ignored[reason] = ignored.get(reason, 0) + int(count)
        kept = piece.records.filter(stop)
        rows = [_named(row) for row in kept.select(fields).iter_rows()]
        named = pl.DataFrame(rows, schema=dict.fromkeys((*_NAMED, "realm_in", "realm_out"), pl.String), orient="row")
        zoneless = [any(local(told) for told in times) for times in named.select(_TIMES).iter_rows()]
        named = named.with_columns(pl.Series(ZONELESS, zoneless, dtype=pl.Boolean))
        yield replace(piece, records=pl.concat([kept, named], how="horizontal"), ignored=ignored)


def _named(row: tuple[str, ...]) -> tuple[str, ...]:
    """Return a Stop record's values in the order of ``_NAMED`` and its realms."""
    moved = _moved(row)

    def at(place: int) -> str:
        return row[place + moved] if place + moved < len(row) else ""

    return (
        row[0], row[3], _number(at(9)), _number(at(10)), at(11), at(12),
        h323(at(13)), h323(at(14)), h323(at(15)), at(16), at(21), at(22),
    )  # fmt: skip


def _moved(row: tuple[str, ...]) -> int:
    """Return how far the calling station and all after it are from their places, by the call's setup time."""
    setup = next((place for place in range(_CALLING, len(row)) if _CLOCK.match(row[place])), None)
    if setup is not None:
        return setup - _SETUP
    calling = next((place for place in range(4, len(row)) if _URI.search(row[place])), _CALLING)
    return calling - _CALLING


def _number(text: str) -> str:
    """Return the user part of a URI where it is a number, else a number in the display name, else the user part."""
    found = _URI.search(text)
    if found is None:
        return text
    user = unquote(found[1])  # RFC 3261 § 19.1.2: +46… may stand as %2B46…
    if _NUMBER.fullmatch(user):
        return user
    display = text[: found.start()].strip(' <"')
    return display if _NUMBER.fullmatch(display) else user


def _control(raw: str) -> str | None:
    kind = raw.split(",", 1)[0].strip('"')
    return _KINDS.get(kind)
