"""What becomes of an issued invoice: credited, issued anew, disputed; and what other systems fetch of all of them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.inputs import command, given
from api.graphql.invoices import InvoiceType
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.ids import CustomerId, InvoiceBatchId
from domain.invoicing.crediting import LineCredit
from domain.invoicing.disputes import Dispute, DisputeState
from domain.payments.amounts import major_of
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.dispute_invoice import (
    DecideDispute,
    DisputeInvoice,
    decide_dispute,
    dispute_invoice,
    list_disputes,
)
from domain.usecases.fetch_invoices import Fetched, FetchInvoices, acknowledge_invoices, fetch_invoices
from domain.usecases.reissue_invoice import Reissued, ReissueInvoice, reissue_invoice

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")

strawberry.enum(DisputeState, description=(DisputeState.__doc__ or "").strip())


async def _disputed(root: strawberry.Parent[Dispute], info: Info) -> Any:
    return await info.context.load.invoices.load(root.invoice)


def _amount(root: strawberry.Parent[Dispute]) -> Decimal:
    return major_of(root.amount_minor, root.currency)


@strawberry.type(name="InvoiceDispute", description="What a payer disputes of an invoice; not reminded of while open.")
class DisputeType:
    """``domain.invoicing.disputes.Dispute``."""

    id: ID = identified()
    invoice: InvoiceType | None = strawberry.field(resolver=_disputed)
    amount: Decimal = strawberry.field(resolver=_amount, description="With VAT.")
    currency: str
    lines: list[int] = strawberry.field(description="The positions it is of; empty: of no line in particular.")
    reason: str
    state: DisputeState
    opened_at: datetime
    opened_by: str
    decided_at: datetime | None
    decided_by: str | None
    decision: str
    credit_note: str | None = strawberry.field(description="The number of the credit note that settled it.")
    version: int

    is_type_of = shows(Dispute)


@strawberry.type(name="InvoiceReissued", description="An invoice that was taken back and issued anew.")
class ReissuedType:
    """``domain.usecases.reissue_invoice.Reissued``."""

    credit_note: InvoiceType
    invoice: InvoiceType

    is_type_of = shows(Reissued)


def _marker(root: strawberry.Parent[Fetched]) -> ID | None:
    return None if root.batch is None else ID(global_id("InvoiceBatch", root.batch.id))


def _made_at(root: strawberry.Parent[Fetched]) -> datetime | None:
    return None if root.batch is None else root.batch.made_at


@strawberry.type(
    name="InvoicesFetched", description="Documents that are new to a consumer, and the marker that acknowledges them."
)
class FetchedType:
    """``domain.usecases.fetch_invoices.Fetched``."""

    marker: ID | None = strawberry.field(resolver=_marker, description="null: nothing is new.")
    made_at: datetime | None = strawberry.field(resolver=_made_at)
    invoices: list[InvoiceType]

    is_type_of = shows(Fetched)


@strawberry.type(name="InvoicesAcknowledged", description="The other system has them for good.")
class AcknowledgedType:
    """A batch that was acknowledged."""

    consumer: str
    acknowledged_at: datetime | None


@strawberry.input(description="A line by its position: a quantity of it, a net amount, or what is left of it.")
class LineCreditInput:
    """``LineCredit``."""

    position: int
    quantity: Decimal | None = None
    amount: Decimal | None = None

    def domain(self) -> LineCredit:
        """Return the domain's."""
        return LineCredit(position=self.position, quantity=self.quantity, amount=self.amount)


@strawberry.input(description="Lines, or an amount with VAT, or with neither all that is left.")
class CreditInvoiceInput:
    """``CreditInvoice``."""

    invoice: ID
    lines: list[LineCreditInput] | None = None
    amount: Decimal | None = None
    text: str | None = strawberry.field(default=None, description="Why, as it stands on the credit note's lines.")
    issued_on: date | None = None
    dispute: ID | None = strawberry.field(default=None, description="A dispute of the invoice that is decided so.")
    idempotency_key: str | None = kept_key()


@strawberry.input
class ReissueInvoiceInput:
    """``ReissueInvoice``."""

    invoice: ID
    customer: ID | None = strawberry.field(default=None, description="Who should have got it; null: the payer as now.")
    text: str | None = None
    issued_on: date | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="Lines by position, or an amount with VAT, or with neither the whole invoice.")
class DisputeInvoiceInput:
    """``DisputeInvoice``."""

    invoice: ID
    reason: str
    lines: list[int] | None = None
    amount: Decimal | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="To credit what is disputed, credit the invoice and name the dispute.")
class DecideDisputeInput:
    """``DecideDispute``."""

    dispute: ID
    version: int
    withdrawn: bool = strawberry.field(default=False, description="By the payer; otherwise it is rejected.")
    decision: str | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input
class FetchInvoicesInput:
    """``FetchInvoices``."""

    consumer: str = strawberry.field(description="The name that the other system gives itself; each has its own place.")
    most: int = 100
    marker: ID | None = strawberry.field(
        default=None, description="Of the batch that it has for good, which is acknowledged so."
    )
    idempotency_key: str | None = kept_key()


async def _credit(info: Info, asked: Annotated[CreditInvoiceInput, _AS_INPUT]) -> Any:
    cmd = command(CreditInvoice, asked, {"invoice": "Invoice", "dispute": "InvoiceDispute"})
    return await info.context.ask(credit_invoice, cmd, clock=info.context.wiring.clock)


async def _reissue(info: Info, asked: Annotated[ReissueInvoiceInput, _AS_INPUT]) -> Any:
    cmd = command(ReissueInvoice, asked, {"invoice": "Invoice", "customer": "Customer"})
    return await info.context.ask(reissue_invoice, cmd, clock=info.context.wiring.clock)


async def _dispute(info: Info, asked: Annotated[DisputeInvoiceInput, _AS_INPUT]) -> Any:
    cmd = command(DisputeInvoice, asked, {"invoice": "Invoice"})
    return await info.context.ask(dispute_invoice, cmd, clock=info.context.wiring.clock)


async def _decide(info: Info, asked: Annotated[DecideDisputeInput, _AS_INPUT]) -> Any:
    cmd = command(DecideDispute, asked, {"dispute": "InvoiceDispute"})
    return await info.context.ask(decide_dispute, cmd, clock=info.context.wiring.clock)


async def _fetch(info: Info, asked: Annotated[FetchInvoicesInput, _AS_INPUT]) -> Any:
    fields = given(asked, {"marker": "InvoiceBatch"})
    return await info.context.ask(fetch_invoices, FetchInvoices(**fields), clock=info.context.wiring.clock)


async def _acknowledge(info: Info, marker: ID) -> Any:
    key = InvoiceBatchId(key_of(marker, "InvoiceBatch", "marker"))
    batch = await info.context.ask(acknowledge_invoices, key, clock=info.context.wiring.clock)
    return AcknowledgedType(consumer=batch.consumer, acknowledged_at=batch.acknowledged_at)


async def _disputes(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    state: DisputeState | None = None,
    customer: ID | None = None,
) -> Any:
    page = await info.context.ask(
        list_disputes,
        request(first, read_number(after, "InvoiceDispute")),
        state=state,
        customer=CustomerId(key_of(customer, "Customer", "customer")) if customer else None,
    )
    return connect(page, "InvoiceDispute", after=after)


@strawberry.type
class CreditingQuery:
    """What is disputed."""

    disputes: Connection[DisputeType] = strawberry.field(
        resolver=_disputes, description="In a state, of a payer, or all; by key."
    )


@strawberry.type
class CreditingMutation:
    """What becomes of issued invoices."""

    credit_invoice = strawberry.mutation(
        resolver=_credit,
        graphql_type=outcome("CreditInvoiceResult", InvoiceType),
        description="Issues a credit note, and answers with it; never of more than is left.",
    )
    reissue_invoice = strawberry.mutation(
        resolver=_reissue,
        graphql_type=outcome("ReissueInvoiceResult", ReissuedType),
        description="Credits what is left and issues it anew; usage and fees are charged once.",
    )
    dispute_invoice = strawberry.mutation(
        resolver=_dispute,
        graphql_type=outcome("DisputeInvoiceResult", DisputeType),
        description="Holds what a payer disputes until it is decided.",
    )
    decide_dispute = strawberry.mutation(
        resolver=_decide,
        graphql_type=outcome("DecideDisputeResult", DisputeType),
        description="Ends a dispute without a credit note.",
    )
    fetch_invoices = strawberry.mutation(
        resolver=_fetch,
        graphql_type=outcome("FetchInvoicesResult", FetchedType),
        description="What is new to another system; until that is acknowledged the same again.",
    )
    acknowledge_invoices = strawberry.mutation(
        resolver=_acknowledge, graphql_type=outcome("AcknowledgeInvoicesResult", AcknowledgedType)
    )
