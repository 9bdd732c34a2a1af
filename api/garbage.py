"""Python's garbage collector, less eager while millions of small objects are made that live for a page."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# New objects before the youngest are looked through, and how seldom the older ones are: a quarter of a bill run's time
# went into looking through invoices that were about to be let go by themselves.
SELDOM: Final = (100_000, 50, 1000)


_usual: Final = gc.get_threshold()
_inside: Final = set[object]()


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look through objects seldom until the last who asked for it, of several at once, is done."""
    mine = object()
    _inside.add(mine)
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        _inside.discard(mine)
        if not _inside:
            gc.set_threshold(*_usual)
