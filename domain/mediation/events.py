"""The normalised event, the reject and the balance: what every reader's records become."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

# Times are µs since the epoch, UTC. ``used`` is whole seconds, messages or kB. An absent b is the empty text.
_Kind = type[pl.DataType] | pl.DataType
_EVENT: Final[dict[str, _Kind]] = {
    "source": pl.String,
    "ref": pl.String,
    "leg": pl.String,
    "start": pl.Int64,
    "seized": pl.Int64,
    "used": pl.Int64,
    "answered": pl.Boolean,
    "a": pl.String,
    "b": pl.String,
    "c": pl.String,
    "mode": pl.String,
    "direction": pl.String,
    "trunk_in": pl.String,
    "trunk_out": pl.String,
    "cause": pl.String,
    "visited": pl.String,
    "offset": pl.Int64,
    "session": pl.String,
    "flags": pl.List(pl.String),
    "raw_line": pl.Int64,
}
EVENT_SCHEMA: Final = pl.Schema(_EVENT)

# ``offset`` is the byte where the record starts in the decompressed file; ``raw_line`` its number, from 1.
REJECT_SCHEMA: Final = pl.Schema(
    {"raw_line": pl.Int64, "offset": pl.Int64, "reason": pl.String, "detail": pl.String, "raw": pl.String}
)

REASONS: Final = (
    "truncated",
    "encoding",
    "missing_field",
    "bad_time",
    "bad_number",
    "negative_duration",
    "inconsistent_duration",
    "too_long",
    "implausible_time",
    "overflow",
    "conflicting_duplicate",
    "unknown_record",
)

FLAGS: Final = {
    "clock_skew": "the epoch in the record and its local time differ by more than a minute after the zone is applied",
    "dst_ambiguous": "the local time happened twice and nothing in the record says which; the first was taken",
    "dst_gap": "the local time does not exist; the epoch in the record or the offset before the change was taken",
    "unknown_zone": "the record's times name no zone that is known; the profile's was taken",
    "incomplete": "a part never came: the session's end, or a partial record",
    "minute_precision": "the times have no seconds",
    "counter_wrap": "a 32-bit octet counter went back without Gigawords; the volume is a lower bound",
}


@dataclass(frozen=True, slots=True)
class Balance:
    """Where every record went: ``records = events + merged + pending + duplicates + rejects + ignored``.

    A part of a file may have negative ``pending`` where it brings what an earlier part waited for.
    """

    records: int = 0
    events: int = 0
    merged: int = 0
    pending: int = 0
    duplicates: int = 0
    rejects: int = 0
    ignored: Mapping[str, int] = field(default_factory=dict)

    def check(self) -> None:
        """Assert the equation; a broken one is a bug, and nothing may be stored."""
        ends = self.events + self.merged + self.pending + self.duplicates + self.rejects + sum(self.ignored.values())
        assert self.records == ends, f"the balance does not hold: {self}"

    def __add__(self, other: Balance) -> Balance:
        reasons = {**self.ignored}
        for reason, count in other.ignored.items():
            reasons[reason] = reasons.get(reason, 0) + count
        return Balance(
            self.records + other.records,
            self.events + other.events,
            self.merged + other.merged,
            self.pending + other.pending,
            self.duplicates + other.duplicates,
            self.rejects + other.rejects,
            reasons,
        )

    def as_dict(self) -> dict[str, int | dict[str, int]]:
        """Return it in the form that ``mediate`` and ``import`` print."""
        return {
            "records": self.records,
            "events": self.events,
            "merged": self.merged,
            "pending": self.pending,
            "duplicates": self.duplicates,
            "rejects": self.rejects,
            "ignored": dict(self.ignored),
        }


@dataclass(frozen=True, slots=True)
class Batch:
    """One chunk of a file: its events, its rejects and its share of the balance.

    ``position`` is the byte of the decompressed file after it, where a restart continues. ``origins`` tells of each
    event, row by row, where its record was: ``_offset`` (byte in the decompressed file) and ``_place`` (what ``raw``
    takes). ``parts``: rows of ``normalise`` that belong to sessions and are not joined yet; the balance has them as
    pending.
    """

    events: pl.DataFrame
    rejects: pl.DataFrame
    balance: Balance
    position: int
    origins: pl.DataFrame
    raw: Callable[[pl.Series], list[str]]
    parts: Sequence[dict[str, Any]] = ()

    def written(self, rows: pl.Series) -> tuple[list[int], list[str]]:
        """Return the byte offsets and the raw texts of the records of some events, by their rows."""
        chosen = self.origins[rows]
        return chosen["_offset"].to_list(), self.raw(chosen["_place"])
