"""What came of the demo's month, as the stores tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.demo.loading import actor_of
from api.wiring import Wiring
from domain.demo.world import World
from domain.invoicing.bill_run import BillRun
from domain.mediation.files import CdrFile
from domain.operators import Operator
from domain.ports.page import PageRequest
from domain.ports.usage import LevelTotals, UsageFilter
from domain.usecases.list_files import list_files
from domain.usecases.sum_levels import sum_levels


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts over every file, amounts over every rated event of the month, and the bill run's own."""

    files: int
    records: int
    events: int
    rated: int
    unrated: int
    duplicates: int
    merged: int
    pending: int
    rejects: int
    ignored: int
    levels: LevelTotals
    run: BillRun


async def gather(world: World, operator: Operator, run: BillRun, wiring: Wiring) -> Figures:
    """Ask for every figure of the month."""
    actor = actor_of(operator.id)
    files: list[CdrFile] = []
    request = PageRequest(first=1000)
    while True:
        page = await list_files(request, actor=actor, begin=wiring.begin)
        files += page.items
        if not page.more:
            break
        request = PageRequest(first=1000, after=int(files[-1].id))
    since, until = world.size.period.instants(operator.zone)
    chosen = UsageFilter(since=since, until=until)
    levels = await sum_levels(chosen, actor=actor, begin=wiring.begin)
    assert all(file.balances() for file in files), "every record ended in exactly one place"
    return _figures(files, [one for one in levels if one.currency == operator.currency], run)


def _figures(files: Sequence[CdrFile], levels: Sequence[LevelTotals], run: BillRun) -> Figures:
    """Add the files up."""
    return Figures(
        files=len(files),
        records=sum(file.records for file in files),
        events=sum(file.events for file in files),
        rated=sum(file.rated for file in files),
        unrated=sum(file.unrated for file in files),
        duplicates=sum(file.duplicates for file in files),
        merged=sum(file.merged for file in files),
        pending=sum(file.pending for file in files),
        rejects=sum(file.rejects for file in files),
        ignored=sum(sum(file.ignored.values()) for file in files),
        levels=levels[0],
        run=run,
    )
