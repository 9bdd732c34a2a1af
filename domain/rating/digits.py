"""Numbers as left-aligned 64-bit integers, so that a prefix is one interval and a look-up one search.

A number of up to 18 digits is written in base 11 with digit + 1 (0 is "no digit"), filled up on the right: ``46`` is
below ``460``, and prefix ``46`` is the interval ``[46·, 47·)``. Longer numbers keep their first 18 digits and are
stored as ``-2 - code``: prefixes still match them, exact numbers never do. ``-1`` is no number (absent, or not digits).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from domain.rating.compiled import compiled

Int64s = npt.NDArray[np.int64]

WIDTH = 18
BASE = 11
UNKNOWN = -1
POWERS: tuple[int, ...] = tuple(BASE**n for n in range(WIDTH + 1))
END = POWERS[WIDTH]  # above every code


def encode(text: str | None) -> int:
    """Encode one number.

    >>> encode("46") < encode("460") < encode("47"), encode("alice"), encode("")
    (True, -1, -1)
    """
    if not text or not (text.isascii() and text.isdigit()):
        return UNKNOWN
    code: int = 0
    for digit in text[:WIDTH]:
        code = code * BASE + ord(digit) - 47
    code *= POWERS[max(WIDTH - len(text), 0)]
    return code if len(text) <= WIDTH else -2 - code


def interval(prefix: str) -> tuple[int, int]:
    """Return the half-open interval of the codes that begin with a prefix of at most 18 digits."""
    code = encode(prefix)
    assert code >= 0, prefix
    return code, code + POWERS[WIDTH - len(prefix)]


def encode_column(texts: pl.Series) -> Int64s:
    """Encode a column of texts (nulls allowed), without an object per row."""
    if len(texts) == 0:
        return np.empty(0, np.int64)
    filled = texts.cast(pl.String).fill_null("")
    array: Any = filled.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    starts = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    content = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    return _encode_all(starts, content)


@compiled
def _encode_all(starts: Int64s, content: npt.NDArray[np.uint8]) -> Int64s:
    made = np.empty(len(starts) - 1, np.int64)
    for row in range(len(made)):
        length = starts[row + 1] - starts[row]
        code = np.int64(0)
        good = length > 0
        for place in range(length):
            digit = np.int64(content[starts[row] + place]) - 47
            if digit < 1 or digit > 10:
                good = False
                break
            if place < WIDTH:
                code = code * BASE + digit
        for _ in range(WIDTH - length):
            code *= BASE
        if not good:
            made[row] = UNKNOWN
        elif length > WIDTH:
            made[row] = -2 - code
        else:
            made[row] = code
    return made
