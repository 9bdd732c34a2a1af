"""List feeds with how they stand, and their runs; remove one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.feeds.feed import Feed, Standing
from domain.feeds.run import Run
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.refusal import NotFound, Stale, WrongState


@dataclass(frozen=True, slots=True)
class FeedNow:
    """A feed and how it stands."""

    feed: Feed
    standing: Standing


@operation(Action.MANAGE_FEEDS)
async def list_feeds(*, actor: Actor, begin: Begin) -> Sequence[FeedNow]:
    """Return the operator's feeds by name. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        feeds = await unit.feeds.all()
        standings = await unit.feeds.standings([one.id for one in feeds])
    return [FeedNow(one, standings[one.id]) for one in feeds]


@operation(Action.MANAGE_FEEDS)
async def get_feed(name: str, *, actor: Actor, begin: Begin) -> FeedNow:
    """Return one. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        feed = await unit.feeds.by_name(name)
        return FeedNow(feed, (await unit.feeds.standings([feed.id]))[feed.id])


@operation(Action.MANAGE_FEEDS)
async def list_feed_runs(name: str, request: PageRequest, *, actor: Actor, begin: Begin) -> Page[Run]:
    """Return a feed's runs, the newest first. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        feed = await unit.feeds.by_name(name)
        return await unit.feeds.runs(feed.id, request)


@operation(Action.MANAGE_FEEDS)
async def remove_feed(name: str, version: int, *, actor: Actor, begin: Begin) -> Feed:
    """Forget a feed with its secrets and its log; files that were taken stay.

    Refuses with: NotAllowed, NotFound, Stale (version), WrongState (it is being polled).
    """
    async with begin(actor) as unit:
        feed = await unit.feeds.claim(name)
        if feed is None:
            raise NotFound("no feed {name!r}", name=name[:80], field="name")
        if feed.version != version:
            raise Stale("the feed has changed since it was read", field="version")
        if (await unit.feeds.standings([feed.id]))[feed.id].polling_by is not None and feed.active:
            raise WrongState("the feed is being polled; make it inactive, or try again when it is done")
        await unit.feeds.remove(feed)
        await unit.audit.write("remove_feed", f"feed:{feed.id}", {"name": feed.name})
    return feed
