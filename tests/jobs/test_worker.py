"""A worker: what it does, what it makes of failures, and how it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from api.jobs import HANDLERS, Handler
from api.wiring import Wiring
from api.worker import ASKING_MAX, OPERATOR_MAX, Worker
from domain.access.actor import Actor
from domain.jobs.job import Job, JobState, NewJob
from domain.mediation.files import CdrFile, FileState
from domain.ports.page import PageRequest
from domain.refusal import BadValue, WrongState
from domain.usecases import place_order
from domain.usecases.import_cdr import ImportCdr
from domain.usecases.manage_jobs import retry_job
from domain.usecases.take_cdr import Taken, take_cdr
from persistence.away import DatabaseAway
from tests.intake import world as made
from tests.jobs.test_queue import add, all_of

CALLS = made.calls(20)


async def take(wiring: Wiring, actor: Actor, data: bytes = CALLS, name: str = "a.csv") -> Taken:
    cmd = ImportCdr(source="pbx", name=name, content=made.content(data), size_max=1 << 20)
    return await take_cdr(
        cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, blobs=wiring.blobs, formats=wiring.formats
    )


async def files_of(wiring: Wiring, actor: Actor) -> list[CdrFile]:
    async with wiring.begin(actor) as unit:
        return list((await unit.files.page(PageRequest())).items)


def raising(wrong: Exception, *, times: int = 1000) -> Handler:
    left = [times]

    async def handler(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
        if left[0] > 0:
            left[0] -= 1
            raise wrong
        return {"by": actor.client}

    return handler


async def test_a_file_that_was_taken_is_imported(wiring: Wiring, world: made.World) -> None:
    taken = await take(wiring, world.actor)
    assert (taken.file.state, taken.again) == (FileState.WAITING, False)
    assert (await take(wiring, world.actor, name="b.csv")).file.id == taken.file.id
    assert len(await all_of(wiring, world.actor)) == 1, "it is promised once"
    await Worker(wiring).run(until_idle=True)
    (file,) = await files_of(wiring, world.actor)
    assert (file.state, file.rated, file.records) == (FileState.DONE, 20, 20)
    (job,) = await all_of(wiring, world.actor)
    assert (job.state, job.result) == (JobState.DONE, {"file": file.id, "state": "done", "rated": 20, "unrated": 0})
    assert (await take(wiring, world.actor)).again is True
    assert len(await all_of(wiring, world.actor)) == 1


async def test_a_file_that_cannot_be_read_is_refused_and_the_job_done(wiring: Wiring, world: made.World) -> None:
    await take(wiring, world.actor, b"\x7fELF\x00\x01" * 500)
    await Worker(wiring).run(until_idle=True)
    (file,) = await files_of(wiring, world.actor)
    (job,) = await all_of(wiring, world.actor)
    assert (file.state, job.state) == (FileState.REFUSED, JobState.DONE)
    assert job.result is not None
    assert job.result["fault"] == file.fault


async def test_bytes_that_are_not_here_leave_a_dead_job_that_says_so(wiring: Wiring, world: made.World) -> None:
    taken = await take(wiring, world.actor)
    for path in wiring.settings.files_dir.rglob("*"):
        if path.is_file():
            path.unlink()
    await Worker(wiring).run(until_idle=True)
    (job,) = await all_of(wiring, world.actor)
    assert job.state is JobState.DEAD
    assert job.error is not None
    assert taken.file.sha256.hex() in job.error


async def test_what_fails_rests_and_what_cannot_be_is_dead(wiring: Wiring, world: made.World) -> None:
    await add(wiring, world.actor, NewJob(kind="no"), NewJob(kind="later"), NewJob(kind="bug", attempts_max=1))
    handlers: dict[str, Handler] = {
        "no": raising(BadValue("never")),
        "later": raising(WrongState("not now")),
        "bug": raising(ZeroDivisionError("oops")),
    }
    await Worker(wiring, jobs=3, handlers=handlers).run(until_idle=True)
    jobs = {job.kind: job for job in await all_of(wiring, world.actor)}
    assert {kind: (job.state, job.attempts, job.error) for kind, job in jobs.items()} == {
        "no": (JobState.DEAD, 1, "never"),
        "later": (JobState.WAITING, 1, "not now"),
        "bug": (JobState.DEAD, 1, "ZeroDivisionError: oops"),
    }
    assert jobs["later"].run_at > jobs["later"].created_at


async def test_a_disk_that_is_full_is_waited_for(wiring: Wiring, world: made.World) -> None:
    await add(wiring, world.actor, NewJob(kind="walk"))
    handlers = {"walk": raising(DatabaseAway("the database's disk is full"), times=1)}
    await Worker(wiring, handlers=handlers).run(until_idle=True)
    (job,) = await all_of(wiring, world.actor)
    assert (job.state, job.attempts, job.error) == (JobState.WAITING, 1, "the database's disk is full")
    await retry_job(job.id, actor=world.actor, begin=wiring.begin, clock=wiring.clock)
    await Worker(wiring, handlers=handlers).run(until_idle=True)
    (job,) = await all_of(wiring, world.actor)
    assert (job.state, job.result) == (JobState.DONE, {"by": "worker"})


async def test_slow_elements_hold_up_no_files_and_long_files_no_orders(wiring: Wiring, world: made.World) -> None:
    done: list[str] = []
    file_in, asked = asyncio.Event(), asyncio.Event()

    async def drive(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
        asked.set()
        await file_in.wait()  # the element answers only when the file is in
        done.append(job.kind)
        return {}

    async def walk(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
        await asked.wait()
        done.append(job.kind)
        file_in.set()
        return {}

    orders = [NewJob(kind=place_order.KIND, priority=10) for _ in range(ASKING_MAX + 2)]
    await add(wiring, world.actor, *orders, NewJob(kind="walk"))
    worker = Worker(wiring, jobs=1, handlers={place_order.KIND: drive, "walk": walk})
    await asyncio.wait_for(worker.run(until_idle=True), 60)
    assert done == ["walk", *[place_order.KIND] * len(orders)]


async def test_one_operators_dead_element_leaves_places_to_the_others(wiring: Wiring, world: made.World) -> None:
    other = (await made.make(wiring.begin, f"far{world.actor.operator}")).actor
    answered, present = asyncio.Event(), 0
    most = 0

    async def drive(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
        nonlocal present, most
        if actor.operator == other.operator:
            answered.set()
            return {}
        present += 1
        most = max(most, present)
        async with asyncio.timeout(30):
            await answered.wait()  # a dead element: only the other operator's order ends it
        present -= 1
        return {}

    await add(wiring, world.actor, *(NewJob(kind=place_order.KIND, priority=10) for _ in range(3 * ASKING_MAX)))
    await add(wiring, other, NewJob(kind=place_order.KIND))
    worker = Worker(wiring, jobs=1, handlers={place_order.KIND: drive})
    await asyncio.wait_for(worker.run(until_idle=True), 60)
    assert most == OPERATOR_MAX
    assert {job.state for job in await all_of(wiring, world.actor)} == {JobState.DONE}


async def test_told_to_stop_it_gives_back_what_it_does(wiring: Wiring, world: made.World) -> None:
    await add(wiring, world.actor, NewJob(kind="walk"))
    begun = asyncio.Event()

    async def walk(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
        begun.set()
        await asyncio.sleep(600)
        return {}

    worker = Worker(wiring, handlers={"walk": walk})
    running = asyncio.create_task(worker.run())
    await begun.wait()
    worker.stop()
    await asyncio.wait_for(running, 30)
    (job,) = await all_of(wiring, world.actor)
    assert (job.state, job.attempts) == (JobState.WAITING, 0)


async def test_several_jobs_at_a_time_and_no_more(wiring: Wiring, world: made.World) -> None:
    await add(wiring, world.actor, *(NewJob(kind="walk") for _ in range(7)))
    present, most = 0, 0

    async def walk(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
        nonlocal present, most
        present += 1
        most = max(most, present)
        await asyncio.sleep(0.05)
        present -= 1
        return {}

    await Worker(wiring, jobs=3, handlers={"walk": walk}).run(until_idle=True)
    assert most == 3
    assert {job.state for job in await all_of(wiring, world.actor)} == {JobState.DONE}


def test_every_kind_has_a_handler_that_is_known() -> None:
    assert "import_cdr" in HANDLERS
