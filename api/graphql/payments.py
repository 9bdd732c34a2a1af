"""Payments: what came in, what it was applied to, what is open, and the accounts' balances."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.ids import ClaimId, CustomerId, InvoiceId, PaymentId
from domain.invoicing.disputes import DisputeState
from domain.payments.amounts import major_of, minor_of
from domain.payments.payment import Allocation, OpenItem, Payment, PaymentState, Reason
from domain.payments.record import Kind
from domain.refusal import BadValue
from domain.usecases.allocate_payment import AllocatePayment, Part, allocate_payment, release_payment
from domain.usecases.list_payments import get_payment, list_open_items, list_payments, trial_balance

ID = strawberry.ID
PARTS_MAX = 100

strawberry.enum(PaymentState, description="Where the money of a payment is.")
strawberry.enum(Reason, name="PaymentReason", description="Why a payment is nobody's, held, or applied in part.")
strawberry.enum(Kind, name="PaymentKind", description="What happened to the money.")


def amount(root: strawberry.Parent[Any]) -> Decimal:
    """Resolve the amount of what is kept in minor units."""
    return major_of(root.amount_minor, root.currency)


def amount_of(name: str) -> Any:
    """Return a resolver of an amount that an attribute has in minor units."""

    def resolve(root: strawberry.Parent[Any]) -> Decimal:
        return major_of(getattr(root, name), root.currency)

    return resolve


@strawberry.type(name="PaymentReference", description="A reference that the payer gave.")
class PaymentReferenceType:
    """One of a record's references."""

    reference: str
    type: str | None
    amount: str | None


@strawberry.type(name="Allocation", description="A part of a payment for an invoice; undone where undoneAt is set.")
class AllocationType:
    """``domain.payments.payment.Allocation``."""

    invoice: strawberry.ID | None
    claim: strawberry.ID | None
    customer: strawberry.ID
    amount: Decimal
    made_at: datetime
    client: str
    undone_at: datetime | None
    undone_by: str | None


def _references(root: strawberry.Parent[Payment]) -> list[PaymentReferenceType]:
    return [
        PaymentReferenceType(reference=one["ref"], type=one.get("type"), amount=one.get("amount"))
        for one in root.record["references"]
    ]


def _customer(root: strawberry.Parent[Payment]) -> strawberry.ID | None:
    return None if root.customer is None else strawberry.ID(global_id("Customer", root.customer))


def _shown(payment: Payment, made: Sequence[Allocation]) -> list[AllocationType]:
    return [
        AllocationType(
            invoice=None if one.invoice is None else strawberry.ID(global_id("Invoice", one.invoice)),
            claim=None if one.claim is None else strawberry.ID(global_id("Claim", one.claim)),
            customer=strawberry.ID(global_id("Customer", one.customer)),
            amount=major_of(one.amount_minor, payment.currency),
            made_at=one.made_at,
            client=one.client,
            undone_at=one.undone_at,
            undone_by=one.undone_by,
        )
        for one in made
    ]


def _told(name: str) -> Any:
    def resolve(root: strawberry.Parent[Payment]) -> str | None:
        return root.record.get(name) or None

    return resolve


def _payer(root: strawberry.Parent[Payment]) -> str | None:
    name = root.record["payer"].get("name")
    return None if name is None else str(name)


def _paid(root: strawberry.Parent[Payment]) -> Decimal | None:
    return None if root.paid_minor is None else major_of(root.paid_minor, root.bank_currency)


def _text(root: strawberry.Parent[Payment]) -> list[str]:
    return list(root.record["text"])


@strawberry.type(name="PaymentRecord", description="A record of a payment file; amounts are never negative: see kind.")
class PaymentType:
    """``domain.payments.payment.Payment``."""

    id: strawberry.ID = identified()
    kind: Kind
    state: PaymentState
    reason: Reason | None
    amount: Decimal = strawberry.field(resolver=amount)
    currency: str
    booked_on: date
    customer: strawberry.ID | None = strawberry.field(resolver=_customer)
    references: list[PaymentReferenceType] = strawberry.field(resolver=_references)
    payer: str | None = strawberry.field(resolver=_payer)
    sender_account: str | None = strawberry.field(resolver=_told("sender_account"))
    receiver_account: str | None = strawberry.field(resolver=_told("receiver_account"))
    bank_ref: str | None = strawberry.field(resolver=_told("bank_ref"))
    text: list[str] = strawberry.field(resolver=_text)
    paid: Decimal | None = strawberry.field(
        resolver=_paid, description="What moved at the bank, where it was exchanged: one unit of it is worth rate."
    )
    paid_currency: str | None
    rate: Decimal | None

    is_type_of = shows(Payment)


@strawberry.type(name="PaymentDetail", description="A payment with all that it was ever applied to.")
class PaymentDetailType:
    """What ``get_payment`` answers."""

    payment: PaymentType
    allocations: list[AllocationType]


async def _disputed(root: strawberry.Parent[Any], info: Info) -> Decimal:
    found = await info.context.load.disputes.load(InvoiceId(key_of(str(root.invoice), "Invoice", "invoice")))
    held = sum(one.amount_minor for one in found if one.state is DisputeState.OPEN)
    open_: Decimal = root.open
    return min(major_of(held, root.currency), max(open_, Decimal(0)))


@strawberry.type(name="OpenItem", description="An invoice or credit note with what is open of it.")
class OpenItemType:
    """``domain.payments.payment.OpenItem``."""

    invoice: strawberry.ID
    kind: str
    number: str
    reference: str
    currency: str
    issued_on: date
    due_on: date
    total: Decimal
    open: Decimal
    disputed: Decimal = strawberry.field(
        resolver=_disputed, description="Of what is open: held by disputes that are not decided, and not reminded of."
    )


@strawberry.type(name="AccountBalance", description="What an account comes to in a currency; debit is positive.")
class AccountBalanceType:
    """One entry of the trial balance."""

    account: str
    currency: str
    balance: Decimal


@strawberry.input(
    description="An invoice or a claim, and how much of the payment it gets; left out: as much as is open and left."
)
class AllocationInput:
    """``Part``."""

    invoice: ID | None = None
    claim: ID | None = None
    amount: Decimal | None = None


@strawberry.input(description="What a payment pays; what is left, or with no parts all, is credit of the customer.")
class AllocatePaymentInput:
    """``AllocatePayment``."""

    payment: ID
    parts: list[AllocationInput] = strawberry.field(default_factory=list)
    customer: ID | None = None
    idempotency_key: str | None = kept_key()


async def _payments(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    state: PaymentState | None = None,
    customer: ID | None = None,
) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    page = await info.context.ask(
        list_payments, request(first, read_number(after, "PaymentRecord")), state=state, customer=whose
    )
    return connect(page, "PaymentRecord", after=after)


async def _payment(info: Info, id: ID) -> Any:
    payment, made = await info.context.ask(get_payment, PaymentId(key_of(id, "PaymentRecord", "id")))
    return PaymentDetailType(payment=payment, allocations=_shown(payment, made))


async def _open_items(info: Info, customer: ID, on: date | None = None) -> list[OpenItemType]:
    key = CustomerId(key_of(customer, "Customer", "customer"))
    found: Sequence[OpenItem] = await info.context.ask(list_open_items, key, on=on)
    return [
        OpenItemType(
            invoice=strawberry.ID(global_id("Invoice", one.invoice)),
            total=major_of(one.total_minor, one.currency),
            open=major_of(one.open_minor, one.currency),
            **{name: getattr(one, name) for name in ("kind", "number", "reference", "currency", "issued_on", "due_on")},
        )
        for one in found
    ]


async def _trial_balance(info: Info, on: date | None = None) -> list[AccountBalanceType]:
    found = await info.context.ask(trial_balance, on=on)
    return [
        AccountBalanceType(account=account, currency=currency, balance=major_of(total, currency))
        for (account, currency), total in found.items()
    ]


async def _allocate(info: Info, input: AllocatePaymentInput) -> Any:
    if len(input.parts) > PARTS_MAX:
        raise BadValue("at most {parts_max} parts at a time", parts_max=PARTS_MAX, field="parts")
    key = PaymentId(key_of(input.payment, "PaymentRecord", "payment"))
    payment, _ = await info.context.ask(get_payment, key)
    parts = [
        Part(
            invoice=None
            if part.invoice is None
            else InvoiceId(key_of(part.invoice, "Invoice", f"parts.{index}.invoice")),
            claim=None if part.claim is None else ClaimId(key_of(part.claim, "Claim", f"parts.{index}.claim")),
            amount_minor=None
            if part.amount is None
            else minor_of(part.amount, payment.currency, f"parts.{index}.amount"),
        )
        for index, part in enumerate(input.parts)
    ]
    owner = None if input.customer is None else CustomerId(key_of(input.customer, "Customer", "customer"))
    cmd = AllocatePayment(payment=key, parts=parts, customer=owner)
    return await info.context.ask(allocate_payment, cmd, clock=info.context.wiring.clock)


async def _release(info: Info, payment: ID) -> Any:
    key = PaymentId(key_of(payment, "PaymentRecord", "payment"))
    return await info.context.ask(release_payment, key, clock=info.context.wiring.clock)


@strawberry.type
class PaymentQuery:
    """What came in, and what is open."""

    payments: Connection[PaymentType] = strawberry.field(
        resolver=_payments, description="In a state (UNALLOCATED and HELD wait for somebody), of a customer, or all."
    )
    payment: PaymentDetailType | None = strawberry.field(resolver=_payment)
    open_items: list[OpenItemType] = strawberry.field(
        resolver=_open_items, description="Of a customer, by due date; on a day: as they were when it ended."
    )
    trial_balance: list[AccountBalanceType] = strawberry.field(
        resolver=_trial_balance, description="Every account of the ledger; they come to zero per currency."
    )


@strawberry.type
class PaymentMutation:
    """Applying payments, and undoing that."""

    allocate_payment = strawberry.mutation(
        resolver=_allocate, graphql_type=outcome("AllocatePaymentResult", PaymentType)
    )
    release_payment = strawberry.mutation(
        resolver=_release,
        graphql_type=outcome("ReleasePaymentResult", PaymentType),
        description="Undo all that it was applied to: its invoices are open again, the money is nobody's yet.",
    )
