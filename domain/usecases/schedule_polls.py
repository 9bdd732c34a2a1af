"""Promise a poll of every feed whose time has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.jobs.job import NewJob
from domain.ports.clock import Clock
from domain.ports.unit import Begin

KIND: Final = "poll_feed"
# Should the job be lost with its outcome (a person cancels it), the feed is due again by then.
PROMISED: Final = timedelta(minutes=10)


@operation(Action.MANAGE_FEEDS)
async def schedule_polls(*, actor: Actor, begin: Begin, clock: Clock) -> int:
    """Put a job into the queue for each feed that is due, and return how many. Any number of processes may.

    One job of a feed is open at a time; what it finds, and when the feed is due next, its run decides.
    Refuses with: NotAllowed.
    """
    now = clock.now()
    async with begin(actor) as unit:
        due = await unit.feeds.due(now)
        standings = await unit.feeds.standings([feed.id for feed in due])
        for feed in due:
            await unit.jobs.add(NewJob(kind=KIND, payload={"feed": feed.name}, dedupe=str(feed.id), attempts_max=3))
            await unit.feeds.stand(feed.id, replace(standings[feed.id], next_at=now + PROMISED))
    return len(due)
