"""``tollwright order``: what the network is to do for subscriptions."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import ATTENTION, DONE
from domain.refusal import BadValue

if TYPE_CHECKING:
    from enum import StrEnum

    from api.wiring import Wiring
    from domain.access.actor import Actor

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

OperatorOption = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
Number = Annotated[int, typer.Argument(help="The order's id, as `order list` prints it.", min=1)]
Line = Annotated[int, typer.Argument(help="The subscription's id.", min=1)]
ReasonOption = Annotated[str, typer.Option(help="Why; it stands in the order's log.")]


@app.callback()
def main() -> None:
    """Place, follow and tend orders to the network."""


@app.command(name="list")
def list_them(
    state: Annotated[str | None, typer.Option(help="Only in this state, such as parked.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind, such as activate.")] = None,
    subscription: Annotated[int | None, typer.Option(help="Only of this subscription.", min=1)] = None,
    operator: OperatorOption = None,
) -> int:
    """Print orders as JSON Lines.

    Ends with 1 where one is parked.
    """
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _list(wiring, actor, state, kind, subscription))


@app.command()
def show(number: Number, operator: OperatorOption = None) -> int:
    """Print an order as JSON, and its log after it."""
    from api.cli.reach import run_with

    return run_with(operator, lambda wiring, actor: _show(wiring, actor, number))


@app.command()
def place(  # noqa: PLR0917  (options, by name)
    subscription: Line,
    kind: Annotated[
        str, typer.Argument(help="activate, change, suspend, resume, bar, unbar, port_in, port_out or end.")
    ],
    bar: Annotated[list[str] | None, typer.Option(help="outgoing, premium, roaming or data; again for more.")] = None,
    parameter: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for the network; again for more.")] = None,
    reason: ReasonOption = "",
    run_at: Annotated[str | None, typer.Option(help="Not before, such as 2026-12-01T00:00:00+01:00.")] = None,
    after: Annotated[list[int] | None, typer.Option(help="An order that must be confirmed first.")] = None,
    operator: OperatorOption = None,
) -> int:
    """Place an order and print it; a worker does it."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import OrderId, SubscriptionId
        from domain.provisioning.order import Bar, OrderKind
        from domain.usecases.place_order import PlaceOrder, place_order

        cmd = PlaceOrder(
            subscription=SubscriptionId(subscription),
            kind=_word(OrderKind, kind, "kind"),
            bars=tuple(_word(Bar, one, "bar") for one in bar or ()),
            parameters=_parameters(parameter or []),
            reason=reason,
            run_at=_instant(run_at),
            after=tuple(OrderId(one) for one in after or ()),
        )
        _print(await place_order(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock))
        return DONE

    return run_with(operator, work)


@app.command()
def cancel(number: Number, reason: ReasonOption = "", operator: OperatorOption = None) -> int:
    """Cancel an order.

    At once where nothing was sent; otherwise once what is under way is answered, and undone.
    """
    return _tend("cancel_order", number, reason, operator)


@app.command()
def retry(number: Number, reason: ReasonOption = "", operator: OperatorOption = None) -> int:
    """Try a parked order again.

    One that rests between two tries is tried at once.
    """
    return _tend("retry_order", number, reason, operator)


@app.command()
def abandon(number: Number, reason: ReasonOption, operator: OperatorOption = None) -> int:
    """End a parked order as failed.

    Once somebody has seen to what the network still has of it.
    """
    return _tend("abandon_order", number, reason, operator)


@app.command()
def complete(
    number: Number,
    failed: Annotated[bool, typer.Option("--failed", help="It could not be done.")] = False,
    note: Annotated[str, typer.Option(help="What was done, or why not.")] = "",
    operator: OperatorOption = None,
) -> int:
    """Say that the step which waits for a person is done."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import OrderId
        from domain.usecases.list_orders import get_order
        from domain.usecases.tend_orders import CompleteStep, complete_step

        key = OrderId(number)
        version = (await get_order(key, actor=actor, begin=wiring.begin)).version
        cmd = CompleteStep(order=key, version=version, done=not failed, note=note)
        _print(await complete_step(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock))
        return DONE

    return run_with(operator, work)


@app.command()
def barring(
    subscription: Line,
    past: Annotated[bool, typer.Option("--past", help="And what it was barred from before.")] = False,
    operator: OperatorOption = None,
) -> int:
    """Print what a line is barred from, as JSON Lines.

    With since when, why, and by which order.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from api.order_fields import shown_barring
        from domain.ids import SubscriptionId
        from domain.usecases.list_orders import barring_of

        key = SubscriptionId(subscription)
        for one in await barring_of(key, past=past, actor=actor, begin=wiring.begin, clock=wiring.clock):
            print(json.dumps(shown_barring(one), ensure_ascii=False))
        return DONE

    return run_with(operator, work)


def _tend(usecase: str, number: int, reason: str, operator: str | None) -> int:
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import OrderId
        from domain.usecases import tend_orders
        from domain.usecases.list_orders import get_order

        key = OrderId(number)
        version = (await get_order(key, actor=actor, begin=wiring.begin)).version
        cmd = tend_orders.TendOrder(order=key, version=version, reason=reason)
        _print(await getattr(tend_orders, usecase)(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock))
        return DONE

    return run_with(operator, work)


async def _list(wiring: Wiring, actor: Actor, state: str | None, kind: str | None, subscription: int | None) -> int:
    from domain.ids import SubscriptionId
    from domain.ports.page import PAGE_MAX, PageRequest
    from domain.provisioning.order import OrderKind, OrderState
    from domain.usecases.list_orders import ListOrders, list_orders

    parked, after = False, None
    while True:
        cmd = ListOrders(
            page=PageRequest(PAGE_MAX, after),
            state=None if state is None else _word(OrderState, state, "state"),
            kind=None if kind is None else _word(OrderKind, kind, "kind"),
            subscription=None if subscription is None else SubscriptionId(subscription),
        )
        page = await list_orders(cmd, actor=actor, begin=wiring.begin)
        for one in page.items:
            parked |= one.state is OrderState.PARKED
            _print(one)
        if not page.more:
            return ATTENTION if parked else DONE
        after = page.items[-1].id


async def _show(wiring: Wiring, actor: Actor, number: int) -> int:
    from api.order_fields import shown_note
    from domain.ids import OrderId
    from domain.usecases.list_orders import get_order, order_log

    key = OrderId(number)
    _print(await get_order(key, actor=actor, begin=wiring.begin))
    for note in await order_log(key, actor=actor, begin=wiring.begin):
        print(json.dumps(shown_note(note), ensure_ascii=False))
    return DONE


def _print(order: Any) -> None:
    from api.order_fields import shown

    print(json.dumps(shown(order), ensure_ascii=False))


def _word(kind: type[StrEnum], text: str, field: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise BadValue("is one of {words}", words=", ".join(kind), field=field) from None


def _parameters(pairs: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or name in found:
            raise BadValue("is NAME=VALUE, each name once", field="parameter")
        found[name] = value
    return found


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadValue("is an instant such as 2026-12-01T00:00:00+01:00", field="runAt") from None
