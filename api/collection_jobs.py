"""Jobs of collection: the daily run, letters and messages that go out, and the end of it for who has paid."""

from __future__ import annotations

from collections.abc import Mapping

from api.wiring import Wiring
from domain.access.actor import Actor
from domain.ids import CollectionLetterId, CollectionMessageId, CustomerId
from domain.jobs.job import Job
from domain.usecases.end_collection import end_collection
from domain.usecases.run_collection import RunCollection, promise_run, run_collection
from domain.usecases.send_collection import Post, send_letter, send_message


async def run_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Take the steps of the day; the next day's run is promised first, so that a bad day ends no good one."""
    del job
    async with wiring.begin(actor) as unit:
        await promise_run(unit, wiring.clock.now())
    done = await run_collection(RunCollection(), actor=actor, begin=wiring.begin, clock=wiring.clock)
    return {"customers": done.customers, "steps": done.steps, "letters": done.letters}


async def letter_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Send the letter ``payload["letter"]``."""
    key = CollectionLetterId(int(str(job.payload["letter"])))
    post = Post(mailer=wiring.mailer, texter=wiring.texter, papers=wiring.papers)
    return {"outcome": await send_letter(key, actor=actor, begin=wiring.begin, clock=wiring.clock, post=post)}


async def message_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Put the message ``payload["message"]`` where its agency fetches it."""
    key = CollectionMessageId(int(str(job.payload["message"])))
    told = await send_message(
        key,
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        papers=wiring.papers,
        documents=wiring.documents,
        transports=wiring.transports,
        vault=wiring.vault,
    )
    return {"outcome": told}


async def paid_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """End what is over of the collection of ``payload["customer"]``."""
    key = CustomerId(int(str(job.payload["customer"])))
    return {"ended": await end_collection(key, actor=actor, begin=wiring.begin, clock=wiring.clock)}
