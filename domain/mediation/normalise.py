"""Text columns of a source made into events: UTC, E.164, billable units, answered, direction, cause, checks.

The switch's own duration field is what is billed; end minus answer only checks it. Answered is by disposition or answer
time, never by a duration above zero. A record that contradicts itself is a reject, never mended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.mediation import instants, numbers
from domain.mediation.events import REJECT_SCHEMA
from domain.mediation.instants import SECOND_US, Mask, Micros
from domain.mediation.profile import Conditions, Profile
from domain.mediation.text_columns import buffers, epochs
from domain.ports.reader import Decoded
from domain.refusal import BadValue

EARLIEST_US: Final = 946_684_800 * SECOND_US  # 2000-01-01: before it a clock was not set
LATEST_US: Final = 2_082_758_400 * SECOND_US  # 2036-01-01: the next NTP era begins that year
AHEAD_US: Final = 31 * 86_400 * SECOND_US  # how far before the file's arrival a record may claim to be in the future
_TOLERANCE_US: Final = 3 * SECOND_US
_MINUTE_US: Final = 60 * SECOND_US
_QUARTER_US: Final = 900 * SECOND_US
_RAW_LENGTH_MAX: Final = 4_096
_HMS: Final = r"^(?:([0-9]+):)?([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]+)?)$"
_UNIT_US: Final = {"s": SECOND_US, "ms": 1_000, "us": 1, "10ms": 10_000, "octets": 1, "kB": 1_000}
VOLUME_UNITS: Final = ("octets", "kB")


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


@dataclass(frozen=True, slots=True)
class _Times:
    start: Micros
    seized: Micros
    seized_known: Mask
    end: Micros
    end_known: Mask
    flags: Mapping[str, Mask]
    bad: Mapping[str, Mask]
    answer_known: Mask


@dataclass(frozen=True, slots=True)
class _Amount:
    """What was used, in µs or octets; where the source gives none; where it is no number or too large."""

    value: Micros
    missing: Mask
    unread: Mask


class Columns:
    """The profile's names over a piece's text columns: a field's column, its first alternative with a value, or ''."""

    def __init__(self, records: pl.DataFrame, profile: Profile) -> None:
        self.records = records
        self.profile = profile
        self._present = set(records.columns)

    def named(self, names: tuple[str, ...]) -> pl.Series | None:
        """Return the first column that exists, its empty values filled from the next that does; ``=text`` constant."""
        found: pl.Series | None = None
        for name in names:
            if name.startswith("="):
                one = pl.repeat(name[1:], self.records.height, dtype=pl.String, eager=True)
            elif name in self._present:
                one = self.records[name]
            else:
                continue
            if found is None:
                found = one
            elif (empty := found == "").any():
                found = one.zip_with(empty, found)
            if not (found == "").any():
                break
        return found

    def field(self, name: str) -> pl.Series | None:
        """Return a mapped field's texts, or None where the source has none."""
        return self.named(self.profile.map.get(name, ()))

    def joined(self, keys: tuple[str, ...]) -> pl.Series:
        """Return key columns joined by ``/``; ``one|other`` is the first of them with a value."""
        parts = [part for key in keys if (part := self.named(tuple(key.split("|")))) is not None]
        if not parts:
            return pl.repeat("", self.records.height, dtype=pl.String, eager=True)
        if len(parts) == 1:
            return parts[0]
        return pl.select(pl.concat_str(parts, separator="/")).to_series()

    def where(self, alternatives: tuple[Conditions, ...]) -> pl.Series | None:
        """Return where any of the alternatives holds; None where no column of any of them exists."""
        found: pl.Series | None = None
        for conditions in alternatives:
            if any(column not in self._present for column, _ in conditions):
                continue
            one: pl.Series | None = None
            for column, test in conditions:
                values = self.records[column]
                held = values.str.contains(test) if isinstance(test, str) else values.is_in(list(test))
                one = held if one is None else one & held
            if one is not None:
                found = one if found is None else found | one
        return found


def check_columns(columns: set[str], profile: Profile) -> None:
    """Refuse a profile whose own map names columns that the file does not have. Refuses with: BadValue."""
    for field in sorted(path.removeprefix("map.") for path in profile.own if path.startswith("map.")):
        names = profile.map.get(field, ())
        if names and not any(name.startswith(("=", "_")) or name in columns for name in names):
            known = " ".join(sorted(name for name in columns if not name.startswith("_")))
            raise BadValue(f"profile {profile.name}: map.{field} names no column of the file; it has {known}")


def normalise(piece: Decoded, profile: Profile, *, now_us: int | None = None) -> Normalised:
    """Make a piece's records into events; ``now_us`` is when the file arrived, for times in the future."""
    columns = Columns(piece.records, profile)
    times = _times(columns)
    answered = _answered(columns, times)
    amount = _amount(columns, profile, times, answered)
    found, names = _reasons(columns, times, answered, amount, now_us)
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


def _read(columns: Columns, field: str) -> tuple[instants.Read, Mask]:
    """Return a mapped time and where it was written but cannot be read."""
    texts = columns.field(field)
    if texts is None:
        rows = columns.records.height
        nothing = np.zeros(rows, dtype=np.bool_)
        return instants.Read(np.zeros(rows, dtype=np.int64), nothing, nothing, nothing), nothing
    times = instants.read(texts, columns.profile.time_format)
    written = (texts != "").to_numpy()
    zero = (texts == "0").to_numpy() if columns.profile.time_format.startswith("epoch") else np.zeros_like(written)
    return times, written & ~times.known & ~zero


def _times(columns: Columns) -> _Times:
    """Read seized, start and end, and put them on the UTC line in that order."""
    zone = columns.profile.zone
    (seized, bad_seized), (start, bad_start), (end, bad_end) = (
        _read(columns, name) for name in ("seized", "start", "end")
    )
    epoch, epoch_known = _epoch(columns)
    # The call's beginning is what the epoch in the record belongs to; without one the answer stands for it.
    first = instants.Read(
        np.where(seized.known, seized.micros, start.micros),
        seized.known | start.known,
        np.where(seized.known, seized.utc, start.utc),
        np.where(seized.known, seized.minutes, start.minutes),
    )
    begun, doubled, missing = instants.resolve(first, zone, epoch, epoch_known)
    answer = instants.after(start, zone, begun) if start.known.any() else begun
    charged = np.where(start.known, answer, begun)
    answer_known = start.known
    if (wait := columns.field("wait")) is not None:
        waited = instants.scaled(wait, _UNIT_US.get(columns.profile.unit, 1))
        charged = np.where(answer_known, charged, begun + waited.fill_null(0).to_numpy())
        answer_known = answer_known | waited.is_not_null().to_numpy()
    ended = instants.after(end, zone, charged) if end.known.any() else end.micros
    drift = np.abs(begun - epoch)
    near_quarter = np.abs(drift - np.round(drift / _QUARTER_US) * _QUARTER_US) <= 2 * SECOND_US
    flags = {
        "clock_skew": epoch_known & first.known & (drift > _MINUTE_US) & near_quarter,
        "dst_ambiguous": doubled & first.known,
        "dst_gap": missing & first.known,
        "minute_precision": first.minutes & first.known,
    }
    return _Times(
        start=charged,
        seized=begun,
        seized_known=seized.known,
        end=ended,
        end_known=end.known,
        flags=flags,
        bad={"seized": bad_seized, "start": bad_start, "end": bad_end, "none": ~first.known},
        answer_known=answer_known,
    )


def _epoch(columns: Columns) -> tuple[Micros, Mask]:
    """Return the epoch in the record, such as Asterisk's ``[name-]1706368044.12``, in µs."""
    texts = columns.field("epoch")
    rows = columns.records.height
    if texts is None:
        return np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.bool_)
    seconds = np.zeros(rows, dtype=np.int64)
    epochs(*buffers(texts), seconds)
    return np.maximum(seconds, 0) * SECOND_US, seconds >= 0


def _answered(columns: Columns, times: _Times) -> Mask:
    disposition = columns.field("answered")
    words = columns.profile.answered
    if words is not None and disposition is not None:
        return disposition.is_in(list(words)).to_numpy()
    return times.answer_known


def _amount(columns: Columns, profile: Profile, times: _Times, answered: Mask) -> _Amount:
    rows = columns.records.height
    nothing = np.zeros(rows, dtype=np.bool_)
    scale = _UNIT_US.get(profile.unit, 1)
    parts = [texts for name in ("octets_in", "octets_out") if (texts := columns.field(name)) is not None]
    if parts:
        read = [instants.scaled(texts, scale) for texts in parts]
        bad = [value.is_null().to_numpy() & (texts != "").to_numpy() for value, texts in zip(read, parts, strict=True)]
        total = sum((value.fill_null(0).to_numpy() for value in read), start=np.zeros(rows, dtype=np.int64))
        return _Amount(total, nothing, np.logical_or.reduce(bad))
    texts = columns.field("used")
    if texts is None:
        return _Amount(np.where(times.end_known, times.end - times.start, 0), answered & ~times.end_known, nothing)
    value = _hms(texts) if profile.unit == "hms" else instants.scaled(texts, scale)
    unread = value.is_null().to_numpy()
    empty = (texts == "").to_numpy()
    return _Amount(value.fill_null(0).to_numpy(), unread & empty, unread & ~empty)


def _hms(texts: pl.Series) -> pl.Series:
    parts = texts.str.extract_groups(_HMS).struct.unnest()
    hours, minutes = (parts.to_series(place).cast(pl.Int64, strict=False) for place in (0, 1))
    seconds = instants.scaled(parts.to_series(2).fill_null(""), SECOND_US)
    return (hours.fill_null(0) * 3600 + minutes * 60) * SECOND_US + seconds


def _reasons(
    columns: Columns, times: _Times, answered: Mask, amount: _Amount, now_us: int | None
) -> tuple[NDArray[np.int8], list[str]]:
    """Return the number of each record's first fault, 0 where it is good, and the faults' names from 1."""
    used = amount.value
    profile = columns.profile
    latest = min(LATEST_US, now_us + AHEAD_US) if now_us is not None else LATEST_US
    when = np.where(answered, times.start, times.seized)
    volume = profile.unit in VOLUME_UNITS
    lasted = np.where(times.end_known, times.end - times.start, 0)
    whole = _duration(columns)
    tolerance = np.where(times.flags["minute_precision"], _MINUTE_US, _TOLERANCE_US)
    off = times.end_known & (np.abs(used - lasted) > tolerance)
    over = whole.is_not_null().to_numpy() & (used > whole.fill_null(0).to_numpy() + tolerance)
    negative = (used < 0) | (times.end_known & (lasted < 0)) | (whole.fill_null(0) < 0).to_numpy()
    ref = columns.joined(profile.ref)
    checks: list[tuple[str, Mask]] = [
        ("missing_field", (ref == "").to_numpy() if profile.ref else np.zeros(len(ref), dtype=np.bool_)),
        ("bad_time", times.bad["none"] & (times.bad["seized"] | times.bad["start"])),
        ("missing_field", times.bad["none"]),
        ("bad_time", times.bad["seized"] | (answered & (times.bad["start"] | times.bad["end"]))),
        ("implausible_time", (when < EARLIEST_US) | (when > latest)),
        ("bad_number", _unusable(columns)),
        ("missing_field", answered & amount.missing),
        ("overflow", answered & amount.unread),
        ("negative_duration", answered & negative),
        ("too_long", answered & (used > profile.max_seconds * SECOND_US) & (not volume)),
        ("inconsistent_duration", answered & (off | over) & (not volume)),
    ]
    parts = columns.named(("_part",))
    if parts is not None:
        checks = _of_parts(checks, parts)
    faults = [(reason, hit) for reason, hit in checks if hit.any()]
    found = np.zeros(len(ref), dtype=np.int8)
    for place, (_, hit) in reversed(list(enumerate(faults, 1))):
        found[hit] = place
    return found, [reason for reason, _ in faults]


_WHOLE: Final = ("whole", "partial", "segment")
_TIMELESS: Final = ("begin", "note", "close")


def _of_parts(checks: list[tuple[str, Mask]], parts: pl.Series) -> list[tuple[str, Mask]]:
    """Judge a session's parts only by what a part must have: amounts are judged when the session is whole."""
    whole = parts.is_in(list(_WHOLE)).to_numpy()
    timeless = parts.is_in(list(_TIMELESS)).to_numpy()
    judged = []
    for place, (reason, hit) in enumerate(checks):
        if reason in {"bad_time", "overflow", "bad_number"} or place == 0:
            judged.append((reason, hit))
        elif place in {2, 4}:  # no time at all, implausible time
            judged.append((reason, hit & ~timeless))
        else:
            judged.append((reason, hit & whole))
    return judged


def _with_parts(events: pl.DataFrame, columns: Columns, times: _Times) -> pl.DataFrame:
    """Add what ``correlate`` needs of each part."""
    profile, rows = columns.profile, columns.records.height

    def text(name: str) -> pl.Series:
        found = columns.named((name,))
        return pl.repeat("", rows, dtype=pl.String, eager=True) if found is None else found

    def counter(name: str) -> tuple[pl.Series, pl.Series]:
        found = columns.field(name)
        if found is None:
            return pl.repeat(0, rows, dtype=pl.Int64, eager=True), pl.repeat(False, rows, dtype=pl.Boolean, eager=True)
        value = instants.scaled(found, _UNIT_US.get(profile.unit, 1))
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


def _duration(columns: Columns) -> pl.Series:
    """Return the call's whole duration in µs, ringing included, null where the source gives none."""
    texts = columns.field("duration")
    unit = columns.profile.unit
    if texts is None or unit in VOLUME_UNITS:
        return pl.repeat(None, columns.records.height, dtype=pl.Int64, eager=True)
    return _hms(texts) if unit == "hms" else instants.scaled(texts, _UNIT_US[unit])


def _unusable(columns: Columns) -> Mask:
    """Return where a number holds control characters or is longer than any number or URI may be."""
    hit = np.zeros(columns.records.height, dtype=np.bool_)
    for name in ("a", "b", "c"):
        texts = columns.field(name)
        if texts is not None:
            hit |= (texts.str.contains(r"[\x00-\x1f\x7f]") | (texts.str.len_bytes() > 256)).to_numpy()
    return hit


_DETAILS: Final = {
    "missing_field": "the reference, the time or the duration is empty",
    "bad_time": "a time is not of the profile's form",
    "implausible_time": "the time is before 2000 or in the future",
    "bad_number": "a number holds control characters or is over 256 bytes",
    "overflow": "the amount used is no number or too large",
    "negative_duration": "the duration is below zero or the call ends before it is answered",
    "too_long": "longer than the profile's usage.max_seconds",
    "inconsistent_duration": "the duration does not agree with the times",
}


def _rejects(piece: Decoded, words: list[str], bad: NDArray[np.int64]) -> pl.DataFrame:
    rows = piece.records[bad.tolist()]
    return reject_rows(
        rows["_line"], rows["_offset"], words, [_DETAILS[word] for word in words], piece.raw(rows["_place"])
    )


def reject_rows(
    lines: pl.Series, offsets: pl.Series, reasons: list[str], details: list[str], raw: list[str]
) -> pl.DataFrame:
    """Make a frame of rejects; a raw text over 4 kB is cut."""
    columns = {
        "raw_line": lines,
        "offset": offsets,
        "reason": reasons,
        "detail": details,
        "raw": [text[:_RAW_LENGTH_MAX] for text in raw],
    }
    return pl.DataFrame(columns, schema=REJECT_SCHEMA)


def _events(columns: Columns, times: _Times, answered: Mask, amount: Micros, left_out: pl.Series) -> pl.DataFrame:
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
            "mode": text("mode", "data" if profile.unit in VOLUME_UNITS else "voice"),
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
    known = columns.profile.cause
    mapped = texts.replace(list(known), list(known.values())) if known else texts
    return mapped.str.replace(r"^0+([0-9])", "${1}") if mapped.str.starts_with("0").any() else mapped


def _flags(flags: Mapping[str, Mask], rows: int) -> pl.Series:
    raised = {word: mask for word, mask in flags.items() if mask.any()}
    if not raised:
        return pl.repeat([], rows, dtype=pl.List(pl.String), eager=True)
    codes = sum((mask.astype(np.int64) << bit for bit, mask in enumerate(raised.values())), np.zeros(rows, np.int64))
    words = [[word for bit, word in enumerate(raised) if code >> bit & 1] for code in range(1 << len(raised))]
    return pl.Series(words, dtype=pl.List(pl.String)).gather(codes)
