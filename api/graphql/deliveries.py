"""Documents on their way to their payers, the batches of a printhouse, and the channels that an operator set up."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.inputs import given
from api.graphql.invoices import InvoiceType
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from api.graphql.wording import perhaps_in_words
from domain.customers.customer import Delivery
from domain.delivery.channel import Body, Channel, Settings
from domain.delivery.dispatch import Dispatch, DispatchState, Form, Way
from domain.delivery.printing import BatchState, PrintBatch
from domain.delivery.receipts import read_rows
from domain.ids import BillRunId, CustomerId, DispatchId, InvoiceId, PrintBatchId
from domain.usecases.print_batch import (
    MakePrintBatch,
    drop_print_batch,
    list_print_batches,
    make_print_batch,
    take_print_receipt,
)
from domain.usecases.put_channel import PutChannel, list_channels, put_channel
from domain.usecases.send_documents import (
    QueueDocuments,
    list_dispatches,
    queue_documents,
    retry_dispatch,
    take_receipts,
)

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")

strawberry.enum(DispatchState, description=(DispatchState.__doc__ or "").strip())
strawberry.enum(Form, name="DocumentForm", description="What leaves.")
strawberry.enum(Way, name="DocumentWay", description="How a document leaves.")
strawberry.enum(BatchState, name="PrintBatchState", description="Made, dropped for the printhouse, told of in full.")
strawberry.enum(Body, name="ChannelBody", description="How a document stands in the request.")


async def _invoice(root: strawberry.Parent[Dispatch], info: Info) -> Any:
    return await info.context.load.invoices.load(root.invoice)


@strawberry.type(name="Dispatch", description="A document on its way to its payer.")
class DispatchType:
    """``domain.delivery.dispatch.Dispatch``."""

    id: ID = identified()
    invoice: InvoiceType | None = strawberry.field(resolver=_invoice)
    number: str
    form: Form
    way: Way
    state: DispatchState
    channel: str | None
    attempts: int
    reference: str | None = strawberry.field(description="What the other side calls it.")
    rule: str | None = strawberry.field(description="The rule of its format that a parked one breaks.")
    fault: str | None = strawberry.field(resolver=perhaps_in_words("fault"), description="Its cause, and what to do.")
    again: int = strawberry.field(description="How often it was sent anew on purpose.")
    sequence: int | None = strawberry.field(description="Its place in a print batch.")
    first_page: int | None
    pages: int | None
    queued_at: datetime
    changed_at: datetime
    version: int

    is_type_of = shows(Dispatch)


@strawberry.type(name="CurrencyTotal")
class TotalType:
    """A sum in one currency."""

    currency: str
    amount: Decimal


def _totals(root: strawberry.Parent[PrintBatch]) -> list[TotalType]:
    return [TotalType(currency=currency, amount=amount) for currency, amount in root.totals]


def _key(root: strawberry.Parent[PrintBatch]) -> int:
    return root.id


def _digest(root: strawberry.Parent[PrintBatch]) -> str:
    return root.digest.hex()


@strawberry.type(
    name="PrintBatch", description="What a printhouse gets at once; its files: /rest/v1/print-batches/{key}."
)
class PrintBatchType:
    """``domain.delivery.printing.PrintBatch``."""

    id: ID = identified()
    key: int = strawberry.field(resolver=_key, description="As REST and SOAP name it.")
    number: int
    name: str
    state: BatchState
    documents: int
    pages: int
    sheets: int
    totals: list[TotalType] = strawberry.field(resolver=_totals)
    duplex: bool
    sha256: str = strawberry.field(resolver=_digest, description="Of the PDF.")
    accepted: int
    rejected: int
    made_at: datetime
    dropped_to: str | None
    dropped_at: datetime | None
    version: int

    is_type_of = shows(PrintBatch)


def _secrets(root: strawberry.Parent[Channel]) -> list[str]:
    return sorted(root.credentials)


def _address(root: strawberry.Parent[Channel]) -> str:
    return root.settings.address


def _status_url(root: strawberry.Parent[Channel]) -> str | None:
    return root.settings.status_url


def _lookup_url(root: strawberry.Parent[Channel]) -> str | None:
    return root.settings.lookup_url


def _sml(root: strawberry.Parent[Channel]) -> str | None:
    return root.settings.sml


def _otherwise(root: strawberry.Parent[Channel]) -> Delivery | None:
    return root.settings.otherwise


@strawberry.type(name="DeliveryChannel", description="A way for some forms of documents, as the operator set it up.")
class ChannelType:
    """``domain.delivery.channel.Channel``; never its secrets."""

    id: ID = identified()
    code: str
    way: Way
    forms: list[Form]
    address: str = strawberry.field(resolver=_address)
    status_url: str | None = strawberry.field(resolver=_status_url)
    lookup_url: str | None = strawberry.field(resolver=_lookup_url)
    sml: str | None = strawberry.field(resolver=_sml, description="The network's zone that tells what recipients take.")
    otherwise: Delivery | None = strawberry.field(resolver=_otherwise)
    secrets: list[str] = strawberry.field(resolver=_secrets, description="The names of its secrets.")
    active: bool
    version: int

    is_type_of = shows(Channel)


@strawberry.type(name="DocumentsQueued")
class QueuedType:
    """What was queued."""

    dispatches: list[DispatchType]


@strawberry.type(name="ReceiptsTaken", description="moved: documents in a new state; known: rows that say nothing new.")
class TakenType:
    """``domain.usecases.send_documents.ReceiptsTaken``."""

    moved: int
    known: int
    unknown: list[str] = strawberry.field(description="What the receipts name and nobody knows.")
    rejected: list[str] = strawberry.field(description="Numbers of the documents that were rejected now.")


@strawberry.input(description="All of a run, the documents named, or with neither whatever was not sent yet.")
class SendDocumentsInput:
    """``QueueDocuments``."""

    run: ID | None = None
    invoices: list[ID] | None = None
    again: bool = strawberry.field(default=False, description="What is named is sent once more.")
    idempotency_key: str | None = kept_key()


@strawberry.input(description="All of a run, the documents named, or with neither all that waits to be printed.")
class MakePrintBatchInput:
    """``MakePrintBatch``."""

    run: ID | None = None
    invoices: list[ID] | None = None
    again: bool = strawberry.field(default=False, description="What is named goes into one more batch.")
    duplex: bool = True
    limit: int = 2000
    idempotency_key: str | None = kept_key()


@strawberry.input(description="What became of a document, by number or by the other side's reference.")
class ReceiptInput:
    """One receipt."""

    state: str = strawberry.field(description="accepted, delivered or rejected.")
    number: str | None = None
    kind: str | None = strawberry.field(default=None, description="invoice or credit_note, where both have the number.")
    reference: str | None = None
    reason: str | None = None


@strawberry.input
class PairInput:
    """A name and a text."""

    name: str
    value: str


@strawberry.input(description="The channel as a whole; {number}, {recipient} and others stand for what is known.")
class PutDeliveryChannelInput:
    """``PutChannel``."""

    code: str
    way: Way
    forms: list[Form]
    address: str = ""
    host_keys: list[str] | None = None
    ca: str | None = None
    headers: list[PairInput] | None = None
    body: Body = Body.RAW
    document_field: str = "document"
    envelope: list[PairInput] | None = None
    reference_path: str = "id"
    state_path: str = "status"
    status_url: str | None = None
    states: list[PairInput] | None = strawberry.field(
        default=None, description="Their words for sent, accepted, delivered and rejected."
    )
    lookup_url: str | None = None
    forms_path: str = "documentTypes"
    sml: str | None = strawberry.field(
        default=None, description="Instead of lookupUrl: the zone of Peppol's register, edelivery.tech.ec.europa.eu."
    )
    intermediary: str | None = None
    file_name: str = "{kind}-{number}.{extension}"
    otherwise: Delivery | None = None
    credentials: list[PairInput] | None = strawberry.field(
        default=None, description="Secrets or references (env:NAME); left out: as they are; empty: taken away."
    )
    active: bool = True
    version: int = 0
    idempotency_key: str | None = kept_key()


def _named(invoices: list[ID] | None) -> tuple[InvoiceId, ...]:
    return tuple(InvoiceId(key_of(one, "Invoice", f"invoices.{place}")) for place, one in enumerate(invoices or ()))


def _run(run: ID | None) -> BillRunId | None:
    return None if run is None else BillRunId(key_of(run, "BillRun", "run"))


async def _send(info: Info, asked: Annotated[SendDocumentsInput, _AS_INPUT]) -> Any:
    cmd = QueueDocuments(run=_run(asked.run), invoices=_named(asked.invoices), again=asked.again)
    return QueuedType(dispatches=await info.context.ask(queue_documents, cmd, clock=info.context.wiring.clock))


async def _retry(info: Info, dispatch: ID, version: int) -> Any:
    key = DispatchId(key_of(dispatch, "Dispatch", "dispatch"))
    return await info.context.ask(retry_dispatch, key, version=version, clock=info.context.wiring.clock)


async def _receipts(info: Info, receipts: list[ReceiptInput]) -> Any:
    rows = [{name: text for name, text in vars(one).items() if text} for one in receipts]
    done = await info.context.ask(take_receipts, read_rows(rows), clock=info.context.wiring.clock)
    return TakenType(moved=done.moved, known=done.known, unknown=list(done.unknown), rejected=list(done.rejected))


async def _batch(info: Info, asked: Annotated[MakePrintBatchInput, _AS_INPUT]) -> Any:
    wiring = info.context.wiring
    cmd = MakePrintBatch(
        run=_run(asked.run),
        invoices=_named(asked.invoices),
        again=asked.again,
        duplex=asked.duplex,
        limit=asked.limit,
    )
    given_too = {"clock": wiring.clock, "documents": wiring.documents, "blobs": wiring.blobs}
    return await info.context.ask(make_print_batch, cmd, **given_too)


async def _drop(info: Info, print_batch: ID, channel: str, version: int) -> Any:
    wiring = info.context.wiring
    key = PrintBatchId(key_of(print_batch, "PrintBatch", "printBatch"))
    return await info.context.ask(
        drop_print_batch,
        key,
        channel,
        version=version,
        clock=wiring.clock,
        blobs=wiring.blobs,
        transports=wiring.transports,
        vault=wiring.vault,
    )


async def _print_receipt(info: Info, receipts: list[ReceiptInput], print_batch: ID | None = None) -> Any:
    key = None if print_batch is None else PrintBatchId(key_of(print_batch, "PrintBatch", "printBatch"))
    rows = [{name: text for name, text in vars(one).items() if text} for one in receipts]
    done = await info.context.ask(take_print_receipt, key, read_rows(rows), clock=info.context.wiring.clock)
    return TakenType(moved=done.moved, known=done.known, unknown=list(done.unknown), rejected=list(done.rejected))


async def _put_channel(info: Info, asked: Annotated[PutDeliveryChannelInput, _AS_INPUT]) -> Any:
    fields = given(asked)
    pairs: dict[str, Any] = {
        name: tuple((one.name, one.value) for one in fields.pop(name, ())) for name in ("headers", "envelope", "states")
    }
    secrets = {one.name: one.value for one in fields.pop("credentials", ())}
    own = {name: fields.pop(name) for name in ("code", "way", "forms", "active", "version")}
    wiring = info.context.wiring
    cmd = PutChannel(**own, settings=Settings(**fields, **pairs), credentials=secrets)
    more = {"http": wiring.http, "transports": wiring.transports, "vault": wiring.vault}
    return await info.context.ask(put_channel, cmd, **more)


async def _dispatches(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    state: DispatchState | None = None,
    form: Form | None = None,
    way: Way | None = None,
    customer: ID | None = None,
    print_batch: ID | None = None,
) -> Any:
    page = await info.context.ask(
        list_dispatches,
        request(first, read_number(after, "Dispatch")),
        state=state,
        form=form,
        way=way,
        customer=CustomerId(key_of(customer, "Customer", "customer")) if customer else None,
        batch=PrintBatchId(key_of(print_batch, "PrintBatch", "printBatch")) if print_batch else None,
    )
    return connect(page, "Dispatch", after=after)


async def _batches(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    page = await info.context.ask(list_print_batches, request(first, read_number(after, "PrintBatch")))
    return connect(page, "PrintBatch", after=after)


async def _channels(info: Info) -> Any:
    return await info.context.ask(list_channels)


@strawberry.type
class DeliveryQuery:
    """What became of documents."""

    dispatches: Connection[DispatchType] = strawberry.field(
        resolver=_dispatches, description="Documents on their way, by key."
    )
    print_batches: Connection[PrintBatchType] = strawberry.field(resolver=_batches)
    delivery_channels: list[ChannelType] = strawberry.field(resolver=_channels)


@strawberry.type
class DeliveryMutation:
    """Sending, and reading what became of it."""

    send_documents = strawberry.mutation(
        resolver=_send,
        graphql_type=outcome("SendDocumentsResult", QueuedType),
        description="Queues each document once; a worker sends it. What is printed waits for a batch.",
    )
    retry_dispatch = strawberry.mutation(
        resolver=_retry,
        graphql_type=outcome("RetryDispatchResult", DispatchType),
        description="Queues a document that was parked or given up.",
    )
    take_receipts = strawberry.mutation(resolver=_receipts, graphql_type=outcome("TakeReceiptsResult", TakenType))
    make_print_batch = strawberry.mutation(
        resolver=_batch,
        graphql_type=outcome("MakePrintBatchResult", PrintBatchType),
        description="In the order of post; each document is in one batch, unless again says otherwise.",
    )
    drop_print_batch = strawberry.mutation(
        resolver=_drop,
        graphql_type=outcome("DropPrintBatchResult", PrintBatchType),
        description="Puts its files where a channel says.",
    )
    take_print_receipt = strawberry.mutation(
        resolver=_print_receipt, graphql_type=outcome("TakePrintReceiptResult", TakenType)
    )
    put_delivery_channel = strawberry.mutation(
        resolver=_put_channel, graphql_type=outcome("PutDeliveryChannelResult", ChannelType)
    )
