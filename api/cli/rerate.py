"""``tollwright rerate``: rate events again with today's catalogue and contracts."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli import ATTENTION, DONE
from api.cli.bars import progress_bar
from domain.refusal import BadValue, NotFound

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor
    from domain.rerating.rerating import Rerating, Selection

app = typer.Typer(rich_markup_mode=None, add_completion=False)

REASONS: Final = ("late_price", "wrong_price", "changed_contract")
Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]


@app.command()
def main(  # noqa: PLR0917  (typer declares options so)
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, local.")],
    until: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The day after the last.")],
    reason: Annotated[str, typer.Option(help="late_price, wrong_price or changed_contract.")],
    customer: Annotated[str | None, typer.Option(help="Only this customer number.")] = None,
    contract: Annotated[str | None, typer.Option(help="Only this contract number of the customer.")] = None,
    subscription: Annotated[int | None, typer.Option(help="Only the subscription with this key.")] = None,
    destination: Annotated[str | None, typer.Option(help="Only calls to this destination.")] = None,
    price_list: Annotated[str | None, typer.Option("--list", help="Only what this price list priced.")] = None,
    source: Annotated[str | None, typer.Option(help="Only events of this source.")] = None,
    unrated: Annotated[str | None, typer.Option(help="Only events held back for this reason, as no_rate.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Do everything and write nothing.")] = False,
    operator: Operator = None,
) -> int:
    """Rate events again: what differs is taken back and written anew; what has a price now is released.

    Prints the run with its counts and the sums before and after. Run again, it changes nothing; interrupted, it goes
    on. Ends with 1 where rated events would have no price now, or some stay without one.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.rerating.rerating import Reason, Selection

        if reason not in REASONS:
            raise BadValue(f"one of {', '.join(REASONS)}, not {reason!r}", field="--reason")
        first, last = await days(wiring, actor, since.date(), until.date())
        chosen: dict[str, Any] = await _keys(wiring, actor, customer, contract)
        selection = Selection(
            since=first,
            until=last,
            subscription=subscription,  # type: ignore[arg-type]  # a key as a number
            destination=destination,
            price_list=price_list,
            source=source,
            unrated=unrated,
            **chosen,
        )
        return await _run(wiring, actor, selection, Reason(reason), preview=preview)

    return run_with(operator, work)


async def _run(wiring: Wiring, actor: Actor, selection: Selection, reason: Any, *, preview: bool) -> int:
    from domain.usecases.rerate import Rerate, rerate

    async with wiring.begin(actor, bulk=True) as unit:
        total = await unit.reratings.count(selection)
    told = 0
    with progress_bar("rating again", total) as step:

        def progress(run: Rerating) -> None:
            nonlocal told
            step(run.tally.examined + run.tally.held - told, None)
            told = run.tally.examined + run.tally.held

        done = await rerate(
            Rerate(selection=selection, reason=reason, preview=preview),
            actor=actor,
            begin=wiring.begin,
            clock=wiring.clock,
            raters=wiring.raters,
            progress=progress,
        )
    print(json.dumps(_told(done, preview=preview), ensure_ascii=False))
    return ATTENTION if done.tally.unpriced or done.tally.still else DONE


async def days(wiring: Wiring, actor: Actor, first: date, after: date) -> tuple[datetime, datetime]:
    """Return the instants at which two days begin where the operator is."""
    from zoneinfo import ZoneInfo

    async with wiring.begin(actor) as unit:
        zone = ZoneInfo((await unit.operators.own()).zone)
    if after <= first:
        raise BadValue("the day after the last comes after the first", field="--to")
    if after - first > timedelta(days=3660):
        raise BadValue("a period is within ten years", field="--to")
    return datetime.combine(first, time(), zone), datetime.combine(after, time(), zone)


async def _keys(wiring: Wiring, actor: Actor, customer: str | None, contract: str | None) -> dict[str, Any]:
    if customer is None:
        if contract is not None:
            raise BadValue("give the contract's customer too", field="--customer")
        return {}
    async with wiring.begin(actor) as unit:
        owner = (await unit.customers.by_number(customer)).id
        if contract is None:
            return {"customer": owner}
        found = (await unit.contracts.of_customers([owner]))[owner]
    keys = [one.id for one in found if one.number == contract]
    if not keys:
        raise NotFound(f"customer {customer} has no contract {contract!r}", field="--contract")
    return {"customer": owner, "contract": keys[0]}


def _told(run: Rerating, *, preview: bool) -> dict[str, Any]:
    from domain.money import plain

    tally = run.tally
    counts = ("examined", "same", "changed", "moved", "unpriced", "held", "released", "passed", "still")
    return {
        "rerating": run.id or None,
        "preview": preview,
        "reason": run.reason.value,
        "state": run.state.value,
        **{name: getattr(tally, name) for name in counts},
        "amounts": [
            {
                "level": name.partition(" ")[0],
                "currency": name.partition(" ")[2],
                "before": plain(before),
                "after": plain(after),
                "difference": plain(after - before),
            }
            for name, (before, after) in tally.amounts.items()
        ],
    }
