"""Make batches for a printhouse, put them where it fetches, and read what it says became of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.delivery.channel import Channel, filled
from domain.delivery.dispatch import Dispatch, DispatchState, Way, moved
from domain.delivery.printing import (
    DOCUMENTS_MAX,
    BatchState,
    PrintBatch,
    check_count,
    post_order,
    sheaves,
    sums_of,
)
from domain.delivery.receipts import Receipt
from domain.ids import BillRunId, InvoiceId, PrintBatchId
from domain.invoicing.invoice import Invoice
from domain.ports.clock import Clock
from domain.ports.documents import Documents
from domain.ports.files import Blobs
from domain.ports.page import Page, PageRequest
from domain.ports.transports import TransportFault, Transports, Vault
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Conflict, LimitExceeded, NotFound, WrongState
from domain.transports.place import read_place
from domain.usecases.print_invoice import material_of
from domain.usecases.send_documents import QueueDocuments, ReceiptsTaken, check_named, queue, take, tell

FILE_MAX: Final = 2 << 30
FILES: Final = ("pdf", "xml", "csv")
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePrintBatch:
    """What goes into a batch: what is to be printed of a run, the documents named, or with neither all that waits.

    ``again``: documents that are named go in once more. ``duplex``: paper is printed on both sides.
    """

    run: BillRunId | None = None
    invoices: tuple[InvoiceId, ...] = ()
    again: bool = False
    duplex: bool = True
    limit: int = DOCUMENTS_MAX


@operation(Action.RUN_BILLS)
async def make_print_batch(
    cmd: MakePrintBatch, *, actor: Actor, begin: Begin, clock: Clock, documents: Documents, blobs: Blobs
) -> PrintBatch:
    """Make a batch of what waits to be printed, in the order of post, and keep its files.

    Each document is in one batch, but where it is made again on purpose. One of more calls than a document holds is
    parked, and the others go. Refuses with: NotAllowed, BadValue, NotFound (nothing waits, or all of it was parked),
    Conflict (another batch took some of it meanwhile).
    """
    check_named(cmd.invoices, again=cmd.again)
    check_count(cmd.limit)
    async with begin(actor) as unit:
        chosen = await _choose(unit, cmd, clock)
        operator = await unit.operators.own()
        invoices = await unit.invoices.many([one.invoice for one in chosen])
        number = await unit.dispatches.next_number()
    order = sorted(chosen, key=lambda one: post_order(invoices[one.invoice], country=operator.country))
    pdfs, order = await _printed(order, invoices, actor=actor, begin=begin, clock=clock, documents=documents)
    pages = [await asyncio.to_thread(documents.pages, pdf) for pdf in pdfs]
    lying = sheaves([invoices[one.invoice] for one in order], pages, duplex=cmd.duplex)
    sums = sums_of(lying, duplex=cmd.duplex)
    name = f"print-{number:06d}"
    made = await asyncio.to_thread(documents.bundle, name, operator.name, lying, sums, pdfs)
    kept = [(kind, (await blobs.keep(_blocks(content), size_max=FILE_MAX)).sha256) for kind, content in made.items()]
    now = clock.now()
    async with begin(actor) as unit:
        waiting = {one.id: one for one in await unit.dispatches.waiting(Way.PRINT, most=len(order), keys=_keys(order))}
        if set(waiting) != {one.id for one in order} or await unit.dispatches.next_number() != number:
            raise Conflict("another batch was made of some of these documents meanwhile; make it again")
        batch = await unit.dispatches.add_batch(
            PrintBatch(
                id=PrintBatchId(0),
                operator=actor.operator,
                number=number,
                state=BatchState.MADE,
                documents=sums.documents,
                pages=sums.pages,
                sheets=sums.sheets,
                totals=sums.totals,
                duplex=cmd.duplex,
                digest=hashlib.sha256(made["pdf"]).digest(),
                files=tuple(kept),
                made_at=now,
                made_by=actor.client,
            )
        )
        await unit.dispatches.keep(
            [
                replace(
                    moved(waiting[one.id], DispatchState.SENT, at=now),
                    batch=batch.id,
                    sequence=sheaf.sequence,
                    first_page=sheaf.first_page,
                    pages=sheaf.pages,
                    digest=hashlib.sha256(pdf).digest(),
                )
                for one, sheaf, pdf in zip(order, lying, pdfs, strict=True)
            ]
        )
        detail = {"number": number, "documents": sums.documents, "pages": sums.pages, "again": cmd.again}
        await unit.audit.write("make_print_batch", f"print_batch:{batch.id}", detail)
    return batch


async def _choose(unit: Unit, cmd: MakePrintBatch, clock: Clock) -> Sequence[Dispatch]:
    """Queue what is to be printed and return what goes into the batch."""
    wanted = QueueDocuments(run=cmd.run, invoices=cmd.invoices, again=cmd.again, most=cmd.limit)
    await queue(unit, wanted, clock, way=Way.PRINT)
    waiting = await unit.dispatches.waiting(Way.PRINT, most=cmd.limit, keys=cmd.invoices, run=cmd.run)
    if not waiting:
        raise NotFound(
            "nothing waits to be printed; what was in a batch goes into another with again", field="invoices"
        )
    return waiting


async def _printed(
    order: Sequence[Dispatch],
    invoices: Mapping[InvoiceId, Invoice],
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    documents: Documents,
) -> tuple[list[bytes], list[Dispatch]]:
    """Return the documents, and which of the dispatches they are of: the others are parked. Refuses with: NotFound.

    Outside a transaction: a batch takes its time, and nobody waits for it.
    """
    pdfs: list[bytes] = []
    made: list[Dispatch] = []
    for one in order:
        try:
            async with begin(actor) as unit:
                material = await material_of(unit, invoices[one.invoice])
        except LimitExceeded as much:
            async with begin(actor) as unit:
                again = await unit.dispatches.claim(one.id)
                if again.state is DispatchState.QUEUED:
                    parked = moved(again, DispatchState.PARKED, at=clock.now(), fault=much.message)
                    (kept,) = await unit.dispatches.keep([replace(parked, rule=much.code)])
                    detail = {"number": one.number, "rule": much.code, "fault": much.message[:500]}
                    await unit.audit.write("park_document", f"dispatch:{one.id}", detail)
                    await tell(unit, kept)
            continue
        pdfs.append(await asyncio.to_thread(material.printed, documents))
        made.append(one)
    if not made:
        raise NotFound("all that waited was parked: it has more calls than a document holds", field="invoices")
    return pdfs, made


def _keys(order: Sequence[Dispatch]) -> list[InvoiceId]:
    return [one.invoice for one in order]


async def _blocks(content: bytes) -> AsyncIterator[bytes]:
    for place in range(0, len(content), _BLOCK):
        yield content[place : place + _BLOCK]


@operation(Action.RUN_BILLS)
async def list_print_batches(request: PageRequest, *, actor: Actor, begin: Begin) -> Page[PrintBatch]:
    """Return the batches by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.dispatches.batches(request)


@operation(Action.RUN_BILLS)
async def read_print_batch(
    key: PrintBatchId, kind: str, *, actor: Actor, begin: Begin, blobs: Blobs
) -> tuple[PrintBatch, bytes]:
    """Return a batch and one of its files. Refuses with: NotAllowed, NotFound, BadValue (no such kind of file)."""
    if kind not in FILES:
        raise BadValue("a batch has the files {listed}", listed=", ".join(FILES), field="kind")
    async with begin(actor) as unit:
        batch = await unit.dispatches.batch(key)
    return batch, await _content(batch, kind, blobs)


async def _content(batch: PrintBatch, kind: str, blobs: Blobs) -> bytes:
    file = await blobs.open(dict(batch.files)[kind])
    try:
        return await asyncio.to_thread(file.read)
    finally:
        file.close()


@operation(Action.RUN_BILLS)
async def drop_print_batch(
    key: PrintBatchId,
    channel: str,
    *,
    version: int,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    blobs: Blobs,
    transports: Transports,
    vault: Vault,
) -> PrintBatch:
    """Put a batch's files where the printhouse fetches them; the table comes last, since it says that all is there.

    Refuses with: NotAllowed, NotFound, BadValue (the channel is no place of files), WrongState (dropped already, the
    place does not take it now).
    """
    async with begin(actor) as unit:
        batch = await unit.dispatches.batch(key)
        chosen = await unit.channels.claim(channel)
    if chosen is None or not chosen.active:
        raise NotFound("no active channel {code}", code=channel, field="channel")
    if batch.state is not BatchState.MADE or batch.version != version:
        raise WrongState("batch {number} was dropped already, or has changed", number=batch.number, field="version")
    await _put(batch, chosen, blobs, transports, vault)
    async with begin(actor) as unit:
        locked = await unit.dispatches.claim_batch(key)
        if locked.state is not BatchState.MADE:
            raise WrongState(
                "batch {number} was dropped already, or has changed", number=locked.number, field="version"
            )
        kept = await unit.dispatches.keep_batch(
            replace(locked, state=BatchState.DROPPED, dropped_to=chosen.settings.address, dropped_at=clock.now())
        )
        await unit.audit.write("send_print_batch", f"print_batch:{key}", {"channel": channel})
    return kept


async def _put(batch: PrintBatch, channel: Channel, blobs: Blobs, transports: Transports, vault: Vault) -> None:
    try:
        place = read_place(
            filled(channel.settings.address, {}), host_keys=channel.settings.host_keys, ca=channel.settings.ca
        )
        secrets = opened(channel, vault)
        async with transports.open(place, secrets, operator=batch.operator) as transport:
            for kind in FILES:
                await transport.put(f"{batch.name}.{kind}", _blocks(await _content(batch, kind, blobs)))
    except TransportFault as fault:
        raise WrongState("the printhouse's place does not take it: {why}", why=fault.message, field="channel") from None


def opened(channel: Channel, vault: Vault) -> dict[str, str]:
    """Return a channel's secrets in clear. Raises TransportFault."""
    return {
        name: vault.refer(one.reference, operator=channel.operator)
        if one.reference is not None
        else vault.open(one.sealed or b"", about=channel.about(name))
        for name, one in channel.credentials.items()
    }


@operation(Action.RUN_BILLS)
async def take_print_receipt(
    key: PrintBatchId | None, receipts: Sequence[Receipt], *, actor: Actor, begin: Begin, clock: Clock
) -> ReceiptsTaken:
    """Let a batch's documents be what the printhouse says, and count the batch; again changes nothing.

    What it names and nobody knows, or what is not of the batch, is told. Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        mine: Sequence[Receipt] = receipts
        strange: list[str] = []
        if key is not None:
            await unit.dispatches.claim_batch(key)
            known = await unit.dispatches.named([each.number for each in receipts if each.number], [])
            of_batch = {one.number for one in known if one.batch == key}
            mine = [each for each in receipts if each.number in of_batch]
            strange = [each.named for each in receipts if each.number not in of_batch]
        done = await take(unit, mine, clock, batch=key)
        for batch in {one.batch for one in await unit.dispatches.named([each.number or "" for each in mine], [])}:
            if batch is not None:
                await _count(unit, batch)
    return replace(done, unknown=(*done.unknown, *strange))


async def _count(unit: Unit, key: PrintBatchId) -> None:
    """Count what a batch's documents are, and see whether all of them are told of."""
    batch = await unit.dispatches.claim_batch(key)
    accepted = rejected = 0
    after = None
    while True:
        page = await unit.dispatches.page(PageRequest(1000, after), batch=key)
        accepted += sum(one.state in {DispatchState.ACCEPTED, DispatchState.DELIVERED} for one in page.items)
        rejected += sum(one.state is DispatchState.REJECTED for one in page.items)
        if not page.more:
            break
        after = page.items[-1].id
    state = BatchState.ANSWERED if accepted + rejected == batch.documents else batch.state
    await unit.dispatches.keep_batch(replace(batch, accepted=accepted, rejected=rejected, state=state))
