"""Text lines with their places in the file, in any encoding and with any line end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from integrations.cdr.text import Source

_FILL_BYTES: Final = 1 << 20
_LINE_BYTES_MAX: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end; ``begin`` and ``end`` are bytes of the file; ``ended``: a line end follows it."""

    text: str
    begin: int
    end: int
    ended: bool = True


def lines_of(blocks: Iterable[bytes], encoding: str, *, markup: bool = False) -> Iterator[Line]:
    """Yield a file's lines. A line over 4 MB is cut there. Refuses with: Unreadable (not text)."""
    source = Source(blocks, encoding, markup=markup)
    target = _FILL_BYTES
    while True:
        text, final = source.fill(target)
        returns = b"\r" in text
        pieces = text.split(b"\n") if not returns else text.replace(b"\r\n", b"\n\n").replace(b"\r", b"\n").split(b"\n")
        # ``\r\n`` became two line ends, so that places stay; the empty line between them is passed over below.
        places = np.cumsum([0, *(len(piece) + 1 for piece in pieces)])
        last = len(pieces) - 1
        if not final and last == 0 and len(text) < _LINE_BYTES_MAX:
            target *= 2
            continue
        offsets = source.offsets(np.minimum(places, len(text))).tolist()
        upto = len(pieces) if final or last == 0 else last
        for number in range(upto):
            piece = pieces[number]
            doubled = returns and not piece and number and text[places[number] - 1 : places[number] + 1] == b"\r\n"
            if doubled or (number == last and not piece):
                continue
            yield Line(piece.decode("utf-8", "replace"), offsets[number], offsets[number + 1], number < last)
        if final:
            return
        source.take(int(min(places[upto], len(text))))
        target = _FILL_BYTES
