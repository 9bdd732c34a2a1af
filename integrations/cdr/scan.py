# ruff: noqa: PLR1714  (numba compiles two comparisons, not a set)
r"""RFC 4180 and what is written in its place: cuts a block of bytes into records and fields, compiled by numba.

One rule for every file, whole and broken alike: ``\n``, ``\r\n`` and ``\r`` end a record outside quotes; a quote that
is closed before the field's end makes the field literal (``"User 10" <114>``); with escape ``none`` a quote closes only
before a delimiter or a line's end (``"ANNA "AN" B"``); a quoted field may hold line ends, but when the record then has
a width the layout does not know, its first line alone is broken and reading goes on with the next line.

``scan`` is one long function on purpose: it is one state machine over bytes, and its states share the places they read.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.rating.compiled import cells, compiled, word

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]

# What may be odd about a record.
UNTERMINATED: Final = 1  # the file ends without a line end
OPEN: Final = 2  # a quote was never closed
NUL: Final = 4
LONG: Final = 8
SWALLOWED: Final = 16  # a quote took in line ends and the record made no sense

ESCAPES: Final = {"none": 0, "doubled": 1, "backslash": 2}
_DOUBLED: Final = 1
_BACKSLASH: Final = 2
_SWALLOW_MAX: Final = 65_536
# Columns are written by so many records at a time, whose text is still near for the next column.
_NEAR_ROWS: Final = 256
RECORD_BYTES_MAX: Final = 1 << 20


def plain_bytes(delimiter: int, quote: int, escape: int) -> tuple[Bytes, Bytes]:
    """Return at which bytes nothing happens: within quotes, and in a field without them."""
    quoted, bare = np.ones(256, np.uint8), np.ones(256, np.uint8)
    quoted[:14] = 0
    quoted[quote] = 0
    bare[[0, 10, 13, delimiter]] = 0
    if escape == _BACKSLASH:
        quoted[92] = bare[92] = 0
    return quoted, bare


@compiled
def scan(  # noqa: PLR0917  (numba takes arguments by position)
    data: Bytes,
    begin: int,
    end: int,
    final: bool,
    delimiter: int,
    quote: int,
    escape: int,
    quoted: Bytes,
    bare: Bytes,
    slots: NDArray[np.int32],
    widths: Places,
    more: bool,
    starts: NDArray[np.int32],
    lengths: NDArray[np.int32],
    escaped: NDArray[np.bool_],
    edges: Places,
    counts: NDArray[np.int32],
    marks: NDArray[np.int32],
) -> tuple[int, int]:
    """Cut ``data[begin:end]`` into at most ``len(marks)`` records; return how many and where reading stopped.

    ``slots[field]`` is the column of ``starts``, ``lengths`` and ``escaped`` that takes the field, or -1. ``widths``
    are the field counts at which a record with line ends inside makes sense, or above the least where ``more``. An
    incomplete record at the end is left for the next call unless ``final``. ``quoted`` and ``bare``: bytes that nothing
    happens at within quotes and without (``plain_bytes``).
    """
    byte_at, inside, outside = cells(data), cells(quoted), cells(bare)
    count = 0
    position = begin
    capacity = marks.shape[0]
    known = slots.shape[0]
    least = widths.min() if widths.shape[0] > 0 else 0
    while count < capacity and position < end:
        first = byte_at[position]
        if first == 10 or first == 13:
            position += 1
            continue
        at = position
        field = 0
        mark = 0
        newline = -1
        suspect = False
        while True:
            # One field begins at ``at``; leave the loop with its text and ``at`` on what ends it.
            left = at
            right = at
            escapes = False
            closed = False
            if quote != 0 and at < end and byte_at[at] == quote:
                left = at + 1
                place = left
                inner = -1
                while place < end:
                    if inner < 0:
                        while place < end and inside[byte_at[place]] != 0:
                            place += 1
                        if place >= end:
                            break
                    byte = byte_at[place]
                    if byte == quote:
                        if escape == _DOUBLED and place + 1 < end and byte_at[place + 1] == quote:
                            escapes = True
                            place += 2
                            continue
                        if escape == 0 and place + 1 < end:
                            following = byte_at[place + 1]
                            if following != delimiter and following != 10 and following != 13:
                                place += 1
                                continue
                        closed = True
                        break
                    if byte == 92 and escape == _BACKSLASH:
                        escapes = True
                        place += 2
                        continue
                    if byte < 14:
                        if byte == 10 or byte == 13:
                            if newline < 0:
                                newline = place
                            # A line inside that is as wide as a record is one, taken in by a stray quote.
                            if least > 1 and inner >= least - 1:
                                suspect = True
                            inner = 0
                            if place - newline > _SWALLOW_MAX:
                                break
                        elif byte == 0:
                            mark |= 4
                    elif byte == delimiter and inner >= 0:
                        inner += 1
                    place += 1
                if closed:
                    right = place
                    at = place + 1
                    if at < end and byte_at[at] != delimiter and byte_at[at] != 10 and byte_at[at] != 13:
                        # The quote closed too early: the field is taken as it stands, on its own line.
                        suspect = suspect or inner >= 0
                        left -= 1
                        escapes = False
                        while at < end and byte_at[at] != delimiter and byte_at[at] != 10 and byte_at[at] != 13:
                            if byte_at[at] == 0:
                                mark |= 4
                            at += 1
                        right = at
                else:
                    mark |= 2
                    right = min(place, end)
                    at = right
            else:
                while at < end:
                    byte = byte_at[at]
                    if outside[byte] != 0:
                        at += 1
                        continue
                    if byte == delimiter or byte == 10 or byte == 13:
                        break
                    if byte == 92 and escape == _BACKSLASH:
                        escapes = True
                        at += 1
                    elif byte == 0:
                        mark |= 4
                    at += 1
                at = min(at, end)
                right = at
            if field < known and slots[field] >= 0:
                while left < right and (byte_at[left] == 32 or byte_at[left] == 9):
                    left += 1
                while right > left and (byte_at[right - 1] == 32 or byte_at[right - 1] == 9):
                    right -= 1
                slot = slots[field]
                starts[slot, count] = left
                lengths[slot, count] = right - left
                escaped[slot, count] = escapes
            field += 1
            if mark & 2 or at >= end or byte_at[at] != delimiter:
                break
            at += 1
        # ``at`` is on the record's line end, on the end of the data, or inside an open quote.
        ended = at < end and not mark & 2
        if not ended and not final and at >= end:
            break
        if ended and byte_at[at] == 13 and at + 1 >= end and not final:
            break
        stop = at
        following_position = at
        if ended:
            following_position = at + (2 if byte_at[at] == 13 and at + 1 < end and byte_at[at + 1] == 10 else 1)
        elif at >= end:
            mark |= 1
        if newline >= 0:
            sensible = more and field >= least
            for width in widths:
                if width == field:
                    sensible = True
            sensible = sensible and not mark & 2 and not suspect
            if not sensible:
                stop = newline
                following_position = newline + 1
                mark = (mark & 4) | 16
        if stop - position > RECORD_BYTES_MAX:
            mark |= 8
        for later in range(field, known):
            if slots[later] >= 0:
                lengths[slots[later], count] = 0
                starts[slots[later], count] = stop
        edges[count, 0] = position
        edges[count, 1] = stop
        counts[count] = field
        marks[count] = mark
        count += 1
        position = following_position
    return count, position


@compiled
def views(  # noqa: PLR0917  (as above)
    data: Bytes,
    starts: NDArray[np.int32],
    lengths: NDArray[np.int32],
    escaped: NDArray[np.bool_],
    rows: Places,
    escape: int,
    quote: int,
    out: NDArray[np.uint64],
    side: Bytes,
) -> int:
    """Write Arrow string views of every column's fields at ``rows``; return the bytes used of ``side``.

    ``out`` has a row of views, of two words each, per column. Buffer 0 is ``data``; buffer 1 is ``side``, which takes
    the fields that had escapes, without them: it is as long as they are, and 16 bytes more.
    """
    used = 0
    text, spare, words = cells(data), cells(side), cells(out)
    for first in range(0, rows.shape[0], _NEAR_ROWS):
        for column in range(starts.shape[0]):
            for row in range(first, min(first + _NEAR_ROWS, rows.shape[0])):
                record = rows[row]
                start, length = int(starts[column, record]), int(lengths[column, record])
                here = 2 * (column * rows.shape[0] + row)
                if escaped[column, record]:
                    begin, used = used, _unescaped(text, start, length, escape, quote, spare, used)
                    _view(spare, side.shape[0], begin, used - begin, 1, words, here)
                else:
                    _view(text, data.shape[0], start, length, 0, words, here)
    return used


@compiled
def _unescaped(  # noqa: PLR0917  (as above)
    text: Any, start: int, length: int, escape: int, quote: int, spare: Any, used: int
) -> int:
    """Write a field without its escapes; return the place behind it."""
    place = start
    while place < start + length:
        byte = text[place]
        if place + 1 < start + length and (
            (escape == _DOUBLED and byte == quote and text[place + 1] == quote) or (escape == _BACKSLASH and byte == 92)
        ):
            place += 1
            byte = text[place]
        spare[used] = byte
        used += 1
        place += 1
    return used


@compiled
def _view(  # noqa: PLR0917  (as above)
    source: Any, size: int, start: int, length: int, buffer: int, words: Any, here: int
) -> None:
    """Write one view: the length, then up to 12 bytes, or four of them, the buffer and the place in it."""
    low = high = np.uint64(0)
    if start + 16 <= size:
        low, high = np.uint64(word(source, start)), np.uint64(word(source, start + 8))
    else:  # at the very end eight bytes at once would be too many
        for place in range(min(length, 12)):
            byte = np.uint64(source[start + place]) << np.uint64(8 * (place & 7))
            if place < 8:
                low |= byte
            else:
                high |= byte
    if length > 12:
        words[here] = np.uint64(length) | low << np.uint64(32)
        words[here + 1] = np.uint64(buffer) | np.uint64(start) << np.uint64(32)
        return
    if length < 8:
        low, high = low & (np.uint64(1) << np.uint64(8 * length)) - np.uint64(1), np.uint64(0)
    else:
        high &= (np.uint64(1) << np.uint64(8 * (length - 8))) - np.uint64(1)
    words[here] = np.uint64(length) | low << np.uint64(32)
    words[here + 1] = low >> np.uint64(32) | high << np.uint64(32)
