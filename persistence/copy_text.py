"""Rows as the text that COPY reads, where columns are many and decimal.

Making the binary form of a decimal takes longer than all else of a row, and a row of text can be made before all cells
are known: what is known first is put in front. PostgreSQL, "COPY", text format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any, Final

_SPECIAL: Final = re.compile(r"[\\\t\n\r]")
_ESCAPED: Final = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def _text(value: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPED[found[0]], value) if _SPECIAL.search(value) else value


_CELLS: Final[dict[type, Callable[[Any], str]]] = {
    str: _text,
    int: str,
    bool: lambda value: "t" if value else "f",
    Decimal: "{:f}".format,
    date: date.isoformat,
    type(None): lambda _: r"\N",
}


def text_row(cells: Iterable[Any]) -> str:
    r"""Return cells as a row without its end; they are texts, whole numbers, decimals, days, truths or nothing.

    >>> text_row([1, None, "a\tb", Decimal("1E+2"), True])
    '1\t\\N\ta\\tb\t100\tt'
    """
    return "\t".join([(_CELLS.get(type(cell)) or _of_kind(cell))(cell) for cell in cells])


def _of_kind(cell: Any) -> Callable[[Any], str]:
    """Return how a cell is written whose type is a kind of one of those. Raises TypeError for any other."""
    for kind, written in _CELLS.items():
        if isinstance(cell, kind):
            return written
    raise TypeError(f"no cell of COPY: {cell!r}")
