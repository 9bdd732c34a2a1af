"""Refunds: money that is paid back to customers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified, keyed, owned
from api.graphql.once import kept_key
from api.graphql.payments import amount
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.ids import (
    CustomerId,
    InvoiceId,
    PaymentId,
    RefundId,
)
from domain.payments.refund import Refund, RefundState
from domain.usecases.refund_credit import RefundCredit, end_refund_by_hand, list_refunds, refund_credit

ID = strawberry.ID

strawberry.enum(RefundState, description="SENT: in a file. PAID: the bank's statement says so, or a person.")


@strawberry.type(name="Refund", description="Money paid back to a customer.")
class RefundType:
    """``domain.payments.refund.Refund``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = owned()
    payment: strawberry.ID | None = keyed("PaymentRecord", "payment")
    credit_note: strawberry.ID | None = keyed("Invoice", "invoice")
    file: strawberry.ID | None = keyed("OrderFile", "file")
    currency: str
    amount: Decimal = strawberry.field(resolver=amount)
    name: str
    account: str
    scheme: str
    state: RefundState
    text: str
    made_at: datetime
    client: str
    version: int

    is_type_of = shows(Refund)


@strawberry.input(description="What is left of a payment, or owed for a credit note; amount left out: all of it.")
class RefundInput:
    """``RefundCredit``."""

    account: str
    scheme: str = "IBAN"
    payment: ID | None = None
    credit_note: ID | None = None
    amount: Decimal | None = None
    name: str = ""
    bic: str = ""
    text: str = ""
    idempotency_key: str | None = kept_key()


async def _refunds(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    customer: ID | None = None,
    state: RefundState | None = None,
) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    asked = request(first, read_number(after, "Refund"))
    return connect(await info.context.ask(list_refunds, asked, customer=whose, state=state), "Refund", after=after)


async def _refund(info: Info, input: RefundInput) -> Any:
    payment = None if input.payment is None else PaymentId(key_of(input.payment, "PaymentRecord", "payment"))
    note = None if input.credit_note is None else InvoiceId(key_of(input.credit_note, "Invoice", "creditNote"))
    plain = {name: getattr(input, name) for name in ("account", "scheme", "name", "bic", "text")}
    cmd = RefundCredit(payment=payment, credit_note=note, amount=input.amount, **plain)
    return await info.context.ask(refund_credit, cmd, clock=info.context.wiring.clock)


async def _end_refund(info: Info, refund: ID, version: int, state: RefundState) -> Any:
    key = RefundId(key_of(refund, "Refund", "refund"))
    return await info.context.ask(end_refund_by_hand, key, version, state, clock=info.context.wiring.clock)


@strawberry.type
class RefundQuery:
    """What is paid back."""

    refunds: Connection[RefundType] = strawberry.field(resolver=_refunds)


@strawberry.type
class RefundMutation:
    """Paying back."""

    refund_credit = strawberry.mutation(resolver=_refund, graphql_type=outcome("RefundCreditResult", RefundType))
    end_refund = strawberry.mutation(
        resolver=_end_refund,
        graphql_type=outcome("EndRefundResult", RefundType),
        description="CANCELLED of one that waits; PAID or FAILED of one that was sent.",
    )
