"""Queue issued documents to be sent, each once, and say what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.delivery.channel import Channel
from domain.delivery.dispatch import Dispatch, DispatchState, Form, Way, dispatch_of, moved
from domain.delivery.receipts import Receipt, match
from domain.ids import BillRunId, CustomerId, DispatchId, InvoiceId, PrintBatchId
from domain.jobs.job import NewJob
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Stale

QUEUE: Final = "queue_documents"
SEND: Final = "send_document"
FOLLOW: Final = "follow_document"
QUEUED_MAX: Final = 10_000
KEYS_MAX: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDocuments:
    """What is to be sent: all of a run, those named, or with neither whatever was not sent yet.

    ``again``: documents that are named and were sent before are sent once more; one that still waits is not.
    ``workers_at``: until then workers leave them to the caller, who sends them himself; two would send twice.
    """

    run: BillRunId | None = None
    invoices: tuple[InvoiceId, ...] = ()
    again: bool = False
    most: int = QUEUED_MAX
    workers_at: datetime | None = None


@operation(Action.RUN_BILLS)
async def queue_documents(cmd: QueueDocuments, *, actor: Actor, begin: Begin, clock: Clock) -> Sequence[Dispatch]:
    """Queue documents and return their dispatches; what was queued or sent before is left out.

    Documents that payers fetch have none. Refuses with: NotAllowed, BadValue (again without naming any, too many).
    """
    check_named(cmd.invoices, again=cmd.again)
    async with begin(actor) as unit:
        made = await queue(unit, cmd, clock)
        if made:
            detail = {"documents": len(made), "run": cmd.run, "again": cmd.again}
            await unit.audit.write("send_documents", f"bill_run:{cmd.run}" if cmd.run else "dispatch", detail)
    return made


def check_named(invoices: Sequence[InvoiceId], *, again: bool) -> None:
    """Refuses with: BadValue."""
    if again and not invoices:
        raise BadValue("say which documents are sent again", field="invoices")
    if len(invoices) > KEYS_MAX:
        raise BadValue("at most {most} documents are named at once", most=KEYS_MAX, field="invoices")


async def queue(unit: Unit, cmd: QueueDocuments, clock: Clock, *, way: Way | None = None) -> Sequence[Dispatch]:
    """Keep dispatches of the documents, those of one way alone where it is given, and promise their sending."""
    now = clock.now()
    # What is wanted by one way alone is not looked for behind what leaves by others.
    keys = await unit.dispatches.unsent(run=cmd.run, keys=cmd.invoices, most=cmd.most, way=way)
    counts = dict.fromkeys(keys, 0)
    if cmd.again:
        for key, sent in (await unit.dispatches.of_invoices(cmd.invoices)).items():
            # What still waits leaves by itself, and would leave twice.
            if sent and all(one.state is not DispatchState.QUEUED for one in sent):
                counts[key] = max(one.again for one in sent) + 1
    invoices = await unit.invoices.many(list(counts))
    channels = await unit.channels.all()
    found = []
    for key in sorted(counts):
        if key not in invoices:
            continue
        one = dispatch_of(invoices[key], at=now, again=counts[key])
        if one is not None:
            one = routed(one, channels)
            if way in {None, one.way}:
                found.append(one)
    made = await unit.dispatches.add(found)
    for one in made:
        await promise(unit, one, at=cmd.workers_at)
    return made


def routed(one: Dispatch, channels: Sequence[Channel]) -> Dispatch:
    """Return a dispatch by the way of the operator's active channel for its form."""
    if one.form is Form.PDF:
        return one
    chosen = next((each for each in channels if each.active and one.form in each.forms), None)
    return one if chosen is None else replace(one, way=chosen.way, channel=chosen.code)


async def promise(unit: Unit, one: Dispatch, *, at: datetime | None = None) -> None:
    """Promise that a worker sends it, at once or from a time on; what is printed waits for a batch."""
    if one.way is not Way.PRINT:
        # By its version: a job that has just parked it is still open, and is none that sends it again.
        dedupe = f"dispatch:{one.id}/{one.version}"
        await unit.jobs.add(NewJob(kind=SEND, payload={"dispatch": one.id}, dedupe=dedupe, run_at=at))


@operation(Action.READ_INVOICES)
async def list_dispatches(
    request: PageRequest,
    *,
    state: DispatchState | None = None,
    form: Form | None = None,
    way: Way | None = None,
    customer: CustomerId | None = None,
    batch: PrintBatchId | None = None,
    actor: Actor,
    begin: Begin,
) -> Page[Dispatch]:
    """Return documents on their way that the caller may see, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.dispatches.page(request, state=state, form=form, way=way, customer=customer, batch=batch)


@operation(Action.READ_INVOICES)
async def dispatches_of_invoices(
    keys: Sequence[InvoiceId], *, actor: Actor, begin: Begin
) -> Mapping[InvoiceId, Sequence[Dispatch]]:
    """Return the dispatches of each document. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.dispatches.of_invoices(keys)


@operation(Action.READ_INVOICES)
async def dispatches_by_key(keys: Sequence[DispatchId], *, actor: Actor, begin: Begin) -> Mapping[DispatchId, Dispatch]:
    """Return those that exist and may be seen. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.dispatches.many(keys)


@operation(Action.RUN_BILLS)
async def retry_dispatch(key: DispatchId, *, version: int, actor: Actor, begin: Begin, clock: Clock) -> Dispatch:
    """Queue a document again that was parked or given up. Refuses with: NotAllowed, NotFound, Stale, WrongState."""
    async with begin(actor) as unit:
        one = await unit.dispatches.claim(key)
        if one.version != version:
            raise Stale("the dispatch has changed since it was read", field="version")
        again = replace(moved(one, DispatchState.QUEUED, at=clock.now()), attempts=0, rule=None)
        (kept,) = await unit.dispatches.keep([routed(again, await unit.channels.all())])
        await promise(unit, kept)
        await unit.audit.write("retry_document", f"dispatch:{key}", {"number": one.number})
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptsTaken:
    """What receipts came to: how many documents moved, how many rows said what is known, and whose nobody knows."""

    moved: int
    known: int
    unknown: tuple[str, ...]
    rejected: tuple[str, ...]


@operation(Action.RUN_BILLS)
async def take_receipts(receipts: Sequence[Receipt], *, actor: Actor, begin: Begin, clock: Clock) -> ReceiptsTaken:
    """Let documents be what receipts say; again changes nothing. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await take(unit, receipts, clock)


async def take(
    unit: Unit, receipts: Sequence[Receipt], clock: Clock, *, batch: PrintBatchId | None = None
) -> ReceiptsTaken:
    """Match receipts in a unit, to what is in one print batch where it is named, and tell of each document's end."""
    now = clock.now()
    numbers = sorted({each.number for each in receipts if each.number})
    references = sorted({each.reference for each in receipts if each.reference})
    named = await unit.dispatches.named(numbers, references)
    found = match(receipts, [one for one in named if batch is None or one.batch == batch])
    kept = await unit.dispatches.keep([moved(one, each.state, at=now, fault=each.reason) for one, each in found.moving])
    for one in kept:
        await tell(unit, one)
    rejected = tuple(one.number for one in kept if one.state is DispatchState.REJECTED)
    if kept:
        detail = {"documents": len(kept), "rejected": len(rejected), "unknown": len(found.unknown)}
        await unit.audit.write("take_receipts", "dispatch", detail)
    return ReceiptsTaken(
        moved=len(kept),
        known=len(found.known),
        unknown=tuple(each.named for each in found.unknown),
        rejected=rejected,
    )


async def tell(unit: Unit, one: Dispatch) -> None:
    """Tell of a document that came to its end, as an event of its own."""
    kinds = {
        DispatchState.DELIVERED: "document.delivered",
        DispatchState.REJECTED: "document.failed",
        DispatchState.FAILED: "document.failed",
        DispatchState.PARKED: "document.failed",
    }
    if one.state in kinds:
        detail = {
            "invoice": one.invoice,
            "number": one.number,
            "form": one.form.value,
            "way": one.way.value,
            "state": one.state.value,
            "rule": one.rule,
            "fault": one.fault,
        }
        await unit.outbox.promise(kinds[one.state], detail, subject=f"dispatch:{one.id}")
