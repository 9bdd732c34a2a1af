"""Why an event costs what it costs: every list asked, the rate that decided, increments, rings, buckets and rounding.

Written from the catalogue's own records in plain exact Python, apart from the kernel, so that each checks the other: a
property test holds that both give the same amounts. Here an event is placed and its levels are gone through; what is
done on a level is in ``searched`` (which rate), ``drawn`` (buckets), ``charged`` (increments), ``ringed`` (discounts).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from itertools import pairwise

from domain.catalogue.document import DIGITS_MAX
from domain.catalogue.tariff import GROUP, Destination, Party, Tariff
from domain.money import divide
from domain.rating.allowances import granted
from domain.rating.charged import Charging
from domain.rating.drawn import Draws
from domain.rating.explanation import (
    Asked,
    Considered,
    Explanation,
    How,
    LevelExplained,
    Located,
    Margin,
    Verdict,
)
from domain.rating.ringed import Ringing
from domain.rating.searched import Search, valid
from domain.rating.standing import Standing
from domain.rating.walked import NotPriced
from domain.refusal import NotFound

# What one unit of a currency costs in another on the event's day; None where nobody knows.
Prices = Callable[[str, str], Fraction | None]


def no_price(_one: str, _other: str) -> Fraction | None:
    """Know the price of no currency in another."""
    return None


class Explainer:
    """Explains events of one tariff, one after the other as they draw on its buckets and rings."""

    def __init__(self, tariff: Tariff, standing: Standing | None = None, prices: Prices = no_price) -> None:
        self.tariff = tariff
        self.prices = prices
        self._prefixes: dict[str, list[Destination]] | None = None
        self.standing = standing or Standing({one.id: one.amount for one in tariff.buckets if not one.is_plan})
        self.rolled: set[tuple[str, str, datetime]] = set()

    def explain(self, event: Asked) -> Explanation:
        """Explain one event, and count it, so that the next one finds what it left."""
        party = self.tariff.parties.get(event.party) if event.party is not None else None
        if party is None:
            return Explanation(event=event, status="no_party", located=self.located(event.b, event.start))
        located = self.located(event.b, event.start)
        if located.destination is None and event.mode != "data":
            return Explanation(event=event, status="no_destination", located=located)
        origin = self.located(event.a, event.start).destination
        tariff = self._with_plans(party, event)
        search = Search(tariff, event, self.places(located.destination), self.places(origin))
        levels = tuple(self._level(search, party, *slot) for slot in self.slots(party, event))
        return Explanation(
            event=event, status="rated", located=located, levels=levels, margins=margins(levels, self.prices)
        )

    def _with_plans(self, party: Party, event: Asked) -> Tariff:
        """Return the tariff with what its plans grant to the party when the event starts, in their stead."""
        plans = [bucket for bucket in self.tariff.buckets if bucket.is_plan]
        if not plans:
            return self.tariff
        concrete, rolls = granted(plans, [party], event.start, event.start)
        left = self.standing.left
        for bucket in concrete:
            left.setdefault(bucket.id, bucket.amount)
        for roll in sorted(rolls, key=lambda one: one.at):
            name = (roll.definition, roll.owner, roll.at)
            if roll.at > event.start or name in self.rolled:
                continue
            self.rolled.add(name)
            excess = sum(left[one] for one in roll.buckets) - roll.cap
            for one in roll.buckets:
                lost = min(max(excess, 0), left[one])
                left[one] -= lost
                excess -= lost
        return replace(self.tariff, buckets=(*(one for one in self.tariff.buckets if not one.is_plan), *concrete))

    def _level(self, search: Search, party: Party, plist: str | None, kind: str, tier: int) -> LevelExplained:
        """Explain one level. Refuses with: NotFound (its list was not there then)."""
        made = LevelExplained(level=kind, tier=tier)
        if plist is None:
            made.status = "no_rate"
            made.considered.append(Considered(str(search.event.trunk), Verdict.NO_LIST))
            return made
        if plist not in search.tariff.price_lists:
            raise NotFound("there was no price list {plist!r} then", plist=plist, field="priceList")
        rules = search.tariff.inherited(plist)
        assert rules.rounding is not None
        made.currency, made.zone = rules.currency, rules.zone or "UTC"
        made.decimals, made.mode = rules.rounding.decimals, str(rules.rounding.mode)
        chain = search.tariff.chain(plist, party.deviations if kind == "retail" else None)
        draws, rings = Draws(search, party, self.standing), Ringing(search, party, self.standing)
        try:
            Charging(search, draws).charge(made, rules, chain)
            counting = rings.discount(made)
        except NotPriced as why:
            made.status = str(why)
            return made
        draws.pay(made)
        rings.count(made, counting)
        return made

    def slots(self, party: Party, event: Asked) -> list[tuple[str | None, str, int]]:
        """Return (list, level, tier) of the levels the event has; None where the trunk gives no list."""
        found: list[tuple[str | None, str, int]] = [(party.retail, "retail", 0)] if party.retail else []
        found += [(plist, "wholesale", tier) for tier, plist in enumerate(party.wholesale, 1)]
        if party.cost is not None or event.trunk is not None:
            trunk = self.tariff.trunks.get(event.trunk) if event.trunk is not None else None
            found.append((party.cost or (trunk.cost if trunk else None), "cost", 0))
        return found

    def places(self, destination: str | None) -> tuple[str, ...]:
        """Return what a rate may name to meet a destination: itself, then its groups in rank order."""
        if destination is None:
            return ()
        return (destination, *(GROUP + group for group in self.tariff.destinations[destination].groups))

    def located(self, number: str | None, start: datetime) -> Located:
        """Return a number's destination at an instant, and how it was found."""
        if not number:
            return Located(How.NO_NUMBER)
        if not (number.isascii() and number.isdigit()):
            return Located(How.NOT_A_NUMBER)
        held = [p for p in self.tariff.ported if p.number == number and p.valid_from <= start]
        if held:
            last = max(held, key=lambda entry: entry.valid_from)
            return Located(How.PORTED, last.to, since=last.valid_from)
        owners = self._owners()
        for length in range(min(len(number), DIGITS_MAX), 0, -1):
            for destination in owners.get(number[:length], ()):
                if valid(destination.valid_from, destination.valid_to, start):
                    return Located(How.PREFIX, destination.name, prefix=number[:length])
        return Located(How.NO_PREFIX)

    def _owners(self) -> dict[str, list[Destination]]:
        """Return the destinations by prefix, gathered when they are first asked for."""
        if self._prefixes is None:
            self._prefixes = {}
            for destination in self.tariff.destinations.values():
                for prefix in destination.prefixes:
                    self._prefixes.setdefault(prefix, []).append(destination)
        return self._prefixes


def margins(levels: Sequence[LevelExplained], prices: Prices) -> tuple[Margin, ...]:
    """Return what each priced level leaves over the next priced one below it."""
    order = [one for kind in ("cost", "wholesale", "retail") for one in levels if one.level == kind]
    order = [one for one in order if one.status == "rated" and one.currency is not None]
    return tuple(_margin(above, below, prices) for below, above in pairwise(order))


def _margin(above: LevelExplained, below: LevelExplained, prices: Prices) -> Margin:
    currency, other = str(above.currency), str(below.currency)
    price = None if currency == other else prices(other, currency)
    amount: int | None = above.amount - below.amount
    if price is not None:
        amount = above.amount - divide(below.amount * price.numerator, price.denominator)
    elif currency != other:
        amount = None
    return Margin((above.level, above.tier), (below.level, below.tier), currency, other, amount, price)
