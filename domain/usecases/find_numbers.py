"""Find numbers of the stock, and who has or had a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import check_texts
from domain.contracts.dialled import as_kept, dialling
from domain.contracts.subscription import NumberAssignment
from domain.ids import NumberSeriesId, SubscriptionId
from domain.mediation.profile import NumberPlan
from domain.numbers.series import NumberKind, area_prefix
from domain.numbers.stock import NumberStatus, StockNumber
from domain.ports.clock import Clock
from domain.ports.numbers import NumberFilter
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersWanted:
    """Which numbers: by status, kind, series, class; ``area``: an area code or a number's beginning, as ``08``.

    ``ends_with`` and ``contains`` are digits.
    """

    status: NumberStatus | None = None
    kind: NumberKind | None = None
    series: NumberSeriesId | None = None
    area: str | None = None
    ends_with: str | None = None
    contains: str | None = None
    number_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindNumbers:
    """A page of the stock. The page's ``after`` is a number."""

    wanted: NumbersWanted = field(default_factory=NumbersWanted)
    page: PageRequest = field(default_factory=PageRequest)


@operation(Action.READ_CONTRACTS)
async def find_numbers(query: FindNumbers, *, actor: Actor, begin: Begin, clock: Clock) -> Page[StockNumber]:
    """Return numbers of the stock that the caller may see, by their digits. Refuses with: NotAllowed, BadValue."""
    check_texts(query.wanted)
    async with begin(actor) as unit:
        chosen = as_filter(query.wanted, dialling(await unit.operators.own()))
        return await unit.numbers.find(chosen, query.page, clock.now())


@operation(Action.READ_CONTRACTS)
async def get_number(text: str, *, actor: Actor, begin: Begin) -> StockNumber:
    """Return a number of the stock. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        number = as_kept([text], dialling(await unit.operators.own()))[0]
        found = (await unit.numbers.many([number])).get(number)
    if found is None:
        raise NotFound("the number {number} is not in the stock", number=number, field="number")
    return found


@operation(Action.READ_CONTRACTS)
async def holders_of(
    numbers: Sequence[str], *, actor: Actor, begin: Begin
) -> Mapping[str, Sequence[tuple[SubscriptionId, NumberAssignment]]]:
    """Return who has or had each number, by time, as far as the caller may see them. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.subscriptions.holders(numbers)


def as_filter(wanted: NumbersWanted, plan: NumberPlan) -> NumberFilter:
    """Return what the store is asked for. Refuses with: BadValue."""
    for name, digits in (("endsWith", wanted.ends_with), ("contains", wanted.contains)):
        if digits is not None and not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
            raise BadValue("{text} is not 1 to 15 digits", text=repr(digits[:40]), field=name)
    return NumberFilter(
        status=wanted.status,
        kind=wanted.kind,
        series=wanted.series,
        prefix=None if wanted.area is None else area_prefix(wanted.area, plan),
        suffix=wanted.ends_with,
        contains=wanted.contains,
        number_class=wanted.number_class,
    )
