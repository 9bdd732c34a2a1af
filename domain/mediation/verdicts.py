"""What is wrong with a record: a list of checks, the first that hits is the reason of its reject."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.mediation.columns import Columns
from domain.mediation.events import REJECT_SCHEMA
from domain.mediation.instants import SECOND_US, Mask
from domain.mediation.text_columns import buffers, mark_controls
from domain.mediation.timing import MINUTE_US, VOLUME_UNITS, Amount, Times, duration_of

EARLIEST_US: Final = 946_684_800 * SECOND_US  # 2000-01-01: before it a clock was not set
LATEST_US: Final = 2_082_758_400 * SECOND_US  # 2036-01-01: the next NTP era begins that year
AHEAD_US: Final = 31 * 86_400 * SECOND_US  # how far before the file's arrival a record may claim to be in the future
_TOLERANCE_US: Final = 3 * SECOND_US
_RAW_LENGTH_MAX: Final = 4_096
_NUMBER_BYTES_MAX: Final = 256
_WHOLE: Final = ("whole", "partial", "segment")
_TIMELESS: Final = ("begin", "note", "close")
DETAILS: Final = {
    "missing_field": "the reference, the time or the duration is empty; see key.ref, map.start and map.used",
    "bad_time": "a time is not of the profile's form; see time.format",
    "implausible_time": "the time is before 2000 or in the future; is the switch's clock set? see time.zone",
    "bad_number": "a number holds control characters or is over 256 bytes; see map.a and map.b",
    "overflow": "the amount used is no number or too large; see map.used and usage.unit",
    "negative_duration": "the duration is below zero or the call ends before it is answered; did the clock step back?",
    "too_long": "longer than the profile's usage.max_seconds; was the call's end lost?",
    "inconsistent_duration": "the duration does not agree with the times; see usage.unit and map.used",
}


def reasons_of(
    columns: Columns, times: Times, answered: Mask, amount: Amount, now_us: int | None
) -> tuple[NDArray[np.int8], list[str]]:
    """Return the number of each record's first fault, 0 where it is good, and the faults' names from 1."""
    used = amount.value
    profile = columns.profile
    latest = min(LATEST_US, now_us + AHEAD_US) if now_us is not None else LATEST_US
    when = np.where(answered, times.start, times.seized)
    volume = profile.unit in VOLUME_UNITS
    lasted = np.where(times.end_known, times.end - times.start, 0)
    whole = duration_of(columns)
    tolerance = np.where(times.flags["minute_precision"], MINUTE_US, _TOLERANCE_US)
    off = times.end_known & (np.abs(used - lasted) > tolerance)
    over = whole.is_not_null().to_numpy() & (used > whole.fill_null(0).to_numpy() + tolerance)
    negative = (used < 0) | (times.end_known & (lasted < 0)) | (whole.fill_null(0) < 0).to_numpy()
    # Where the answer's time alone tells of an answer, one that cannot be read is not a call that nobody took.
    untold = times.bad["start"] & (used > 0) & (profile.answered is None and columns.field("answered") is None)
    ref = columns.joined(profile.ref)
    checks: list[tuple[str, Mask]] = [
        ("missing_field", (ref == "").to_numpy() if profile.ref else np.zeros(len(ref), dtype=np.bool_)),
        ("bad_time", times.bad["none"] & (times.bad["seized"] | times.bad["start"])),
        ("missing_field", times.bad["none"]),
        ("bad_time", times.bad["seized"] | untold | (answered & (times.bad["start"] | times.bad["end"]))),
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


def _unusable(columns: Columns) -> Mask:
    """Return where a number holds control characters or is longer than any number or URI may be."""
    hit = np.zeros(columns.records.height, dtype=np.bool_)
    for name in ("a", "b", "c"):
        texts = columns.field(name)
        if texts is not None:
            mark_controls(*buffers(texts), _NUMBER_BYTES_MAX, hit)
    return hit


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
