"""The ledger as people read it: statements of account, how old what is owed is, the lock, and whether it ties."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry

from api.graphql.context import Info
from api.graphql.ids import global_id, key_of
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.ids import CustomerId
from domain.ledger.ageing import Ageing, OpenAmount
from domain.ledger.locking import LedgerLock
from domain.ledger.statement import MovementKind, Statement, StatementRow
from domain.ledger.tying import Difference, Rule
from domain.payments.amounts import major_of
from domain.usecases.ledger_reports import (
    AgeBy,
    AgedReceivables,
    AgeingRow,
    AgeReceivables,
    StateAccount,
    age_receivables,
    check_ledger,
    state_account,
)
from domain.usecases.lock_ledger import LockLedger, UnlockLedger, lock_ledger, read_ledger_lock, unlock_ledger

ID = strawberry.ID

strawberry.enum(MovementKind, name="MovementKind", description="What moved a customer's account.")
strawberry.enum(AgeBy, name="AgeBy", description="What the ageing is told of.")
strawberry.enum(Rule, name="LedgerRule", description="What must be so of the ledger and the books beside it.")


@strawberry.type(name="Ageing", description="What is owed in one currency, by the days since it was due.")
class AgeingType:
    """``domain.ledger.ageing.Ageing``."""

    currency: str
    not_due: Decimal
    days_30: Decimal = strawberry.field(name="days1to30")
    days_60: Decimal = strawberry.field(name="days31to60")
    days_90: Decimal = strawberry.field(name="days61to90")
    older: Decimal
    credit: Decimal = strawberry.field(description="What the customer is owed; negative.")
    total: Decimal


@strawberry.type(name="StatementRow", description="A movement, and what was owed after it.")
class StatementRowType:
    """``domain.ledger.statement.StatementRow``."""

    booked_on: date
    kind: MovementKind
    document: str | None = strawberry.field(description="The number of the invoice or credit note that it is.")
    text: str
    amount: Decimal = strawberry.field(description="What is owed more by it; a payment is negative.")
    balance: Decimal


@strawberry.type(name="OpenAmount", description="What is open of an invoice or a claim, or in credit.")
class OpenAmountType:
    """``domain.ledger.ageing.OpenAmount``."""

    kind: str
    name: str
    currency: str
    due_on: date | None
    open: Decimal


@strawberry.type(name="StatementPart", description="One currency of a statement.")
class StatementPartType:
    """``domain.ledger.statement.Statement``."""

    currency: str
    opening: Decimal
    rows: list[StatementRowType]
    closing: Decimal
    ageing: AgeingType


@strawberry.type(
    name="AccountStatement", description="What moved on a customer's account, and what he owes at the end."
)
class AccountStatementType:
    """``AccountStatement``."""

    customer: strawberry.ID
    since: date
    until: date
    parts: list[StatementPartType]
    items: list[OpenAmountType] = strawberry.field(description="What is open when it ends.")


@strawberry.type(name="AgeingRow", description="The ageing of a customer, a group or a reseller.")
class AgeingRowType:
    """``AgeingRow``."""

    id: strawberry.ID | None
    code: str = strawberry.field(description="Its number, name or code; empty: in no group, the operator himself.")
    name: str
    ageing: AgeingType


@strawberry.type(name="AgedReceivables", description="How old what is owed is when a day ends.")
class AgedReceivablesType:
    """``AgedReceivables``."""

    on: date
    by: AgeBy
    rows: list[AgeingRowType]
    totals: list[AgeingType] = strawberry.field(description="Per currency, each customer once.")


@strawberry.type(name="LedgerDifference", description="A place where the ledger and the books beside it differ.")
class LedgerDifferenceType:
    """``domain.ledger.tying.Difference``."""

    rule: Rule
    what: str
    currency: str
    ledger: Decimal
    books: Decimal


@strawberry.type(name="LedgerLock", description="How far the ledger is locked.")
class LedgerLockType:
    """``domain.ledger.locking.LedgerLock``."""

    through: date | None
    at: datetime | None
    client: str | None
    version: int

    is_type_of = shows(LedgerLock)


@strawberry.input(description="Lock a month that is over, and all before it.")
class LockLedgerInput:
    """``LockLedger``."""

    month: str = strawberry.field(description="Such as 2026-10.")
    version: int = strawberry.field(description="The lock's that was read; 0 where there never was one.")
    idempotency_key: str | None = kept_key()


@strawberry.input(description="Open a month and all after it again.")
class UnlockLedgerInput:
    """``UnlockLedger``."""

    month: str
    version: int
    reason: str
    idempotency_key: str | None = kept_key()


def _ageing(one: Ageing) -> AgeingType:
    names = ("not_due", "days_30", "days_60", "days_90", "older", "credit", "total")
    return AgeingType(currency=one.currency, **{name: major_of(getattr(one, name), one.currency) for name in names})


def _row(row: StatementRow) -> StatementRowType:
    one = row.movement
    return StatementRowType(
        booked_on=one.booked_on,
        kind=one.kind,
        document=one.document or None,
        text=one.text,
        amount=major_of(one.amount_minor, one.currency),
        balance=major_of(row.balance_minor, one.currency),
    )


def _part(part: Statement) -> StatementPartType:
    return StatementPartType(
        currency=part.currency,
        opening=major_of(part.opening_minor, part.currency),
        rows=[_row(row) for row in part.rows],
        closing=major_of(part.closing_minor, part.currency),
        ageing=_ageing(part.ageing),
    )


def _item(one: OpenAmount) -> OpenAmountType:
    return OpenAmountType(
        kind=one.kind,
        name=one.name,
        currency=one.currency,
        due_on=one.due_on,
        open=major_of(one.open_minor, one.currency),
    )


async def _statement(
    info: Info, customer: ID, since: date | None = None, until: date | None = None
) -> AccountStatementType:
    cmd = StateAccount(customer=CustomerId(key_of(customer, "Customer", "customer")), since=since, until=until)
    told = await info.context.ask(state_account, cmd, clock=info.context.wiring.clock)
    return AccountStatementType(
        customer=strawberry.ID(global_id("Customer", told.customer.id)),
        since=told.since,
        until=told.until,
        parts=[_part(part) for part in told.parts],
        items=[_item(one) for one in told.items],
    )


def _aged_row(row: AgeingRow, by: AgeBy) -> AgeingRowType:
    kind = "Customer" if by is AgeBy.CUSTOMER else "Reseller"
    return AgeingRowType(
        id=None if row.key is None else strawberry.ID(global_id(kind, row.key)),
        code=row.code,
        name=row.name,
        ageing=_ageing(row.ageing),
    )


async def _aged(info: Info, on: date | None = None, by: AgeBy = AgeBy.CUSTOMER) -> AgedReceivablesType:
    cmd = AgeReceivables(on=on, by=by)
    told: AgedReceivables = await info.context.ask(age_receivables, cmd, clock=info.context.wiring.clock)
    return AgedReceivablesType(
        on=told.on,
        by=told.by,
        rows=[_aged_row(row, told.by) for row in told.rows],
        totals=[_ageing(one) for one in told.totals],
    )


async def _check(info: Info) -> list[LedgerDifferenceType]:
    found: list[Difference] = list(await info.context.ask(check_ledger))
    return [
        LedgerDifferenceType(
            rule=one.rule,
            what=one.what,
            currency=one.currency,
            ledger=major_of(one.ledger_minor, one.currency),
            books=major_of(one.books_minor, one.currency),
        )
        for one in found
    ]


async def _lock_state(info: Info) -> Any:
    return await info.context.ask(read_ledger_lock)


async def _lock(info: Info, input: LockLedgerInput) -> Any:
    cmd = LockLedger(month=input.month, version=input.version)
    return await info.context.ask(lock_ledger, cmd, clock=info.context.wiring.clock)


async def _unlock(info: Info, input: UnlockLedgerInput) -> Any:
    cmd = UnlockLedger(month=input.month, version=input.version, reason=input.reason)
    return await info.context.ask(unlock_ledger, cmd, clock=info.context.wiring.clock)


@strawberry.type
class LedgerQuery:
    """The ledger as people read it."""

    statement_of_account: AccountStatementType = strawberry.field(
        resolver=_statement, description="Left out: from the year's first day, until today."
    )
    aged_receivables: AgedReceivablesType = strawberry.field(
        resolver=_aged, description="Of each customer, group or reseller, when a day ends; left out: today."
    )
    ledger_differences: list[LedgerDifferenceType] = strawberry.field(
        resolver=_check, description="Where the ledger does not tie to invoices and payments; none: it ties."
    )
    ledger_lock: LedgerLockType = strawberry.field(resolver=_lock_state)


@strawberry.type
class LedgerMutation:
    """The period lock."""

    lock_ledger = strawberry.mutation(
        resolver=_lock,
        graphql_type=outcome("LockLedgerResult", LedgerLockType),
        description="Nothing is booked there any more: invoices are refused, payments come on the first open day.",
    )
    unlock_ledger = strawberry.mutation(
        resolver=_unlock,
        graphql_type=outcome("UnlockLedgerResult", LedgerLockType),
        description="May wait for a second person.",
    )
