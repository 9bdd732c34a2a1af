"""``tollwright vat``: what is declared of VAT beside the return, and VAT ids that are checked."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE
from domain.refusal import BadValue

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
PeriodOption = Annotated[str, typer.Option("--period", help="A quarter such as 2026-Q4, or a month such as 2026-10.")]


@app.callback()
def main() -> None:
    """Declare VAT of sales abroad, and check VAT ids."""


@app.command()
def oss(
    period: PeriodOption,
    skv: Annotated[bool, typer.Option("--skv", help="As the file of Skatteverket's service, in euro.")] = False,
    operator: Operator = None,
) -> int:
    """Print sales by the one-stop shop as CSV, by country and rate."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.declare_oss import declare_oss
        from domain.usecases.report_vat import report_vat

        if skv:
            sys.stdout.write(await declare_oss(_period(period), actor=actor, begin=wiring.begin))
            return DONE
        _, report = await report_vat(_period(period), actor=actor, begin=wiring.begin)
        writer = csv.writer(sys.stdout)
        writer.writerow(("country", "percent", "currency", "taxable", "tax", "documents"))
        for one in report.oss_rows():
            row = (one.country, f"{one.percent:f}", one.currency, f"{one.taxable:f}", f"{one.tax:f}", one.documents)
            writer.writerow(row)
        return DONE

    return run_with(operator, work)


@app.command("sales-list")
def sales_list(
    period: PeriodOption,
    skv: Annotated[bool, typer.Option("--skv", help="As Skatteverket's file (SKV 5740).")] = False,
    contact: Annotated[str, typer.Option(help="Who answers for Skatteverket's file.")] = "",
    operator: Operator = None,
) -> int:
    """Print sales to businesses of other member states, as CSV."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.invoicing.vat_reports import skv5740
        from domain.usecases.report_vat import report_vat

        own, report = await report_vat(_period(period), actor=actor, begin=wiring.begin)
        rows = report.sales_rows()
        if skv:
            year, _, part = period.partition("-")
            told = f"{year[2:]}-{part[1:]}" if part.startswith("Q") else f"{year[2:]}{part}"
            who = (contact or own.name, own.phone or "", own.email or "")
            sys.stdout.write(skv5740(rows, own=own.vat_id, period=told, contact=who))
            return DONE
        writer = csv.writer(sys.stdout)
        writer.writerow(("vat_id", "country", "currency", "services", "documents"))
        for one in rows:
            writer.writerow((one.vat_id, one.country, one.currency, f"{one.services:f}", one.documents))
        return DONE

    return run_with(operator, work)


@app.command()
def check(
    customer: Annotated[list[str], typer.Option(help="A customer number; may be repeated.")],
    operator: Operator = None,
) -> int:
    """Ask VIES about customers' VAT ids, and keep what it says.

    Ends with 1 where one is not valid.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.check_vat_id import check_vat_id
        from domain.usecases.get_customer import get_customer

        code = DONE
        for number in customer:
            found = await get_customer(number, actor=actor, begin=wiring.begin)
            said = await check_vat_id(found.id, actor=actor, begin=wiring.begin, register=wiring.vat_register)
            row = {"customer": number, "vat_id": said.vat_id, "valid": said.valid, "name": said.name}
            print(json.dumps(row | {"checked_at": said.checked_at.isoformat()}, ensure_ascii=False))
            code = code if said.valid else ATTENTION
        return code

    return run_with(operator, work)


def _period(text: str) -> Any:
    from datetime import date

    from domain.period import Period

    year, _, part = text.partition("-")
    if not part.startswith("Q"):
        return Period.month(text, field="--period")
    if not (year.isascii() and year.isdigit() and len(year) == 4 and part in {"Q1", "Q2", "Q3", "Q4"}):
        raise BadValue(f"{text!r} is not a quarter such as 2026-Q4, or a month such as 2026-10", field="--period")
    first = 3 * int(part[1]) - 2
    start = date(int(year), first, 1)
    return Period(start, date(int(year) + first // 10, (first + 2) % 12 + 1, 1))
