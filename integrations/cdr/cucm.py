r"""Cisco Unified CM call detail records (CDR files of the CAR/billing server): two header rows, names and SQL types.

Times are UTC epochs, 0 where there is none. Recording and conference legs are left out, as are CMR (quality) records.

>>> from integrations.cdr.registry import profile
>>> rows = b'"cdrRecordType","pkid","duration","dateTimeConnect"\nINTEGER,UNIQUEIDENTIFIER,INTEGER,INTEGER\n'
>>> rows += b'1,"x-1",11,9\n'
>>> piece = next(decode([rows], profile("cucm"), records_max=9))
>>> piece.records.select("pkid", "duration").rows(), piece.ignored
([('x-1', '11')], {'header': 2})
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from integrations.cdr import delimited

_NEEDED: Final = frozenset(
    {"cdrRecordType", "origCause_value", "destCause_value", "lastRedirectDn", "finalCalledPartyNumber"}
)
_TYPES: Final = ("INTEGER", "VARCHAR", "UNIQUEIDENTIFIER")


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the records. Refuses with: Unreadable, BadValue."""
    kind = pl.col("cdrRecordType")
    for piece in delimited.decode(blocks, profile, records_max=records_max, also=_NEEDED):
        types = kind.str.starts_with(_TYPES[0]) | kind.str.starts_with(_TYPES[1])
        if not piece.records.height or "cdrRecordType" not in piece.records.columns:
            yield piece
            continue
        records = piece.records.filter(~types)
        headers = piece.records.height - records.height
        # The side that cleared has the cause; the other has 0.
        causes = [pl.col(name) for name in ("destCause_value", "origCause_value") if name in records.columns]
        told = pl.coalesce([*(pl.when(one != "0").then(one) for one in causes), pl.lit("")])
        records = records.with_columns(told.alias("_cause"), _redirected(records.columns).alias("_redirected"))
        ignored = dict(piece.ignored)
        if headers:
            ignored["header"] = ignored.get("header", 0) + headers
        yield replace(piece, records=records, ignored=ignored)


def _redirected(names: list[str]) -> pl.Expr:
    """Return who redirected the call: of one that nobody did, the last redirecting number is the called one's own."""
    if "lastRedirectDn" not in names:
        return pl.lit("")
    last = pl.col("lastRedirectDn")
    own = last == pl.col("finalCalledPartyNumber") if "finalCalledPartyNumber" in names else pl.lit(value=False)
    return pl.when(own).then(pl.lit("")).otherwise(last)
