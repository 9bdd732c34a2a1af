"""Margins as rating goes on: each chunk once it is committed, and a window that rolls on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import strawberry

from api.graphql.connections import size
from api.graphql.context import Info, LiveContext
from api.graphql.following import heard
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.margins import MarginType, Row
from api.graphql.scalars import BigInt
from domain.ids import ChunkId
from domain.margins.margin import MarginBy, MarginSums
from domain.margins.window import Window, added
from domain.ports.news import CHUNK
from domain.refusal import BadValue
from domain.usecases.sum_margins import ChunkMargins, chunk_margins, may_see_margins, recent_chunks

WINDOW_MINUTES_MAX: Final = 24 * 60
REMEMBERED_MAX: Final = 10_000


@strawberry.type(name="MarginWindow", description="The last while of what was told here.")
class MarginWindowType:
    """``domain.margins.window.Window``."""

    since: datetime = strawberry.field(description="The chunks committed from here on; none before the subscription.")
    rows: list[MarginType] = strawberry.field(description="Of the groups that the chunk has changed.")
    total: MarginType


@strawberry.type(name="MarginUpdate", description="What a chunk of rated events came to, once it was committed.")
class MarginUpdateType:
    """``domain.usecases.sum_margins.ChunkMargins``."""

    chunk: BigInt
    committed_at: datetime
    rows: list[MarginType] = strawberry.field(description="The least margin first; at most as many as asked for.")
    total: MarginType = strawberry.field(description="Of the whole chunk.")
    window: MarginWindowType


async def _told(
    info: Info,
    by: MarginBy = MarginBy.DESTINATION,
    window_minutes: int = 60,
    first: int = FIRST_DEFAULT,
) -> AsyncGenerator[MarginUpdateType, None]:
    may_see_margins(info.context.actor, "chunk_margins")
    if not 1 <= window_minutes <= WINDOW_MINUTES_MAX:
        raise BadValue(
            "a window has 1 to {window_minutes_max} minutes",
            window_minutes_max=WINDOW_MINUTES_MAX,
            field="windowMinutes",
        )
    count = size(first)
    clock = info.context.wiring.clock
    window, told = Window(clock.now(), timedelta(minutes=window_minutes)), set[int]()
    async with heard(info, CHUNK) as keys:
        began = False
        async for key in keys:
            if key is not None:
                wanted: Sequence[int] = [key]
            elif began:
                wanted = await info.context.ask(recent_chunks, window.since)
            else:
                wanted, began = (), True
            for one in wanted:
                made = None if one in told else await _chunk(info, ChunkId(one), by)
                told.add(one)
                if len(told) > REMEMBERED_MAX:
                    told.remove(min(told))
                if made is not None:
                    window.take(made.committed_at, made.rows)
                    window.until(clock.now())
                    yield _update(made, by, window, count)


async def _chunk(info: Info, key: ChunkId, by: MarginBy) -> ChunkMargins | None:
    """Return what a chunk came to for the caller; asked once for all who see the same."""
    context = info.context
    assert isinstance(context, LiveContext), "subscriptions come over a socket"
    actor = context.actor
    may_see_margins(actor, "chunk_margins")
    found: ChunkMargins | None = await context.board.get(
        (actor.operator, actor.reseller, actor.resellers, actor.limits.groups, key, by),
        lambda: chunk_margins(key, by, actor=actor, begin=context.wiring.begin),
    )
    return found


def _update(made: ChunkMargins, by: MarginBy, window: Window, first: int) -> MarginUpdateType:
    rows = made.rows[:first]

    def row(sums: MarginSums, of: MarginBy = by) -> Any:
        return Row(sums, of, made.currency)

    return MarginUpdateType(
        chunk=BigInt(made.chunk),
        committed_at=made.committed_at,
        rows=[row(one) for one in rows],
        total=row(added(made.rows), MarginBy.ALL),
        window=MarginWindowType(
            since=window.since,
            rows=[row(one) for one in window.of(one.key for one in rows)],
            total=row(window.total, MarginBy.ALL),
        ),
    )


@strawberry.type
class MarginSubscription:
    """Margins as rating goes on."""

    margins: AsyncGenerator[MarginUpdateType, None] = strawberry.subscription(
        resolver=_told, description="Each chunk of rated events once it is committed, and a window that rolls on."
    )
