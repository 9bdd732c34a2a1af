"""``tollwright bill``: run bills for a period, and export what a run has issued."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli import ATTENTION, DONE, Unreachable, complain
from domain.refusal import BadValue, NotFound, Refusal

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.ids import BillRunId
    from domain.invoicing.bill_run import BillRun, Parked
    from domain.invoicing.invoice import Invoice
    from domain.usecases.run_bills import PageDone

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
FORMATS: Final = ("pdf", "peppol", "json", "csv")
INVOICES_PER_PAGE: Final = 200

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]


@app.callback()
def main() -> None:
    """Run bills and export invoices."""


@app.command()
def run(  # noqa: PLR0917  (typer declares options so)
    period: Annotated[str, typer.Option(help="The month to bill, such as 2026-10, or days as 2026-10-01..2026-11-01.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything and keep nothing.")] = False,
    customer: Annotated[list[str] | None, typer.Option(help="Only this customer number; may be repeated.")] = None,
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
    from domain.usecases.run_bills import RunBills

    async def work(wiring: Wiring, actor: Actor) -> int:
        keys = await _customers(wiring, actor, customer) if customer else None
        cmd = RunBills(
            period=_period(period),
            fees_until=fees_until.date() if fees_until else None,
            issued_on=issued_on.date() if issued_on else None,
            customers=keys,
            dry_run=dry_run,
        )
        return await _run(cmd, wiring, actor)

    return run_with(operator, work)


@app.command("list")
def list_runs(operator: Operator = None) -> int:
    """List the bill runs."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ports.page import PageRequest
        from domain.usecases.list_bill_runs import list_bill_runs

        request, more = PageRequest(first=INVOICES_PER_PAGE), True
        while more:
            page = await list_bill_runs(request, actor=actor, begin=wiring.begin)
            for each in page.items:
                print(json.dumps(_run_data(each)))
            more = page.more
            request = PageRequest(first=INVOICES_PER_PAGE, after=page.items[-1].id if page.items else None)
        return DONE

    return run_with(operator, work)


@app.command()
def parked(
    run_id: Annotated[int, typer.Option("--run", help="The bill run's id.")],
    operator: Operator = None,
) -> int:
    """List whom a run parked, why, and what to do; ends with 1 where there is somebody."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import BillRunId
        from domain.usecases.list_bill_runs import get_bill_run

        _, found = await get_bill_run(BillRunId(run_id), actor=actor, begin=wiring.begin)
        for each in found:
            print(json.dumps(_parked_data(each), ensure_ascii=False))
        return ATTENTION if found else DONE

    return run_with(operator, work)


@app.command()
def export(
    run_id: Annotated[int, typer.Option("--run", help="The bill run's id.")],
    format_: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")],
    out: Annotated[Path, typer.Option(help="The folder to write into; made where it is not there.")] = Path(),
    operator: Operator = None,
) -> int:
    """Write the invoices of a run into a folder: a file each (pdf, peppol), or one file (json, csv).

    An e-invoice is checked before it is written; one that breaks a rule is not, and the command ends with 1.
    """
    from api.cli.reach import run_with

    if format_ not in FORMATS:
        raise BadValue(f"{format_!r} is no format; choose one of {', '.join(FORMATS)}", field="--format")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise BadValue(f"{out} cannot be made: {fault.strerror}", field="--out") from None

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import BillRunId
        from domain.usecases.list_bill_runs import get_bill_run

        found, _ = await get_bill_run(BillRunId(run_id), actor=actor, begin=wiring.begin)
        with _bar(f"run {found.id}", found.invoices) as step:
            work = _Export(found.id, out, wiring, actor, step)
            match format_:
                case "pdf":
                    return await _export_pdf(work)
                case "peppol":
                    return await _export_peppol(work)
            return await _export_data(work, format_)

    try:
        return run_with(operator, work)
    except OSError as fault:
        raise Unreachable(f"{fault.filename or out} cannot be written: {fault.strerror}") from None


async def _run(cmd: Any, wiring: Wiring, actor: Actor) -> int:
    from domain.usecases.run_bills import run_bills

    with _bar("billing", None) as step:

        def done(page: PageDone) -> None:
            for invoice in page.invoices:
                print(json.dumps(_invoice_data(invoice), ensure_ascii=False))
            for each in page.parked:
                print(json.dumps(_parked_data(each), ensure_ascii=False))
            step(len(page.payers), page.payers_total)

        run = await run_bills(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, done=done)
    print(json.dumps(_run_data(run, dry_run=cmd.dry_run)))
    name = "dry run" if cmd.dry_run else f"bill run {run.id}"
    complain(
        f"{name} of {run.period}: {run.invoices} invoices, {run.total:f} in total, {run.parked} parked,"
        f" {run.nothing} with nothing to bill"
    )
    return ATTENTION if run.parked else DONE


@dataclass(frozen=True, slots=True)
class _Export:
    """Which run goes where, and what moves the progress bar."""

    run: BillRunId
    out: Path
    wiring: Wiring
    actor: Actor
    step: Callable[[int, int | None], None]


async def _export_pdf(to: _Export) -> int:
    from domain.usecases.print_invoice import print_invoice

    async for invoice in _invoices(to):
        _, data = await print_invoice(invoice.id, actor=to.actor, begin=to.wiring.begin, documents=to.wiring.documents)
        _write(to.out, invoice, "pdf", data)
        to.step(1, None)
    return DONE


async def _export_peppol(to: _Export) -> int:
    from integrations.einvoice.findings import FATAL
    from integrations.einvoice.rules import Checker, RulesAway

    rules = to.wiring.settings.einvoice_rules
    if rules is None:
        complain("checked by schema, EN 16931 and our own rules; TOLLWRIGHT_EINVOICE_RULES adds Peppol's")
    code, skipped = DONE, 0
    with Checker(rules) as checker:
        async for invoice in _invoices(to):
            to.step(1, None)
            if not invoice.payer.endpoint:
                skipped += 1
                continue
            try:
                data = to.wiring.documents.einvoice(invoice)
                findings = await asyncio.to_thread(checker.check, data, rules_may_miss=rules is None)
            except Refusal as no:
                complain(f"invoice {invoice.number}: {no.message}")
                code = ATTENTION
                continue
            except RulesAway as away:
                raise Unreachable(str(away)) from None
            broken = [finding for finding in findings if finding.severity == FATAL]
            for finding in broken:
                row = {"invoice": invoice.number, "rule": finding.rule, "place": finding.place, "text": finding.text}
                print(json.dumps(row, ensure_ascii=False))
            if broken:
                code = ATTENTION
            else:
                _write(to.out, invoice, "xml", data)
    if skipped:
        complain(f"{skipped} invoices have payers without a Peppol id and were left out")
    return code


async def _export_data(to: _Export, format_: str) -> int:
    from integrations.printing import basis

    path = to.out / f"run-{to.run}.{'jsonl' if format_ == 'json' else 'csv'}"
    partial = path.with_name(path.name + ".part")
    count = 0
    with partial.open("w", encoding="utf-8", newline="") as file:
        heads = "" if format_ == "json" else "".join(basis.rows([]))
        file.write(heads)
        async for invoice in _invoices(to):
            if format_ == "json":
                file.write(basis.encode(invoice) + "\n")
            else:
                file.write("".join(basis.rows([invoice])).removeprefix(heads))
            count += 1
            to.step(1, None)
    partial.replace(path)
    print(json.dumps({"run": to.run, "file": str(path), "invoices": count}))
    return DONE


async def _invoices(to: _Export) -> AsyncIterator[Invoice]:
    from domain.ports.page import PageRequest
    from domain.usecases.list_invoices import ListInvoices, list_invoices

    after, more = None, True
    while more:
        request = PageRequest(first=INVOICES_PER_PAGE, after=after)
        page = await list_invoices(ListInvoices(page=request, run=to.run), actor=to.actor, begin=to.wiring.begin)
        for invoice in page.items:
            yield invoice
            after = invoice.id
        more = page.more


def _write(out: Path, invoice: Invoice, suffix: str, data: bytes) -> None:
    """Write a document under a name made of our own words and digits, whole or not at all."""
    path = out / f"{invoice.kind.value}-{invoice.number}.{suffix}"
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(data)
    partial.replace(path)
    print(json.dumps({"invoice": invoice.number, "file": str(path), "bytes": len(data)}))


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
    return {"parked": parked.customer_number, "reason": parked.reason, "detail": parked.detail}


def _run_data(run: BillRun, *, dry_run: bool = False) -> dict[str, Any]:
    return {
        "run": run.id or None,
        "dry_run": dry_run,
        "state": run.state.value,
        "period": [run.period.start.isoformat(), run.period.end.isoformat()],
        "issued_on": run.issued_on.isoformat(),
        "payers": run.payers,
        "invoices": run.invoices,
        "parked": run.parked,
        "nothing": run.nothing,
        "net": f"{run.net:f}",
        "vat": f"{run.vat:f}",
        "total": f"{run.total:f}",
    }


@contextlib.contextmanager
def _bar(name: str, total: int | None) -> Iterator[Callable[[int, int | None], None]]:
    """Show a progress bar on stderr where that is a terminal; yield what moves it by a count, and sets the total."""
    if not sys.stderr.isatty():
        yield lambda _count, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=total)

        def step(count: int, of: int | None) -> None:
            progress.update(task, advance=count, total=total if of is None else of)

        yield step
