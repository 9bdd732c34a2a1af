"""The one door to numba: scalar functions over integer arrays, without the interpreter lock, cached on disk.

The folder of the cache is the caller's matter (``NUMBA_CACHE_DIR`` before the first import).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba.core import types
from numba.extending import intrinsic

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function on its first call and keep its types for the reader and the type checker.

    Division by zero is not checked (``error_model``): no divisor of the kernel can be zero, and a function that cannot
    raise is compiled into its caller.
    """
    return cast("Callable[P, R]", numba.njit(nogil=True, cache=True, error_model="numpy")(function))


def _cells(_typing: Any, array: Any) -> Any:
    """Return an array's cells alone: indexed as the array is, but passed as one address and not counted.

    The array itself must be used after the last use of its cells, so that it lives as long as they do.
    """

    def address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, arguments[0]).data

    return types.CPointer(array.dtype)(array), address


cells = cast("Callable[[Any], Any]", intrinsic(_cells))
