"""The operations of the WSDL about documents on their way, and about batches for a printhouse."""

from __future__ import annotations

from typing import Any, Final

from spyne import Boolean, DateTime, Integer, ServiceBase, Unicode

from api.catalogues import perhaps
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from domain.delivery.dispatch import Dispatch, DispatchState, Form, Way
from domain.delivery.printing import BatchState, PrintBatch
from domain.delivery.receipts import Receipt, read_rows
from domain.ids import BillRunId, DispatchId, PrintBatchId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.get_invoice import get_invoice
from domain.usecases.print_batch import MakePrintBatch, list_print_batches, make_print_batch, take_print_receipt
from domain.usecases.send_documents import (
    QueueDocuments,
    ReceiptsTaken,
    list_dispatches,
    queue_documents,
    retry_dispatch,
)

PAGE: Final = 200
StateOfDispatch = _enum(DispatchState, "DispatchState")
FormOfDocument = _enum(Form, "DocumentForm")
WayOfDocument = _enum(Way, "DocumentWay")
StateOfBatch = _enum(BatchState, "PrintBatchState")


class DispatchModel(Model):
    """A document on its way; ``rule`` and ``fault`` say why it is parked, rejected or given up."""

    __type_name__ = "Dispatch"

    id = needed(Integer)
    invoiceNumber = needed(Unicode)
    form = needed(FormOfDocument)
    way = needed(WayOfDocument)
    state = needed(StateOfDispatch)
    channel = Unicode
    attempts = needed(Integer)
    reference = Unicode
    rule = Unicode
    fault = Unicode
    again = needed(Integer)
    printBatch = Integer
    sequence = Integer
    queuedAt = needed(DateTime)
    changedAt = needed(DateTime)
    version = needed(Integer)


class DispatchPage(Model):
    """A page of documents on their way; ``next`` asks for those behind."""

    count = needed(Integer)
    dispatch = many(DispatchModel)
    next = Unicode


class PrintBatchModel(Model):
    """What a printhouse gets at once; its files: GET /rest/v1/print-batches/{id}.pdf, .xml and .csv."""

    __type_name__ = "PrintBatch"

    id = needed(Integer)
    number = needed(Integer)
    state = needed(StateOfBatch)
    documents = needed(Integer)
    pages = needed(Integer)
    sheets = needed(Integer)
    sha256 = needed(Unicode)
    accepted = needed(Integer)
    rejected = needed(Integer)
    madeAt = needed(DateTime)
    droppedAt = DateTime
    version = needed(Integer)


class PrintBatchPage(Model):
    """A page of batches; ``next`` asks for those behind."""

    count = needed(Integer)
    batch = many(PrintBatchModel)
    next = Unicode


class ReceiptModel(Model):
    """What became of a document, by number or by the other side's reference: accepted, delivered or rejected."""

    __type_name__ = "Receipt"

    state = needed(Unicode)
    number = Unicode
    kind = Unicode
    reference = Unicode
    reason = Unicode


class ReceiptsModel(Model):
    """What receipts came to; ``unknown`` is what they name and nobody knows."""

    __type_name__ = "ReceiptsTaken"

    moved = needed(Integer)
    known = needed(Integer)
    unknown = many(Unicode)
    rejected = many(Unicode)


class Deliveries(ServiceBase):
    """Documents on their way to their payers."""

    __service_name__ = "Billing"

    @operation("SendDocuments", Integer, many(Unicode), Boolean, returns=DispatchPage, result="queued")
    async def send_documents(
        ctx: Any,
        run: int | None,
        invoiceNumber: list[str] | None,
        again: bool | None,
    ) -> Any:
        """Queue documents to be sent: all of a run, those named, or with neither whatever was not sent yet."""
        keys = [(await ctx.udc.ask(get_invoice, number)).id for number in invoiceNumber or ()]
        cmd = QueueDocuments(
            run=None if run is None else BillRunId(run), invoices=tuple(keys), again=bool(again), most=PAGE_MAX
        )
        made = await ctx.udc.ask(queue_documents, cmd, clock=ctx.udc.wiring.clock)
        return DispatchPage(count=len(made), dispatch=[_dispatch(one) for one in made])

    @operation("RetryDispatch", needed(Integer), needed(Integer), returns=DispatchModel, result="dispatch")
    async def retry_dispatch(ctx: Any, dispatch: int, version: int) -> Any:
        """Queue a document that was parked or given up."""
        clock = ctx.udc.wiring.clock
        return _dispatch(await ctx.udc.ask(retry_dispatch, DispatchId(dispatch), version=version, clock=clock))

    @operation(
        "ListDispatches",
        StateOfDispatch,
        WayOfDocument,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=DispatchPage,
        result="page",
    )
    async def list_dispatches(
        ctx: Any,
        state: str | None,
        way: str | None,
        first: int | None,
        after: str | None,
    ) -> Any:
        """Return documents on their way, in a state and by a way."""
        page = await ctx.udc.ask(
            list_dispatches,
            PageRequest(first or PAGE, key_after(after)),
            state=None if state is None else DispatchState(str(state)),
            way=None if way is None else Way(str(way)),
        )
        found = [_dispatch(one) for one in page.items]
        return DispatchPage(count=len(found), dispatch=found, next=str(page.items[-1].id) if page.more else None)

    @operation("TakeReceipts", many(ReceiptModel), Integer, returns=ReceiptsModel, result="taken")
    async def take_receipts(
        ctx: Any,
        receipt: list[Any] | None,
        printBatch: int | None,
    ) -> Any:
        """Let documents be what a printhouse or an access point says; again changes nothing."""
        key = None if printBatch is None else PrintBatchId(printBatch)
        clock = ctx.udc.wiring.clock
        return _taken(await ctx.udc.ask(take_print_receipt, key, _receipts(receipt or ()), clock=clock))

    @operation("MakePrintBatch", Integer, many(Unicode), Boolean, Boolean, returns=PrintBatchModel, result="batch")
    async def make_print_batch(
        ctx: Any,
        run: int | None,
        invoiceNumber: list[str] | None,
        again: bool | None,
        simplex: bool | None,
    ) -> Any:
        """Make a batch of what waits to be printed; a document is in one batch, unless again says otherwise."""
        wiring = ctx.udc.wiring
        keys = [(await ctx.udc.ask(get_invoice, number)).id for number in invoiceNumber or ()]
        cmd = MakePrintBatch(
            run=None if run is None else BillRunId(run), invoices=tuple(keys), again=bool(again), duplex=not simplex
        )
        more = {"clock": wiring.clock, "documents": wiring.documents, "blobs": wiring.blobs}
        return _batch(await ctx.udc.ask(make_print_batch, cmd, **more))

    @operation("ListPrintBatches", Integer(ge=1, le=PAGE_MAX), Unicode, returns=PrintBatchPage, result="page")
    async def list_print_batches(ctx: Any, first: int | None, after: str | None) -> Any:
        """Return the batches."""
        page = await ctx.udc.ask(list_print_batches, PageRequest(first or PAGE, key_after(after)))
        found = [_batch(one) for one in page.items]
        return PrintBatchPage(count=len(found), batch=found, next=str(page.items[-1].id) if page.more else None)


def _receipts(rows: Any) -> list[Receipt]:
    names = ("state", "number", "kind", "reference", "reason")
    return read_rows([{name: str(getattr(row, name)) for name in names if getattr(row, name)} for row in rows])


def _taken(done: ReceiptsTaken) -> ReceiptsModel:
    return ReceiptsModel(
        moved=done.moved,
        known=done.known,
        unknown=list(done.unknown),
        rejected=list(done.rejected),
    )


def _dispatch(one: Dispatch) -> DispatchModel:
    return DispatchModel(
        id=one.id,
        invoiceNumber=one.number,
        form=one.form.value,
        way=one.way.value,
        state=one.state.value,
        channel=one.channel,
        attempts=one.attempts,
        reference=one.reference,
        rule=one.rule,
        fault=perhaps(one.fault),
        again=one.again,
        printBatch=one.batch,
        sequence=one.sequence,
        queuedAt=one.queued_at,
        changedAt=one.changed_at,
        version=one.version,
    )


def _batch(one: PrintBatch) -> PrintBatchModel:
    return PrintBatchModel(
        id=one.id,
        number=one.number,
        state=one.state.value,
        documents=one.documents,
        pages=one.pages,
        sheets=one.sheets,
        sha256=one.digest.hex(),
        accepted=one.accepted,
        rejected=one.rejected,
        madeAt=one.made_at,
        droppedAt=one.dropped_at,
        version=one.version,
    )
