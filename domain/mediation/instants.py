"""Times as sources write them, made into µs since the epoch, UTC.

A local time names an instant only with its zone, and twice a year not even then. ``resolve`` gives both readings of a
doubled or missing hour and takes the one nearest to the epoch in the record where there is one.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.mediation.text_columns import buffers, stamps

SECOND_US: Final = 1_000_000
STAMP: Final = "%Y-%m-%d %H:%M:%S"
_COMMA: Final = r"^[+-]?[0-9]{1,15},[0-9]{1,9}$"  # a decimal comma, as ISO 80000-1 writes it
_FIRST_YEAR: Final = 1995
_LAST_YEAR: Final = 2045
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCHS: Final = {"epoch": SECOND_US, "epoch_ms": 1_000, "epoch_us": 1}
_ISO: Final = (
    STAMP,
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
)
_ISO_OFFSET: Final = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f %#z")
# ISO 8601's basic form, and with other marks between: the year stands first, so that there is one way to read them.
_ISO_ELSE: Final = ("%Y%m%dT%H%M%S%.f", "%Y%m%d%H%M%S", "%Y/%m/%d %H:%M:%S%.f", "%Y/%m/%d %H:%M")
_ISO_ELSE_OFFSET: Final = ("%Y%m%dT%H%M%S%.f%#z", "%Y/%m/%d %H:%M:%S%.f%#z")
# A number of so many digits is an epoch of these years in one unit alone.
_BY_DIGITS: Final = {"epoch": r"^1[0-9]{9}(?:\.[0-9]*)?$", "epoch_ms": "^1[0-9]{12}$", "epoch_us": "^1[0-9]{15}$"}
_YEAR_FIRST: Final = "^[0-9]{4}"
_FAR: Final = 10**17  # in µs, the year 5138: what is beyond was counted in another unit

Micros = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Read:
    """A column of times: ``micros`` (local or UTC by ``utc``), where ``known``, and whether seconds were written."""

    micros: Micros
    known: Mask
    utc: Mask
    minutes: Mask


@dataclass(frozen=True, slots=True)
class _Zone:
    """Changes of a zone as µs: local bounds of the doubled or missing stretch, and the offsets between them."""

    lower: Micros
    upper: Micros
    offsets: Micros


def read(column: pl.Series, written: str) -> Read:
    """Read a text column: ``iso``, ``epoch``, ``epoch_ms``, ``epoch_us`` or a strftime form. 0 is no epoch.

    A text of another form is read where it can be one instant only: ISO 8601, and epochs by how many digits they have.
    """
    found = _awaited(column, written)
    odd = ~found.known | (found.micros > _FAR) if written == "epoch" else ~found.known
    if odd.any():
        odd &= (column != "").to_numpy() & (column != "0").to_numpy()
    if not odd.any():
        return found
    places = np.flatnonzero(odd)
    other = _otherwise(column.gather(places), written)
    put = places[other.known]
    for name in ("micros", "known", "utc", "minutes"):
        # Some of these share what they hold.
        kept = getattr(found, name).copy()
        kept[put] = getattr(other, name)[other.known]
        found = replace(found, **{name: kept})
    return found


def _otherwise(column: pl.Series, written: str) -> Read:
    """Read texts that are not of the form awaited, where there is only one way to."""
    text = column.str.strip_chars().str.replace(r"(:[0-9]{2}),([0-9]+)", "${1}.${2}")
    text = text.str.replace(r" ?(?:UTC|GMT|Z)$", "+00:00")
    rows = len(text)
    micros, minutes = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.bool_)
    utc, known = minutes.copy(), minutes.copy()

    def put(found: Micros, fresh: Mask, *, zoned: bool, whole: bool = True) -> None:
        fresh &= ~known
        micros[fresh], utc[fresh], minutes[fresh] = found[fresh], zoned, not whole
        known[fresh] = True

    for unit, digits in _BY_DIGITS.items():
        fits = text.str.contains(digits).to_numpy()
        if fits.any():
            put(scaled(text, _EPOCHS[unit]).fill_null(0).to_numpy(), fits.copy(), zoned=True)
    own = () if written in {*_EPOCHS, "iso"} else _forms(written)
    dated = text.str.contains(_YEAR_FIRST).to_numpy()
    for form in (*own, *_ISO, *_ISO_ELSE, *_ISO_OFFSET, *_ISO_ELSE_OFFSET):
        if known.all():
            break
        zoned = "z" in form
        read_ = text.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC" if zoned else None)
        fresh = read_.is_not_null().to_numpy() & (dated if form not in own else True)
        put(read_.cast(pl.Int64).fill_null(0).to_numpy(), fresh, zoned=zoned, whole="%S" in form or "%T" in form)
    return Read(micros, known, utc, minutes)


def _awaited(column: pl.Series, written: str) -> Read:
    """Read texts of the form that the profile tells; what is of another stays unknown."""
    rows = len(column)
    nothing = np.zeros(rows, dtype=np.bool_)
    if written in _EPOCHS:
        epochs = scaled(column, _EPOCHS[written])
        known = epochs.is_not_null().to_numpy() & (epochs.fill_null(0) != 0).to_numpy()
        return Read(epochs.fill_null(0).to_numpy(), known, ~nothing, nothing)
    forms = _ISO if written == "iso" else _forms(written)
    if forms[0] == STAMP:
        micros, known = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.bool_)
        if stamps(*buffers(column), micros, known):
            return Read(micros, known, nothing, nothing)
    if "%z" not in forms[0]:
        # Most columns are whole and of one form.
        found = column.str.to_datetime(forms[0], strict=False, time_unit="us")
        if not found.null_count():
            return Read(found.cast(pl.Int64).to_numpy(), ~nothing, nothing, nothing | ("%S" not in forms[0]))
    local, minutes, utc = pl.Series([None] * rows, dtype=pl.Int64), nothing, nothing
    for form in forms:
        zoned = "%z" in form or "%#z" in form or "%:z" in form
        missing = local.is_null() & (column != "")
        if not missing.any():
            break
        found = column.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC" if zoned else None)
        fresh = (missing & found.is_not_null()).to_numpy()
        local = local.fill_null(found.cast(pl.Int64))
        utc = utc | (fresh & zoned)
        minutes = minutes | (fresh & ("%S" not in form and "%T" not in form))
    return Read(local.fill_null(0).to_numpy(), local.is_not_null().to_numpy(), utc, minutes)


def _forms(written: str) -> tuple[str, ...]:
    """Return a strftime form in chrono's words, then without its offset, with fractions, without seconds.

    Switches add fractions with a release, and spreadsheets leave the seconds out.
    """
    form = written.replace(".%f", "%.f")
    forms = [form, form.removesuffix(" %z")]
    forms += [one.replace("%S", "%S%.f") for one in forms if "%S" in one and "%.f" not in one]
    forms += [one.replace(":%S%.f", "").replace(":%S", "") for one in forms if ":%S" in one]
    return tuple(dict.fromkeys(forms))


def scaled(column: pl.Series, scale: int) -> pl.Series:
    """Read ``12``, ``12.5`` or ``12,5`` as integers of 1/``scale``; null where it is no number or too large."""
    whole = column.cast(pl.Int64, strict=False)
    limit = (2**63 - 1) // scale
    if whole.len() and not whole.null_count():
        low, high = whole.min(), whole.max()
        if isinstance(low, int) and isinstance(high, int) and -limit <= low and high <= limit:
            return whole * scale
    whole = pl.select(pl.when(whole.abs() <= limit).then(whole * scale)).to_series() if whole.len() else whole
    if (whole.is_null() & (column != "")).any():
        part = column.cast(pl.Float64, strict=False)
        # What is counted in whole ones has no fraction: there a comma stands between thousands.
        if scale > 1 and (unread := part.is_null() & column.str.contains(_COMMA)).any():
            part = part.zip_with(~unread, column.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False))
        near = pl.select(pl.when(part.abs() < 2**53 / scale).then((part * scale).round())).to_series()
        whole = whole.fill_null(near.cast(pl.Int64, strict=False))
    return whole


def resolve(
    times: Read, zone: str, near: Micros | None = None, near_known: Mask | None = None
) -> tuple[Micros, Mask, Mask]:
    """Return UTC µs, and where the local time was doubled without anything to decide it, and where it was missing.

    ``near`` is an instant the time is known to be close to, where ``near_known``.
    """
    early, late, doubled, missing = readings(times, zone)
    chosen = np.where(missing, late, early)
    if near is not None and near_known is not None and (doubled | missing).any():
        closer = np.where(np.abs(early - near) <= np.abs(late - near), early, late)
        chosen = np.where(near_known & (doubled | missing), closer, chosen)
        doubled = doubled & ~near_known
    return chosen, doubled, missing


def after(times: Read, zone: str, floor: Micros) -> Micros:
    """Return UTC µs of a time that cannot be before ``floor``: the second reading where the first would be."""
    early, late, _, _ = readings(times, zone)
    # A missing hour is read by the offset its floor was read by: that is the reading not too far from it.
    return np.where(early >= floor, early, late)


def readings(times: Read, zone: str) -> tuple[Micros, Micros, Mask, Mask]:
    """Return the earlier and the later UTC reading, where the local time is doubled, and where it is missing."""
    if zone == "UTC":
        nothing = np.zeros(len(times.micros), dtype=np.bool_)
        return times.micros, times.micros, nothing, nothing
    table = _table(zone)
    passed = np.searchsorted(table.upper, times.micros, side="right")
    offset = table.offsets[passed]
    inside = passed < len(table.upper)
    following = np.minimum(passed, len(table.upper) - 1)
    special = inside & (times.micros >= table.lower[following]) & ~times.utc
    other = np.where(special, table.offsets[following + 1], offset)
    early = times.micros - np.where(times.utc, 0, np.maximum(offset, other))
    late = times.micros - np.where(times.utc, 0, np.minimum(offset, other))
    return early, late, special & (other < offset), special & (other > offset)


@functools.lru_cache(maxsize=64)
def _table(zone: str) -> _Zone:
    """Find a zone's changes by halving the days on which its offset differs; exact to the second."""
    tz = ZoneInfo(zone)
    day = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC)
    offsets, lower, upper = [_offset(day, tz)], [], []
    while day.year < _LAST_YEAR:
        following = day + timedelta(days=1)
        if _offset(following, tz) != offsets[-1]:
            low, high = 0, 86_400
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (
                    (middle, high) if _offset(day + timedelta(seconds=middle), tz) == offsets[-1] else (low, middle)
                )
            change = ((day - _EPOCH) // timedelta(seconds=1) + high) * SECOND_US
            after_change = _offset(following, tz)
            lower.append(change + min(offsets[-1], after_change))
            upper.append(change + max(offsets[-1], after_change))
            offsets.append(after_change)
        day = following
    if not upper:
        lower, upper = [2**62], [2**62]
        offsets.append(offsets[0])
    as_array = functools.partial(np.array, dtype=np.int64)
    return _Zone(as_array(lower), as_array(upper), as_array(offsets))


def _offset(instant: datetime, tz: ZoneInfo) -> int:
    delta = instant.astimezone(tz).utcoffset()
    assert delta is not None
    return delta // timedelta(microseconds=1)
