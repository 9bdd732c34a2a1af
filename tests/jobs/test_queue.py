"""The queue: promised in a unit, done by one worker at a time, and never lost with him."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from api.wiring import Wiring
from domain.access.actor import Actor, system
from domain.jobs.job import Job, JobState, NewJob
from domain.ports.page import PageRequest
from domain.refusal import Conflict, NotFound, WrongState
from domain.usecases.manage_jobs import ListJobs, cancel_job, count_jobs, list_jobs, retry_job
from tests.intake import world as made

KINDS = {"walk", "run"}


async def add(wiring: Wiring, actor: Actor, *jobs: NewJob) -> list[Job]:
    async with wiring.begin(actor) as unit:
        return [await unit.jobs.add(job) for job in jobs]


async def all_of(wiring: Wiring, actor: Actor) -> list[Job]:
    return list((await list_jobs(ListJobs(page=PageRequest()), actor=actor, begin=wiring.begin)).items)


async def test_a_job_is_there_once_its_unit_has_committed(wiring: Wiring, world: made.World) -> None:
    async with wiring.queue.present() as here:
        with contextlib.suppress(ZeroDivisionError):
            async with wiring.begin(world.actor) as unit:
                await unit.jobs.add(NewJob(kind="walk"))
                raise ZeroDivisionError
        assert await here.claim(KINDS, 5) == []
        (one,) = await add(wiring, world.actor, NewJob(kind="walk", payload={"to": [1, "b"]}))
        (taken,) = await here.claim(KINDS, 5)
        assert (taken.id, taken.payload, taken.attempts, taken.state) == (one.id, {"to": [1, "b"]}, 1, JobState.RUNNING)
        assert taken.operator == world.actor.operator
        assert await here.claim(KINDS, 5) == []
        await here.finish(taken, {"found": 3})
    (kept,) = await all_of(wiring, world.actor)
    assert (kept.state, kept.result, kept.worker) == (JobState.DONE, {"found": 3}, None)
    assert kept.finished_at is not None


async def test_by_priority_then_age_and_only_what_is_due_and_known(wiring: Wiring, world: made.World) -> None:
    later = wiring.clock.now() + timedelta(hours=1)
    await add(
        wiring,
        world.actor,
        NewJob(kind="walk", payload={"n": 1}),
        NewJob(kind="run", payload={"n": 2}, priority=5),
        NewJob(kind="walk", payload={"n": 3}, run_at=later),
        NewJob(kind="fly", payload={"n": 4}),
        NewJob(kind="walk", payload={"n": 5}),
    )
    async with wiring.queue.present() as here:
        taken = [*await here.claim(KINDS, 2), *await here.claim(KINDS, 2)]
    assert [job.payload["n"] for job in taken] == [2, 1, 5]


async def test_what_is_open_is_not_promised_twice(wiring: Wiring, world: made.World) -> None:
    same = NewJob(kind="walk", dedupe="home")
    first, second, other = await add(wiring, world.actor, same, same, NewJob(kind="run", dedupe="home"))
    assert first.id == second.id != other.id
    async with wiring.queue.present() as here:
        (taken,) = await here.claim({"walk"}, 1)
        assert (await add(wiring, world.actor, same))[0].id == first.id, "running is open"
        await here.finish(taken, {})
        assert (await add(wiring, world.actor, same))[0].id != first.id


async def test_two_workers_never_take_the_same(wiring: Wiring, world: made.World) -> None:
    await add(wiring, world.actor, *(NewJob(kind="walk") for _ in range(30)))
    async with wiring.queue.present() as one, wiring.queue.present() as two:
        found = await asyncio.gather(*(who.claim(KINDS, 3) for who in (one, two) * 5))
    keys = [job.id for taken in found for job in taken]
    assert len(keys) == len(set(keys)) == 30


async def test_the_job_of_a_worker_who_is_gone_is_anybodys_at_once(wiring: Wiring, world: made.World) -> None:
    await add(wiring, world.actor, NewJob(kind="walk", attempts_max=2))
    async with wiring.queue.present() as gone:
        (lost,) = await gone.claim(KINDS, 1)
    async with wiring.queue.present() as here:
        (again,) = await here.claim(KINDS, 1)
        assert (again.id, again.attempts, again.error) == (lost.id, 2, "its worker was lost")
        await gone.finish(lost, {"late": True})
        await here.finish(again, {"late": False})
    (kept,) = await all_of(wiring, world.actor)
    assert kept.result == {"late": False}, "the answer of one who was given up does not count"


async def test_a_job_that_takes_its_workers_with_it_is_dead_in_the_end(wiring: Wiring, world: made.World) -> None:
    await add(wiring, world.actor, NewJob(kind="walk", attempts_max=2))
    for _ in range(2):
        async with wiring.queue.present() as gone:
            assert len(await gone.claim(KINDS, 1)) == 1
    async with wiring.queue.present() as here:
        assert await here.claim(KINDS, 1) == []
    (kept,) = await all_of(wiring, world.actor)
    assert (kept.state, kept.error) == (JobState.DEAD, "its worker was lost")


async def test_failures_rest_and_are_dead_in_the_end(wiring: Wiring, world: made.World) -> None:
    await add(wiring, world.actor, NewJob(kind="walk", attempts_max=2), NewJob(kind="run"))
    async with wiring.queue.present() as here:
        walk, run = sorted(await here.claim(KINDS, 2), key=lambda job: job.id)
        await here.fail(run, "never", again_at=None)
        await here.fail(walk, "wet", again_at=wiring.clock.now() - timedelta(minutes=1))
        (walk,) = await here.claim(KINDS, 2)
        await here.fail(walk, "still wet", again_at=wiring.clock.now())
        assert await here.claim(KINDS, 2) == []
    told = {(job.kind, job.state, job.error) for job in await all_of(wiring, world.actor)}
    assert told == {("walk", JobState.DEAD, "still wet"), ("run", JobState.DEAD, "never")}
    counts = await count_jobs(actor=world.actor, begin=wiring.begin)
    assert counts == {("run", JobState.DEAD): 1, ("walk", JobState.DEAD): 1}


async def test_a_released_job_has_not_been_tried(wiring: Wiring, world: made.World) -> None:
    await add(wiring, world.actor, NewJob(kind="walk"))
    async with wiring.queue.present() as here:
        (taken,) = await here.claim(KINDS, 1)
        await here.release(taken)
        (taken,) = await here.claim(KINDS, 1)
        assert taken.attempts == 1


async def test_a_person_tries_a_dead_one_again_and_cancels_one_that_waits(wiring: Wiring, world: made.World) -> None:
    (one,) = await add(wiring, world.actor, NewJob(kind="walk", dedupe="home"))
    async with wiring.queue.present() as here:
        (taken,) = await here.claim(KINDS, 1)
        with pytest.raises(WrongState):
            await cancel_job(one.id, actor=world.actor, begin=wiring.begin, clock=wiring.clock)
        await here.fail(taken, "wet", again_at=None)
    other = (await add(wiring, world.actor, NewJob(kind="walk", dedupe="home")))[0]
    with pytest.raises(Conflict):
        await retry_job(one.id, actor=world.actor, begin=wiring.begin, clock=wiring.clock)
    cancelled = await cancel_job(other.id, actor=world.actor, begin=wiring.begin, clock=wiring.clock)
    assert (cancelled.state, cancelled.error) == (JobState.DEAD, f"cancelled by {world.actor.client}")
    again = await retry_job(one.id, actor=world.actor, begin=wiring.begin, clock=wiring.clock)
    assert (again.state, again.attempts) == (JobState.WAITING, 0)
    stranger = system(world.actor.operator + 999)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        await retry_job(one.id, actor=stranger, begin=wiring.begin, clock=wiring.clock)


async def test_a_worker_hears_of_a_new_job_at_once(stored: Wiring) -> None:
    world = await made.with_source(stored, "hearing")
    async with stored.queue.present() as here:
        await here.wait(0.01)
        began = time.monotonic()
        waiting = asyncio.create_task(here.wait(20))
        await add(stored, world.actor, NewJob(kind="walk"))
        await waiting
        assert time.monotonic() - began < 10


KILLED = """
import asyncio, sys
from persistence.engine import Database
from persistence.jobs import StoredQueue
async def main():
    async with await Database.open(sys.argv[1]) as database, StoredQueue(database).present() as here:
        print(len(await here.claim({"walk"}, 1)), flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_the_job_of_a_killed_process_comes_back_within_seconds(stored: Wiring) -> None:
    world = await made.with_source(stored, "killed")
    await add(stored, world.actor, NewJob(kind="walk"))
    assert stored.database is not None
    command = [sys.executable, "-c", KILLED, stored.database.url]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: ASYNC220  (nothing else runs meanwhile)
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == b"1\n"
        async with stored.queue.present() as here:
            assert await here.claim(KINDS, 1) == [], "it lives"
            os.kill(child.pid, signal.SIGKILL)
            began = time.monotonic()
            while not (found := await here.claim(KINDS, 1)):
                assert time.monotonic() - began < 10
                await asyncio.sleep(0.01)
            assert found[0].attempts == 2
    finally:
        child.kill()
        child.communicate()
