"""An explanation as data: what was asked, every list that was considered, and each piece of the charge."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from domain.catalogue.tariff import Rate
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


@dataclass(frozen=True, slots=True)
class Considered:
    """A list on the chain, and why it decided or not. ``rate`` is the rate of it that won, if any."""

    price_list: str
    decided: bool
    why: str
    rate: Rate | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An event explained. ``status``: rated, no_party or no_destination; ``how``: what gave the destination."""

    event: Asked
    status: str
    destination: str | None = None
    how: str = ""
    levels: tuple[LevelExplained, ...] = ()
