"""Commands of ``tollwright bill`` beside the runs of everybody: again, customer, expect, charge, rules, schedule."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli import ATTENTION, DONE, Unreachable
from domain.refusal import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.wiring import Wiring
    from domain.access.actor import Actor

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
Number = Annotated[str, typer.Argument(help="The customer's number.")]
Day: Final = ["%Y-%m-%d"]
IssuedOn = Annotated[datetime | None, typer.Option(formats=Day, help="The invoices' date; today unless given.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Do everything and keep nothing.")]


def again(
    run_id: Annotated[int, typer.Option("--run", help="The run that parked them.")],
    issued_on: IssuedOn = None,
    dry_run: DryRun = False,
    operator: Operator = None,
) -> int:
    """Bill the payers that a run parked, once it is mended.

    Ends with 1 where somebody is parked anew.
    """
    from api.cli.bill import told_run
    from api.cli.reach import run_with
    from domain.ids import BillRunId
    from domain.usecases.bill_customer import BillAgain, bill_again

    async def work(wiring: Wiring, actor: Actor) -> int:
        cmd = BillAgain(run=BillRunId(run_id), issued_on=issued_on.date() if issued_on else None, dry_run=dry_run)
        return await told_run(bill_again, cmd, wiring, actor)

    return run_with(operator, work)


def customer(  # noqa: PLR0917  (typer declares options so)
    number: Number,
    kind: Annotated[str, typer.Option(help="final, interim or on_demand.")] = "on_demand",
    until: Annotated[
        datetime | None, typer.Option(formats=Day, help="Bill what is due before this day; tomorrow unless given.")
    ] = None,
    issued_on: IssuedOn = None,
    dry_run: DryRun = False,
    operator: Operator = None,
) -> int:
    """Bill one customer up to a day.

    A final invoice holds everything until his last contract has ended.
    """
    from api.cli.bill import told_run
    from api.cli.reach import run_with
    from domain.invoicing.bill_run import BillKind
    from domain.usecases.bill_customer import BillCustomer, bill_customer
    from domain.usecases.get_customer import get_customer

    if kind not in BillKind.__members__.values():
        raise BadValue("{kind!r} is none of final, interim and on_demand", kind=kind, field="--kind")

    async def work(wiring: Wiring, actor: Actor) -> int:
        found = await get_customer(number, actor=actor, begin=wiring.begin)
        cmd = BillCustomer(
            customer=found.id,
            kind=BillKind(kind),
            until=until.date() if until else None,
            issued_on=issued_on.date() if issued_on else None,
            dry_run=dry_run,
        )
        return await told_run(bill_customer, cmd, wiring, actor)

    return run_with(operator, work)


def expect(
    number: Number,
    on: Annotated[
        datetime | None, typer.Option(formats=Day, help="With what is due until this day's end; today's unless given.")
    ] = None,
    pdf: Annotated[Path | None, typer.Option(help="Also write it as a PDF; it has no number.")] = None,
    operator: Operator = None,
) -> int:
    """Tell what a customer's invoice would be by now.

    Nothing is kept. Ends with 1 where he would be parked.
    """
    from api.cli.reach import run_with
    from domain.usecases.expect_invoice import ExpectInvoice, expect_invoice
    from domain.usecases.get_customer import get_customer
    from domain.usecases.get_operator import get_operator

    drawn: list[bytes] = []

    async def work(wiring: Wiring, actor: Actor) -> int:
        found = await get_customer(number, actor=actor, begin=wiring.begin)
        cmd = ExpectInvoice(customer=found.id, on=on.date() if on else None)
        expected = await expect_invoice(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, raters=wiring.raters)
        print(json.dumps(_expected(expected), ensure_ascii=False))
        if pdf is not None and expected.invoice is not None:
            zone = (await get_operator(actor=actor, begin=wiring.begin)).zone
            drawn.append(wiring.documents.pdf(expected.invoice, (), zone=zone))
        return DONE if expected.parked is None else ATTENTION

    ended = run_with(operator, work)
    try:
        for content in drawn:
            assert pdf is not None
            pdf.write_bytes(content)
    except OSError as fault:
        raise Unreachable(f"{pdf} cannot be written: {fault.strerror}") from None
    return ended


def charge(  # noqa: PLR0917  (typer declares options so)
    number: Number,
    text: Annotated[str, typer.Option(help="What stands on the invoice.")],
    price: Annotated[str | None, typer.Option(help="Without VAT; of a discount, what is taken off.")] = None,
    percent: Annotated[str | None, typer.Option(help="A discount on the invoice, in per cent.")] = None,
    quantity: Annotated[str, typer.Option(help="Of how many.")] = "1",
    kind: Annotated[str, typer.Option(help="manual, project, special or discount.")] = "manual",
    vat: Annotated[str, typer.Option(help="VAT in per cent of ordinary domestic supply.")] = "25",
    account: Annotated[str | None, typer.Option(help="The revenue account.")] = None,
    starts: Annotated[datetime | None, typer.Option(formats=Day, help="Its day; today unless given.")] = None,
    ends: Annotated[datetime | None, typer.Option(formats=Day, help="Where it comes again: until this day.")] = None,
    every: Annotated[int | None, typer.Option(help="It comes again every so many months.")] = None,
    operator: Operator = None,
) -> int:
    """Charge a customer beside his contracts, or give a discount."""
    from api.cli.reach import run_with
    from domain.invoicing.charge import ChargeKind
    from domain.usecases.charge_customer import AddCharge, add_charge
    from domain.usecases.get_customer import get_customer

    if kind not in ChargeKind.__members__.values():
        raise BadValue("{kind!r} is no kind of charge", kind=kind, field="--kind")

    async def work(wiring: Wiring, actor: Actor) -> int:
        found = await get_customer(number, actor=actor, begin=wiring.begin)
        cmd = AddCharge(
            customer=found.id,
            kind=ChargeKind(kind),
            text=text,
            quantity=_amount(quantity, "--quantity"),
            unit_price=None if price is None else _amount(price, "--price"),
            percent=None if percent is None else _amount(percent, "--percent"),
            vat_percent=_amount(vat, "--vat"),
            account=account,
            starts=starts.date() if starts else None,
            ends=ends.date() if ends else None,
            interval_months=every,
        )
        kept = await add_charge(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        print(json.dumps({"charge": kept.id, "customer": number, "kind": kept.kind, "starts": f"{kept.starts}"}))
        return DONE

    return run_with(operator, work)


def rules(  # noqa: PLR0917  (typer declares options so)
    group: Annotated[str, typer.Option(help="Of a group of customers; of everybody else unless given.")] = "",
    minimum: Annotated[str | None, typer.Option(help="The smallest invoice that is sent.")] = None,
    carry_months: Annotated[int | None, typer.Option(help="A smaller one is carried over so long.")] = None,
    zero: Annotated[bool | None, typer.Option("--zero/--no-zero", help="Whether invoices of nothing are sent.")] = None,
    unpriced: Annotated[str | None, typer.Option(help="Payers with events without a price: park or ignore.")] = None,
    form: Annotated[str | None, typer.Option(help="invoice, or basis: another system invoices.")] = None,
    operator: Operator = None,
) -> int:
    """Show what invoices follow, or change it."""
    from dataclasses import asdict, replace

    from api.cli.reach import run_with
    from domain.invoicing.billing_rules import BillForm, BillingRules, Unpriced
    from domain.usecases.set_billing_rules import SetBillingRules, list_billing_rules, set_billing_rules

    changed: dict[str, Any] = {
        "minimum": None if minimum is None else _amount(minimum, "--minimum"),
        "carry_months": carry_months,
        "zero_invoices": zero,
        "unpriced": _one_of(Unpriced, unpriced, "--unpriced"),
        "form": _one_of(BillForm, form, "--form"),
    }
    changed = {name: value for name, value in changed.items() if value is not None}

    async def work(wiring: Wiring, actor: Actor) -> int:
        found = {one.group: one for one in await list_billing_rules(actor=actor, begin=wiring.begin)}
        if changed:
            cmd = SetBillingRules(**asdict(replace(found.get(group, BillingRules(group=group)), **changed)))
            found = {group: await set_billing_rules(cmd, actor=actor, begin=wiring.begin)}
        for one in found.values():
            print(json.dumps(asdict(one) | {"minimum": f"{one.minimum:f}"}, ensure_ascii=False))
        return DONE

    return run_with(operator, work)


def schedule(  # noqa: PLR0917  (typer declares options so)
    name: Annotated[str | None, typer.Argument(help="Its name; all are shown unless given.")] = None,
    cron: Annotated[str | None, typer.Option(help='When, such as "0 3 1 * *", in the operator\'s zone.')] = None,
    cycle: Annotated[int, typer.Option(help="Payers whose periods begin on this day of the month.")] = 1,
    group: Annotated[str | None, typer.Option(help="Only members of this group.")] = None,
    months: Annotated[int, typer.Option(help="How long a period is.")] = 1,
    ahead: Annotated[int, typer.Option(help="Fees in advance for so many months more.")] = 0,
    approval: Annotated[bool, typer.Option("--approval", help="A second person decides on each run.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Let it rest.")] = False,
    operator: Operator = None,
) -> int:
    """Show when bills are run by themselves, or keep it."""
    from api.cli.reach import run_with
    from domain.usecases.schedule_bills import PutBillSchedule, list_bill_schedules, put_bill_schedule

    async def work(wiring: Wiring, actor: Actor) -> int:
        found = {one.name: one for one in await list_bill_schedules(actor=actor, begin=wiring.begin)}
        if name is not None and (cron is not None or off):
            before = found.get(name)
            cmd = PutBillSchedule(
                name=name,
                schedule=cron or (before.schedule if before else ""),
                cycle=cycle,
                group=group,
                months=months,
                fees_ahead_months=ahead,
                approval=approval,
                active=not off,
                version=before.version if before else 0,
            )
            found = {name: await put_bill_schedule(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)}
        for one in found.values():
            if name in {None, one.name}:
                told = {"name": one.name, "schedule": one.schedule, "cycle": one.cycle, "active": one.active}
                told |= {"next_at": one.next_at and one.next_at.isoformat(), "told": one.told}
                print(json.dumps(told, ensure_ascii=False))
        return DONE

    return run_with(operator, work)


COMMANDS: Final[tuple[Callable[..., int], ...]] = (again, customer, expect, charge, rules, schedule)


def _expected(expected: Any) -> dict[str, Any]:
    made = expected.invoice
    told: dict[str, Any] = {"customer": expected.payer.number, "period": str(expected.period)}
    if expected.parked is not None:
        return told | {"parked": expected.parked.reason, "detail": expected.parked.detail}
    if made is None:
        return told | {"total": "0"}
    lines = [{"text": one.text, "period": str(one.period), "net": f"{one.net:f}"} for one in made.lines]
    sums = {"net": f"{made.net:f}", "vat": f"{made.vat_total:f}", "total": f"{made.total:f}"}
    return told | {"lines": lines, **sums, "currency": made.currency}


def _amount(text: str, field: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise BadValue("{text!r} is no number", text=text, field=field) from None
    return found


def _one_of(kind: Any, text: str | None, field: str) -> Any:
    if text is None:
        return None
    if text not in kind.__members__.values():
        raise BadValue("{text!r} is none of {listed}", text=text, listed=", ".join(kind), field=field)
    return kind(text)
