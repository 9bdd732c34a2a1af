r"""Kamailio and OpenSIPS accounting (module acc): flatstore lines or exports of the ``acc`` table.

INVITE and BYE are joined by Call-ID and tags, in either order; an ACK tells the answer where ACKs are logged (then the
INVITE has no time). An INVITE with a final failure is an unanswered call by itself. Columns beyond the seventh are
configured in the proxy, so a profile names them.

>>> from integrations.cdr.registry import profile
>>> line = b"BYE|a1|b2|x@h|200|OK|1436454410|||||7:8\n"
>>> next(decode([line], profile("opensips"), records_max=9)).records.select("_part", "time").row(0)
('end', '1436454410')
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from integrations.cdr import delimited

_NEEDED: Final = frozenset({"method", "from_tag", "to_tag", "callid", "sip_code", "time"})


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the lines, each with what part of a dialog it is. Refuses with: Unreadable, BadValue."""
    method, code = pl.col("method").str.to_uppercase(), pl.col("sip_code")
    success = code.str.starts_with("2")
    part = (
        pl.when((method == "INVITE") & success)
        .then(pl.lit("begin"))
        .when(method == "ACK")
        .then(pl.lit("answer"))
        .when(method == "BYE")
        .then(pl.lit("end"))
        .otherwise(pl.lit("whole"))
    )
    # The callee's BYE has the tags the other way round.
    forward = pl.col("from_tag") <= pl.col("to_tag")
    tags = pl.when(forward).then(pl.concat_str("from_tag", pl.lit("/"), "to_tag"))
    dialog = pl.concat_str("callid", pl.lit("/"), tags.otherwise(pl.concat_str("to_tag", pl.lit("/"), "from_tag")))
    other = pl.when(method.is_in(["INVITE", "ACK", "BYE", "MESSAGE"])).then(pl.lit("")).otherwise(pl.lit("yes"))
    mode = pl.when(method == "MESSAGE").then(pl.lit("sms")).otherwise(pl.lit("voice"))
    used = pl.when((method == "MESSAGE") & success).then(pl.lit("1")).otherwise(pl.lit("0"))
    for piece in delimited.decode(blocks, profile, records_max=records_max, also=_NEEDED):
        records = piece.records
        if records.height:
            columns = {"_part": part, "_dialog": dialog, "_other": other, "_mode": mode, "_used": used}
            records = records.with_columns(**columns)
        yield replace(piece, records=records)
