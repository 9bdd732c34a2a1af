"""The whole row of a table, as a Piccolo query asks for it.

Piccolo renders every column anew for each query, which costs more than the database takes to find the row by its key.
``CustomerRow.select(whole(CustomerRow))`` asks for the same columns, rendered once; ``among`` is the question that
nearly every page asks, by keys, whose text is made once altogether.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from piccolo.querystring import QueryString, Selectable
from piccolo.table import Table

__all__ = ["among", "one_or_any", "whole"]


class _Whole(Selectable):
    """All columns of a table, as one."""

    def __init__(self, table: type[Table]) -> None:
        self._alias = None
        columns = (column.get_select_string(engine_type="postgres") for column in table._meta.columns)  # noqa: SLF001  (Piccolo's own way to them)
        self.text = ", ".join(str(column) for column in columns)

    def get_select_string(self, engine_type: str, with_alias: bool = True) -> QueryString:
        """Return the columns, comma between."""
        del engine_type, with_alias
        return QueryString(self.text)


@cache
def whole(table: type[Table]) -> _Whole:
    """Return what selects every column of a table."""
    return _Whole(table)


async def among(  # noqa: PLR0917  (one question)
    connection: Any, table: type[Table], operator: int, column: str, keys: Sequence[int], order: str = "id"
) -> Sequence[Any]:
    """Return an operator's rows whose column is one of some keys, in the order of others: our own words, all."""
    query, wanted = one_or_any(_among(table, column, order), keys)
    return list(await connection.fetch(query, operator, wanted))


def one_or_any(query: str, keys: Sequence[int]) -> tuple[str, Any]:
    """Return a query with ``= any ($2)`` as it is put for these keys, and what $2 is.

    For one key alone it is another query: PostgreSQL keeps its plan. A list of one it takes to be shorter than usual,
    and plans the query anew each time, which takes longer than to answer it.

    >>> one_or_any("select from customer where id = any ($2)", [7])
    ('select from customer where id = $2', 7)
    """
    return (_for_one(query), keys[0]) if len(keys) == 1 else (query, keys)


@cache
def _for_one(query: str) -> str:
    return query.replace("= any ($2)", "= $2").replace("= any ($2::bigint[])", "= $2::bigint")


@cache
def _among(table: type[Table], column: str, order: str) -> str:
    name = table._meta.tablename  # noqa: SLF001  (likewise)
    columns = whole(table).text
    return f"select {columns} from {name} where operator = $1 and {column} = any ($2) order by {order}"  # noqa: S608  (our own words)
