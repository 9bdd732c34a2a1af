"""Following what is committed: the loop that every subscription runs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from api.graphql.context import Info, LiveContext
from domain.ports.news import Feed


@asynccontextmanager
async def heard(info: Info, kind: str) -> AsyncIterator[AsyncGenerator[int | None, None]]:
    """Give the keys of what is committed of a kind to the caller's operator, from now on.

    The caller is asked for anew before each; what it is, is to be read as that caller. None, which also comes first:
    from here on nothing is missed, so look at how things are now.
    """
    context = info.context
    assert isinstance(context, LiveContext), "subscriptions come over a socket"
    async with (
        context.wiring.news.follow(context.actor.operator, [kind]) as feed,
        contextlib.aclosing(_keys(context, feed)) as keys,
    ):
        yield keys


async def _keys(context: LiveContext, feed: Feed) -> AsyncGenerator[int | None, None]:
    yield None
    while True:
        notice = await feed.next()
        await context.renew()
        yield None if notice is None else notice.key
