"""What a reseller pays for a service on a day: tier by tier, from the service's own fees down to him.

Whom he buys from, and what was agreed with him, change by the day. Per cent are taken off what the one above pays
himself, and a fee of his own goes before per cent. Of a service that is part of a bundle with a fee of its own there,
that fee is what per cent are taken of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from domain.contracts.contract import Contract, ContractService
from domain.contracts.service import Service, ServicePrice, check_fee
from domain.ids import CustomerId, OperatorId, ResellerId, ServiceId
from domain.refusal import BadValue
from domain.resellers.reseller import Reseller, Term, as_of, tiers

PERCENT_MIN: Final = -1000
PRICES_MAX: Final = 10_000  # of one reseller
_NOTHING: Final = (Decimal(0), Decimal(0))
_Own = tuple[Decimal | None, Decimal | None]  # the one-time and periodic fee that a bundle gives its part


@dataclass(frozen=True, slots=True, kw_only=True)
class WholesalePrice:
    """What a reseller pays from a day on, until the next one for the same service; ``id`` 0: not kept yet.

    ``service`` None: every service that has none of its own. A fee of None is ``percent`` (None: nothing) off what the
    one he buys from pays; less than 0 is added.
    """

    id: int = 0
    operator: OperatorId
    reseller: ResellerId
    service: ServiceId | None
    valid_from: date
    percent: Decimal | None = None
    one_time_fee: Decimal | None = None
    periodic_fee: Decimal | None = None
    version: int = 1

    @property
    def share(self) -> Decimal:
        """What is left of 1 after the per cent."""
        return (100 - (self.percent or Decimal(0))) / 100


def check_price(price: WholesalePrice) -> WholesalePrice:
    """Return the price. Refuses with: BadValue, naming the field."""
    if price.percent is not None:
        if not price.percent.is_finite() or not PERCENT_MIN <= price.percent <= 100:
            raise BadValue("per cent off are {least} to 100", least=PERCENT_MIN, field="percent")
        if price.percent != round(price.percent, 6):
            raise BadValue("{percent} has more than six decimals", percent=price.percent, field="percent")
    for field, fee in (("oneTimeFee", price.one_time_fee), ("periodicFee", price.periodic_fee)):
        if fee is None:
            continue
        check_fee(fee, field=field)
        if price.service is None:
            raise BadValue("a fee is that of one service; of all of them, per cent", field=field)
    return price


class Buying:
    """The tree of resellers over time, with what each pays; made once, asked for every line."""

    def __init__(
        self, base: Mapping[ResellerId, Reseller], terms: Sequence[Term], prices: Sequence[WholesalePrice], *, zone: str
    ) -> None:
        first: dict[date, datetime] = {}
        for term in sorted(terms, key=lambda one: one.valid_from):
            first[term.valid_from.astimezone(ZoneInfo(zone)).date()] = term.valid_from  # the last of a day
        self._cuts: list[date] = sorted(first)
        self._trees = [dict(base), *(as_of(base, terms, first[day]) for day in self._cuts)]
        self._prices: defaultdict[tuple[ResellerId, ServiceId | None], list[WholesalePrice]] = defaultdict(list)
        for price in sorted(prices, key=lambda one: one.valid_from):
            self._prices[price.reseller, price.service].append(price)
        self._days = sorted({price.valid_from for price in prices} | set(self._cuts))
        self._known: dict[tuple[object, ...], Service] = {}

    def tree_on(self, day: date) -> Mapping[ResellerId, Reseller]:
        """Return the tree of a day."""
        return self._trees[sum(cut <= day for cut in self._cuts)]

    @property
    def buyers(self) -> frozenset[CustomerId]:
        """The customers as whom any reseller is or was invoiced."""
        return frozenset(one.customer for tree in self._trees for one in tree.values() if one.customer is not None)

    def below(self, buyer: CustomerId) -> frozenset[ResellerId]:
        """Return the resellers whose customers' services are or were bought by the one who is invoiced as ``buyer``."""
        return frozenset(
            key for tree in self._trees for key in tree if any(tier.customer == buyer for tier in tiers(key, tree))
        )

    def service(self, buyer: CustomerId, contract: Contract, line: ContractService, service: Service) -> Service:
        """Return a line's service with the fees that ``buyer`` pays for it, day by day; nothing on others' days."""
        assert contract.reseller is not None, "the operator's own customers buy of nobody else"
        goes_on = contract.predecessor is not None and line.start == contract.start and line.one_time_fee == 0
        own = (line.one_time_fee, line.periodic_fee) if line.bundle is not None else (None, None)
        key = (buyer, contract.reseller, service.id, own, goes_on)
        if key not in self._known:
            self._known[key] = self._priced(buyer, contract.reseller, service, own, goes_on)
        return self._known[key]

    def pays(self, reseller: ResellerId, service: Service, day: date) -> tuple[Decimal, Decimal]:
        """Return the one-time and periodic fee that a reseller pays for a service that is sold on a day."""
        return self._down(tiers(reseller, self.tree_on(day)), service, (None, None), day)

    def _priced(
        self,
        buyer: CustomerId,
        seller: ResellerId,
        service: Service,
        own: _Own,
        goes_on: bool,
    ) -> Service:
        days = sorted({price.start for price in service.prices} | set(self._days))
        found = [self._on(buyer, seller, service, own, day) for day in (date.min, *days)]
        if goes_on:  # what was charged once when it began is not charged again
            found = [(Decimal(0), periodic) for _, periodic in found]
        later = tuple(
            ServicePrice(start=day, one_time_fee=once, periodic_fee=periodic)
            for day, (once, periodic), before in zip(days, found[1:], found, strict=False)
            if (once, periodic) != before
        )
        return replace(service, one_time_fee=found[0][0], periodic_fee=found[0][1], prices=later)

    def _on(
        self,
        buyer: CustomerId,
        seller: ResellerId,
        service: Service,
        own: _Own,
        day: date,
    ) -> tuple[Decimal, Decimal]:
        tree = self.tree_on(day)
        chain = tiers(seller, tree) if seller in tree else ()
        upto = next((index for index, tier in enumerate(chain) if tier.customer == buyer), None)
        return _NOTHING if upto is None else self._down(chain[: upto + 1], service, own, day)

    def _down(
        self,
        chain: Sequence[Reseller],
        service: Service,
        own: _Own,
        day: date,
    ) -> tuple[Decimal, Decimal]:
        once, periodic = service.fees_on(day)
        fees = (once if own[0] is None else own[0], periodic if own[1] is None else own[1])
        for tier in chain:
            price = self._agreed(tier.id, service.id, day)
            if price is None:
                continue
            his = (price.one_time_fee if own[0] is None else None, price.periodic_fee if own[1] is None else None)
            fees = (
                fees[0] * price.share if his[0] is None else his[0],
                fees[1] * price.share if his[1] is None else his[1],
            )
        return fees

    def _agreed(self, reseller: ResellerId, service: ServiceId, day: date) -> WholesalePrice | None:
        for key in (service, None):
            held = [one for one in self._prices.get((reseller, key), ()) if one.valid_from <= day]
            if held:
                return held[-1]
        return None
