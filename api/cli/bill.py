"""``tollwright bill``: run bills for a period, and export what a run has issued."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli import ATTENTION, DONE, Unreachable, complain
from api.cli.bars import progress_bar
from api.cli.bill_credit import credit, reissue
from api.cli.bill_export import FORMATS, Export, export_run
from domain.refusal import BadValue, NotFound

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.invoicing.bill_run import BillRun, Parked
    from domain.invoicing.invoice import Invoice
    from domain.usecases.make_bills import PageDone

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
RUNS_PER_PAGE: Final = 200

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]


app.command()(credit)
app.command()(reissue)


@app.callback()
def main() -> None:
    """Run bills and export invoices."""


@app.command()
def run(  # noqa: PLR0917  (typer declares options so)
    period: Annotated[str, typer.Option(help="The month to bill, such as 2026-10, or days as 2026-10-01..2026-11-01.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything and keep nothing.")] = False,
    customer: Annotated[list[str] | None, typer.Option(help="Only this customer number; may be repeated.")] = None,
    cycle: Annotated[
        int | None, typer.Option(help="Payers whose periods begin on this day; so does --period's month.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="Only members of this group of customers.")] = None,
    reseller: Annotated[str | None, typer.Option(help="Only customers below this reseller (his code).")] = None,
    fees_until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Bill fees in advance that begin before this day.")
    ] = None,
    issued_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The invoices' date; today unless given.")
    ] = None,
    operator: Operator = None,
) -> int:
    """Bill a period. Prints a line per invoice and per parked customer, and the run last.

    Run again, it bills only what is new; interrupted, it continues. Ends with 1 where a customer was parked.
    """
    from api.cli.reach import run_with
    from domain.invoicing.billing_rules import beginning_on
    from domain.usecases.run_bills import RunBills, run_bills

    async def work(wiring: Wiring, actor: Actor) -> int:
        keys = await _customers(wiring, actor, customer) if customer else None
        month = _period(period)
        cmd = RunBills(
            period=month if cycle is None or ".." in period else beginning_on(month, cycle),
            fees_until=fees_until.date() if fees_until else None,
            issued_on=issued_on.date() if issued_on else None,
            customers=keys,
            dry_run=dry_run,
            cycle=cycle,
            group=group,
            reseller=await reseller_named(wiring, actor, reseller),
        )
        return await told_run(run_bills, cmd, wiring, actor)

    return run_with(operator, work)


@app.command("list")
def list_runs(operator: Operator = None) -> int:
    """List the bill runs."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ports.page import PageRequest
        from domain.usecases.list_bill_runs import list_bill_runs

        request, more = PageRequest(first=RUNS_PER_PAGE), True
        while more:
            page = await list_bill_runs(request, actor=actor, begin=wiring.begin)
            for each in page.items:
                print(json.dumps(_run_data(each)))
            more = page.more
            request = PageRequest(first=RUNS_PER_PAGE, after=page.items[-1].id if page.items else None)
        return DONE

    return run_with(operator, work)


@app.command()
def parked(
    run_id: Annotated[
        int | None, typer.Option("--run", help="The bill run's id; without it, who still waits, of all runs.")
    ] = None,
    operator: Operator = None,
) -> int:
    """List who is parked, why, and what to do.

    Ends with 1 where there is somebody. Once it is mended, "bill again" bills them.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import BillRunId
        from domain.usecases.list_bill_runs import get_bill_run

        found: Any
        if run_id is None:
            found = await waiting(wiring, actor)
        else:
            _, found = await get_bill_run(BillRunId(run_id), actor=actor, begin=wiring.begin)
        for each in found:
            print(json.dumps(_parked_data(each), ensure_ascii=False))
        return ATTENTION if found else DONE

    return run_with(operator, work)


@app.command()
def abandon(
    run_id: Annotated[int, typer.Option("--run", help="The bill run's id.")],
    operator: Operator = None,
) -> int:
    """End a run that was interrupted.

    Whom it had not come to is billed by the next run.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import BillRunId
        from domain.usecases.abandon_bill_run import abandon_bill_run

        ended = await abandon_bill_run(BillRunId(run_id), actor=actor, begin=wiring.begin, clock=wiring.clock)
        print(json.dumps(_run_data(ended)))
        return DONE

    return run_with(operator, work)


@app.command()
def reconcile(
    run_id: Annotated[int | None, typer.Option("--run", help="The bill run's id.")] = None,
    period: Annotated[
        str | None, typer.Option(help="Instead all that was issued in a month, such as 2026-10, or in days.")
    ] = None,
    operator: Operator = None,
) -> int:
    """Show that invoices, VAT, journal and ledger agree.

    Of a run, or of everything issued in a period, credit notes included. Ends with 1 where they do not.
    """
    from api.cli.reach import run_with

    if (run_id is None) == (period is None):
        raise BadValue("give --run or --period", field="--run")

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import BillRunId
        from domain.usecases.reconcile_run import reconcile_period, reconcile_run

        if period is not None:
            found = await reconcile_period(_period(period), actor=actor, begin=wiring.begin)
        else:
            found = await reconcile_run(BillRunId(run_id or 0), actor=actor, begin=wiring.begin)
        for one in found:
            print(json.dumps(dataclasses.asdict(one) | {"holds": one.holds}, default=str))
        return DONE if all(one.holds for one in found) else ATTENTION

    return run_with(operator, work)


@app.command()
def export(
    run_id: Annotated[int, typer.Option("--run", help="The bill run's id.")],
    format_: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")],
    out: Annotated[Path, typer.Option(help="The folder to write into; made where it is not there.")] = Path(),
    language: Annotated[
        str | None, typer.Option(help="Of the CSV's heads, days and numbers (sv, nb, da, fi, de, en); machine names.")
    ] = None,
    operator: Operator = None,
) -> int:
    """Write the invoices of a run into a folder.

    That is a file each (pdf, peppol), or one file (sie, json, csv, basis).

    An e-invoice is checked before it is written; one that breaks a rule is not, and the command ends with 1.
    """
    from api.cli.reach import run_with
    from domain.telling.language import language as spoken

    if format_ not in FORMATS:
        raise BadValue(f"{format_!r} is no format; choose one of {', '.join(FORMATS)}", field="--format")
    told = None if language is None else spoken(language, field="--language")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise BadValue(f"{out} cannot be made: {fault.strerror}", field="--out") from None

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import BillRunId
        from domain.usecases.list_bill_runs import get_bill_run

        found, _ = await get_bill_run(BillRunId(run_id), actor=actor, begin=wiring.begin)
        with progress_bar(f"run {found.id}", found.invoices) as step:
            return await export_run(Export(found.id, out, wiring, actor, step, told), format_)

    try:
        return run_with(operator, work)
    except OSError as fault:
        raise Unreachable(f"{fault.filename or out} cannot be written: {fault.strerror}") from None


async def waiting(wiring: Wiring, actor: Actor) -> list[Parked]:
    """Return who waits to be billed again."""
    from domain.ports.page import PageRequest
    from domain.usecases.list_bill_runs import list_parked

    found: list[Parked] = []
    more = True
    while more:
        request = PageRequest(first=RUNS_PER_PAGE, after=found[-1].customer if found else None)
        page = await list_parked(request, actor=actor, begin=wiring.begin)
        found += page.items
        more = page.more
    return found


async def reseller_named(wiring: Wiring, actor: Actor, code: str | None) -> Any:
    """Return the key of a reseller. Refuses with: NotFound."""
    from domain.usecases.list_resellers import list_resellers

    if code is None:
        return None
    for one in await list_resellers(actor=actor, begin=wiring.begin):
        if one.code == code:
            return one.id
    raise NotFound("no reseller {code}", code=code, field="--reseller")


async def told_run(usecase: Any, cmd: Any, wiring: Wiring, actor: Actor) -> int:
    """Bill, telling every invoice and every parked payer as its page is done; 1 where somebody was parked."""
    from api.garbage import collecting_seldom

    elsewhere = 0
    with collecting_seldom(), progress_bar("billing", None) as step:

        def done(page: PageDone) -> None:
            nonlocal elsewhere
            elsewhere += len(page.elsewhere.fees)
            for invoice in page.invoices:
                print(json.dumps(_invoice_data(invoice), ensure_ascii=False))
            for each in page.parked:
                print(json.dumps(_parked_data(each), ensure_ascii=False))
            step(len(page.payers), page.payers_total)

        run = await usecase(
            cmd,
            actor=actor,
            begin=wiring.begin,
            clock=wiring.clock,
            raters=wiring.raters,
            hands=wiring.hands,
            done=done,
        )
    print(json.dumps(_run_data(run, dry_run=cmd.dry_run)))
    name = "dry run" if cmd.dry_run else f"bill run {run.id}"
    complain(
        f"{name} of {run.period}: {run.invoices} invoices, {run.total:f} in total, {run.parked} parked,"
        f" {run.nothing} with nothing to bill"
    )
    if elsewhere:
        complain(f"{elsewhere} lines for another system, which `tollwright basis take` gives it")
    return ATTENTION if run.parked else DONE


async def _customers(wiring: Wiring, actor: Actor, numbers: list[str]) -> tuple[Any, ...]:
    from domain.usecases.get_customer import get_customer

    found = []
    for number in numbers:
        try:
            found.append((await get_customer(number, actor=actor, begin=wiring.begin)).id)
        except NotFound:
            raise NotFound(f"no customer has the number {number!r}", field="--customer") from None
    return tuple(found)


def _period(text: str) -> Any:
    from domain.period import Period

    start, dots, end = text.partition("..")
    if not dots:
        return Period.month(text)
    try:
        return Period(date.fromisoformat(start), date.fromisoformat(end))
    except ValueError:
        raise BadValue(f"{text!r} is not a month such as 2026-10, or days such as 2026-10-01..2026-11-01") from None


def _invoice_data(invoice: Invoice) -> dict[str, Any]:
    return {
        "invoice": invoice.number or None,
        "kind": invoice.kind.value,
        "customer": invoice.payer.number,
        "net": f"{invoice.net:f}",
        "vat": f"{invoice.vat_total:f}",
        "rounding": f"{invoice.rounding:f}",
        "total": f"{invoice.total:f}",
        "currency": invoice.currency,
        "due_on": invoice.due_on.isoformat(),
        "reference": invoice.payment.reference or None,
    }


def _parked_data(parked: Parked) -> dict[str, Any]:
    return {
        "parked": parked.customer_number,
        "reason": parked.reason,
        "detail": parked.detail,
        "run": parked.run or None,
        "settled_by": parked.settled_by,
    }


def _run_data(run: BillRun, *, dry_run: bool = False) -> dict[str, Any]:
    return {
        "run": run.id or None,
        "dry_run": dry_run,
        "kind": run.kind.value,
        "state": run.state.value,
        "period": [run.period.start.isoformat(), run.period.end.isoformat()],
        "issued_on": run.issued_on.isoformat(),
        "payers": run.payers,
        "invoices": run.invoices,
        "parked": run.parked,
        "nothing": run.nothing,
        "carried": run.carried,
        "net": f"{run.net:f}",
        "vat": f"{run.vat:f}",
        "total": f"{run.total:f}",
    }


from api.cli import bill_beside  # noqa: E402  (its commands are of this verb, and use what is above)

for command in bill_beside.COMMANDS:
    app.command()(command)
