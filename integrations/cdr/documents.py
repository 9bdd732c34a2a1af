# ruff: noqa: PLR1714  (numba compiles two comparisons, not a set)
r"""JSON documents one after the other, on lines or over many, in an array or with nothing between, cut from a stream.

A document's end is found by its brackets, without parsing it, so that a broken one breaks nothing but itself: reading
goes on at the next line that begins with a bracket. What is between documents (blanks, commas, an array's own
brackets) is passed over.

>>> [document.raw for document in documents([b'[{"a": "}"},\n {"b"'])]
[b'{"a": "}"}', b'{"b"']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from integrations.cdr.text import Source

DOCUMENT_BYTES_MAX: Final = 4 << 20
_FILL_BYTES: Final = 1 << 20

Places = NDArray[np.int32] | NDArray[np.int64]
_INCOMPLETE: Final = -1
_BROKEN: Final = -2


@dataclass(frozen=True, slots=True)
class Document:
    """One document in UTF-8; ``begin`` and ``end`` are bytes of the file. ``fault``: why it is none, '' where it is."""

    raw: bytes
    begin: int
    end: int
    fault: str = ""
    cut: bool = False


@numba.njit(cache=True, nogil=True)
def _match(data: NDArray[np.uint8], ends: NDArray[np.int32], opened: NDArray[np.int32]) -> None:
    """Write behind which place each opening bracket is closed: -1 not within the data, -2 it is broken.

    One pass, whatever the text: no string holds a line end, so where one does a quote is missing, everything that was
    open then is broken, and the next line begins outside of strings.
    """
    depth = 0
    inside = False
    place = 0
    size = data.shape[0]
    while place < size:
        byte = data[place]
        if byte == 10 or byte == 13:
            if inside:
                for open_place in range(depth):
                    ends[opened[open_place]] = -2
                depth = 0
                inside = False
        elif inside:
            if byte == 92 and place + 1 < size and data[place + 1] != 10 and data[place + 1] != 13:
                place += 1
            elif byte == 34:
                inside = False
        elif byte == 34:
            inside = True
        elif byte == 123 or byte == 91:
            ends[place] = -1
            opened[depth] = place
            depth += 1
        elif (byte == 125 or byte == 93) and depth > 0:
            depth -= 1
            ends[opened[depth]] = place + 1
        place += 1


@numba.njit(cache=True, nogil=True)
def _begin(data: NDArray[np.uint8], begin: int, end: int) -> int:
    """Return where what is between documents ends."""
    place = begin
    while place < end and (
        data[place] == 32 or 9 <= data[place] <= 13 or data[place] == 44 or data[place] == 0 or data[place] == 93
    ):
        place += 1
    return place


def documents(blocks: Iterable[bytes], encoding: str = "utf-8") -> Iterator[Document]:
    """Yield the documents. Refuses with: Unreadable (not text)."""
    source = Source(blocks, encoding)
    target, opened = _FILL_BYTES, False
    while True:
        text, final = source.fill(target)
        data = np.frombuffer(text, dtype=np.uint8)
        ends = np.full(len(text), _BROKEN, dtype=np.int32)
        _match(data, ends, np.empty(len(text), dtype=np.int32))
        lines = _line_beginnings(data)
        place, more = 0, False
        while True:
            place = int(_begin(data, place, len(text)))
            if not opened and place < len(text):
                opened = True
                if text[place : place + 1] == b"[":
                    place += 1
                    continue
            if place >= len(text):
                break
            # A line end far away holds the text back: what is there is then all there is of the document.
            found = _one(text, ends, lines, place, source, final=final, stuck=target > 4 * DOCUMENT_BYTES_MAX)
            if found is None:
                more = True
                break
            yield found[0]
            place = found[1]
        source.take(place)
        if final and not more:
            return
        target = target * 2 if more else _FILL_BYTES


def _one(
    text: bytes, ends: Places, lines: Places, begin: int, source: Source, *, final: bool, stuck: bool
) -> tuple[Document, int] | None:
    """Return the document that begins at a place and where reading goes on; None where more of the file is needed."""
    bounded = min(len(text), begin + DOCUMENT_BYTES_MAX)
    whole = final or stuck or bounded < len(text) or len(text) - begin >= DOCUMENT_BYTES_MAX
    bracket = text[begin : begin + 1] in {b"{", b"["}
    stop = int(ends[begin])
    if stop > bounded:
        stop = _INCOMPLETE
    if stop > 0:
        return _document(text, begin, stop, source), stop
    if stop == _INCOMPLETE and not whole:
        return None
    # Broken, or without an end: the next line that begins with a bracket begins another.
    at = int(np.searchsorted(lines, begin, side="right"))
    following = int(lines[at]) if at < len(lines) and lines[at] < bounded else -1
    if following < 0:
        if not whole:
            return None
        following = bounded
    cut = final and stop == _INCOMPLETE and following == len(text)
    fault = "the file ends within the document" if cut else "a quote or bracket is not closed"
    if not bracket:
        fault = "no JSON object begins here"
    return _document(text, begin, following, source, fault, cut=cut), following


def _line_beginnings(data: NDArray[np.uint8]) -> Places:
    """Return where a line begins with a bracket."""
    braces = np.flatnonzero(data[1:] == ord("{")) + 1
    before = data[braces - 1]
    found: Places = braces[(before == ord("\n")) | (before == ord("\r"))]
    return found


def _document(text: bytes, begin: int, end: int, source: Source, fault: str = "", *, cut: bool = False) -> Document:
    raw = text[begin:end].rstrip(b" \t\r\n,\0") if fault else text[begin:end]
    return Document(raw, source.offset(begin), source.offset(end), fault, cut)
