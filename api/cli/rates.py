"""``tollwright rates``: exchange rates for margins."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import DONE

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]


@app.callback()
def main() -> None:
    """Import and list exchange rates."""


@app.command(name="import")
def import_file(
    files: Annotated[list[Path], typer.Argument(help="A bank's files; - is standard input.")],
    replace: Annotated[bool, typer.Option("--replace", help="Let these take the place of other rates kept.")] = False,
    operator: Operator = None,
) -> int:
    """Take daily rates in.

    The European Central Bank's XML or CSV, the Riksbank's CSV, or a CSV day,base,quote,rate. Each file whole or not at
    all; the same again changes nothing.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.import_rates import ImportRates, import_rates

        for file in files:
            content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
            done = await import_rates(
                ImportRates(content=content, replace=replace),
                actor=actor,
                begin=wiring.begin,
                clock=wiring.clock,
                files=wiring.rate_files,
            )
            put = done.put
            days = {"first": done.first.isoformat(), "last": done.last.isoformat()}
            told = {"file": str(file), **days, "new": put.new, "same": put.same, "changed": put.changed}
            print(json.dumps(told, ensure_ascii=False))
        return DONE

    return run_with(operator, work)


@app.command(name="list")
def list_kept(
    currency: Annotated[str | None, typer.Option(help="Only of this currency, such as USD.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 100,
    operator: Operator = None,
) -> int:
    """Print rates as JSON Lines, the newest day first."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ports.page import PAGE_MAX
        from domain.usecases.import_rates import list_exchange_rates

        left, after = limit, None
        while left > 0:
            page = await list_exchange_rates(
                first=min(left, PAGE_MAX), after=after, code=currency, actor=actor, begin=wiring.begin
            )
            for one in page.items:
                rate = {"base": one.base, "quote": one.quote, "rate": format(one.rate, "f"), "source": one.source}
                print(json.dumps({"day": one.day.isoformat(), **rate}))
            if not page.more:
                break
            last = page.items[-1]
            left, after = left - len(page.items), (last.day, last.base, last.quote)
        return DONE

    return run_with(operator, work)
