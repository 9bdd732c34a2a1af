"""The tariff as frozen records. Prices are integers of 10⁻⁹ of the currency, percentages of 10⁻⁶ per cent, times UTC.

``id`` on a destination, price list, rate or band is its key in the database and 0 where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from domain.money import Rounding

ALL_DAYS = frozenset(range(1, 8))
DAY_SECONDS = 86_400
GROUP = "group:"
ANY = "*"
HOME = "home"
FOREVER = datetime(9998, 1, 1, tzinfo=UTC)
# Owners that stand for each of a kind: the parties themselves, or those of their shares that begin so.
EACH = {"each subscription": None, "each contract": "contract:", "each customer": "customer:"}
TOP_UP = "top-up"  # owner of what nobody has until it is granted to him
# A line on a plan is in the group of this name, so that discounts can be for those on it.
ON_PLAN = "plan:"
THRESHOLDS = (50, 80, 100)
UNITS = {"sms": "messages", "mms": "messages", "data": "kB"}


def unit_of(mode: str) -> str:
    """Return what a mode counts: messages, kB or, for every other mode, seconds."""
    return UNITS.get(mode, "seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A recurring part of the local week; ``start`` and ``end`` in seconds of the day, ``start > end`` wraps."""

    name: str
    days: frozenset[int] = ALL_DAYS
    start: int = 0
    end: int = DAY_SECONDS
    except_holidays: str | None = None
    on_holidays: str | None = None
    rank: int = 1
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A named set of E.164 prefixes (digits), in groups, the nearest first."""

    name: str
    prefixes: tuple[str, ...]
    groups: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ported:
    """From ``valid_from`` on the number is held at destination ``to``, until the number's next entry."""

    number: str
    to: str
    valid_from: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A roaming zone: the visited countries it holds; of two zones the lower rank wins, then the name."""

    name: str
    countries: tuple[str, ...]
    rank: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From unit ``start`` of the event on: increments of ``next`` units at ``price`` nano-units per ``per`` units."""

    start: int = 0
    next: int = 1
    price: int
    per: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A change of each step's price: ``percent`` (10⁻⁶ per cent) or ``amount`` (nano-units), exactly one."""

    percent: int | None = None
    amount: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One price of a list, or an adjustment of what lists further up the chain say.

    ``to`` and ``origin`` (the document's ``from``): a destination, ``group:NAME`` or, for ``to``, ``*``.
    ``zone``: None the home network, a zone's name, or ``*`` anywhere. Setup and limits are nano-units.
    ``recorded_at``: when this version became known.
    """

    to: str
    mode: str
    origin: str | None = None
    direction: str = "out"
    band: str | None = None
    zone: str | None = None
    setup: int = 0
    grace: int = 0
    min_charge: int | None = None
    max_charge: int | None = None
    first: int = 1
    steps: tuple[Step, ...] = ()
    adjust: Adjustment | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    recorded_at: datetime | None = None
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundingRule:
    """How an event's amount is rounded: to ``decimals`` (0–6) by ``mode``."""

    decimals: int = 6
    mode: Rounding = Rounding.HALF_UP


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """Rates under a name. What is None is inherited from the parent."""

    name: str
    rates: tuple[Rate, ...]
    currency: str | None = None
    zone: str | None = None
    parent: str | None = None
    band_policy: str | None = None
    rounding: RoundingRule | None = None
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a ring does; exactly one is given. Amounts in nano-units, percent in 10⁻⁶ per cent.

    A ``price`` ring walks the event anew with ``setup``, ``first`` and ``price`` (its steps).
    """

    percent: int | None = None
    per_event: int | None = None
    per_minute: int | None = None
    price: tuple[Step, ...] | None = None
    setup: int = 0
    first: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A discount under conditions. A condition that is None holds always; inside one condition any name suffices.

    ``volume_from``: nano-units of money for ``amount``, 10⁻⁹ units or events otherwise, so that it is exact.
    ``volume_shared``: ``contract`` or ``customer`` where the lines of one count together; None: each for itself.
    """

    id: str
    priority: int
    effect: Effect
    exclusive: str | None = None
    levels: tuple[str, ...] = ("retail",)
    parties: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    band: str | None = None
    modes: tuple[str, ...] | None = None
    to: tuple[str, ...] | None = None
    zones: tuple[str, ...] | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    volume_from: int = 0
    volume_unit: str = "amount"
    volume_period: tuple[datetime, datetime] | None = None
    volume_shared: str | None = None

    def counted_by(self, party: Party) -> str:
        """Return under whose name a party's volume counts: its own, or that of the first share of the kind."""
        if self.volume_shared is None:
            return party.name
        prefix = f"{self.volume_shared}:"
        return next((name for name in party.shares if name.startswith(prefix)), party.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A period that is granted anew each calendar month of ``zone``; a part of a month by its days (``prorate``)."""

    zone: str
    prorate: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollover:
    """What is unused serves ``periods`` more; at most ``cap`` (as the bucket's amount) passes into a period."""

    periods: int = 1
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp:
    """What is granted on request serves ``days`` and costs ``price`` (micro-units), billed as the service of this code.

    ``days`` None: as long as the bucket's period. ``price`` 0: nothing is billed.
    """

    days: int | None = None
    price: int = 0
    service: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """An allowance. ``amount``: units, or micro-units (10⁻⁶) of ``currency`` where ``unit`` is ``money``.

    With ``repeat`` the period is the whole time in which months are granted, its end ``FOREVER`` where it has none.
    ``owner`` is a name, or one of ``EACH``: then each of that kind has its own, ``of`` being the retail lists of which
    a party must have one, ``plans`` the plans of which it must be on one. ``cap``: what one party may take of it.
    ``thresholds``: at how many per cent of it somebody is told, ascending. ``top_up``: the owner is then ``TOP_UP``.
    """

    id: str
    owner: str
    unit: str
    amount: int
    period: tuple[datetime, datetime]
    currency: str | None = None
    priority: int = 0
    split: str = "unit"
    when_empty: str | None = None
    levels: tuple[str, ...] = ("retail",)
    modes: tuple[str, ...] | None = None
    to: tuple[str, ...] | None = None
    zones: tuple[str, ...] | None = None
    directions: tuple[str, ...] | None = None
    of: tuple[str, ...] | None = None
    repeat: Repeat | None = None
    rollover: Rollover | None = None
    plans: tuple[str, ...] | None = None
    cap: int | None = None
    thresholds: tuple[int, ...] = THRESHOLDS
    top_up: TopUp | None = None

    def is_open_to(self, party: Party) -> bool:
        """Tell whether a party that has a share in it may draw: by its retail list and its plan."""
        if self.of is not None and party.retail not in self.of:
            return False
        return self.plans is None or any(ON_PLAN + name in party.groups for name in self.plans)

    @property
    def is_plan(self) -> bool:
        """Whether it stands for many: it repeats, or each of a kind has its own."""
        return self.repeat is not None or self.owner in EACH


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A price plan, ``single`` for one subscription or ``multi`` for the lines of a contract, who share.

    ``price_list``: the retail list of the lines on it; None: the one they have anyhow. Buckets and rings name the plan.
    """

    name: str
    kind: str = "single"
    price_list: str | None = None

    @property
    def shares(self) -> bool:
        """Whether it is for several lines that share."""
        return self.kind == "multi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A way in or out of the network, with the supplier's list."""

    name: str
    cost: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Whoever is rated: its lists by name, its numbers, groups, and the other owners whose buckets it may draw on.

    ``aliases``: other names by which a ring may know it; a document has none.
    """

    name: str
    retail: str | None = None
    wholesale: tuple[str, ...] = ()
    cost: str | None = None
    deviations: str | None = None
    numbers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """A whole tariff; the mappings are by name."""

    bands: Mapping[str, Band] = field(default_factory=dict)
    holidays: Mapping[str, tuple[date, ...]] = field(default_factory=dict)
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    ported: tuple[Ported, ...] = ()
    zones: Mapping[str, Zone] = field(default_factory=dict)
    price_lists: Mapping[str, PriceList] = field(default_factory=dict)
    rings: tuple[Ring, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    plans: Mapping[str, Plan] = field(default_factory=dict)
    trunks: Mapping[str, Trunk] = field(default_factory=dict)
    parties: Mapping[str, Party] = field(default_factory=dict)

    @property
    def draws(self) -> bool:
        """Whether what an event costs may depend on those before it."""
        return bool(self.buckets) or any(ring.volume_from > 0 for ring in self.rings)

    def inherited(self, name: str) -> PriceList:
        """Return the list with currency, zone, band policy and rounding taken from its ancestors where left out."""
        here: PriceList | None = self.price_lists[name]
        found: dict[str, object] = {}
        while here is not None:
            for key in ("currency", "zone", "band_policy", "rounding"):
                value = getattr(here, key)
                if value is not None:
                    found.setdefault(key, value)
            here = self.price_lists[here.parent] if here.parent else None
        own = self.price_lists[name]
        currency, zone, policy, rounding = (found.get(k) for k in ("currency", "zone", "band_policy", "rounding"))
        return PriceList(
            name=name,
            rates=own.rates,
            currency=str(currency) if currency else None,
            zone=str(zone) if zone else "UTC",
            parent=own.parent,
            band_policy=str(policy) if policy else "at_start",
            rounding=rounding if isinstance(rounding, RoundingRule) else RoundingRule(),
            id=own.id,
        )

    def chain(self, name: str, deviations: str | None = None) -> tuple[str, ...]:
        """Return the names of the lists that are asked in turn, the nearest first."""
        names = [deviations] if deviations else []
        here: str | None = name
        while here is not None:
            names.append(here)
            here = self.price_lists[here].parent
        return tuple(names)
