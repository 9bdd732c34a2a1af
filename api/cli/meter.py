"""``tollwright meter``: what an operator has used of the installation, and what it comes to."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import DONE
from domain.refusal import BadValue, Unreadable

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.period import Period

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

OperatorOption = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
PeriodOption = Annotated[str, typer.Option(help="A month such as 2026-10, or days: 2026-10-01..2026-11-01.")]
FORMATS = ("json", "csv")


@app.callback()
def main() -> None:
    """Read the meter of an operator."""


@app.command()
def days(period: PeriodOption, operator: OperatorOption = None) -> int:
    """Print what was counted, a JSON line per day."""
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _days(wiring, actor, _period(period)))


@app.command()
def export(
    period: PeriodOption,
    prices: Annotated[
        Path | None,
        typer.Option(help='A JSON object of prices, such as {"events": {"price": "2", "per": 1000}}.'),
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="json or csv.")] = "json",
    language: Annotated[str | None, typer.Option(help="The csv's header for people: en, sv, nb, da, fi or de.")] = None,
    operator: OperatorOption = None,
) -> int:
    """Print what a period comes to, a line per measure.

    It is the basis of an invoice to the operator.
    """
    from api.cli.reach import run_with

    if format_ not in FORMATS:
        raise BadValue("a format is one of {names}", names=", ".join(FORMATS), field="--format")
    table = {} if prices is None else _table(prices)
    return run_with(operator, lambda wiring, actor: _export(wiring, actor, _period(period), table, (format_, language)))


async def _days(wiring: Wiring, actor: Actor, period: Period) -> int:
    from domain.usecases.read_meter import read_meter

    for one in await read_meter(period, actor=actor, begin=wiring.begin):
        row = {"day": one.day.isoformat(), "subscriptions": one.subscriptions, "events": one.events}
        print(json.dumps(row | {"invoices": one.invoices, "calls": dict(one.calls)}))
    return DONE


async def _export(
    wiring: Wiring, actor: Actor, period: Period, table: dict[str, Any], form: tuple[str, str | None]
) -> int:
    from domain.invoicing.invoice import decimals_of
    from domain.metering.meter import basis, read_prices
    from domain.usecases.get_operator import get_operator
    from domain.usecases.read_meter import read_meter

    own = await get_operator(actor=actor, begin=wiring.begin)
    counted = await read_meter(period, actor=actor, begin=wiring.begin)
    rows = [
        {
            "operator": own.code,
            "period_start": line.period.start.isoformat(),
            "period_end": line.period.end.isoformat(),
            "measure": line.measure.value,
            "quantity": line.quantity,
            "per": line.per,
            "unit_price": None if line.unit_price is None else f"{line.unit_price:f}",
            "amount": None if line.amount is None else f"{line.amount:f}",
            "currency": own.currency,
        }
        for line in basis(counted, period, read_prices(table), decimals=decimals_of(own.currency))
    ]
    format_, said = form
    if format_ == "csv":
        from domain.telling.language import language
        from integrations.printing.report_heads import heads

        writer = csv.writer(sys.stdout)
        writer.writerow(heads(list(rows[0]), None if said is None else language(said).code))
        writer.writerows(row.values() for row in rows)
    else:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
    return DONE


def _period(text: str) -> Period:
    from datetime import date

    from domain.period import Period

    first, dots, last = text.partition("..")
    if not dots:
        return Period.month(text, field="--period")
    try:
        return Period(date.fromisoformat(first), date.fromisoformat(last))
    except ValueError:
        raise BadValue("{text} is not days such as 2026-10-01..2026-11-01", text=text, field="--period") from None


def _table(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise Unreadable("{path} cannot be read as JSON: {fault}", path=path, fault=fault, field="--prices") from None
    if not isinstance(found, dict):
        raise BadValue("prices are a JSON object", field="--prices")
    return found
