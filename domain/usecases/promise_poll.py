"""Promise a poll of a feed now, whatever its schedule says."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.jobs.job import Job, NewJob
from domain.ports.unit import Begin
from domain.usecases.schedule_polls import KIND


@operation(Action.MANAGE_FEEDS)
async def promise_poll(name: str, *, actor: Actor, begin: Begin, again: bool = False) -> Job:
    """Put a poll into the queue and return its job, or the one that waits or runs. ``again``: held files too.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        feed = await unit.feeds.by_name(name)
        payload = {"feed": feed.name, "again": again}
        job = await unit.jobs.add(NewJob(kind=KIND, payload=payload, dedupe=str(feed.id), priority=1, attempts_max=3))
        await unit.audit.write("promise_poll", f"feed:{feed.id}", {"name": feed.name, "again": again})
    return job
