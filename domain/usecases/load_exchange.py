"""The exchange rates that a period's amounts are converted by, and the margins of an explanation by them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from domain.access.actor import Actor
from domain.margins.exchange import Exchange
from domain.ports.unit import Begin, Unit
from domain.rating.explain import margins, no_price
from domain.rating.explanation import Explanation


async def load_exchange(unit: Unit, first: date, last: date, currencies: Collection[str]) -> Exchange:
    """Return what currencies were worth from ``first`` to ``last``, both included, by the operator's rules."""
    age = (await unit.exchange.rules()).rate_max_age_days
    rates = await unit.exchange.between(first - timedelta(days=age), last, sorted(currencies))
    return Exchange(rates, max_age_days=age)


async def with_margins(explained: Explanation, *, actor: Actor, begin: Begin) -> Explanation:
    """Return an explanation with the margins of the levels that stand in it, at the exchange rate of its local day."""
    levels = explained.levels
    codes = {level.currency for level in levels if level.status == "rated" and level.currency is not None}
    if len(codes) < 2:
        return replace(explained, margins=margins(levels, no_price))
    async with begin(actor) as unit:
        zone = ZoneInfo((await unit.operators.own()).zone)
        day = explained.event.start.astimezone(zone).date()
        exchange = await load_exchange(unit, day, day, codes)
    return replace(explained, margins=margins(levels, lambda one, other: exchange.factor(one, other, day)))
