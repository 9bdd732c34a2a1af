# ruff: noqa: PLR1714  (numba compiles two comparisons, not a set)
r"""RFC 4180 and what is written in its place: cuts a block of bytes into records and fields, compiled by numba.

One rule for every file, whole and broken alike: ``\n``, ``\r\n`` and ``\r`` end a record outside quotes; a quote that
is closed before the field's end makes the field literal (``"User 10" <114>``); with escape ``none`` a quote closes only
before a delimiter or a line's end (``"ANNA "AN" B"``); a quoted field may hold line ends, but when the record then has
a width the layout does not know, its first line alone is broken and reading goes on with the next line.

``scan`` is one long function on purpose: it is one state machine over bytes, and its states share the places they read.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

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
RECORD_BYTES_MAX: Final = 1 << 20


@numba.njit(cache=True, nogil=True)
def scan(  # noqa: PLR0917  (numba takes arguments by position)
    data: Bytes,
    begin: int,
    end: int,
    final: bool,
    delimiter: int,
    quote: int,
    escape: int,
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
    incomplete record at the end is left for the next call unless ``final``.
    """
    count = 0
    position = begin
    capacity = marks.shape[0]
    known = slots.shape[0]
    least = widths.min() if widths.shape[0] > 0 else 0
    while count < capacity and position < end:
        first = data[position]
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
            if quote != 0 and at < end and data[at] == quote:
                left = at + 1
                place = left
                inner = -1
                while place < end:
                    byte = data[place]
                    if byte == quote:
                        if escape == _DOUBLED and place + 1 < end and data[place + 1] == quote:
                            escapes = True
                            place += 2
                            continue
                        if escape == 0 and place + 1 < end:
                            following = data[place + 1]
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
                    if at < end and data[at] != delimiter and data[at] != 10 and data[at] != 13:
                        # The quote closed too early: the field is taken as it stands, on its own line.
                        suspect = suspect or inner >= 0
                        left -= 1
                        escapes = False
                        while at < end and data[at] != delimiter and data[at] != 10 and data[at] != 13:
                            if data[at] == 0:
                                mark |= 4
                            at += 1
                        right = at
                else:
                    mark |= 2
                    right = min(place, end)
                    at = right
            else:
                while at < end:
                    byte = data[at]
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
                while left < right and (data[left] == 32 or data[left] == 9):
                    left += 1
                while right > left and (data[right - 1] == 32 or data[right - 1] == 9):
                    right -= 1
                slot = slots[field]
                starts[slot, count] = left
                lengths[slot, count] = right - left
                escaped[slot, count] = escapes
            field += 1
            if mark & 2 or at >= end or data[at] != delimiter:
                break
            at += 1
        # ``at`` is on the record's line end, on the end of the data, or inside an open quote.
        ended = at < end and not mark & 2
        if not ended and not final and at >= end:
            break
        if ended and data[at] == 13 and at + 1 >= end and not final:
            break
        stop = at
        following_position = at
        if ended:
            following_position = at + (2 if data[at] == 13 and at + 1 < end and data[at + 1] == 10 else 1)
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


@numba.njit(cache=True, nogil=True)
def views(  # noqa: PLR0917  (as above)
    data: Bytes,
    starts: NDArray[np.int32],
    lengths: NDArray[np.int32],
    escaped: NDArray[np.bool_],
    rows: Places,
    escape: int,
    quote: int,
    out: NDArray[np.uint8],
    side: Bytes,
) -> int:
    """Write Arrow string views (16 bytes each) of the fields at ``rows``; return the bytes used of ``side``.

    Buffer 0 is ``data``; buffer 1 is ``side``, which takes the fields that had escapes, without them. When ``side`` is
    too small nothing is written to it and -1 returned.
    """
    used = 0
    for row in range(rows.shape[0]):
        record = rows[row]
        start = starts[record]
        length = lengths[record]
        buffer = 0
        if escaped[record]:
            if used + length > side.shape[0]:
                return -1
            begin = used
            place = start
            while place < start + length:
                byte = data[place]
                if place + 1 < start + length and (
                    (escape == _DOUBLED and byte == quote and data[place + 1] == quote)
                    or (escape == _BACKSLASH and byte == 92)
                ):
                    place += 1
                    byte = data[place]
                side[used] = byte
                used += 1
                place += 1
            start = begin
            length = used - begin
            buffer = 1
        out[row, 0] = length & 255
        out[row, 1] = (length >> 8) & 255
        out[row, 2] = (length >> 16) & 255
        out[row, 3] = (length >> 24) & 255
        if length <= 12:
            for place in range(length):
                out[row, 4 + place] = data[start + place] if buffer == 0 else side[start + place]
            for place in range(length, 12):
                out[row, 4 + place] = 0
        else:
            for place in range(4):
                out[row, 4 + place] = data[start + place] if buffer == 0 else side[start + place]
                out[row, 8 + place] = (buffer >> (8 * place)) & 255
                out[row, 12 + place] = (start >> (8 * place)) & 255
    return used
