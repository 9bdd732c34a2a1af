"""Sheets in bulk over SOAP."""

from __future__ import annotations

from typing import Any, Final

from spyne import Boolean, ByteArray, DateTime, Integer, ServiceBase, Unicode

from api.catalogues import perhaps, told
from api.soap.models import Model, _enum, many, needed
from api.soap.service import operation
from domain.bulk.run import BulkImport as Import
from domain.bulk.run import BulkMode, BulkState
from domain.bulk.sheet import SheetKind
from domain.ids import BulkImportId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.import_bulk import TakeSheet, take_sheet
from domain.usecases.list_bulk import get_bulk_import, list_bulk_faults

PAGE: Final = 200
KindOfSheet = _enum(SheetKind, "SheetKind")
ModeOfBulk = _enum(BulkMode, "BulkMode")
StateOfBulk = _enum(BulkState, "BulkImportState")


class NewSheet(Model):
    """A sheet, CSV or XLSX. ``preview``: every fault is found, and nothing kept."""

    kind = needed(KindOfSheet)
    name = needed(Unicode)
    content = needed(ByteArray)
    mode = ModeOfBulk
    preview = Boolean


class BulkImport(Model):
    """A sheet that was brought, and how far it is."""

    id = needed(Integer)
    kind = needed(KindOfSheet)
    name = needed(Unicode)
    mode = needed(ModeOfBulk)
    preview = needed(Boolean)
    state = needed(StateOfBulk)
    rows = Integer
    seen = needed(Integer)
    created = needed(Integer)
    unchanged = needed(Integer)
    faulty = needed(Integer)
    fault = Unicode
    finishedAt = DateTime


class BulkFault(Model):
    """What is wrong with a row; the header is row 1. ``column`` where it is about one."""

    row = needed(Integer)
    column = Unicode
    code = needed(Unicode)
    message = needed(Unicode)


class BulkFaultPage(Model):
    """Faults by row; ``next`` asks for those behind them."""

    count = needed(Integer)
    fault = many(BulkFault)
    next = Integer


class Bulk(ServiceBase):
    """Sheets of customers, contracts, subscriptions and numbers."""

    __service_name__ = "Billing"

    @operation("ImportSheet", needed(NewSheet), returns=BulkImport, result="import")
    async def import_sheet(ctx: Any, sheet: Any) -> Any:
        """Bring a sheet; a worker takes it in, and GetBulkImport tells how far it is."""
        cmd = TakeSheet(
            kind=SheetKind(str(sheet.kind)),
            name=sheet.name,
            content=b"".join(sheet.content),
            mode=BulkMode.ALL if sheet.mode is None else BulkMode(str(sheet.mode)),
            preview=bool(sheet.preview),
        )
        return _shown(await ctx.udc.ask(take_sheet, cmd, clock=ctx.udc.wiring.clock))

    @operation("GetBulkImport", needed(Integer), returns=BulkImport, result="import")
    async def get_bulk_import(ctx: Any, id: int) -> Any:
        """Return how far an import is."""
        return _shown(await ctx.udc.ask(get_bulk_import, BulkImportId(id)))

    @operation(
        "ListBulkFaults", needed(Integer), Integer(ge=1, le=PAGE_MAX), Integer, returns=BulkFaultPage, result="page"
    )
    async def list_bulk_faults(ctx: Any, id: int, first: int | None, after: int | None) -> Any:
        """Return what is wrong with an import's rows."""
        page = await ctx.udc.ask(list_bulk_faults, BulkImportId(id), PageRequest(first or PAGE, after))
        faults = [
            BulkFault(row=one.row, column=one.field, code=one.code, message=told(one.message)) for one in page.items
        ]
        following = (after or 0) + len(faults) if page.more else None
        return BulkFaultPage(count=len(faults), fault=faults, next=following)


def _shown(run: Import) -> Any:
    names = ("id", "name", "preview", "rows", "seen", "created", "unchanged", "faulty")
    return BulkImport(
        **{name: getattr(run, name) for name in names},
        fault=perhaps(run.fault),
        kind=run.kind.value,
        mode=run.mode.value,
        state=run.state.value,
        finishedAt=run.finished_at,
    )
