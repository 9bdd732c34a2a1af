r"""Ribbon (Sonus) GSX/SBC accounting files (.ACT): START, STOP, ATTEMPT, INTERMEDIATE, positions by record type.

A STOP is a finished call, an ATTEMPT an unanswered one; durations are counted in 10 ms. The zone text of a record does
not say whether summer time is applied: a profile with its own ``time.zone`` overrides it.

>>> from integrations.cdr.registry import profile
>>> row = b"ATTEMPT,GSX1,0x2A,9,GMT-08:00-Pacific(US),02/22/2013,17:02:12.5,1,2,17:02:20.7,3,17,VoIP,,,,"
>>> row += b"5307520013,5307520014\n"
>>> next(decode([row], profile("ribbon-act"), records_max=9)).records.select("accounting_id", "seized", "called").row(0)
('0x2A', '02/22/2013 17:02:12.5 -0800', '5307520014')
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from integrations.cdr import delimited

# The fields taken, 1-based, of STOP and of ATTEMPT; 0 where the record has none.
_PLACES: Final = {
    "disconnect_date": (11, 0),
    "disconnect_time": (12, 10),
    "service_duration": (14, 0),
    "reason": (15, 12),
    "direction": (17, 14),
    "calling": (20, 17),
    "called": (21, 18),
    "route": (29, 0),
}
_NEEDED: Final = frozenset(f"f{place}" for place in range(1, 36))
_DERIVED: Final = frozenset(
    {*_PLACES, "type", "gateway", "accounting_id", "seized", "disconnected", "elapsed", "answered"}
)
_ZONE: Final = r"^GMT([+-])([0-9]{2}):([0-9]{2})"
_COUNTED: Final = {
    "START": "start",
    "INTERMEDIATE": "interim",
    "REBOOT": "control",
    "SW_CHANGE": "control",
    "SWITCHOVER": "control",
    # A file of a GSX begins with a line of its maker, version and number.
    "Sonus Networks": "header",
}


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield STOP and ATTEMPT records. Refuses with: Unreadable, BadValue."""
    own_zone = "time.zone" in profile.own
    for piece in delimited.decode(
        blocks, profile, records_max=records_max, control=_control, also=_NEEDED, derived=_DERIVED
    ):
        if not piece.records.height:
            yield piece
            continue
        yield _typed(piece, own_zone=own_zone)


def _typed(piece: Decoded, *, own_zone: bool) -> Decoded:
    """Name the fields by record type and put times together."""
    stop = pl.col("f1") == "STOP"
    empty = pl.lit("")
    named = [
        pl.when(stop)
        .then(pl.col(f"f{of_stop}"))
        .otherwise(pl.col(f"f{of_attempt}") if of_attempt else empty)
        .alias(name)
        for name, (of_stop, of_attempt) in _PLACES.items()
    ]
    hours = pl.col("f5").str.extract_groups(_ZONE)
    zone = (
        empty
        if own_zone
        else pl.concat_str(pl.lit(" "), hours.struct[0], hours.struct[1], hours.struct[2]).fill_null("")
    )
    records = piece.records.with_columns(named)
    records = records.with_columns(
        pl.col("f1").alias("type"),
        pl.col("f2").alias("gateway"),
        pl.col("f3").alias("accounting_id"),
        pl.concat_str("f6", pl.lit(" "), "f7", zone).alias("seized"),
        pl.when(stop & (pl.col("disconnect_time") != ""))
        .then(pl.concat_str("disconnect_date", pl.lit(" "), "disconnect_time", zone))
        .otherwise(empty)
        .alias("disconnected"),
        pl.when(stop).then(pl.col("f10")).otherwise(empty).alias("elapsed"),
        pl.when(stop & (pl.col("f10") != "")).then(pl.lit("yes")).otherwise(empty).alias("answered"),
    )
    known = pl.col("f1").is_in(["STOP", "ATTEMPT"])
    kinds = piece.records.filter(~known)["f1"]
    ignored = dict(piece.ignored)
    for kind, count in kinds.value_counts().iter_rows():
        reason = _COUNTED.get(str(kind), "other_record")
        ignored[reason] = ignored.get(reason, 0) + int(count)
    return replace(piece, records=records.filter(known), ignored=ignored)


def _control(raw: str) -> str | None:
    kind = raw.split(",", 1)[0].strip('"')
    return _COUNTED.get(kind)
