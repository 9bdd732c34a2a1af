"""From a joined session to an event: what is wrong with it as a whole, and its amount in whole units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from domain.mediation.events import EVENT_SCHEMA
from domain.mediation.profile import Profile
from domain.mediation.session import Row
from domain.mediation.timing import AMOUNT_MAX, VOLUME_UNITS

_KILO: Final = 1_000
_SECOND: Final = 1_000_000

# Events before their amount is rounded, with the places that they came from.
UNFINISHED_SCHEMA: Final[dict[str, Any]] = {
    **{name: kind for name, kind in EVENT_SCHEMA.items() if name not in {"used", "raw_line"}},
    "amount": pl.Int64,
    "_line": pl.Int64,
    "_offset": pl.Int64,
    "_place": pl.Int64,
    "_ignored": pl.String,
}
FAULTS: Final[Mapping[str, str]] = {
    "missing_field": "the session's beginning never came",
    "negative_duration": "the session ends before it begins",
    "too_long": "longer than the profile's usage.max_seconds; was its end lost?",
    "overflow": "its parts come to more than anybody can use",
}


def max_us_of(profile: Profile) -> int:
    """Return how long a call may be, in µs."""
    return profile.max_seconds * _SECOND


def fault_of(row: Row, profile: Profile) -> str | None:
    """Return what is wrong with a joined session's event, None where it is good."""
    if row.get("_fault") is not None:
        return str(row["_fault"])
    if row["answered"] and row["amount"] < 0:
        return "negative_duration"
    # A session of data lasts too, though it is charged by its volume.
    if row.get("_elapsed") is not None and row["_elapsed"] > profile.max_seconds:
        return "too_long"
    if row["answered"] and row["amount"] > AMOUNT_MAX:
        return "overflow"
    if row["answered"] and profile.unit not in VOLUME_UNITS and row["amount"] > max_us_of(profile):
        return "too_long"
    return None


def leg_of(row: Row, profile: Profile) -> str:
    """Return the rest of a joined session's key, with its start where the source uses references again."""
    return f"{row['leg']}/{row['start'] // _SECOND}" if profile.leg_has_start else str(row["leg"])


def finished(events: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """Round the amount to whole units, once, as the profile says, and give the columns of ``EVENT_SCHEMA``."""
    unit = _KILO if profile.unit in VOLUME_UNITS else _SECOND
    amount = pl.col("amount")
    add = {"up": unit - 1, "half": unit // 2, "down": 0}[profile.round]
    used = (amount + add) // unit
    named = events.with_columns(used=used, raw_line=pl.col("_line"))
    return named.select(pl.col(name).cast(kind) for name, kind in EVENT_SCHEMA.items())
