"""When a record's call began, was answered and ended, and how much it used, in columns.

The switch's own duration field is what is billed; end minus answer only checks it. Answered is by disposition or answer
time, never by a duration above zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from domain.mediation import instants
from domain.mediation.columns import Columns
from domain.mediation.instants import SECOND_US, Mask, Micros
from domain.mediation.profile import Profile
from domain.mediation.text_columns import buffers, epochs

MINUTE_US: Final = 60 * SECOND_US
_QUARTER_US: Final = 900 * SECOND_US
_UUID_LENGTH: Final = 36
_UUID_1: Final = r"^([0-9a-fA-F]{8})-([0-9a-fA-F]{4})-1([0-9a-fA-F]{3})-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_UUID_EPOCH: Final = 0x01B21DD213814000  # 1582-10-15 to 1970 in units of 100 ns
_HMS: Final = r"^(?:([0-9]{1,6}):)?([0-9]{1,2}):([0-9]{1,2}(?:[.,][0-9]+)?)$"
_CLOCK: Final = r"^[0-9]{1,6}:[0-5][0-9]:[0-5][0-9](?:[.,][0-9]+)?$"
_NO_TIME: Final = r"^(?:0|0000[-/]?00[-/]?00.*)$"
UNIT_US: Final = {"s": SECOND_US, "ms": 1_000, "us": 1, "10ms": 10_000, "octets": 1, "kB": 1_000}
_NO: Final = [
    "false", "no", "n", "f", "0", "no answer", "no_answer", "noanswer", "not answered", "unanswered", "busy", "failed",
    "congestion", "cancel", "cancelled", "canceled", "missed", "rejected", "declined",
]  # fmt: skip
# A column of readers whose records leave out what they do not have.
SPARSE: Final = "_sparse"
# A column of readers that tell where the record names a zone, true where it is no known one.
ZONELESS: Final = "_zoneless"
VOLUME_UNITS: Final = ("octets", "kB")
# In µs or octets: what is beyond is a counter that went wrong, and sums and roundings of less never wrap.
AMOUNT_MAX: Final = 1 << 60


@dataclass(frozen=True, slots=True)
class Times:
    """Instants of each record in µs, UTC: when charging begins, the call's beginning, its end; ``bad`` where unread."""

    start: Micros
    seized: Micros
    seized_known: Mask
    end: Micros
    end_known: Mask
    flags: Mapping[str, Mask]
    bad: Mapping[str, Mask]
    answer_known: Mask


@dataclass(frozen=True, slots=True)
class Amount:
    """What was used, in µs or octets; where the source gives none; where it is no number or too large."""

    value: Micros
    missing: Mask
    unread: Mask


def _read(columns: Columns, field: str) -> tuple[instants.Read, Mask]:
    """Return a mapped time and where it was written but cannot be read."""
    texts = columns.field(field)
    if texts is None:
        rows = columns.records.height
        nothing = np.zeros(rows, dtype=np.bool_)
        return instants.Read(np.zeros(rows, dtype=np.int64), nothing, nothing, nothing), nothing
    times = instants.read(texts, columns.profile.time_format)
    written = (texts != "").to_numpy()
    unread = written & ~times.known
    if unread.any():  # a database's way to say that there is none
        unread &= ~texts.str.contains(_NO_TIME).to_numpy()
    return times, unread


def times_of(columns: Columns) -> Times:
    """Read seized, start and end, and put them on the UTC line in that order."""
    zone = columns.profile.zone
    (seized, bad_seized), (start, bad_start), (end, bad_end) = (
        _read(columns, name) for name in ("seized", "start", "end")
    )
    epoch, epoch_known, exact = _epoch(columns)
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
        waited = instants.scaled(wait, UNIT_US.get(columns.profile.unit, 1))
        charged = np.where(answer_known, charged, begun + waited.fill_null(0).to_numpy())
        answer_known = answer_known | waited.is_not_null().to_numpy()
    ended = instants.after(end, zone, charged) if end.known.any() else end.micros
    drift = np.abs(begun - epoch)
    near_quarter = np.abs(drift - np.round(drift / _QUARTER_US) * _QUARTER_US) <= 2 * SECOND_US
    flags = {
        # A channel's epoch may be well before its record's beginning, but not after it.
        "clock_skew": epoch_known & first.known & (drift > MINUTE_US) & (near_quarter | exact | (begun < epoch)),
        "dst_ambiguous": doubled & first.known,
        "dst_gap": missing & first.known,
        "minute_precision": first.minutes & first.known,
    }
    if ZONELESS in columns.records.columns:
        flags["unknown_zone"] = columns.records[ZONELESS].to_numpy() & first.known
    return Times(
        start=charged,
        seized=begun,
        seized_known=seized.known,
        end=ended,
        end_known=end.known,
        flags=flags,
        bad={"seized": bad_seized, "start": bad_start, "end": bad_end, "none": ~first.known},
        answer_known=answer_known,
    )


def _epoch(columns: Columns) -> tuple[Micros, Mask, Mask]:
    """Return the epoch in the record in µs, such as Asterisk's ``[name-]1706368044.12`` or a UUID's of version 1.

    Also where it is known, and where it is that of the record's own beginning (a UUID's).
    """
    texts = columns.field("epoch")
    rows = columns.records.height
    nowhere = np.zeros(rows, dtype=np.bool_)
    if texts is None:
        return np.zeros(rows, dtype=np.int64), nowhere, nowhere
    if (texts.str.len_bytes() == _UUID_LENGTH).any() and (made := _uuid_micros(texts)).is_not_null().any():
        exact = made.is_not_null().to_numpy()
        return made.fill_null(0).to_numpy(), exact, exact
    seconds = np.zeros(rows, dtype=np.int64)
    epochs(*buffers(texts), seconds)
    return np.maximum(seconds, 0) * SECOND_US, seconds >= 0, nowhere


def _uuid_micros(texts: pl.Series) -> pl.Series:
    """Return when UUIDs of version 1 were made (RFC 9562 § 5.1), in µs; null for others."""
    parts = texts.str.extract_groups(_UUID_1).struct.unnest()
    low, middle, high = (
        parts.to_series(place).str.to_integer(base=16, strict=False).cast(pl.Int64) for place in range(3)
    )
    return (low + middle * (1 << 32) + high * (1 << 48) - _UUID_EPOCH) // 10


def answered_of(columns: Columns, times: Times) -> Mask:
    """Return where the profile's word for it stands, or where there is an answer time.

    A column that says no is believed though the profile gives no words.
    """
    disposition = columns.field("answered")
    words = columns.profile.answered
    if disposition is None:
        return times.answer_known
    if words is not None:
        return _any_of(disposition, words)
    refused: Mask = disposition.str.to_lowercase().is_in(_NO).to_numpy()
    return times.answer_known & ~refused


def _any_of(texts: pl.Series, words: tuple[str, ...]) -> Mask:
    """Return where one of some words stands, in capitals or not: an export may have changed them."""
    hit = np.zeros(len(texts), dtype=np.bool_)
    for word in words:
        hit |= (texts == word).to_numpy()
    if hit.all():
        return hit
    rest = np.flatnonzero(~hit)
    lowered = texts.gather(rest).str.to_lowercase()
    for word in words:
        hit[rest] |= (lowered == word.lower()).to_numpy()
    return hit


def amount_of(columns: Columns, profile: Profile, times: Times, answered: Mask) -> Amount:
    """Return what was used: octets added up, the switch's own duration, or else end minus start."""
    rows = columns.records.height
    nothing = np.zeros(rows, dtype=np.bool_)
    scale = UNIT_US.get(profile.unit, 1)
    parts = [texts for name in ("octets_in", "octets_out") if (texts := columns.field(name)) is not None]
    if parts:
        read = [instants.scaled(texts, scale) for texts in parts]
        bad = [
            (value.is_null().to_numpy() & (texts != "").to_numpy()) | _beyond(value)
            for value, texts in zip(read, parts, strict=True)
        ]
        total = sum((value.fill_null(0).to_numpy() for value in read), start=np.zeros(rows, dtype=np.int64))
        return Amount(total, nothing, np.logical_or.reduce(bad))
    texts = columns.field("used")
    if texts is None:
        return Amount(np.where(times.end_known, times.end - times.start, 0), answered & ~times.end_known, nothing)
    value = _lasted(texts, profile.unit)
    unread = value.is_null().to_numpy()
    empty = (texts == "").to_numpy()
    beyond = _beyond(value)
    used, missing = value.fill_null(0).to_numpy(), unread & empty
    if SPARSE in columns.records.columns and (told := missing & times.end_known).any():
        used, missing = np.where(told, times.end - times.start, used), missing & ~told
    return Amount(used, missing, (unread & ~empty) | beyond)


def _beyond(value: pl.Series) -> Mask:
    """Return where an amount is larger than any."""
    beyond: Mask = ((value > AMOUNT_MAX) | (value < -AMOUNT_MAX)).fill_null(value=False).to_numpy()
    return beyond


def _lasted(texts: pl.Series, unit: str) -> pl.Series:
    """Read durations in µs, or volumes in octets; ``0:01:05`` is one whatever unit the numbers are in."""
    if unit == "hms":
        return _hms(texts)
    value = instants.scaled(texts, UNIT_US.get(unit, 1))
    if unit not in VOLUME_UNITS and (unread := value.is_null() & texts.str.contains(_CLOCK)).any():
        value = value.zip_with(~unread, _hms(texts))
    return value


def _hms(texts: pl.Series) -> pl.Series:
    parts = texts.str.extract_groups(_HMS).struct.unnest()
    hours, minutes = (parts.to_series(place).cast(pl.Int64, strict=False) for place in (0, 1))
    seconds = instants.scaled(parts.to_series(2).fill_null(""), SECOND_US)
    return (hours.fill_null(0) * 3600 + minutes * 60) * SECOND_US + seconds


def duration_of(columns: Columns) -> pl.Series:
    """Return the call's whole duration in µs, ringing included, null where the source gives none."""
    texts = columns.field("duration")
    unit = columns.profile.unit
    if texts is None or unit in VOLUME_UNITS:
        return pl.repeat(None, columns.records.height, dtype=pl.Int64, eager=True)
    return _lasted(texts, unit)
