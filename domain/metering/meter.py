"""A day's counts, and what they come to with a table of prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.money import MICRO, divide, parse
from domain.period import Period
from domain.refusal import BadValue

DAYS_MAX: Final = 400


class Measure(StrEnum):
    """What is counted: a subscription for each day it is active, rated events, invoices with credit notes, calls."""

    SUBSCRIPTIONS = "subscriptions"
    EVENTS = "events"
    INVOICES = "invoices"
    CALLS = "calls"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterDay:
    """What was counted on a local day. ``events`` and ``invoices`` by the day they were rated and issued."""

    day: date
    subscriptions: int = 0
    events: int = 0
    invoices: int = 0
    calls: Mapping[str, int] = field(default_factory=dict)

    def count(self, measure: Measure) -> int:
        """Return the count of a measure."""
        if measure is Measure.CALLS:
            return sum(self.calls.values())
        return int(getattr(self, measure.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPrice:
    """``price`` for each ``per`` of a measure."""

    measure: Measure
    price: Decimal
    per: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterLine:
    """A line of the basis: a measure added up over the period. Without a price there is no amount."""

    period: Period
    measure: Measure
    quantity: int
    per: int | None = None
    unit_price: Decimal | None = None
    amount: Decimal | None = None


def read_prices(table: Mapping[str, object]) -> tuple[UnitPrice, ...]:
    """Read ``{"events": "0.002"}`` or ``{"events": {"price": "2", "per": 1000}}``. Refuses with: BadValue.

    >>> read_prices({"events": {"price": "2", "per": 1000}})[0].per
    1000
    """
    found = []
    for name, told in table.items():
        if name not in set(Measure):
            raise BadValue("{name} is not counted; there are {names}", name=name, names=", ".join(Measure), field=name)
        entry = told if isinstance(told, Mapping) else {"price": told}
        per = entry.get("per", 1)
        if not isinstance(per, int) or isinstance(per, bool) or not 0 < per <= MICRO:
            raise BadValue("a price is for 1 to {most}", most=MICRO, field=f"{name}.per")
        price = parse(str(entry.get("price")))
        if price < 0:
            raise BadValue("a price is not below zero", field=f"{name}.price")
        found.append(UnitPrice(measure=Measure(name), price=price, per=per))
    return tuple(found)


def basis(
    days: Sequence[MeterDay], period: Period, prices: Sequence[UnitPrice] = (), *, decimals: int = 2
) -> tuple[MeterLine, ...]:
    """Add days up to a line per measure. An amount is rounded once, half up."""
    table = {one.measure: one for one in prices}
    lines = []
    for measure in Measure:
        quantity = sum(day.count(measure) for day in days)
        line = MeterLine(period=period, measure=measure, quantity=quantity)
        if measure in table:
            one = table[measure]
            numerator, denominator = (one.price * quantity).as_integer_ratio()
            amount = Decimal(divide(numerator * 10**decimals, denominator * one.per)).scaleb(-decimals)
            line = MeterLine(
                period=period, measure=measure, quantity=quantity, per=one.per, unit_price=one.price, amount=amount
            )
        lines.append(line)
    return tuple(lines)
