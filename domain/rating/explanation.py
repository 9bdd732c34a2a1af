"""An explanation as data: what was asked, every list that was considered, and each piece of the charge."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from domain.catalogue.tariff import Rate
from domain.money import divide
from domain.rating.walked import Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The event to explain. ``start`` is aware UTC; the rest as in a request."""

    id: str
    party: str | None
    mode: str
    direction: str
    a: str | None
    b: str | None
    trunk: str | None
    visited: str | None
    start: datetime
    used: int
    offset: int


class Verdict(StrEnum):
    """Why a list decided, or did not: of a list that has no matching rate, where its nearest rate failed to match."""

    DECIDES = "decides"
    ADJUSTS = "adjusts"
    MODE = "mode"
    DESTINATION = "destination"
    ORIGIN = "origin"
    NETWORK = "network"
    VALIDITY = "validity"
    BAND = "band"
    NOT_ASKED = "not_asked"
    NO_LIST = "no_list"


@dataclass(frozen=True, slots=True)
class Considered:
    """A list on the chain. ``rate``: the one that won, else the nearest one; ``matching``: how many matched."""

    price_list: str
    verdict: Verdict
    rate: Rate | None = None
    matching: int = 0

    @property
    def decided(self) -> bool:
        """Whether the list had a say in the price."""
        return self.verdict in {Verdict.DECIDES, Verdict.ADJUSTS}


class How(StrEnum):
    """What gave a number its destination, or why it has none."""

    PREFIX = "prefix"
    PORTED = "ported"
    NO_PREFIX = "no_prefix"
    NO_NUMBER = "no_number"
    NOT_A_NUMBER = "not_a_number"


@dataclass(frozen=True, slots=True)
class Located:
    """A number's destination: by the longest ``prefix`` valid then, or ported there ``since``."""

    how: How
    destination: str | None = None
    prefix: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Effected:
    """A ring that changed the charge: what was before it, its change (nano-units) and its share (micro-units)."""

    ring: str
    before: int
    change: int
    share: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a bucket gave: units, or micro-units of money."""

    bucket: str
    unit: str
    amount: int
    left: int


@dataclass(slots=True, kw_only=True)
class LevelExplained:
    """One level. Amounts: nano-units until rounded, ``amount`` and shares micro-units."""

    level: str
    tier: int
    status: str = "rated"
    currency: str | None = None
    zone: str = "UTC"
    considered: list[Considered] = field(default_factory=list)
    price_list: str | None = None
    band: str | None = None
    rate: Rate | None = None
    billed: int = 0
    before: int = 0
    taken: int = 0
    grace: int = 0
    overage: str | None = None
    segments: list[Segment] = field(default_factory=list)
    setup: int = 0
    limit: str | None = None
    earlier: int = 0
    charge: int = 0
    rings: list[Effected] = field(default_factory=list)
    decimals: int = 6
    mode: str = "half_up"
    rounded: int = 0
    buckets: list[Drawn] = field(default_factory=list)
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Margin:
    """What a level leaves over the one below it, micro-units of ``currency``.

    ``amount`` is None where the two have different currencies and no price of the one in the other is known. ``price``:
    what one unit of the currency below costs in ``currency``; None where it is the same.
    """

    above: tuple[str, int]
    below: tuple[str, int]
    currency: str
    other: str
    amount: int | None
    price: Fraction | None = None

    @property
    def price_told(self) -> Decimal | None:
        """The price with twelve decimals."""
        if self.price is None:
            return None
        return Decimal(divide(self.price.numerator * 10**12, self.price.denominator)).scaleb(-12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An event explained. ``status``: rated, bad_event, no_party or no_destination; ``detail``: of a bad event, why."""

    event: Asked
    status: str
    located: Located = Located(How.NO_NUMBER)
    levels: tuple[LevelExplained, ...] = ()
    margins: tuple[Margin, ...] = ()
    detail: str | None = None

    @property
    def destination(self) -> str | None:
        """The B-number's destination."""
        return self.located.destination
