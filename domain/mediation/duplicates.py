"""Duplicates within a run: the same key with the same content is counted, with other content held back.

One 64-bit key and one 64-bit content hash per record are remembered, so a run of ten million records takes some
320 MB at most and there is no lookup in Python per row.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
import polars as pl
from numpy.typing import NDArray

Keys = NDArray[np.int64]
FRESH: Final = 0
EXACT: Final = 1
CONFLICTING: Final = 2
_CAPACITY: Final = 1 << 16
_KEY: Final = ("source", "ref", "leg")
_CONTENT: Final = ("start", "amount", "answered", "offset", "a", "b")


@numba.njit(cache=True, nogil=True)
def _place(table: Keys, used: NDArray[np.bool_], key: np.int64) -> np.int64:
    mask = table.shape[0] - 1
    place = (key ^ (key >> 32)) & mask
    while used[place] and table[place] != key:
        place = (place + 1) & mask
    return np.int64(place)


@numba.njit(cache=True, nogil=True)
def _meet(  # noqa: PLR0917  (numba takes arguments by position)
    table: Keys, contents: Keys, used: NDArray[np.bool_], keys: Keys, content: Keys, out: NDArray[np.int8]
) -> int:
    """Put fresh keys into the table; return how many there were."""
    fresh = 0
    for row in range(keys.shape[0]):
        place = _place(table, used, keys[row])
        if not used[place]:
            used[place] = True
            table[place] = keys[row]
            contents[place] = content[row]
            fresh += 1
            out[row] = 0
        else:
            out[row] = 1 if contents[place] == content[row] else 2
    return fresh


@numba.njit(cache=True, nogil=True)
def _move(  # noqa: PLR0917  (as above)
    table: Keys, contents: Keys, used: NDArray[np.bool_], into: Keys, into_contents: Keys, into_used: NDArray[np.bool_]
) -> None:
    for row in range(table.shape[0]):
        if used[row]:
            place = _place(into, into_used, table[row])
            into_used[place] = True
            into[place] = table[row]
            into_contents[place] = contents[row]


def _hashed(columns: pl.DataFrame) -> Keys:
    """Hash rows for as long as a run lasts; what is kept for longer goes by ``domain.mediation.identity``."""
    return columns.hash_rows(seed=_CAPACITY).to_numpy().view(np.int64)


class Seen:
    """The keys of a run so far; grows by doubling."""

    def __init__(self) -> None:
        self._allocate(_CAPACITY)
        self._count = 0

    def _allocate(self, capacity: int) -> None:
        self._keys = np.zeros(capacity, dtype=np.int64)
        self._contents = np.zeros(capacity, dtype=np.int64)
        self._used = np.zeros(capacity, dtype=np.bool_)

    def meet(self, events: pl.DataFrame) -> NDArray[np.int8]:
        """Return FRESH, EXACT or CONFLICTING for each event, remembering the fresh ones."""
        keys, content = (_hashed(events.select(names)) for names in (_KEY, _CONTENT))
        while 2 * (self._count + len(keys)) > len(self._keys):
            keys_before, contents, used = self._keys, self._contents, self._used
            self._allocate(2 * len(keys_before))
            _move(keys_before, contents, used, self._keys, self._contents, self._used)
        out = np.zeros(len(keys), dtype=np.int8)
        self._count += _meet(self._keys, self._contents, self._used, keys, content, out)
        return out
