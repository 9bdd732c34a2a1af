"""The one door to numba: scalar functions over integer arrays, without the interpreter lock, cached on disk.

The folder of the cache is the caller's matter (``NUMBA_CACHE_DIR`` before the first import).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

_DIGESTS: dict[Any, str] = {}  # of each compiled function
P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function on its first call and keep its types for the reader and the type checker.

    Division by zero is not checked (``error_model``): no divisor of the kernel can be zero, and a function that cannot
    raise is compiled into its caller.
    """
    made: Any = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    _DIGESTS[made] = _digest(function)
    # numba looks only at the function's own file; what is compiled into it may stand in another that has changed.
    made._cache._cache_file._source_stamp = _DIGESTS[made]  # noqa: SLF001  (there is no public way to say it)
    return cast("Callable[P, R]", made)


def _digest(function: Callable[..., Any]) -> str:
    """Return a digest of a function's code, of the constants it reads and of the compiled functions it calls."""
    code, around = function.__code__, function.__globals__
    read: list[object] = [code.co_code, code.co_consts, code.co_names, code.co_varnames]
    for name in code.co_names:
        found = around.get(name)
        if found is None:
            # A constant that is read from a module: ``at.R_SETUP``.
            found = next((v for m in around.values() if (v := getattr(m, "__dict__", {}).get(name)) is not None), None)
        read.append(_DIGESTS.get(found) if callable(found) else found if isinstance(found, int | tuple) else None)
    return hashlib.sha256(repr(read).encode()).hexdigest()


def _cells(_typing: Any, array: Any) -> Any:
    """Return an array's cells alone: indexed as the array is, but passed as one address and not counted.

    The array itself must be used after the last use of its cells, so that it lives as long as they do.
    """

    def address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, arguments[0]).data

    pointer: Any = types.CPointer
    return pointer(array.dtype)(array), address


def _prefetch(_typing: Any, pointer: Any, _index: Any) -> Any:
    """Ask for the cache line of a cell, without waiting for it and without any effect but time."""

    def fetch(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        i32 = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, i32, i32, i32])
        insert: Any = cgutils.get_or_insert_function
        function = insert(builder.module, kind, "llvm.prefetch.p0")
        address = builder.bitcast(builder.gep(arguments[0], [arguments[1]]), cgutils.voidptr_t)
        builder.call(function, [address, i32(0), i32(3), i32(1)])  # for reading, into every cache, data
        return context.get_dummy_value()

    return types.void(pointer, types.int64), fetch


def _word(_typing: Any, pointer: Any, _index: Any) -> Any:
    """Return the eight bytes at a place among bytes as one number, the first the lowest; they need not be aligned."""

    def load(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        address = builder.gep(arguments[0], [arguments[1]])
        return builder.load(builder.bitcast(address, ir.IntType(64).as_pointer()), align=1)

    return types.uint64(pointer, types.int64), load


cells = cast("Callable[[Any], Any]", intrinsic(_cells))
word = cast("Callable[[Any, int], int]", intrinsic(_word))
prefetch = cast("Callable[[Any, int], None]", intrinsic(_prefetch))
