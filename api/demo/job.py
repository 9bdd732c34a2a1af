"""The demo's main job: load the operator, take the month's files in, bill the month, and show what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from api.demo import documents, figures, loading, page
from api.demo.keys import ensure_keys
from api.demo.together import each
from api.wiring import Wiring
from domain.access.actor import Actor
from domain.demo.files import File, Source
from domain.demo.size import Size
from domain.demo.world import World, make_world
from domain.intake.chunks import prepare
from domain.invoicing.bill_run import BillRun, BillRunState
from domain.operators import Operator
from domain.ports.page import PageRequest
from domain.refusal import Conflict
from domain.usecases.import_cdr import ImportCdr, import_cdr
from domain.usecases.list_bill_runs import list_bill_runs
from domain.usecases.make_bills import PageDone
from domain.usecases.mediate import mediate
from domain.usecases.run_bills import RunBills, run_bills

DIRECTORY = "demo"


async def run_main_job(wiring: Wiring, console: Console) -> None:
    """Load the demo operator once and do its month's main job, visibly; then print where to look.

    A second call finds everything done and prints the same places. After a crash a call continues.
    """
    settings = wiring.settings
    world = make_world(Size(customers=settings.demo_customers, calls=settings.demo_calls))
    place = settings.data_dir / DIRECTORY
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    operator = await loading.find_operator(world, wiring)
    run = None if operator is None else await _finished(world, operator, wiring)
    anew = run is None
    if operator is None or run is None:
        began = time.perf_counter()
        console.print(f"The demo operator is {world.operator.name}; its month is {world.size.period.start:%B %Y}.")
        operator, imported_seconds = await _work(world, wiring, console)
        run = await _finished(world, operator, wiring)
        assert run is not None, "the month has been billed"
        shown = await figures.gather(world, operator, run, wiring)
        page.show_figures(shown, time.perf_counter() - began, imported_seconds, console)
    else:
        console.print(f"The demo operator {operator.name} is loaded already, and its month is billed: nothing to do.")
    actor = loading.actor_of(operator.id)
    keys = await ensure_keys(place / "credentials.json", wiring, actor)
    sample = await documents.ensure(place, run, wiring, actor, anew=anew)
    page.show_places(settings, keys, sample, place, console)


async def _work(world: World, wiring: Wiring, console: Console) -> tuple[Operator, float]:
    """Do what has not been done; return the operator and the seconds that the import took."""
    files = list(world.files())
    with _bars(console) as bars:
        task = bars.add_task("customers, contracts and lines", total=loading.steps(world))
        try:
            operator = await loading.load(world, wiring, lambda steps: bars.advance(task, steps))
        except Conflict as no:
            raise Conflict(f"the demo was begun with another size or release: make demo-reset ({no.message})") from None
        actor = loading.actor_of(operator.id)
        await _warm_up(files, world, wiring, actor, bars)
        began = time.perf_counter()
        await _import(files, wiring, actor, bars)
        imported_seconds = time.perf_counter() - began
        await _bill(world, wiring, actor, bars)
    return operator, imported_seconds


async def _warm_up(files: Sequence[File], world: World, wiring: Wiring, actor: Actor, bars: Progress) -> None:
    """Mediate and rate one file of each source and let it go: on a new machine this compiles what does it, for good."""
    task = bars.add_task("compiling, once on a machine", total=len(world.sources))
    rater = await wiring.raters.present(actor, wiring.begin)

    def work(source: Source) -> None:
        profile = wiring.formats.profile(source.profile)
        first = [file.data for file in files if file.source == source.name][:1]
        for batch in mediate(first, profile, wiring.formats.reader(profile)):
            prepare(batch, rater)

    for source in world.sources:
        await asyncio.to_thread(work, source)
        bars.advance(task)


async def _import(files: Sequence[File], wiring: Wiring, actor: Actor, bars: Progress) -> None:
    """Take every file in: the switches side by side, each one's files in the order of their delivery."""
    task = bars.add_task("lines of CDR files", total=sum(file.truth.records for file in files))

    async def switch(source: str) -> None:
        for file in files:
            if file.source == source:
                await _take_in(file, wiring, actor)
                bars.advance(task, file.truth.records)

    switches = sorted({file.source for file in files})
    await each(switch, switches, at_once=len(switches))


async def _take_in(file: File, wiring: Wiring, actor: Actor) -> None:
    """Import one file."""

    async def content() -> AsyncIterator[bytes]:
        yield file.data

    size_max = wiring.settings.upload_max_bytes
    await import_cdr(
        ImportCdr(source=file.source, name=file.name, content=content(), size_max=size_max),
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        blobs=wiring.blobs,
        formats=wiring.formats,
        raters=wiring.raters,
    )


async def _bill(world: World, wiring: Wiring, actor: Actor, bars: Progress) -> BillRun:
    """Bill the month, with the first day after it as the date of issue."""
    task = bars.add_task("invoices", total=None)

    def done(billed: PageDone) -> None:
        bars.update(task, total=billed.payers_total, completed=billed.run.payers)

    cmd = RunBills(period=world.size.period, issued_on=world.size.period.end)
    return await run_bills(
        cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, raters=wiring.raters, hands=wiring.hands, done=done
    )


async def _finished(world: World, operator: Operator, wiring: Wiring) -> BillRun | None:
    """Return the run that billed the month, once everybody was billed."""
    runs = await list_bill_runs(PageRequest(first=1000), actor=loading.actor_of(operator.id), begin=wiring.begin)
    of_month = (run for run in runs.items if run.period == world.size.period and run.state is BillRunState.DONE)
    return next((run for run in of_month if run.client == loading.CLIENT), None)


@contextmanager
def _bars(console: Console) -> Iterator[Progress]:
    """Show progress bars on a terminal; elsewhere they are printed once, when they are full."""
    columns = (
        TextColumn("{task.description:<32}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        yield bars
