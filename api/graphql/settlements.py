"""What closes documents without a payment in: write-offs and set-offs; and the claims beside invoices."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified, owned
from api.graphql.once import kept_key
from api.graphql.payments import amount
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.ids import (
    ClaimId,
    CustomerId,
    InvoiceId,
    SettlementId,
)
from domain.payments.amounts import major_of
from domain.payments.claim import ClaimKind
from domain.payments.settlement import Settlement, SettlementKind
from domain.usecases.list_payments import list_claims
from domain.usecases.settle_items import (
    OffsetCredit,
    WriteOff,
    list_settlements,
    offset_credit,
    undo_settlement,
    write_off,
)

ID = strawberry.ID

strawberry.enum(SettlementKind, description="What closed a document without a payment in.")


_OF_CLAIM = ("kind", "currency", "claimed_on", "due_on", "text", "withdrawn_on")


@strawberry.type(name="Settlement", description="What closed documents without a payment in.")
class SettlementType:
    """``domain.payments.settlement.Settlement``."""

    id: strawberry.ID = identified()
    customer: strawberry.ID = owned()
    kind: SettlementKind
    currency: str
    amount: Decimal = strawberry.field(resolver=amount, description="0 where documents were set off.")
    booked_on: date
    text: str
    made_at: datetime
    client: str
    undone_at: datetime | None
    undone_by: str | None

    is_type_of = shows(Settlement)


@strawberry.type(name="Claim", description="A fee or interest: a receivable beside the invoice that it is about.")
class ClaimType:
    """A claim with what is open of it."""

    id: strawberry.ID
    customer: strawberry.ID
    invoice: strawberry.ID | None
    kind: ClaimKind
    currency: str
    amount: Decimal
    open: Decimal
    claimed_on: date
    due_on: date
    text: str
    withdrawn_on: date | None


@strawberry.input(description="All that is open of these, of one customer.")
class WriteOffInput:
    """``WriteOff``."""

    invoices: list[ID] = strawberry.field(default_factory=list)
    claims: list[ID] = strawberry.field(default_factory=list)
    text: str = ""
    idempotency_key: str | None = kept_key()


async def _settlements(
    info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None
) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    asked = request(first, read_number(after, "Settlement"))
    return connect(await info.context.ask(list_settlements, asked, customer=whose), "Settlement", after=after)


async def _claims(info: Info, customer: ID) -> list[ClaimType]:
    key = CustomerId(key_of(customer, "Customer", "customer"))
    return [
        ClaimType(
            id=strawberry.ID(global_id("Claim", one.claim.id)),
            customer=customer,
            invoice=None if one.claim.invoice is None else strawberry.ID(global_id("Invoice", one.claim.invoice)),
            amount=major_of(one.claim.amount_minor, one.claim.currency),
            open=major_of(one.open_minor, one.claim.currency),
            **{name: getattr(one.claim, name) for name in _OF_CLAIM},
        )
        for one in await info.context.ask(list_claims, key)
    ]


async def _offset(info: Info, credit_note: ID, invoice: ID, amount: Decimal | None = None) -> Any:
    note = InvoiceId(key_of(credit_note, "Invoice", "creditNote"))
    paid = InvoiceId(key_of(invoice, "Invoice", "invoice"))
    cmd = OffsetCredit(credit_note=note, invoice=paid, amount=amount)
    return await info.context.ask(offset_credit, cmd, clock=info.context.wiring.clock)


async def _write_off(info: Info, input: WriteOffInput) -> Any:
    cmd = WriteOff(
        invoices=tuple(
            InvoiceId(key_of(one, "Invoice", f"invoices.{index}")) for index, one in enumerate(input.invoices)
        ),
        claims=tuple(ClaimId(key_of(one, "Claim", f"claims.{index}")) for index, one in enumerate(input.claims)),
        text=input.text,
    )
    return await info.context.ask(write_off, cmd, clock=info.context.wiring.clock)


async def _undo(info: Info, settlement: ID) -> Any:
    key = SettlementId(key_of(settlement, "Settlement", "settlement"))
    return await info.context.ask(undo_settlement, key, clock=info.context.wiring.clock)


@strawberry.type
class SettlementQuery:
    """Claims, and what was closed without a payment."""

    claims: list[ClaimType] = strawberry.field(
        resolver=_claims, description="Of a customer; those withdrawn and those paid too, with nothing open."
    )
    settlements: Connection[SettlementType] = strawberry.field(resolver=_settlements)


@strawberry.type
class SettlementMutation:
    """Closing without a payment."""

    offset_credit = strawberry.mutation(
        resolver=_offset,
        graphql_type=outcome("OffsetCreditResult", SettlementType),
        description="Set what is open of a credit note off against an invoice; amount left out: as much as can be.",
    )
    write_off = strawberry.mutation(resolver=_write_off, graphql_type=outcome("WriteOffResult", SettlementType))
    undo_settlement = strawberry.mutation(resolver=_undo, graphql_type=outcome("UndoSettlementResult", SettlementType))
