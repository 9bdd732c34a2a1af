"""The whole row of a table, as a Piccolo query asks for it.

Piccolo renders every column anew for each query, which costs more than the database takes to find the row by its key.
``CustomerRow.select(whole(CustomerRow))`` asks for the same columns, rendered once.
"""

from __future__ import annotations

from functools import cache

from piccolo.querystring import QueryString, Selectable
from piccolo.table import Table

__all__ = ["whole"]


class _Whole(Selectable):
    """All columns of a table, as one."""

    def __init__(self, table: type[Table]) -> None:
        self._alias = None
        columns = (column.get_select_string(engine_type="postgres") for column in table._meta.columns)  # noqa: SLF001  (Piccolo's own way to them)
        self._text = ", ".join(str(column) for column in columns)

    def get_select_string(self, engine_type: str, with_alias: bool = True) -> QueryString:
        """Return the columns, comma between."""
        del engine_type, with_alias
        return QueryString(self._text)


@cache
def whole(table: type[Table]) -> Selectable:
    """Return what selects every column of a table."""
    return _Whole(table)
