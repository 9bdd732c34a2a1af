"""Look at bulk imports and their faults."""

from __future__ import annotations

from typing import Final

from domain.access.actor import Action, Actor, allow
from domain.access.operations import operation
from domain.bulk.run import BulkFault, BulkImport
from domain.bulk.sheet import SheetKind
from domain.ids import BulkImportId
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin

# What one must be allowed to read to look at a sheet, or to take one out.
READS: Final = {
    SheetKind.CUSTOMERS: Action.READ_CUSTOMERS,
    SheetKind.CONTRACTS: Action.READ_CONTRACTS,
    SheetKind.SUBSCRIPTIONS: Action.READ_CONTRACTS,
    SheetKind.NUMBERS: Action.READ_CONTRACTS,
}


@operation(Action.READ_CUSTOMERS)
async def list_bulk_imports(request: PageRequest, *, actor: Actor, begin: Begin) -> Page[BulkImport]:
    """List the imports that the caller may see by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.bulk.page(request)


@operation(any_of=tuple(dict.fromkeys(READS.values())))
async def get_bulk_import(key: BulkImportId, *, actor: Actor, begin: Begin) -> BulkImport:
    """Return one. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        found = await unit.bulk.get(key)
    allow(actor, READS[found.kind], "get_bulk_import")
    return found


@operation(any_of=tuple(dict.fromkeys(READS.values())))
async def list_bulk_faults(key: BulkImportId, request: PageRequest, *, actor: Actor, begin: Begin) -> Page[BulkFault]:
    """List the faults of an import in the order of its rows. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        allow(actor, READS[(await unit.bulk.get(key)).kind], "list_bulk_faults")
        return await unit.bulk.faults(key, request)


@operation(Action.WRITE_CUSTOMERS)
async def tell_bulk_progress(key: BulkImportId, *, rows: int | None, seen: int, actor: Actor, begin: Begin) -> None:
    """Say how far an import is. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        await unit.bulk.progress(key, rows=rows, seen=seen)
