"""The increments of one event in plain exact Python, for its explanation. Runs of equal increments stand as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.catalogue.tariff import Rate, Step
from domain.money import INT64_MAX, divide

PERCENT_ONE = 100_000_000
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class NotPriced(Exception):  # noqa: N818  (an outcome of the walk: no_rate or overflow)
    """The level cannot be priced; the argument is its status."""


@dataclass(frozen=True, slots=True)
class Found:
    """What decides at an instant: the adjusting rates, nearest first, and last the absolute one, with their lists."""

    rates: tuple[tuple[str, Rate], ...]

    @property
    def base(self) -> Rate:
        """The absolute rate."""
        return self.rates[-1][1]

    @property
    def price_list(self) -> str:
        """The list of the nearest rate."""
        return self.rates[0][0]

    @property
    def band(self) -> str | None:
        """The band of the nearest rate that has one."""
        return next((rate.band for _, rate in self.rates if rate.band is not None), None)

    def price(self, step: Step) -> int:
        """Return a step's price in nano-units, with the adjustments that lie on it, the furthest first."""
        price = step.price
        for _, rate in reversed(self.rates[:-1]):
            assert rate.adjust is not None
            if rate.adjust.percent is not None:
                price = divide(price * (PERCENT_ONE + rate.adjust.percent), PERCENT_ONE)
            else:
                price += rate.adjust.amount or 0
            price = max(price, 0)
        return price


@dataclass(frozen=True, slots=True)
class Run:
    """Equal increments one after the other: units ``[begin, end)`` in increments of ``length``."""

    begin: int
    end: int
    length: int
    found: Found | None  # None: a price ring's own steps
    step: int
    price: int
    per: int

    def boundary(self, limit: int) -> int:
        """Return the last boundary of its increments not after ``limit``; its beginning where there is none."""
        return self.begin + max(min(limit, self.end) - self.begin, 0) // self.length * self.length


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive charged units of one rate and step: ``amount`` = price × units ÷ per, in nano-units."""

    begin: int
    end: int
    price_list: str | None
    band: str | None
    price: int
    per: int
    amount: int


def fits(value: int) -> int:
    """Return a value that is inside int64; anything else is an overflow."""
    if abs(value) > INT64_MAX:
        raise NotPriced("overflow")
    return value


def walk(
    cover: int, first: int, steps_at: Callable[[int], tuple[Found | None, Sequence[Step]]], until: Callable[[int], int]
) -> list[Run]:
    """Walk until ``cover`` units are covered.

    ``steps_at(position)``: what decides there, and its steps; ``until(position)``: up to where that holds at least.
    """
    runs: list[Run] = []
    position = 0
    while position < cover:
        found, steps = steps_at(position)
        number = max(n for n, step in enumerate(steps) if step.start <= position)
        step_end = steps[number + 1].start if number + 1 < len(steps) else cover
        length, times = first, 1
        if position > 0:
            length = steps[number].next
            times = -(-(min(step_end, until(position), cover) - position) // length)
        price = steps[number].price if found is None else found.price(steps[number])
        end = fits(position + times * length)
        runs.append(Run(position, end, length, found, number, price, steps[number].per))
        position = end
    return runs


def segments(runs: Sequence[Run], low: int, high: int) -> list[Segment]:
    """Return the segments of the charged units in ``[low, high)``. An overflow is NotPriced."""
    made: list[Segment] = []
    last: tuple[object, int] | None = None
    for run in runs:
        begin, end = max(run.begin, low), min(run.end, high)
        if begin >= end:
            continue
        name, band = (None, None) if run.found is None else (run.found.price_list, run.found.band)
        identity = (None if run.found is None else tuple(id(rate) for _, rate in run.found.rates), run.step)
        if made and identity == last:
            begin = made.pop().begin
        if run.price * run.per > INT64_MAX:
            raise NotPriced("overflow")
        amount = fits(divide(run.price * (end - begin), run.per))
        made.append(Segment(begin, end, name, band, run.price, run.per, amount))
        last = identity
    fits(sum(segment.amount for segment in made))
    return made


def next_look(start: datetime, position: int, zone: ZoneInfo, edges: Sequence[int]) -> int:
    """Return the next position (seconds) at which a band may change.

    ``edges``: the seconds of the local day at which bands begin and end, midnight among them. Where the clock is put
    forward or back before the next of them, the next look is at the end of the minute.
    """
    at = start + timedelta(seconds=position)
    local = at.astimezone(zone)
    offset = local.utcoffset() or timedelta()
    clock = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    wait = min((timedelta(seconds=edge) - clock) % _DAY or _DAY for edge in edges)
    later = position - (-wait // _SECOND)
    try:
        if (start + timedelta(seconds=later)).astimezone(zone).utcoffset() == offset:
            return later
    except OverflowError:
        pass
    if offset.total_seconds() % 60:
        return position + 1
    into = timedelta(seconds=at.second, microseconds=at.microsecond)
    return position - (-(timedelta(minutes=1) - into) // _SECOND)
