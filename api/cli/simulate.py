"""``tollwright simulate``: what a past period would have earned by another tariff."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE, WRONG, complain
from api.cli.bars import progress_bar
from domain.refusal import BadValue, NotFound

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.rerating.simulation import Compared

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def main(  # noqa: PLR0917  (typer declares options so)
    tariff: Annotated[Path, typer.Option(help="A tariff document of the whole catalogue.")],
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, local.")],
    until: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The day after the last.")],
    exchange: Annotated[
        list[str] | None, typer.Option(help="What one unit of a currency costs in the operator's, as EUR=11.30.")
    ] = None,
    first: Annotated[int, typer.Option(help="Tell so many destinations, groups and customers.")] = 20,
    operator: Annotated[str | None, typer.Option(help="The operator's code, where there are several.")] = None,
) -> int:
    """Rate a past period by a draft and tell revenue and margin before and after; nothing is stored.

    Prints a JSON line for the total, each list, destination, group and customer. Ends with 1 where events would have
    had no price.
    """
    from api.cli.reach import run_with
    from domain.catalogue.document import parse_json

    try:
        text = tariff.read_bytes()
    except OSError as wrong:
        raise NotFound(f"{tariff}: {wrong.strerror}") from None
    document, prices = parse_json(text), exchange_rates(exchange or [])

    async def work(wiring: Wiring, actor: Actor) -> int:
        from api.cli.rerate import days
        from domain.usecases.simulate_tariff import SimulateTariff

        began, ended = await days(wiring, actor, since.date(), until.date())
        cmd = SimulateTariff(since=began, until=ended, document=document, exchange=prices, first=first)
        return await _run(wiring, actor, cmd)

    return run_with(operator, work)


def exchange_rates(told: list[str]) -> dict[str, Decimal]:
    """Read exchange rates such as ``EUR=11.30``. Refuses with: BadValue."""
    found: dict[str, Decimal] = {}
    for one in told:
        code, _, price = one.partition("=")
        try:
            found[code.strip().upper()] = Decimal(price)
        except InvalidOperation:
            raise BadValue(f"{one!r} is not an exchange rate such as EUR=11.30", field="--exchange") from None
    return found


async def _run(wiring: Wiring, actor: Actor, cmd: Any) -> int:
    from domain.catalogue.document import BadTariff
    from domain.rerating.rerating import Selection
    from domain.usecases.simulate_tariff import simulate_tariff

    async with wiring.begin(actor, bulk=True) as unit:
        total = await unit.reratings.count(Selection(since=cmd.since, until=cmd.until))
    told = 0
    try:
        with progress_bar("simulating", total) as step:

            def progress(events: int) -> None:
                nonlocal told
                step(events - told, None)
                told = events

            done = await simulate_tariff(cmd, actor=actor, begin=wiring.begin, raters=wiring.raters, progress=progress)
    except BadTariff as wrong:
        for fault in wrong.faults:
            complain(str(fault))
        return WRONG
    _print("total", done.total)
    for kind in ("lists", "destinations", "groups", "customers"):
        for one in getattr(done, kind):
            _print(kind.removesuffix("s"), one)
    print(json.dumps({"events": done.events, "unpriced": done.unpriced, "currency": done.currency}), file=sys.stderr)
    return ATTENTION if done.unpriced else DONE


def _print(kind: str, one: Compared) -> None:
    told = asdict(one)
    name = {} if kind == "total" else {"name": told["name"]}
    sides = {
        side: {key: str(value) if key != "events" else value for key, value in told[side].items()}
        for side in ("before", "after")
    }
    print(json.dumps({"of": kind, **name, **sides}, ensure_ascii=False))
