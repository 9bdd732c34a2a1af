"""Text columns of a source made into events: UTC, E.164, billable units, answered, direction, cause, checks.

A record that contradicts itself is a reject, never mended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.mediation import instants, numbers
from domain.mediation.columns import Columns
from domain.mediation.events import REJECT_SCHEMA
from domain.mediation.instants import SECOND_US, Mask, Micros
from domain.mediation.profile import Profile
from domain.mediation.timing import UNIT_US, VOLUME_UNITS, Times, amount_of, answered_of, times_of
from domain.mediation.verdicts import DETAILS, reasons_of, reject_rows
from domain.ports.reader import Decoded


@dataclass(frozen=True, slots=True)
class Normalised:
    """What became of a piece.

    ``events``: the columns of ``EVENT_SCHEMA`` with ``amount`` (µs or octets, not rounded) in place of ``used``,
    ``_line``, ``_offset``, ``_place``, and ``_ignored``: why the profile leaves a record out, '' where it does not (a
    left-out record that comes twice is a duplicate like any other). ``rejects`` in ``REJECT_SCHEMA``. ``ignored``:
    records left out that are not even readable as events.
    """

    events: pl.DataFrame
    rejects: pl.DataFrame
    ignored: Mapping[str, int]


def normalise(piece: Decoded, profile: Profile, *, now_us: int | None = None) -> Normalised:
    """Make a piece's records into events; ``now_us`` is when the file arrived, for times in the future."""
    columns = Columns(piece.records, profile)
    times = times_of(columns)
    answered = answered_of(columns, times)
    amount = amount_of(columns, profile, times, answered)
    found, names = reasons_of(columns, times, answered, amount, now_us)
    left_out = _left_out(columns)
    good = found == 0
    events = _events(columns, times, answered, np.where(answered, amount.value, 0), left_out)
    if "_part" in piece.records.columns:
        events = _with_parts(events, columns, times)
    if good.all():
        return Normalised(events, REJECT_SCHEMA.to_frame(), {})
    unread = left_out.filter(pl.Series(~good & (left_out != "").to_numpy()))
    bad = np.flatnonzero(~good & (left_out == "").to_numpy())
    ignored = {str(reason): int(count) for reason, count in unread.value_counts().iter_rows()}
    return Normalised(
        events.filter(pl.Series(good)), _rejects(piece, [names[found[place] - 1] for place in bad], bad), ignored
    )


def _left_out(columns: Columns) -> pl.Series:
    """Return the first of the profile's reasons to leave a record out, '' where there is none."""
    found = pl.repeat("", columns.records.height, dtype=pl.String, eager=True)
    for reason, alternatives in reversed(columns.profile.ignore):
        hit = columns.where(alternatives)
        if hit is not None and hit.any():
            found = found.set(hit, reason)
    return found


def _rejects(piece: Decoded, words: list[str], bad: NDArray[np.int64]) -> pl.DataFrame:
    rows = piece.records[bad.tolist()]
    return reject_rows(
        rows["_line"], rows["_offset"], words, [DETAILS[word] for word in words], piece.raw(rows["_place"])
    )


def _with_parts(events: pl.DataFrame, columns: Columns, times: Times) -> pl.DataFrame:
    """Add what ``correlate`` needs of each part."""
    profile, rows = columns.profile, columns.records.height

    def text(name: str) -> pl.Series:
        found = columns.named((name,))
        return pl.repeat("", rows, dtype=pl.String, eager=True) if found is None else found

    def counter(name: str) -> tuple[pl.Series, pl.Series]:
        found = columns.field(name)
        if found is None:
            return pl.repeat(0, rows, dtype=pl.Int64, eager=True), pl.repeat(False, rows, dtype=pl.Boolean, eager=True)
        value = instants.scaled(found, UNIT_US.get(profile.unit, 1))
        return value.fill_null(0), value.is_not_null()

    (inward, inward_known), (outward, outward_known) = counter("octets_in"), counter("octets_out")
    seconds = columns.field("duration")
    elapsed = pl.repeat(None, rows, dtype=pl.Int64, eager=True) if seconds is None else instants.scaled(seconds, 1)
    by = columns.joined(profile.correlate_by) if profile.correlate_by else events["ref"]
    return events.with_columns(
        text("_part").alias("_part"),
        text("_seq").alias("_seq"),
        text("_last").alias("_last"),
        text("_scope").alias("_scope"),
        (text("_holds") == "1").alias("_holds"),
        by.alias("_key"),
        inward.alias("_in"),
        outward.alias("_out"),
        elapsed.alias("_seconds"),
        (inward_known | outward_known | elapsed.is_not_null()).alias("_measured"),
        pl.repeat(profile.unit in VOLUME_UNITS, rows, eager=True).alias("_volume"),
        pl.repeat(profile.leg_has_start, rows, eager=True).alias("_reuses"),
        pl.Series("_time_known", ~times.bad["none"]),
    )


def _events(columns: Columns, times: Times, answered: Mask, amount: Micros, left_out: pl.Series) -> pl.DataFrame:
    profile, records = columns.profile, columns.records
    rows = records.height

    def text(name: str, default: str = "") -> pl.Series:
        found = columns.field(name)
        if found is None:
            return pl.repeat(default, rows, dtype=pl.String, eager=True)
        return found.set(found == "", default) if default and (found == "").any() else found

    def number(name: str) -> pl.Series:
        found = columns.field(name)
        return text(name) if found is None else numbers.e164(found, profile.number)

    def optional(name: str, *, made: pl.Series | None = None) -> pl.Series:
        series = columns.field(name) if made is None else made
        if series is None:
            return pl.Series([None], dtype=pl.String).new_from_index(0, rows)
        empty = series == ""
        return series.set(empty, None) if empty.any() else series

    shifted = columns.field("offset")
    offset = pl.repeat(0, rows, dtype=pl.Int64, eager=True)
    if shifted is not None:
        offset = instants.scaled(shifted, 1).fill_null(0)
    start = pl.Series(np.where(answered, times.start, times.seized))
    return pl.DataFrame(
        {
            "source": text("source", profile.name),
            "ref": columns.joined(profile.ref),
            "leg": _leg(columns, start),
            "start": start,
            "seized": pl.Series(times.seized).set(pl.Series(~times.seized_known), None),
            "amount": pl.Series(amount),
            "answered": pl.Series(answered),
            "a": number("a"),
            "b": number("b"),
            "c": optional("c", made=number("c") if "c" in profile.map else None),
            "mode": text("mode", "data" if profile.unit in VOLUME_UNITS else "voice").str.to_lowercase(),
            "direction": _direction(columns),
            "trunk_in": optional("trunk_in"),
            "trunk_out": optional("trunk_out"),
            "cause": optional("cause", made=_cause(columns)),
            "visited": optional("visited"),
            "offset": offset,
            "session": optional("session"),
            "flags": _flags(times.flags, rows),
            "_line": records["_line"],
            "_offset": records["_offset"],
            "_place": records["_place"],
            "_ignored": left_out,
        }
    )


def _leg(columns: Columns, start: pl.Series) -> pl.Series:
    """Return the rest of the key; a session's start is added when the session is whole (``usecases.mediate``)."""
    leg = columns.joined(columns.profile.leg)
    if not columns.profile.leg_has_start or "_part" in columns.records.columns:
        return leg
    return pl.select(pl.concat_str(leg, pl.lit("/"), (start // SECOND_US).cast(pl.String))).to_series()


def _direction(columns: Columns) -> pl.Series:
    """Return out or in: as mapped, else by the profile's conditions, else out."""
    mapped = columns.field("direction")
    rows = columns.records.height
    if mapped is not None:
        lowered = mapped.str.to_lowercase()
        inward = lowered.is_in(["in", "inbound", "incoming", "terminating", "mt", "term", "answer"])
        return pl.select(pl.when(inward).then(pl.lit("in")).otherwise(pl.lit("out"))).to_series()
    found = {word: columns.where(alternatives) for word, alternatives in columns.profile.direction}
    outward, inward_hit = found.get("out"), found.get("in")
    if outward is None and inward_hit is None:
        return pl.repeat("out", rows, dtype=pl.String, eager=True)
    hit = outward if outward is not None else ~inward_hit  # type: ignore[operator]  # one of the two is a column here
    if outward is not None and inward_hit is not None:
        hit = outward | ~inward_hit
    return pl.select(pl.when(hit).then(pl.lit("out")).otherwise(pl.lit("in"))).to_series()


def _cause(columns: Columns) -> pl.Series:
    """Return the cause in the profile's words (Q.850 where the map says so), without leading zeros."""
    texts = columns.field("cause")
    if texts is None:
        return pl.repeat("", columns.records.height, dtype=pl.String, eager=True)
    mapped = texts
    left = pl.repeat(value=True, n=len(texts), dtype=pl.Boolean, eager=True)
    for word, cause in columns.profile.cause.items():
        if (hit := texts == word).any():
            mapped, left = mapped.set(hit, cause), left & ~hit
    if columns.profile.cause and left.any():  # an export may have changed the case
        words = {word.lower(): cause for word, cause in columns.profile.cause.items()}
        rest = texts.str.to_lowercase()
        if (hit := left & rest.is_in(list(words))).any():
            mapped = mapped.zip_with(~hit, rest.replace(words))
    return mapped.str.replace(r"^0+([0-9])", "${1}") if mapped.str.starts_with("0").any() else mapped


def _flags(flags: Mapping[str, Mask], rows: int) -> pl.Series:
    raised = {word: mask for word, mask in flags.items() if mask.any()}
    if not raised:
        return pl.repeat([], rows, dtype=pl.List(pl.String), eager=True)
    codes = sum((mask.astype(np.int64) << bit for bit, mask in enumerate(raised.values())), np.zeros(rows, np.int64))
    words = [[word for bit, word in enumerate(raised) if code >> bit & 1] for code in range(1 << len(raised))]
    return pl.Series(words, dtype=pl.List(pl.String)).gather(codes)
