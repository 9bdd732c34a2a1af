"""``tollwright ledger``: what the ledger says, whether it ties, statements and ageing, and the period lock."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.ledger.locking import LedgerLock

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When this day ended; now unless given.")]
Out = Annotated[Path | None, typer.Option(help="Write a file instead of JSON lines.")]
Language = Annotated[str, typer.Option(help="Of a table's headers: en, sv, nb, da, fi or de.")]


@app.callback()
def main() -> None:
    """Read the ledger, check that it ties, and lock its months."""


def _money(minor: int, currency: str) -> str:
    from domain.invoicing.invoice import decimals_of

    return f"{Decimal(minor).scaleb(-decimals_of(currency)):f}"


def _day(value: datetime | None) -> date | None:
    return value.date() if value else None


@app.command()
def check(operator: Operator = None) -> int:
    """Check that the ledger ties to invoices and payments.

    Prints a line for each difference, the first ones; ends with 1 where there is one.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.ledger_reports import check_ledger

        found = await check_ledger(actor=actor, begin=wiring.begin)
        for one in found:
            told = {
                "rule": one.rule.value,
                "what": one.what,
                "currency": one.currency,
                "ledger": _money(one.ledger_minor, one.currency),
                "books": _money(one.books_minor, one.currency),
            }
            print(json.dumps(told))
        if not found:
            print(json.dumps({"ties": True}))
        return ATTENTION if found else DONE

    return run_with(operator, work)


@app.command()
def balance(on: Day = None, operator: Operator = None) -> int:
    """Print the trial balance: every account's sum, debit positive."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.list_payments import trial_balance

        found = await trial_balance(actor=actor, begin=wiring.begin, on=_day(on))
        for (account, currency), minor in found.items():
            print(json.dumps({"account": account, "currency": currency, "balance": _money(minor, currency)}))
        return DONE

    return run_with(operator, work)


@app.command()
def ageing(
    on: Day = None,
    by: Annotated[str, typer.Option(help="customer, group or reseller.")] = "customer",
    out: Out = None,
    language: Language = "en",
    operator: Operator = None,
) -> int:
    """Print how old what is owed is; with --out as CSV."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ledger.ageing import BUCKETS
        from domain.refusal import BadValue
        from domain.usecases.ledger_reports import AgeBy, AgeReceivables, age_receivables

        if by not in AgeBy.__members__.values():
            raise BadValue("it is told by customer, group or reseller", field="by")
        cmd = AgeReceivables(on=_day(on), by=AgeBy(by))
        aged = await age_receivables(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        if out is not None:
            out.write_bytes(wiring.papers.ageing_csv(aged, language=language))
            return DONE
        for code, name, one in [
            *((row.code, row.name, row.ageing) for row in aged.rows),
            *(("", "total", total) for total in aged.totals),
        ]:
            sums = {each: _money(getattr(one, each), one.currency) for each in (*BUCKETS, "credit", "total")}
            print(json.dumps({"code": code, "name": name, "currency": one.currency, **sums}, ensure_ascii=False))
        return DONE

    return run_with(operator, work)


@app.command()
def statement(
    customer: Annotated[str, typer.Argument(help="The customer's number.")],
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write a .pdf or a .csv instead of JSON lines.")] = None,
    operator: Operator = None,
) -> int:
    """Print a customer's statement of account."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.get_customer import get_customer
        from domain.usecases.ledger_reports import StateAccount, state_account

        found = await get_customer(customer, actor=actor, begin=wiring.begin)
        cmd = StateAccount(customer=found.id, since=_day(since), until=_day(until))
        told = await state_account(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        if out is not None:
            papers = wiring.papers
            pdf = out.suffix.lower() == ".pdf"
            made = papers.statement_pdf(told) if pdf else papers.statement_csv(told, language=found.language)
            out.write_bytes(made)
            return DONE
        for part in told.parts:
            code = part.currency
            print(json.dumps({"currency": code, "opening": _money(part.opening_minor, code)}))
            for row in part.rows:
                one = row.movement
                shown: dict[str, Any] = {
                    "booked_on": one.booked_on.isoformat(),
                    "kind": one.kind.value,
                    "document": one.document or None,
                    "amount": _money(one.amount_minor, code),
                    "balance": _money(row.balance_minor, code),
                }
                print(json.dumps(shown))
            print(json.dumps({"currency": code, "closing": _money(part.closing_minor, code)}))
        return DONE

    return run_with(operator, work)


def _show(lock: LedgerLock) -> None:
    print(json.dumps({"through": lock.through.isoformat() if lock.through else None, "version": lock.version}))


@app.command()
def lock(
    month: Annotated[str, typer.Argument(help="The month to lock, with all before it, such as 2026-10.")],
    operator: Operator = None,
) -> int:
    """Lock a month that is over: nothing is booked there any more."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.lock_ledger import LockLedger, lock_ledger, read_ledger_lock

        version = (await read_ledger_lock(actor=actor, begin=wiring.begin)).version
        cmd = LockLedger(month=month, version=version)
        _show(await lock_ledger(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock))
        return DONE

    return run_with(operator, work)


@app.command()
def unlock(
    month: Annotated[str, typer.Argument(help="The month to open, with all after it.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the audit trail.")],
    operator: Operator = None,
) -> int:
    """Open a locked month again; it may wait for a second person."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.lock_ledger import UnlockLedger, read_ledger_lock, unlock_ledger

        version = (await read_ledger_lock(actor=actor, begin=wiring.begin)).version
        cmd = UnlockLedger(month=month, version=version, reason=reason)
        _show(await unlock_ledger(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock))
        return DONE

    return run_with(operator, work)
