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
def _end(data: NDArray[np.uint8], begin: int, end: int) -> int:
    """Return where the document that begins with a bracket ends; -1: not within the data, -2: it is broken."""
    depth = 0
    inside = False
    place = begin
    while place < end:
        byte = data[place]
        if inside:
            if byte == 92:
                place += 1
            elif byte == 34:
                inside = False
            elif byte == 10 or byte == 13:
                return -2  # no string holds a line end: a quote is missing
        elif byte == 34:
            inside = True
        elif byte == 123 or byte == 91:
            depth += 1
        elif byte == 125 or byte == 93:
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    return -1


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
            found = _one(text, data, place, source, final=final)
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
    text: bytes, data: NDArray[np.uint8], begin: int, source: Source, *, final: bool
) -> tuple[Document, int] | None:
    """Return the document that begins at a place and where reading goes on; None where more of the file is needed."""
    bounded = min(len(text), begin + DOCUMENT_BYTES_MAX)
    whole = final or bounded < len(text) or len(text) - begin >= DOCUMENT_BYTES_MAX
    bracket = text[begin : begin + 1] in {b"{", b"["}
    stop = int(_end(data, begin, bounded)) if bracket else _BROKEN
    if stop > 0:
        return _document(text, begin, stop, source), stop
    if stop == _INCOMPLETE and not whole:
        return None
    # Broken, or without an end: the next line that begins with a bracket begins another.
    following = _next_line(text, begin, bounded)
    if following < 0:
        if not whole:
            return None
        following = bounded
    cut = final and stop == _INCOMPLETE and following == len(text)
    fault = "the file ends within the document" if cut else "a quote or bracket is not closed"
    if not bracket:
        fault = "no JSON object begins here"
    return _document(text, begin, following, source, fault, cut=cut), following


def _next_line(text: bytes, begin: int, until: int) -> int:
    """Return the first place after ``begin`` where a line begins with a bracket, -1 where there is none."""
    hits = [at for end in (b"\n{", b"\r{") if (at := text.find(end, begin, until)) >= 0]
    return min(hits) + 1 if hits else -1


def _document(text: bytes, begin: int, end: int, source: Source, fault: str = "", *, cut: bool = False) -> Document:
    raw = text[begin:end].rstrip(b" \t\r\n,\0") if fault else text[begin:end]
    places = source.offsets(np.array([begin, end], dtype=np.int64))
    return Document(raw, int(places[0]), int(places[1]), fault, cut)
