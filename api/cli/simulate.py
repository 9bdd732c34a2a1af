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
    from domain.rerating.simulation import Compared, Simulation

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def main(  # noqa: PLR0917  (typer declares options so)
    tariff: Annotated[Path | None, typer.Option(help="A tariff document of the whole catalogue.")] = None,
    draft: Annotated[str | None, typer.Option(help="The name of an open draft of the catalogue, instead.")] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, local.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The day after the last.")
    ] = None,
    exchange: Annotated[
        list[str] | None,
        typer.Option(help="What one unit of a currency costs in the operator's, as EUR=11.30; else the stored rates."),
    ] = None,
    first: Annotated[int, typer.Option(help="Tell so many destinations, groups and customers.")] = 20,
    again: Annotated[int | None, typer.Option("--again", help="Tell the kept result with this id once more.")] = None,
    operator: Annotated[str | None, typer.Option(help="The operator's code, where there are several.")] = None,
) -> int:
    """Rate a past period by a draft and tell revenue and margin before and after; only the result is kept.

    Prints a JSON line for the total, each list, destination, group and customer. Ends with 1 where events would have
    had no price.
    """
    from api.cli.reach import run_with
    from domain.catalogue.document import parse_json

    if again is not None:
        if tariff or draft or since or until or exchange:
            raise BadValue("--again tells a kept result; it takes nothing else")
        return run_with(operator, lambda wiring, actor: _again(wiring, actor, again))
    if since is None or until is None or (tariff is None) == (draft is None):
        raise BadValue("give --from and --to, and either --draft NAME or --tariff FILE; or --again ID")
    document, prices = None, exchange_rates(exchange or [])
    if tariff is not None:
        try:
            document = parse_json(tariff.read_bytes())
        except OSError as wrong:
            raise NotFound(f"{tariff}: {wrong.strerror}") from None

    async def work(wiring: Wiring, actor: Actor) -> int:
        from api.cli.rerate import days
        from domain.usecases.simulate_tariff import SimulateTariff

        began, ended = await days(wiring, actor, since.date(), until.date())
        cmd = SimulateTariff(since=began, until=ended, document=document, draft=draft, exchange=prices, first=first)
        return await _run(wiring, actor, cmd)

    return run_with(operator, work)


async def _again(wiring: Wiring, actor: Actor, key: int) -> int:
    from domain.ids import SimulationId
    from domain.usecases.get_simulation import get_simulation

    return _tell(await get_simulation(SimulationId(key), actor=actor, begin=wiring.begin))


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

            begin, clock, raters = wiring.begin, wiring.clock, wiring.raters
            done = await simulate_tariff(cmd, actor=actor, begin=begin, clock=clock, raters=raters, progress=progress)
    except BadTariff as wrong:
        for fault in wrong.faults:
            complain(str(fault))
        return WRONG
    return _tell(done)


def _tell(done: Simulation) -> int:
    _print("total", done.total)
    for kind in ("lists", "destinations", "groups", "customers"):
        for one in getattr(done, kind):
            _print(kind.removesuffix("s"), one)
    told = {"events": done.events, "unpriced": done.unpriced, "currency": done.currency, "simulation": done.id}
    print(json.dumps(told), file=sys.stderr)
    return ATTENTION if done.unpriced else DONE


def _print(kind: str, one: Compared) -> None:
    told = asdict(one)
    name = {} if kind == "total" else {"name": told["name"]}
    sides = {
        side: {key: str(value) if key != "events" else value for key, value in told[side].items()}
        for side in ("before", "after")
    }
    print(json.dumps({"of": kind, **name, **sides}, ensure_ascii=False))
