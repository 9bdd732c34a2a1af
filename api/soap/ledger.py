"""The operations of the WSDL about the ledger: statements of account, ageing, whether it ties, and the period lock."""

from __future__ import annotations

from datetime import date
from typing import Any

from spyne import Boolean, Date, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import Model, _enum, many, needed
from api.soap.service import operation
from api.soap.showing import plain
from domain.ledger.ageing import Ageing
from domain.ledger.locking import LedgerLock
from domain.ledger.statement import MovementKind
from domain.ledger.tying import Rule
from domain.payments.amounts import major_of
from domain.usecases.get_customer import get_customer
from domain.usecases.ledger_reports import (
    AgeBy,
    AgeReceivables,
    StateAccount,
    age_receivables,
    check_ledger,
    state_account,
)
from domain.usecases.list_payments import trial_balance
from domain.usecases.lock_ledger import LockLedger, UnlockLedger, lock_ledger, read_ledger_lock, unlock_ledger

KindOfMovement = _enum(MovementKind, "KindOfMovement")
AgedBy = _enum(AgeBy, "AgedBy")
RuleOfLedger = _enum(Rule, "RuleOfLedger")


class AgeingModel(Model):
    """What is owed in one currency, by the days since it was due; credit is negative."""

    __type_name__ = "Ageing"

    currency = needed(Unicode)
    notDue = needed(XsDecimal)
    days1to30 = needed(XsDecimal)
    days31to60 = needed(XsDecimal)
    days61to90 = needed(XsDecimal)
    older = needed(XsDecimal)
    credit = needed(XsDecimal)
    total = needed(XsDecimal)


class MovementModel(Model):
    """A movement, and what was owed after it; a payment is negative."""

    __type_name__ = "StatementRow"

    bookedOn = needed(Date)
    kind = needed(KindOfMovement)
    document = Unicode
    text = needed(Unicode)
    amount = needed(XsDecimal)
    balance = needed(XsDecimal)


class StatementPartModel(Model):
    """One currency of a statement."""

    __type_name__ = "StatementPart"

    currency = needed(Unicode)
    opening = needed(XsDecimal)
    row = many(MovementModel)
    closing = needed(XsDecimal)
    ageing = needed(AgeingModel)


class AccountStatementModel(Model):
    """What moved on a customer's account between two days, and what he owes at the end."""

    __type_name__ = "AccountStatement"

    customerNumber = needed(Unicode)
    since = needed(Date)
    until = needed(Date)
    part = many(StatementPartModel)


class AgeingRowModel(Model):
    """The ageing of a customer (by number), a group (by name) or a reseller (by code; empty: the operator)."""

    __type_name__ = "AgeingRow"

    code = needed(Unicode)
    name = needed(Unicode)
    ageing = needed(AgeingModel)


class AgedReceivablesModel(Model):
    """How old what is owed is when a day ends; total counts each customer once."""

    __type_name__ = "AgedReceivables"

    on = needed(Date)
    row = many(AgeingRowModel)
    total = many(AgeingModel)


class LedgerDifferenceModel(Model):
    """A place where the ledger and the books beside it differ."""

    __type_name__ = "LedgerDifference"

    rule = needed(RuleOfLedger)
    what = needed(Unicode)
    currency = needed(Unicode)
    ledger = needed(XsDecimal)
    books = needed(XsDecimal)


class LedgerCheckModel(Model):
    """Whether the ledger ties, and where it does not."""

    __type_name__ = "LedgerCheck"

    ties = needed(Boolean)
    difference = many(LedgerDifferenceModel)


class LedgerLockModel(Model):
    """How far the ledger is locked; version 0: it never was."""

    __type_name__ = "LedgerLock"

    through = Date
    version = needed(Integer)


def _ageing(one: Ageing) -> AgeingModel:
    sums = (one.not_due, one.days_30, one.days_60, one.days_90, one.older, one.credit, one.total)
    names = ("notDue", "days1to30", "days31to60", "days61to90", "older", "credit", "total")
    shown = {name: major_of(amount, one.currency) for name, amount in zip(names, sums, strict=True)}
    return AgeingModel(currency=one.currency, **shown)


def _lock(lock: LedgerLock) -> LedgerLockModel:
    return LedgerLockModel(through=lock.through, version=lock.version)


class AccountBalanceModel(Model):
    """What stands on an account of the ledger; debit is positive."""

    __type_name__ = "AccountBalance"

    account = needed(Unicode)
    currency = needed(Unicode)
    balance = needed(XsDecimal)


class TrialBalanceModel(Model):
    """Every account of the ledger, by its number and currency."""

    __type_name__ = "TrialBalance"

    balance = many(AccountBalanceModel)


class LedgerReports(ServiceBase):
    """The ledger as other systems read it."""

    __service_name__ = "Billing"

    @operation("GetAccountStatement", needed(Unicode), Date, Date, returns=AccountStatementModel, result="statement")
    async def get_account_statement(
        ctx: Any,
        customerNumber: str,
        since: date | None,
        until: date | None,
    ) -> Any:
        """Return a customer's statement of account; absent: from the year's first day, until today."""
        customer = await ctx.udc.ask(get_customer, customerNumber)
        cmd = StateAccount(customer=customer.id, since=since, until=until)
        told = await ctx.udc.ask(state_account, cmd, clock=ctx.udc.wiring.clock)
        parts = [
            StatementPartModel(
                currency=part.currency,
                opening=major_of(part.opening_minor, part.currency),
                row=[
                    MovementModel(
                        bookedOn=row.movement.booked_on,
                        kind=row.movement.kind.value,
                        document=row.movement.document or None,
                        text=row.movement.text,
                        amount=major_of(row.movement.amount_minor, part.currency),
                        balance=major_of(row.balance_minor, part.currency),
                    )
                    for row in part.rows
                ],
                closing=major_of(part.closing_minor, part.currency),
                ageing=_ageing(part.ageing),
            )
            for part in told.parts
        ]
        return AccountStatementModel(
            customerNumber=told.customer.number, since=told.since, until=told.until, part=parts
        )

    @operation("GetAgedReceivables", Date, AgedBy, returns=AgedReceivablesModel, result="receivables")
    async def get_aged_receivables(ctx: Any, on: date | None, by: str | None) -> Any:
        """Return how old what is owed is, of each customer, group or reseller; absent: today, by customer."""
        cmd = AgeReceivables(on=on, by=AgeBy(str(by or AgeBy.CUSTOMER)))
        told = await ctx.udc.ask(age_receivables, cmd, clock=ctx.udc.wiring.clock)
        return AgedReceivablesModel(
            on=told.on,
            row=[AgeingRowModel(code=row.code, name=row.name, ageing=_ageing(row.ageing)) for row in told.rows],
            total=[_ageing(one) for one in told.totals],
        )

    @operation("GetTrialBalance", Date, returns=TrialBalanceModel, result="balances")
    async def get_trial_balance(ctx: Any, on: date | None) -> Any:
        """Return the sum of every account of the ledger, now or when a day ended; they come to zero per currency."""
        found = await ctx.udc.ask(trial_balance, on=on)
        return TrialBalanceModel(
            balance=[
                AccountBalanceModel(account=account, currency=code, balance=plain(major_of(total, code)))
                for (account, code), total in sorted(found.items())
            ]
        )

    @operation("CheckLedger", returns=LedgerCheckModel, result="check")
    async def check_ledger(ctx: Any) -> Any:
        """Return where the ledger does not tie to invoices, payments and what they were applied to."""
        found = await ctx.udc.ask(check_ledger)
        return LedgerCheckModel(
            ties=not found,
            difference=[
                LedgerDifferenceModel(
                    rule=one.rule.value,
                    what=one.what,
                    currency=one.currency,
                    ledger=major_of(one.ledger_minor, one.currency),
                    books=major_of(one.books_minor, one.currency),
                )
                for one in found
            ],
        )

    @operation("GetLedgerLock", returns=LedgerLockModel, result="lock")
    async def get_ledger_lock(ctx: Any) -> Any:
        """Return how far the ledger is locked."""
        return _lock(await ctx.udc.ask(read_ledger_lock))

    @operation("LockLedger", needed(Unicode), needed(Integer), returns=LedgerLockModel, result="lock")
    async def lock_ledger(ctx: Any, month: str, version: int) -> Any:
        """Lock a month that is over, such as 2026-10, and all before it."""
        cmd = LockLedger(month=month, version=version)
        return _lock(await ctx.udc.ask(lock_ledger, cmd, clock=ctx.udc.wiring.clock))

    @operation(
        "UnlockLedger", needed(Unicode), needed(Integer), needed(Unicode), returns=LedgerLockModel, result="lock"
    )
    async def unlock_ledger(ctx: Any, month: str, version: int, reason: str) -> Any:
        """Open a month and all after it again; it may wait for a second person."""
        cmd = UnlockLedger(month=month, version=version, reason=reason)
        return _lock(await ctx.udc.ask(unlock_ledger, cmd, clock=ctx.udc.wiring.clock))
