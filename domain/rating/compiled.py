"""The one door to numba: scalar functions over integer arrays, without the interpreter lock, cached on disk.

The folder of the cache is the caller's matter (``NUMBA_CACHE_DIR`` before the first import).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function on its first call and keep its types for the reader and the type checker."""
    return cast("Callable[P, R]", numba.njit(nogil=True, cache=True)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a small function into each of its callers."""
    return cast("Callable[P, R]", numba.njit(nogil=True, cache=True, inline="always")(function))
