"""Rows as the text that COPY reads, where columns are many and decimal.

Making the binary form of a decimal takes longer than all else of a row, and a row of text can be made before all cells
are known: what is known first is put in front. PostgreSQL, "COPY", text format; it reads numbers, days and truths as
Python writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

Cell = str | int | bool | Decimal | date | None
_NOTHING: Final = r"\N"
_ESCAPED: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def text_row(cells: Sequence[Cell]) -> str:
    r"""Return cells as a row without its end.

    >>> text_row([1, None, "a\tb", Decimal("1.50"), True])
    '1\t\\N\ta\\tb\t1.50\tTrue'
    """
    row = "\t".join([_NOTHING if cell is None else str(cell) for cell in cells])
    # Looking at the row once is cheaper than at each of its texts, which hardly ever hold such a character.
    if row.count("\t") != len(cells) - 1 or row.count("\\") != cells.count(None) or "\n" in row or "\r" in row:
        return "\t".join([_NOTHING if cell is None else str(cell).translate(_ESCAPED) for cell in cells])
    return row
