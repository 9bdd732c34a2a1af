"""Kernels over Arrow text columns: times, the epoch in a reference, and dialled numbers by a plan of plain prefixes."""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

Offsets = NDArray[np.int64]
Bytes = NDArray[np.uint8]
_STAMP_BYTES: Final = 19
_DASHES: Final = (4, 7)
_COLONS: Final = (13, 16)


def buffers(column: pl.Series) -> tuple[Offsets, Bytes]:
    """Return a text column without nulls as Arrow's offsets and bytes."""
    array: Any = column.rechunk().to_arrow()
    _, offsets, data = array.buffers()
    first = array.offset
    ends = np.frombuffer(offsets, dtype=np.int64)[first : first + len(array) + 1]
    return ends, np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(1, dtype=np.uint8)


@numba.njit(cache=True, nogil=True)
def epochs(ends: Offsets, data: Bytes, out: Offsets) -> None:
    """Write the seconds of ``[name-]1706368044[.12]`` per text, -1 where it has none."""
    for row in range(out.shape[0]):
        out[row] = -1
        stop = ends[row + 1]
        place = stop
        # Back over ``.12``; a reference without a fraction ends with the seconds themselves.
        while place > ends[row] and 48 <= data[place - 1] <= 57:
            place -= 1
        fraction = place > ends[row] and data[place - 1] == 46 and place < stop
        last = place - 1 if fraction else stop
        if fraction:
            place = last
            while place > ends[row] and 48 <= data[place - 1] <= 57:
                place -= 1
        if 9 <= last - place <= 10 and (place == ends[row] or data[place - 1] == 45):
            value = np.int64(0)
            for digit in range(place, last):
                value = value * 10 + np.int64(data[digit] - 48)
            out[row] = value


@numba.njit(cache=True, nogil=True)
def mark_controls(ends: Offsets, data: Bytes, bytes_max: int, out: NDArray[np.bool_]) -> None:
    """Mark texts that hold control characters or are over so many bytes long."""
    for row in range(out.shape[0]):
        if ends[row + 1] - ends[row] > bytes_max:
            out[row] = True
        for place in range(ends[row], ends[row + 1]):
            if data[place] < 32 or data[place] == 127:
                out[row] = True


@numba.njit(cache=True, nogil=True)
def stamps(ends: Offsets, data: Bytes, out: Offsets, known: NDArray[np.bool_]) -> bool:
    """Write the µs of ``2026-03-02 07:00:12`` per text, and where there is one.

    False, with nothing to use, where a text is of another form.
    """
    for row in range(out.shape[0]):
        first = ends[row]
        known[row] = ends[row + 1] > first
        if not known[row]:
            out[row] = 0
            continue
        if ends[row + 1] - first != _STAMP_BYTES:
            return False
        for place in range(_STAMP_BYTES):
            byte = data[first + place]
            if place == _DASHES[0] or place == _DASHES[1]:
                if byte != 45:
                    return False
            elif place == 10:
                if byte != 32:
                    return False
            elif place == _COLONS[0] or place == _COLONS[1]:
                if byte != 58:
                    return False
            elif not 48 <= byte <= 57:
                return False
        year = _two(data, first) * 100 + _two(data, first + 2)
        month, day = _two(data, first + 5), _two(data, first + 8)
        hour, minute, second = _two(data, first + 11), _two(data, first + 14), _two(data, first + 17)
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        length = 28 + leap if month == 2 else 30 if month in (4, 6, 9, 11) else 31
        if not (1 <= month <= 12 and 1 <= day <= length and hour < 24 and minute < 60 and second < 60 and year > 0):
            return False
        # Years that begin in March, so that the odd day is their last (H. Hinnant, days_from_civil).
        since = year - (month <= 2)
        era, months = since // 400, (month + 9) % 12
        of_year, of_era = (153 * months + 2) // 5 + day - 1, since - era * 400
        days = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
        out[row] = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000
    return True


@numba.njit(cache=True, nogil=True)
def _two(data: Bytes, place: int) -> int:
    return int(data[place] - 48) * 10 + int(data[place + 1] - 48)


@numba.njit(cache=True, nogil=True)
def dial(  # noqa: PLR0917  (numba takes arguments by position)
    ends: Offsets,
    data: Bytes,
    kept: NDArray[np.bool_],
    code: Bytes,
    international: Bytes,
    trunk: Bytes,
    lengths: NDArray[np.bool_],
    out_ends: Offsets,
    out: Bytes,
) -> bool:
    """Write E.164 digits per text by a plan of plain prefixes; rows of ``kept`` and what fits nothing as they are.

    ``lengths[n]``: a national number may have n digits. False, with nothing to use, where a text has other characters
    than digits and a leading plus, so that it must be unwrapped first.
    """
    used = 0
    out_ends[0] = 0
    for row in range(kept.shape[0]):
        begin, stop = ends[row], ends[row + 1]
        first = begin
        plus = begin < stop and data[begin] == 43
        if plus:
            first += 1
        for place in range(first, stop):
            if not 48 <= data[place] <= 57:
                return False
        size = stop - first
        prefixed = False
        start = begin
        if not kept[row]:
            if plus:
                if 7 <= size <= 15:
                    start = first
            else:
                rest = size - international.shape[0]
                abroad = international.shape[0] > 0 and rest >= 0
                for place in range(international.shape[0]):
                    if not abroad or data[begin + place] != international[place]:
                        abroad = False
                        break
                found = abroad and 7 <= rest <= 15 and data[begin + international.shape[0]] != 48
                if found:
                    start = begin + international.shape[0]
                elif not abroad:  # no national number begins as one of another country is dialled
                    rest = size - trunk.shape[0]
                    found = trunk.shape[0] > 0 and 0 < rest < lengths.shape[0] and lengths[rest]
                    for place in range(trunk.shape[0]):
                        if not found or data[begin + place] != trunk[place]:
                            found = False
                            break
                    if found:
                        start = begin + trunk.shape[0]
                        prefixed = True
        if prefixed:
            for place in range(code.shape[0]):
                out[used] = code[place]
                used += 1
        for place in range(start, stop):
            out[used] = data[place]
            used += 1
        out_ends[row + 1] = used
    return True


def of_buffers(ends: Offsets, data: Bytes) -> pl.Series:
    """Return a text column of Arrow's offsets and bytes (which must be UTF-8)."""
    array = pa.Array.from_buffers(pa.large_string(), len(ends) - 1, [None, pa.py_buffer(ends), pa.py_buffer(data)])
    column = pl.from_arrow(array)
    assert isinstance(column, pl.Series)
    return column
