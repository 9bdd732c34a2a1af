"""``tollwright number``: the stock of numbers, and orders to port."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from api.cli import DONE
from domain.refusal import BadValue

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

E = TypeVar("E", bound=Enum)
Operator = Annotated[str | None, typer.Option(help="The operator's code, where there are several.")]
Area = Annotated[str | None, typer.Option(help="An area code, or how the number begins, such as 08.")]
EndsWith = Annotated[str | None, typer.Option(help="Digits it ends with.")]
Kind = Annotated[str | None, typer.Option(help="msisdn, fixed or special.")]
Limit = Annotated[int, typer.Option(help="At most so many.", min=1)]
At = Annotated[str, typer.Option(help="The instant, such as 2026-12-01T10:00:00+01:00.")]


@app.callback()
def main() -> None:
    """Look after number series, the stock of numbers, and orders to port."""


@app.command()
def create(  # noqa: PLR0917  (each is an option)
    name: Annotated[str, typer.Option(help="What the series is called.")],
    first: Annotated[str, typer.Option("--first-number", help="Its first number, such as 08-123 456 00.")],
    last: Annotated[str, typer.Option("--last-number", help="Its last number.")],
    kind: Annotated[str, typer.Option(help="msisdn, fixed or special.")] = "fixed",
    quarantine_days: Annotated[int, typer.Option(help="How long a number rests that was given back.")] = 90,
    operator: Operator = None,
) -> int:
    """Make a series and put its numbers into the stock."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.numbers.series import NumberKind
        from domain.usecases.manage_series import CreateNumberSeries, create_number_series

        cmd = CreateNumberSeries(
            name=name,
            kind=_one_of(NumberKind, kind, "--kind"),
            first_number=first,
            last_number=last,
            quarantine_days=quarantine_days,
        )
        _tell(await create_number_series(cmd, actor=actor, begin=wiring.begin))
        return DONE

    return run_with(operator, work)


@app.command()
def series(operator: Operator = None) -> int:
    """Print the series as JSON Lines.

    Each with how many of its numbers have which status.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ports.page import PAGE_MAX, PageRequest
        from domain.usecases.manage_series import count_numbers, list_number_series

        after = None
        while True:
            page = await list_number_series(PageRequest(PAGE_MAX, after), actor=actor, begin=wiring.begin)
            for one in page.items:
                found = await count_numbers(one.id, actor=actor, begin=wiring.begin, clock=wiring.clock)
                _tell(one, counts={status.value: count for status, count in sorted(found.items())})
            if not page.more:
                return DONE
            after = page.items[-1].id

    return run_with(operator, work)


@app.command()
def find(  # noqa: PLR0917  (each is an option)
    status: Annotated[str | None, typer.Option(help="free, reserved, assigned, quarantine, …")] = None,
    area: Area = None,
    ends_with: EndsWith = None,
    contains: Annotated[str | None, typer.Option(help="Digits within it.")] = None,
    kind: Kind = None,
    number_class: Annotated[str | None, typer.Option("--class", help="Only of this class, such as golden.")] = None,
    limit: Limit = 100,
    operator: Operator = None,
) -> int:
    """Print numbers of the stock as JSON Lines, by their digits."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.numbers.series import NumberKind
        from domain.numbers.stock import NumberStatus
        from domain.ports.page import PAGE_MAX, PageRequest
        from domain.usecases.find_numbers import FindNumbers, NumbersWanted, find_numbers

        wanted = NumbersWanted(
            status=None if status is None else _one_of(NumberStatus, status, "--status"),
            kind=None if kind is None else _one_of(NumberKind, kind, "--kind"),
            area=area,
            ends_with=ends_with,
            contains=contains,
            number_class=number_class,
        )
        after, left = None, limit
        while left:
            query = FindNumbers(wanted=wanted, page=PageRequest(min(left, PAGE_MAX), after))
            page = await find_numbers(query, actor=actor, begin=wiring.begin, clock=wiring.clock)
            for one in page.items:
                _tell(one, status=one.status_at(wiring.clock.now()).value)
            left -= len(page.items)
            if not page.more:
                break
            after = page.items[-1].key
        return DONE

    return run_with(operator, work)


@app.command()
def show(number: str, operator: Operator = None) -> int:
    """Print one number of the stock, and who has or had it."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.find_numbers import get_number, holders_of

        one = await get_number(number, actor=actor, begin=wiring.begin)
        pairs = (await holders_of([one.number], actor=actor, begin=wiring.begin))[one.number]
        holders = [
            {"subscription": key, "valid_from": _plain(held.valid_from), "valid_to": _plain(held.valid_to)}
            for key, held in pairs
        ]
        _tell(one, status=one.status_at(wiring.clock.now()).value, holders=holders)
        return DONE

    return run_with(operator, work)


@app.command()
def reserve(  # noqa: PLR0917  (each is an option)
    until: Annotated[str, typer.Option(help="When they are free again, such as 2026-12-01T00:00:00+01:00.")],
    numbers: Annotated[list[str] | None, typer.Argument(help="The numbers; or --count of free ones.")] = None,
    count: Annotated[int | None, typer.Option(help="So many free ones.", min=1)] = None,
    area: Area = None,
    ends_with: EndsWith = None,
    operator: Operator = None,
) -> int:
    """Keep numbers from being given until an instant.

    The reservation is printed.
    """
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.find_numbers import NumbersWanted
        from domain.usecases.reserve_numbers import ReserveNumbers, reserve_numbers

        cmd = ReserveNumbers(
            until=_instant(until, "--until"),
            numbers=tuple(numbers or ()),
            count=count,
            wanted=NumbersWanted(area=area, ends_with=ends_with),
        )
        _tell(await reserve_numbers(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock))
        return DONE

    return run_with(operator, work)


@app.command()
def give(
    first: Annotated[str, typer.Argument(help="The first number.")],
    last: Annotated[str, typer.Argument(help="The last number.")],
    reseller: Annotated[str | None, typer.Option(help="The reseller's code; left out: back to the operator.")] = None,
    operator: Operator = None,
) -> int:
    """Give free numbers to a reseller's subtree; print how many."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.usecases.list_resellers import list_resellers
        from domain.usecases.manage_numbers import GiveNumbers, give_numbers

        known = {one.code: one.id for one in await list_resellers(actor=actor, begin=wiring.begin)}
        if reseller is not None and reseller not in known:
            raise BadValue("there is no reseller {code}", code=repr(reseller), field="--reseller")
        key = None if reseller is None else known[reseller]
        cmd = GiveNumbers(first_number=first, last_number=last, reseller=key)
        count = await give_numbers(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
        print(json.dumps({"given": count}))
        return DONE

    return run_with(operator, work)


@app.command()
def port(  # noqa: PLR0917  (each is an option)
    direction: Annotated[str, typer.Argument(help="in or out.")],
    number: Annotated[str, typer.Argument(help="The number.")],
    subscription: Annotated[int, typer.Option(help="The id of the line.", min=1)],
    other: Annotated[str, typer.Option(help="The donor of a port in, the recipient of a port out.")],
    at: At,
    operator: Operator = None,
) -> int:
    """Order that a number is ported; print the order."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import SubscriptionId
        from domain.numbers.ordering import OrderKind
        from domain.usecases.port_number import RequestPort, request_port

        if direction not in {"in", "out"}:
            raise BadValue("a number is ported in or out, not {text}", text=repr(direction), field="direction")
        cmd = RequestPort(
            kind=OrderKind(f"port_{direction}"),
            subscription=SubscriptionId(subscription),
            number=number,
            other=other,
            wanted_at=_instant(at, "--at"),
        )
        _tell(await request_port(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock))
        return DONE

    return run_with(operator, work)


@app.command()
def step(
    order: Annotated[int, typer.Argument(help="The order's id.", min=1)],
    state: Annotated[str, typer.Argument(help="confirmed, done, rejected or cancelled.")],
    at: Annotated[str | None, typer.Option(help="The moment, where it is confirmed or done.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is rejected, such as wrong_customer.")] = None,
    operator: Operator = None,
) -> int:
    """Take an order to port to its next state; print it."""
    from api.cli.reach import run_with

    async def work(wiring: Wiring, actor: Actor) -> int:
        from domain.ids import NumberOrderId
        from domain.numbers.ordering import OrderState, RejectReason
        from domain.usecases.port_number import StepPort, step_port

        cmd = StepPort(
            order=NumberOrderId(order),
            state=_one_of(OrderState, state, "state"),
            moment=None if at is None else _instant(at, "--at"),
            reason=None if reason is None else _one_of(RejectReason, reason, "--reason"),
        )
        _tell(await step_port(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock))
        return DONE

    return run_with(operator, work)


def _one_of(kind: type[E], text: str, field: str) -> E:
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(str(one.value) for one in kind)
        raise BadValue("one of {known}, not {text}", known=known, text=repr(text), field=field) from None


def _instant(text: str, field: str) -> datetime:
    from domain.period import utc

    try:
        return utc(datetime.fromisoformat(text), field=field)
    except ValueError:
        raise BadValue(
            "{text} is not an instant such as 2026-12-01T10:00:00+01:00", text=repr(text), field=field
        ) from None


def _tell(one: Any, **more: Any) -> None:
    fields = {field.name: _plain(getattr(one, field.name)) for field in dataclasses.fields(one)}
    fields.pop("operator", None)
    print(json.dumps(fields | more, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, int | str | bool) else str(value)
