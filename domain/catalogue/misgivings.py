"""What is no fault of a catalogue but looks like a mistake: gaps in time and place, and prices under cost.

A misgiving is a warning with its place; whoever publishes may do so knowingly. Cost is what a trunk's list says at the
moment, in the same currency, for the home network: prices of the first step per unit are compared, setup fees apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import Final

from domain.catalogue.reading import Fault, joined
from domain.catalogue.tariff import ANY, GROUP, Destination, Rate, Tariff
from domain.catalogue.versions import Selector, selector
from domain.money import MICRO, NANO, divide, plain

SHOWN: Final = 5
MOST: Final = 1000
MOMENTS: Final = 6  # at which prices begin, the first ones, are compared with cost
Changed = Mapping[str, Sequence[Rate]]
_Found = dict[tuple[str, str], list[Rate]]  # (to, mode + direction) -> rates of the home network without ``from``


def misgivings(after: Tariff, changed: Changed, *, at: datetime) -> list[Fault]:
    """Return what looks like a mistake in the lists that change; at most ``MOST`` of a kind."""
    begins = {rate.valid_from for rates in changed.values() for rate in rates}
    moments = sorted({at, *(one for one in begins if one is not None and one > at)})[:MOMENTS]
    under = dict.fromkeys(fault for moment in moments for fault in _under_cost(after, changed, moment))
    return [*_gaps_in_time(after, changed)[:MOST], *_gaps_in_place(after, changed, at), *list(under)[:MOST]]


def cost_lists(tariff: Tariff) -> frozenset[str]:
    """Return the lists that price a trunk, with those they inherit from."""
    costs = {trunk.cost for trunk in tariff.trunks.values() if trunk.cost in tariff.price_lists}
    return frozenset(name for cost in costs if cost for name in tariff.chain(cost))


def compared_lists(tariff: Tariff, changed: Iterable[str]) -> frozenset[str]:
    """Return the lists whose prices are asked to compare these with cost."""
    costs, own = cost_lists(tariff), set(changed)
    chains = {above for name in own if name in tariff.price_lists for above in tariff.chain(name)}
    return frozenset(tariff.price_lists) if own & costs else costs | chains


def compared_names(tariff: Tariff, rates: Iterable[Rate]) -> frozenset[str]:
    """Return every ``to`` under which another list may price what these rates price."""
    wanted = {rate.to for rate in rates}
    if ANY in wanted:
        named = tariff.destinations.values()
        return frozenset({ANY, *tariff.destinations, *(GROUP + g for d in named for g in d.groups)})
    found = {ANY}
    for one in tariff.destinations.values():
        groups = {GROUP + group for group in one.groups}
        if one.name in wanted or groups & wanted:
            found |= groups | {one.name}
    return frozenset(found)


def _gaps_in_time(after: Tariff, changed: Changed) -> list[Fault]:
    found = []
    for name, rates in changed.items():
        touched = {selector(rate) for rate in rates}
        versions: defaultdict[Selector, list[tuple[int, Rate]]] = defaultdict(list)
        for index, rate in enumerate(after.price_lists[name].rates):
            if (key := selector(rate)) in touched:
                versions[key].append((index, rate))
        for alike in versions.values():
            ordered = sorted(alike, key=lambda one: (one[1].valid_from is not None, one[1].valid_from))
            for (_, one), (index, other) in pairwise(ordered):
                if one.valid_to is not None and other.valid_from is not None and one.valid_to < other.valid_from:
                    path = f"{joined('$.price_lists', name)}.rates[{index}].valid_from"
                    message = f"no price to {one.to} from {one.valid_to.isoformat()} to {other.valid_from.isoformat()}"
                    found.append(Fault(path, message))
    return found


def _gaps_in_place(after: Tariff, changed: Changed, at: datetime) -> list[Fault]:
    """Find the destinations that a list without a parent leaves out of what it sells."""
    found = []
    for name in changed:
        one = after.price_lists[name]
        if one.parent is not None or one.currency is None:
            continue
        uses: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for rate in one.rates:
            if rate.valid_to is None or rate.valid_to > at:
                uses[rate.mode, rate.direction].add(rate.to)
        for (mode, direction), named in sorted(uses.items()):
            missing = [d.name for d in after.destinations.values() if not named & set(_asked(d))]
            if missing:
                shown = ", ".join(missing[:SHOWN]) + (", …" if len(missing) > SHOWN else "")
                message = f"no {mode} price ({direction}) to {len(missing)} destinations: {shown}"
                found.append(Fault(joined("$.price_lists", name), message))
    return found


def _under_cost(after: Tariff, changed: Changed, at: datetime) -> list[Fault]:
    costs = cost_lists(after)
    trunks = {one.cost: one.name for one in reversed(tuple(after.trunks.values())) if one.cost in after.price_lists}
    prices = _Prices(after, at)
    subjects: dict[str, Sequence[Rate]] = {name: rates for name, rates in changed.items() if name not in costs}
    if set(changed) & costs:
        names = compared_names(after, [rate for name, rates in changed.items() if name in costs for rate in rates])
        for name, one in after.price_lists.items():
            if name not in costs:
                subjects[name] = [rate for rate in one.rates if rate.to in names]
    members: defaultdict[str, list[Destination]] = defaultdict(list)
    for destination in after.destinations.values():
        for asked in _asked(destination):
            members[asked].append(destination)
    found: list[Fault] = []
    for name, rates in subjects.items():
        currency = after.inherited(name).currency
        rivals = [cost for cost in trunks if cost and after.inherited(cost).currency == currency]
        positions = {id(rate): index for index, rate in enumerate(after.price_lists[name].rates)}
        for rate in rates:
            if len(found) >= MOST:
                return found
            if rate.origin is None and rate.zone is None and _holds(rate, at):
                worst = _worst(prices, name, rate, members[rate.to], rivals)
                if worst is not None:
                    place = joined("$.price_lists", name)
                    if name in changed:  # of another list only what had to be compared may be here
                        place += f".rates[{positions[id(rate)]}]"
                    message = f"{worst[0]} to {worst[1]} is under the cost of trunk {trunks[worst[2]]} ({worst[2]})"
                    found.append(Fault(place, message))
    return found


def _worst(
    prices: _Prices, name: str, rate: Rate, members: Sequence[Destination], rivals: Sequence[str]
) -> tuple[str, str, str] | None:
    """Return (price against cost, destination, list) of the first destination that is sold under cost."""
    for destination in members:
        own = prices.of(name, destination, rate.mode, rate.direction, itself=rate)
        for rival in rivals if own is not None else ():
            cost = prices.of(rival, destination, rate.mode, rate.direction)
            if own is not None and cost is not None and own < cost:
                return f"{_per_minute(own)} a minute or 60 units against {_per_minute(cost)}", destination.name, rival
    return None


def _per_minute(price: Fraction) -> str:
    nano = plain(divide(price.numerator * 60, price.denominator), NANO)
    return nano.rstrip("0").rstrip(".")


def _asked(destination: Destination) -> tuple[str, ...]:
    return (destination.name, *(GROUP + group for group in destination.groups), ANY)


class _Prices:
    """Prices per unit (nano) of the home network without bands, by list and destination, at a moment."""

    def __init__(self, tariff: Tariff, at: datetime) -> None:
        self._tariff = tariff
        self._at = at
        self._tables: dict[str, _Found] = {}

    def of(
        self, name: str, destination: Destination, mode: str, direction: str, itself: Rate | None = None
    ) -> Fraction | None:
        """Return what a list charges per unit; ``itself``: the rate of this list that is asked about."""
        chain = self._tariff.chain(name)
        adjustments: list[Rate] = []
        for place, above in enumerate(chain):
            rate = itself if place == 0 and itself is not None else self._find(above, destination, mode + direction)
            if rate is None:
                continue
            if rate.adjust is None:
                price = Fraction(rate.steps[0].price, rate.steps[0].per)
                for one in reversed(adjustments):
                    price = _adjusted(price, one, rate.steps[0].per)
                return price
            adjustments.append(rate)
        return None

    def _find(self, name: str, destination: Destination, use: str) -> Rate | None:
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = {}
            for rate in self._tariff.price_lists[name].rates:
                if rate.origin is None and rate.zone in {None, ANY} and _holds(rate, self._at):
                    table.setdefault((rate.to, rate.mode + rate.direction), []).append(rate)
        for asked in _asked(destination):
            if found := table.get((asked, use)):
                return max(found, key=lambda rate: rate.band is None)
        return None


def _holds(rate: Rate, at: datetime) -> bool:
    return (rate.valid_from is None or rate.valid_from <= at) and (rate.valid_to is None or rate.valid_to > at)


def _adjusted(price: Fraction, one: Rate, per: int) -> Fraction:
    assert one.adjust is not None
    if one.adjust.percent is not None:
        return max(price * (1 + Fraction(one.adjust.percent, 100 * MICRO)), Fraction(0))
    return max(price + Fraction(one.adjust.amount or 0, per), Fraction(0))
