"""``tollwright collect``: take the steps that are due of what is not paid, look at them first, print the letters."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import DONE

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.collection.planning import Plan
    from domain.customers.customer import Customer

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
PAGE = 200


@app.callback()
def main() -> None:
    """Reminders, interest, barring and handing over of what is not paid."""


@app.command()
def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day to look at, with --dry-run.")
    ] = None,
    customer: Annotated[list[str] | None, typer.Option(help="Only this customer number; may be repeated.")] = None,
    operator: Operator = None,
) -> int:
    """Take the steps that are due today, each once.

    Prints a line for each invoice: the step and what it costs, or why there is
    none; and the run last. Run again, it takes none twice.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.get_customer import get_customer
        from domain.usecases.run_collection import RunCollection, run_collection

        keys = None
        if customer:
            found = [await get_customer(one, actor=actor, begin=wiring.begin) for one in customer]
            keys = tuple(one.id for one in found)
        cmd = RunCollection(on=on.date() if on else None, dry_run=dry_run, customers=keys)
        done = await run_collection(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, done=_show)
        sums = {code: _money(minor, code) for code, minor in done.claimed_minor.items()}
        told = {"on": done.on.isoformat(), "dry_run": done.dry_run, "customers": done.customers, "steps": done.steps}
        print(json.dumps({**told, "letters": done.letters, "claimed": sums}))
        return DONE

    return run_with(operator, work)


def _money(minor: int, currency: str) -> str:
    from domain.invoicing.invoice import decimals_of

    return f"{Decimal(minor).scaleb(-decimals_of(currency)):f}"


def _show(customer: Customer, plan: Plan) -> None:
    for one in plan.taken:
        overdue = one.decision.overdue
        code = overdue.currency
        told = {
            "customer": customer.number,
            "invoice": overdue.number,
            "open": _money(overdue.open_minor, code),
            "currency": code,
            "step": one.step.kind.value,
            "fee": _money(one.fee_minor, code),
            "compensation": _money(one.compensation_minor, code),
            "interest": _money(one.interest.amount_minor, code),
        }
        if one.interest.unknown_from is not None:
            told["interest_unknown_from"] = one.interest.unknown_from.isoformat()
        print(json.dumps(told))
    for idle in plan.idle:
        told = {
            "customer": customer.number,
            "invoice": idle.overdue.number,
            "open": _money(idle.overdue.open_minor, idle.overdue.currency),
            "currency": idle.overdue.currency,
            "why": idle.why.value if idle.why else "",
        }
        if idle.since is not None:
            told["since"] = idle.since.isoformat()
        print(json.dumps(told))


@app.command()
def letters(
    out: Annotated[Path, typer.Option(help="The folder to write the PDFs into.")],
    sent: Annotated[bool, typer.Option("--sent", help="Note them as sent: they are posted now.")] = False,
    operator: Operator = None,
) -> int:
    """Write the letters that wait to be printed, one PDF each.

    Prints a line for each; --sent notes them, so that they do not come again.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.collection.progress import LetterState
        from domain.collection.rules import Channel
        from domain.ports.page import PageRequest
        from domain.usecases.send_collection import list_letters, note_letters_sent, print_letter

        out.mkdir(parents=True, exist_ok=True)
        after: int | None = None
        more = True
        while more:
            page = await list_letters(
                PageRequest(first=PAGE, after=after), actor=actor, begin=wiring.begin, state=LetterState.WAITING
            )
            for one in page.items:
                after = one.id
                if one.channel is not Channel.LETTER:
                    continue
                letter, content = await print_letter(one.id, actor=actor, begin=wiring.begin, papers=wiring.papers)
                path = out / f"{letter.kind.value}-{letter.id}.pdf"
                path.write_bytes(content)
                print(json.dumps({"letter": letter.id, "customer": letter.customer, "file": str(path)}))
                if sent:
                    await note_letters_sent([letter.id], actor=actor, begin=wiring.begin, clock=wiring.clock)
            more = page.more
        return DONE

    return run_with(operator, work)


@app.command()
def law(operator: Operator = None) -> int:
    """Print what the law allows, and the reference rates."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.manage_collection import list_legal_limits, list_reference_rates

        for one in await list_legal_limits(actor=actor, begin=wiring.begin):
            told = {
                "country": one.country,
                "kind": one.kind.value,
                "customers": one.customer_kind.value if one.customer_kind else None,
                "valid_from": one.valid_from.isoformat(),
                "most": f"{one.most:f}",
                "currency": one.currency,
                "law": one.law,
                "source": one.source,
            }
            print(json.dumps(told, ensure_ascii=False))
        for rate in await list_reference_rates(actor=actor, begin=wiring.begin):
            shown = {
                "country": rate.country,
                "valid_from": rate.valid_from.isoformat(),
                "percent": f"{rate.percent:f}",
                "source": rate.source,
            }
            print(json.dumps(shown, ensure_ascii=False))
        return DONE

    return run_with(operator, work)
