"""The identity of an event: a stable 64-bit hash of source, ref, leg, start and offset.

FNV-1a over the bytes of ``source NUL ref NUL leg NUL`` and the two integers as eight little-endian bytes each, then
the finaliser of MurmurHash3 so that every bit counts. It is stored in the database as a unique key, so it never
changes; ``tests/mediation/test_identity.py`` holds the vectors. At 10⁹ events of one operator the chance of any two
sharing a hash is 2.7 %, and then the later is held as a duplicate, visible in the balance; never billed twice.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.mediation.text_columns import buffers

_OFFSET: Final = np.uint64(0xCBF29CE484222325)
_PRIME: Final = np.uint64(0x100000001B3)
_MIX_1: Final = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2: Final = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT: Final = np.uint64(33)
_BYTE: Final = np.uint64(0xFF)

Hashes = NDArray[np.uint64]


@numba.njit(cache=True, nogil=True)
def _add_text(state: Hashes, ends: NDArray[np.int64], data: NDArray[np.uint8]) -> None:
    """Continue each state with its text and a NUL."""
    for row in range(state.shape[0]):
        value = state[row]
        for place in range(ends[row], ends[row + 1]):
            value = (value ^ np.uint64(data[place])) * _PRIME
        state[row] = value * _PRIME


@numba.njit(cache=True, nogil=True)
def _add_integer(state: Hashes, values: NDArray[np.int64]) -> None:
    """Continue each state with eight little-endian bytes."""
    for row in range(state.shape[0]):
        value = state[row]
        rest = np.uint64(values[row])
        for _ in range(8):
            value = (value ^ (rest & _BYTE)) * _PRIME
            rest = rest >> np.uint64(8)
        state[row] = value


@numba.njit(cache=True, nogil=True)
def _finish(state: Hashes) -> None:
    for row in range(state.shape[0]):
        value = state[row]
        value = (value ^ (value >> _SHIFT)) * _MIX_1
        value = (value ^ (value >> _SHIFT)) * _MIX_2
        state[row] = value ^ (value >> _SHIFT)


def hashes(columns: list[pl.Series]) -> NDArray[np.int64]:
    """Hash rows over text and Int64 columns without nulls, in the order given."""
    state: Hashes = np.full(len(columns[0]), _OFFSET, dtype=np.uint64)
    for column in columns:
        if column.dtype == pl.String:
            _add_text(state, *buffers(column))
        else:
            _add_integer(state, column.to_numpy())
    _finish(state)
    return state.view(np.int64)


def event_keys(events: pl.DataFrame) -> NDArray[np.int64]:
    """Return the identity of each event of an ``EVENT_SCHEMA`` frame."""
    return hashes([events[name] for name in ("source", "ref", "leg", "start", "offset")])
