r"""Asterisk CDR as CSV: cdr_csv (``Master.csv``, main/cdr.c), cdr_custom and exports of the ``cdr`` table.

One row per leg; fields are quoted by doubled quotes, numbers bare, an empty answer is nothing between commas. The key
is uniqueid and sequence (or dstchannel, before Asterisk 1.8): a forked Dial repeats the uniqueid.

>>> from integrations.cdr.registry import profile
>>> row = b'"","101","0701740605","c","","PJSIP/1","PJSIP/2","Dial","","2026-03-01 10:00:00",,"2026-03-01 10:00:09",'
>>> row += b'9,0,"NO ANSWER","DOCUMENTATION","1772359200.1","","","1772359200.1",7\n'
>>> next(decode([row], profile("asterisk"), records_max=10)).records.select("src", "disposition", "sequence").row(0)
('101', 'NO ANSWER', '7')
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from integrations.cdr import delimited

_NEEDED: Final = frozenset({"uniqueid", "channel", "start", "calldate", "src"})


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the legs. Refuses with: Unreadable, BadValue."""
    derived = frozenset({"uniqueid"})
    for piece in delimited.decode(blocks, profile, records_max=records_max, also=_NEEDED, derived=derived):
        records = piece.records
        if "uniqueid" in records.columns or "channel" not in records.columns:
            yield piece
            continue
        # Without loguniqueid a leg is known by its channel and when it began.
        parts = [name for name in ("channel", "start", "calldate", "src") if name in records.columns]
        named = pl.concat_str(parts, separator="@").alias("uniqueid")
        yield replace(piece, records=records.with_columns(named))
