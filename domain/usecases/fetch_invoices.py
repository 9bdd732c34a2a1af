"""Give another system the invoices that are new to it, exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.access.actor import Action, Actor, allow, check_reach
from domain.access.operations import operation
from domain.ids import InvoiceBatchId
from domain.invoicing.fetched import MOST, InvoiceBatch, check_consumer
from domain.invoicing.invoice import Invoice
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchInvoices:
    """Up to ``most`` documents that are new to ``consumer``, the name that the other system gives itself.

    ``marker`` is that of the batch which it has for good: it is acknowledged with this call.
    """

    consumer: str
    most: int = 100
    marker: InvoiceBatchId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A batch with its documents by key; ``batch`` is None where nothing is new."""

    batch: InvoiceBatch | None
    invoices: Sequence[Invoice]


@operation(Action.READ_INVOICES)
async def fetch_invoices(cmd: FetchInvoices, *, actor: Actor, begin: Begin, clock: Clock) -> Fetched:
    """Return the batch that waits to be acknowledged; where none waits, one of the documents that are new.

    Asked again before it is acknowledged, with the same marker or none, the same batch is given. Each consumer has a
    place of its own.

    Refuses with: NotAllowed (also a person who does not run bills, and who reaches the customers of some groups alone),
    BadValue (a name that is none, how many, a marker that is not the last batch's).
    """
    _check_caller(actor, "fetch_invoices")
    consumer = check_consumer(cmd.consumer)
    if not 1 <= cmd.most <= MOST:
        raise BadValue("1 to {most} invoices can be fetched at a time", most=MOST, field="most")
    async with begin(actor) as unit:
        await unit.invoice_batches.hold(consumer)
        last = await unit.invoice_batches.last(consumer)
        if cmd.marker is not None:
            if last is None or (last.id != cmd.marker and not await _answered(unit, last, cmd.marker)):
                raise BadValue(
                    "the last batch of {consumer} is {last}, not {marker}",
                    consumer=consumer,
                    last="" if last is None else last.id,
                    marker=cmd.marker,
                    field="marker",
                )
            if last.id == cmd.marker:
                last = await _acknowledged(unit, last, clock)
        if last is not None and last.acknowledged_at is None:
            return await _whole(unit, last)
        made = await unit.invoice_batches.make(consumer, most=cmd.most, at=clock.now())
        if made is None:
            return Fetched(batch=None, invoices=())
        detail = {"consumer": consumer, "invoices": len(made.invoices), "version": 1}
        await unit.audit.write("fetch_invoices", f"invoice_batch:{made.id}", detail)
        return await _whole(unit, made)


@operation(Action.READ_INVOICES)
async def acknowledge_invoices(key: InvoiceBatchId, *, actor: Actor, begin: Begin, clock: Clock) -> InvoiceBatch:
    """Say that the other system has a batch for good; said again, nothing changes.

    Refuses with: NotAllowed (as to fetch), NotFound.
    """
    _check_caller(actor, "acknowledge_invoices")
    async with begin(actor) as unit:
        batch = await unit.invoice_batches.get(key)
        await unit.invoice_batches.hold(batch.consumer)
        return await _acknowledged(unit, await unit.invoice_batches.get(key), clock)


@operation(Action.READ_INVOICES)
async def read_invoice_batch(key: InvoiceBatchId, *, actor: Actor, begin: Begin) -> Fetched:
    """Return a batch that was given before, acknowledged or not. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await _whole(unit, await unit.invoice_batches.get(key))


def _check_caller(actor: Actor, operation: str) -> None:
    """Let machines pass, and people who run bills: whoever may only read would lose documents to the other system.

    What is new to it is new of all its customers: who reaches some of them would leave the others out for good.
    """
    check_reach(actor, bulk=True)
    if actor.user is not None:
        allow(actor, Action.RUN_BILLS, operation)


async def _answered(unit: Unit, last: InvoiceBatch, marker: InvoiceBatchId) -> bool:
    """Tell whether a marker was answered by the batch that waits: whoever lost that answer asks the same again."""
    if last.acknowledged_at is not None:
        return False
    try:
        before = await unit.invoice_batches.get(marker)
    except NotFound:
        return False
    return before.consumer == last.consumer and before.id < last.id and before.upto == last.after


async def _acknowledged(unit: Unit, batch: InvoiceBatch, clock: Clock) -> InvoiceBatch:
    if batch.acknowledged_at is not None:
        return batch
    done = await unit.invoice_batches.acknowledge(batch.id, at=clock.now())
    detail = {"consumer": batch.consumer, "version": 2, "changed": ["acknowledgedAt"]}
    await unit.audit.write("acknowledge_invoices", f"invoice_batch:{batch.id}", detail)
    return done


async def _whole(unit: Unit, batch: InvoiceBatch) -> Fetched:
    found = await unit.invoices.many(batch.invoices)
    return Fetched(batch=batch, invoices=[found[key] for key in batch.invoices if key in found])
