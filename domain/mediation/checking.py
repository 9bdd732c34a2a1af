"""What a profile reads of a sample, record by record: for who sets a source up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from domain.intake.rows import events_json
from domain.mediation.finishing import finished
from domain.mediation.normalise import Normalised, normalise
from domain.mediation.profile import Profile
from domain.ports.reader import Decoded, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A change to the profile: its key, the value as JSON data, and why."""

    key: str
    value: Any
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What is read: ``lines`` in the file's order, how many records there were, what to change, what stopped it."""

    lines: Sequence[dict[str, Any]] = ()
    records: int = 0
    rejected: int = 0
    suggestions: Sequence[Suggestion] = field(default_factory=tuple)
    fault: str | None = None


def read_lines(
    blocks: Iterable[bytes], profile: Profile, reader: Reader, *, first: int, now_us: int
) -> tuple[list[dict[str, Any]], int, int]:
    """Return what becomes of the first records, how many were read, and how many of them are rejects.

    Refuses with: Unreadable, LimitExceeded, BadValue.
    """
    lines: list[dict[str, Any]] = []
    counted = rejected = 0
    for piece in reader.decode(blocks, profile, records_max=max(1, min(first, 50_000))):
        counted += piece.count
        normal = normalise(piece, profile, now_us=now_us)
        rejected += piece.rejects.height + normal.rejects.height
        lines += lines_of(piece, normal, profile)[: max(0, first - len(lines))]
        if len(lines) >= first:
            break
    return lines, counted, rejected


def lines_of(piece: Decoded, normal: Normalised, profile: Profile) -> list[dict[str, Any]]:
    """Return what became of each record of a piece, in the file's order."""
    lines: list[dict[str, Any]] = []
    for rejects in (piece.rejects, normal.rejects):
        for line, offset, reason, detail, raw in rejects.iter_rows():
            lines.append(
                {"line": line, "offset": offset, "read_as": "reject", "reason": reason, "detail": detail, "raw": raw}
            )
    kept = normal.events.filter(pl.col("_ignored") == "")
    left_out = normal.events.filter(pl.col("_ignored") != "").select("_line", "_offset", "_ignored")
    lines += [
        {"line": line, "offset": offset, "read_as": "ignored", "reason": reason}
        for line, offset, reason in left_out.iter_rows()
    ]
    parts = kept["_part"].to_list() if "_part" in kept.columns else ["whole"] * kept.height
    raws = piece.raw(kept["_place"])
    for event, offset, part, raw in zip(
        events_json(finished(kept, profile)), kept["_offset"], parts, raws, strict=True
    ):
        read = json.loads(event)
        as_ = "event" if part == "whole" else f"part ({part})"
        lines.append({"line": read["raw_line"], "offset": offset, "read_as": as_, "event": read, "raw": raw})
    lines.sort(key=lambda line: int(line["line"]))
    lines += [{"read_as": "ignored", "reason": reason, "records": count} for reason, count in piece.ignored.items()]
    return lines
