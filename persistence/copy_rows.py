"""Rows in the binary form of PostgreSQL's COPY, from Arrow columns: a column at a time, without the interpreter's lock.

The form (PostgreSQL's documentation, COPY § Binary Format): a signature; per row the count of its fields, and per field
its length in 32 bits, -1 for null, and its bytes, the highest first; -1 as the count of fields ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from domain.rating.compiled import cells, compiled

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
# So many rows are a MB: what one column has written of them is still near when the next one writes.
PIECE_ROWS: Final = 4_096
_LENGTH: Final = 4
_INT8_OID: Final = 20
# Of an array: dimensions, whether there are nulls, the elements' type, and of the one dimension its length and first.
_ARRAY: Final = 20
_EMPTY_ARRAY: Final = 12

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Longs = NDArray[np.int64]


class Column(Protocol):
    """A column of one table, ready to be written piece by piece."""

    def measure(self, first: int, sizes: Longs) -> None:
        """Add what each row of a piece takes, lengths included; the piece begins at row ``first``."""

    def write(self, first: int, places: Longs, out: Bytes) -> None:
        """Write a piece's fields at their places, and move each place behind its field."""


def pieces(columns: Sequence[Column], rows: int) -> Iterator[Any]:
    """Yield the rows of a table in pieces of bytes, header and trailer included."""
    yield HEADER
    count = len(columns).to_bytes(2)
    for first in range(0, rows, PIECE_ROWS):
        sizes = np.full(min(PIECE_ROWS, rows - first), len(count), np.int64)
        for column in columns:
            column.measure(first, sizes)
        ends = np.cumsum(sizes)
        places = ends - sizes
        out = np.empty(int(ends[-1]), np.uint8)
        for offset, byte in enumerate(count):
            out[places + offset] = byte
        places += len(count)
        for column in columns:
            column.write(first, places, out)
        assert (places == ends).all(), "every row is as long as was measured"
        yield out.data
    yield TRAILER


class Integers:
    """int2, int4, int8, and timestamptz as microseconds since 2000."""

    def __init__(self, array: Any, width: int, *, shift: int = 0) -> None:
        self._values = _readable(_numbers(array) - shift if shift else _numbers(array))
        self._valid = _valid(array)
        self._width = width

    def measure(self, first: int, sizes: Longs) -> None:
        """See ``Column``."""
        last = first + len(sizes)
        sizes += _LENGTH + self._width * self._valid[first:last] if len(self._valid) else _LENGTH + self._width

    def write(self, first: int, places: Longs, out: Bytes) -> None:
        """See ``Column``."""
        last = first + len(places)
        valid = self._valid[first:last]
        if self._width == 8:
            _write_longs(self._values[first:last], valid, places, out)
        else:
            _write_short(self._values[first:last], self._width, valid, places, out)


class Texts:
    """Text in UTF-8, and jsonb, which a byte of its version stands before."""

    def __init__(self, array: Any, *, before: bytes = b"") -> None:
        offsets, data = array.buffers()[1:]
        kind = np.int64 if str(array.type).startswith("large") else np.int32
        self._ends = np.frombuffer(offsets, kind)[array.offset : array.offset + len(array) + 1].astype(np.int64)
        content = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
        self._data = _readable(content)
        self._valid = _valid(array)
        self._before = np.frombuffer(before, np.uint8)

    def measure(self, first: int, sizes: Longs) -> None:
        """See ``Column``."""
        _measure_texts(self._ends[first : first + len(sizes) + 1], len(self._before), self._valid[first:], sizes)

    def write(self, first: int, places: Longs, out: Bytes) -> None:
        """See ``Column``."""
        last = first + len(places)
        _write_texts(self._ends[first : last + 1], self._data, self._before, self._valid[first:last], places, out)


class Lists:
    """int8[] of one dimension, nulls inside allowed."""

    def __init__(self, array: Any) -> None:
        offsets = array.buffers()[1]
        ends = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
        self._ends = ends.astype(np.int64)
        self._values = _readable(_numbers(array.values))
        self._inner = _valid(array.values)
        self._valid = _valid(array)

    def measure(self, first: int, sizes: Longs) -> None:
        """See ``Column``."""
        _measure_lists(self._ends[first : first + len(sizes) + 1], self._inner, self._valid[first:], sizes)

    def write(self, first: int, places: Longs, out: Bytes) -> None:
        """See ``Column``."""
        last = first + len(places)
        _write_lists(self._ends[first : last + 1], self._values, self._inner, self._valid[first:last], places, out)


def _readable(values: NDArray[Any]) -> NDArray[Any]:
    """Return what is only read as such, whoever owns it, so that one form of each loop is compiled."""
    values.setflags(write=False)
    return values


def _numbers(array: Any) -> Longs:
    """Return an Arrow column of integers or instants as 64-bit integers, whatever stands where it is null."""
    data = array.buffers()[1]
    if data is None:  # nothing but nulls
        return np.zeros(len(array), np.int64)
    kind = np.dtype(f"i{array.type.bit_width // 8}")
    values = np.frombuffer(data, kind, count=array.offset + len(array))[array.offset :]
    return values.astype(np.int64, copy=False)


def _valid(array: Any) -> Flags:
    """Return where a column has a value; nothing at all where it has one everywhere."""
    if not array.null_count:
        return np.empty(0, np.bool_)
    valid: Flags = array.is_valid().to_numpy(zero_copy_only=False)
    return valid


@compiled
def _put(value: int, place: int, out: Any) -> None:
    """Write 32 bits into the cells of an array."""
    out[place] = value >> 24 & 255
    out[place + 1] = value >> 16 & 255
    out[place + 2] = value >> 8 & 255
    out[place + 3] = value & 255


@compiled
def _put_long(value: int, place: int, out: Any) -> None:
    """Write 64 bits."""
    out[place] = value >> 56 & 255
    out[place + 1] = value >> 48 & 255
    out[place + 2] = value >> 40 & 255
    out[place + 3] = value >> 32 & 255
    out[place + 4] = value >> 24 & 255
    out[place + 5] = value >> 16 & 255
    out[place + 6] = value >> 8 & 255
    out[place + 7] = value & 255


@compiled
def _write_longs(values: Longs, valid: Flags, places: Longs, out: Bytes) -> None:
    value, at, to = cells(values), cells(places), cells(out)
    for row in range(len(places)):
        place = at[row]
        if len(valid) and not valid[row]:
            _put(-1, place, to)
            at[row] = place + 4
            continue
        _put(8, place, to)
        _put_long(value[row], place + 4, to)
        at[row] = place + 12


@compiled
def _write_short(values: Longs, width: int, valid: Flags, places: Longs, out: Bytes) -> None:
    value, at, to = cells(values), cells(places), cells(out)
    for row in range(len(places)):
        place = at[row]
        if len(valid) and not valid[row]:
            _put(-1, place, to)
            at[row] = place + 4
            continue
        _put(width, place, to)
        for byte in range(width):
            to[place + 4 + byte] = value[row] >> (8 * (width - 1 - byte)) & 255
        at[row] = place + 4 + width


@compiled
def _measure_texts(ends: Longs, before: int, valid: Flags, sizes: Longs) -> None:
    for row in range(len(sizes)):
        sizes[row] += 4
        if len(valid) == 0 or valid[row]:
            sizes[row] += before + ends[row + 1] - ends[row]


@compiled
def _write_texts(  # noqa: PLR0917  (numba takes arguments by position)
    ends: Longs, data: Bytes, before: Bytes, valid: Flags, places: Longs, out: Bytes
) -> None:
    end, text, at, to = cells(ends), cells(data), cells(places), cells(out)
    for row in range(len(places)):
        place = at[row]
        if len(valid) and not valid[row]:
            _put(-1, place, to)
            at[row] = place + 4
            continue
        begin, length = end[row], end[row + 1] - end[row]
        _put(len(before) + length, place, to)
        place += 4
        for byte in range(len(before)):
            to[place] = before[byte]
            place += 1
        for byte in range(length):
            to[place + byte] = text[begin + byte]
        at[row] = place + length


@compiled
def _measure_lists(ends: Longs, inner: Flags, valid: Flags, sizes: Longs) -> None:
    for row in range(len(sizes)):
        sizes[row] += 4
        if len(valid) == 0 or valid[row]:
            first, last = ends[row], ends[row + 1]
            sizes[row] += _EMPTY_ARRAY if first == last else _ARRAY
            for place in range(first, last):
                sizes[row] += 12 if len(inner) == 0 or inner[place] else 4


@compiled
def _write_lists(  # noqa: PLR0917  (as above)
    ends: Longs, values: Longs, inner: Flags, valid: Flags, places: Longs, out: Bytes
) -> None:
    to = cells(out)
    for row in range(len(places)):
        place = places[row]
        if len(valid) and not valid[row]:
            _put(-1, place, to)
            places[row] = place + 4
            continue
        first, last = ends[row], ends[row + 1]
        begin, nulls = place, 0
        place += 4
        for at in range(first, last):
            if len(inner) and not inner[at]:
                nulls = 1
        _put(0 if first == last else 1, place, to)
        _put(nulls, place + 4, to)
        _put(_INT8_OID, place + 8, to)
        place += 12
        if first < last:
            _put(last - first, place, to)
            _put(1, place + 4, to)
            place += 8
        for at in range(first, last):
            if len(inner) and not inner[at]:
                _put(-1, place, to)
                place += 4
            else:
                _put(8, place, to)
                _put_long(values[at], place + 4, to)
                place += 12
        _put(place - begin - 4, begin, to)
        places[row] = place
