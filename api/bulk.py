"""Importing a sheet beside telling how far it is: by a worker's job, or in a process of the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from api.wiring import Wiring
from domain.access.actor import Actor
from domain.access.frozen import thaw
from domain.access.limits import Limits
from domain.bulk.run import BulkImport
from domain.ids import BulkImportId, UserId
from domain.jobs.job import Job
from domain.resellers.reseller import subtree
from domain.usecases.import_bulk import import_bulk
from domain.usecases.list_bulk import get_bulk_import, tell_bulk_progress

TELL_SECONDS: Final = 1.0


async def import_sheet(
    wiring: Wiring, actor: Actor, key: BulkImportId, told: Callable[[int, int | None], None] | None = None
) -> BulkImport:
    """Import a sheet that was kept, as its client. ``told`` hears of rows seen since the last time, and of all."""
    who = await _as_client(wiring, actor, await get_bulk_import(key, actor=actor, begin=wiring.begin))
    latest: list[int | None] = [None, 0]

    def hear(rows: int | None, seen: int) -> None:
        if told is not None:
            told(seen - (latest[1] or 0), rows)
        latest[:] = rows, seen

    # A task begun outside every unit: what it writes is not of the import's transaction, and is seen at once.
    telling = asyncio.create_task(_tell(wiring, who, key, latest))
    try:
        return await import_bulk(
            key, actor=who, begin=wiring.begin, clock=wiring.clock, sheets=wiring.sheets, told=hear
        )
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling


async def bulk_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Import the sheet ``payload["import"]``, in the name and within the limits of who brought it."""
    kept: Mapping[str, Any] = job.payload
    if kept.get("limits") is not None:  # a job of an earlier release says nothing of him
        user = None if kept["user"] is None else UserId(kept["user"])
        actor = replace(actor, user=user, factor=kept["factor"], limits=thaw(Limits, kept["limits"]))
    done = await import_sheet(wiring, actor, BulkImportId(int(str(kept["import"]))))
    return {
        "import": done.id,
        "state": done.state.value,
        "created": done.created,
        "unchanged": done.unchanged,
        "faulty": done.faulty,
    }


async def _as_client(wiring: Wiring, actor: Actor, run: BulkImport) -> Actor:
    """Return the worker's actor narrowed to what the client who brought the sheet reaches."""
    async with wiring.begin(actor) as unit:
        edition = (await unit.operators.own()).edition
        below = () if run.reseller is None else subtree(run.reseller, await unit.resellers.tree())
    return replace(actor, client=run.client, reseller=run.reseller, resellers=below, edition=edition)


async def _tell(wiring: Wiring, actor: Actor, key: BulkImportId, latest: list[int | None]) -> None:
    before: tuple[int | None, ...] = ()
    while True:
        await asyncio.sleep(TELL_SECONDS)
        if (now := tuple(latest)) != before:
            before = now
            await tell_bulk_progress(key, rows=latest[0], seen=latest[1] or 0, actor=actor, begin=wiring.begin)
