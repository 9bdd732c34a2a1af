r"""3CX CDR files (3CX Phone System, "CDR output"): one row per segment of a call; a transfer makes several.

The administrator chooses the fields and their order, so a profile names them. The segments of one history id and call
id are one call: its talk times are added up. Rows that do not begin with ``Call`` are not calls.

>>> from integrations.cdr.registry import profile
>>> row = b"Call 1,0_1,00:00:09,2026/03/28 22:58:50,2026/03/28 22:59:00,2026/03/28 22:59:09,TerminatedByDst,Ext.100,"
>>> row += b"0046846500401,Ext.100,,846500401,,,,,,,,\n"
>>> next(decode([row], profile("3cx"), records_max=9)).records.select("_called", "_direction").row(0)
('0046846500401', 'out')
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from integrations.cdr import delimited

_NEEDED: Final = frozenset({"historyid", "callid", "from-no", "to-no", "dial-no", "from-type"})
_INNER: Final = r"^(?i)(?:Ext\.|[0-9]{2,5}$)"


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the segments. Refuses with: Unreadable, BadValue."""
    kind = pl.col("from-type").str.to_lowercase()
    typed = pl.when(kind != "").then(kind.str.starts_with("ext") & ~kind.str.starts_with("external"))
    inner = typed.otherwise(pl.col("from-no").str.contains(_INNER))
    # A caller from outside dialled ``dial-no``; ``to-no`` is then the extension it was led to.
    called = pl.when(~inner & (pl.col("dial-no") != "")).then(pl.col("dial-no")).otherwise(pl.col("to-no"))
    columns = {
        "_part": pl.lit("segment"),
        "_called": called,
        "_direction": pl.when(inner).then(pl.lit("out")).otherwise(pl.lit("in")),
        "_dialog": pl.concat_str("historyid", pl.lit("/"), "callid"),
    }
    pieces = delimited.decode(blocks, profile, records_max=records_max, also=_NEEDED, control=_control)
    for piece in pieces:
        records = piece.records
        missing = sorted(_NEEDED - set(records.columns))
        records = records.with_columns(pl.lit("").alias(name) for name in missing)
        if records.height:
            records = records.with_columns(**columns)
        yield replace(piece, records=records)


def _control(raw: str) -> str | None:
    return None if raw.startswith(("Call", '"Call')) else "not_a_call"
