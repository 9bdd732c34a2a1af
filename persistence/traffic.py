"""Past traffic out of PostgreSQL: along the index, without sorting, as CSV by COPY straight into columns."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl

from domain.rating.clock import EPOCH
from domain.rerating.rerating import Position
from domain.rerating.traffic import OUTERMOST, TRAFFIC, present

_SAID: Final = {
    "start": "(extract(epoch from start) * 1000000)::bigint",
    "resold": "(wholesale_micro is not null)::int",
    **{name: f"{name}[1]" for name in OUTERMOST},
}
_READ: Final = ", ".join(_SAID.get(name, f'"{name}"') for name in TRAFFIC.names())


async def read_traffic(
    connection: Any, operator: int, period: tuple[datetime, datetime], after: Position | None, first: int
) -> tuple[pl.DataFrame, Position | None]:
    """Return the present versions of the next events, about ``first``, and where to go on; None: nothing is left.

    The versions of an event stand side by side in the index, so the last of them is found here, which costs less than
    to have the server sort.
    """
    arguments: list[Any] = [operator, *period]
    within = "operator = $1 and start >= $2 and start < $3"
    if after is not None:
        arguments += [EPOCH + timedelta(microseconds=after[0]), after[1], after[2]]
        # The first condition once more for the index, which knows nothing of the row.
        within += " and start >= $4 and (start, source, key) > ($4, $5, $6)"
    limit = first
    while True:
        # COPY puts the arguments into the statement as literals, quoted by the server.
        query = f"select {_READ} from usage where {within} order by start, source, key, version limit {limit}"  # noqa: S608  (our own words)
        rows = await _copied(connection, query, arguments)
        found, place = present(rows, whole=rows.height < limit)
        if place is not None or rows.height < limit:
            return found, None if rows.height < limit else place
        limit *= 2  # one event has more versions than were read


async def _copied(connection: Any, query: str, arguments: list[Any]) -> pl.DataFrame:
    sink = io.BytesIO()

    async def take(data: bytes) -> None:
        sink.write(data)

    await connection.copy_from_query(query, *arguments, output=take, format="csv")
    sink.seek(0)
    if not sink.getbuffer().nbytes:
        return TRAFFIC.to_frame()
    return pl.read_csv(sink, has_header=False, schema=TRAFFIC)
