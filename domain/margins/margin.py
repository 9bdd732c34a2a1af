"""What margins are asked for and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.ids import ChunkId, CustomerId, ResellerId
from domain.intake.subscribers import Pricing
from domain.margins.exchange import Exchange
from domain.rating.rated_event import RatedEvent

SPAN_MAX: Final = timedelta(days=400)
KEY_MAX: Final = 300


class MarginBy(StrEnum):
    """What is added up to one row. The reseller is the buyer; of one's own customers there is none.

    The seller is the salesperson on the contract, the team his present one; nobody's have none.
    """

    ALL = "all"
    DESTINATION = "destination"
    CUSTOMER = "customer"
    TRUNK = "trunk"
    RESELLER = "reseller"
    DAY = "day"
    CONTRACT = "contract"
    SELLER = "seller"
    TEAM = "team"


class MarginOrder(StrEnum):
    """By the key, or by the margin, the least first."""

    KEY = "key"
    MARGIN = "margin"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginFilter:
    """Events with ``since <= start < until``, of a customer, destination (by name), trunk, or chunk; None: any."""

    since: datetime
    until: datetime
    customer: CustomerId | None = None
    destination: str | None = None
    trunk: str | None = None
    chunk: ChunkId | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Whose margins (None: the operator's), in which currency, and what a day's other currencies are worth in it.

    ``factors``: (currency, day, numerator, denominator); what is not there has no rate. ``zone``: whose days.
    """

    seller: ResellerId | None
    currency: str
    zone: str
    factors: Sequence[tuple[str, date, int, int]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginSums:
    """Events added up. Amounts are micro-units of the operator's currency, exact.

    ``compared``: the events that have both amounts; ``margin`` is theirs alone. ``earned`` and ``paid`` are of every
    event that has the one. ``unconverted``: those that lack an amount only because a day has no exchange rate.
    ``key``: a name, a customer's or reseller's key, or a day; empty for none.
    """

    key: str
    events: int
    compared: int
    unconverted: int
    earned: int
    paid: int
    margin: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMargin:
    """One event with what the seller earns and pays for it; micro-units of the operator's currency, None: unknown."""

    event: RatedEvent
    earned: int | None
    paid: int | None

    @property
    def margin(self) -> int | None:
        """What is left."""
        return None if self.earned is None or self.paid is None else self.earned - self.paid


@dataclass(frozen=True, slots=True)
class Sides:
    """Which charges of an event a seller earns and pays, as tiers from 1, the outermost first.

    ``earns`` 0: retail. ``pays`` 0: cost, -1: nothing is known of it. ``buyer``: the reseller next below; None: nobody.
    """

    earns: int
    pays: int
    buyer: ResellerId | None


def sides(pricing: Pricing, seller: ResellerId | None) -> Sides | None:
    """Return the sides of a seller in what is rated by a pricing; None where he is not in it.

    A tier without a list has no level: whoever sells to it sells to the next one below.
    """
    if seller is None:
        place, pays = 0, 0
    elif seller in pricing.tiers:
        place = pricing.tiers.index(seller) + 1
        pays = place if pricing.wholesale[place - 1] is not None else -1
    else:
        return None
    below = [tier for tier in range(place + 1, len(pricing.tiers) + 1) if pricing.wholesale[tier - 1] is not None]
    buyer = pricing.tiers[place] if place < len(pricing.tiers) else None
    return Sides(below[0] if below else 0, pays, buyer)


def factors(
    exchange: Exchange, foreign: Sequence[str], own: str, first: date, last: date
) -> list[tuple[str, date, int, int]]:
    """Return what each of the other currencies was worth on each of the days."""
    found = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for code in foreign:
            factor = exchange.factor(code, own, day)
            if factor is not None:
                found.append((code, day, factor.numerator, factor.denominator))
    return found


def amount(micro: int) -> Decimal:
    """Return micro-units as an exact decimal.

    >>> amount(-490000)
    Decimal('-0.490000')
    """
    return Decimal(micro).scaleb(-6)
