"""Rate a past period by another catalogue, and show what the operator would have earned. Nothing of it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import polars as pl

from domain.access.actor import Action, Actor, allow
from domain.catalogue.document import read_tariff
from domain.customers.customer import TREE_DEPTH_MAX, Customer
from domain.ids import CustomerId
from domain.intake.rater import Rater
from domain.intake.raters import Raters
from domain.period import utc
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue
from domain.rerating.comparing import rate_keys
from domain.rerating.rerating import Selection
from domain.rerating.simulation import NOTHING, Compared, Side, Simulated, compared, simulate, summed

EVENTS_PER_CHUNK: Final = 200_000
SPAN_MAX: Final = timedelta(days=3660)
FIRST_MAX: Final = 1000

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateTariff:
    """Rate events with ``since <= start < until`` by ``document``, a tariff document of the whole catalogue.

    ``exchange``: what one unit of another currency costs in the operator's. ``first``: how many destinations, groups
    and customers are told, those whose margin changes most; lists are told all.
    """

    since: datetime
    until: datetime
    document: object
    exchange: Mapping[str, Decimal] = field(default_factory=dict)
    first: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What came of it, in ``currency``. ``unpriced``: events that would have had no retail price.

    ``groups``: customers with everybody below them, under the name of the topmost.
    """

    currency: str
    events: int
    unpriced: int
    total: Compared
    lists: Sequence[Compared]
    destinations: Sequence[Compared]
    groups: Sequence[Compared]
    customers: Sequence[Compared]


async def simulate_tariff(
    cmd: SimulateTariff,
    *,
    actor: Actor,
    begin: Begin,
    raters: Raters,
    progress: Progress = lambda _: None,
    events_per_chunk: int = EVENTS_PER_CHUNK,
) -> Simulation:
    """Simulate. ``progress`` hears of the events done so far.

    Refuses with: NotAllowed (it shows costs), BadValue (period, an exchange rate is missing), BadTariff (every fault
    with its place), NotFound (a customer's list is not in the document), WrongState (buckets, volume discounts).
    """
    allow(actor, Action.READ_COSTS)
    allow(actor, Action.WRITE_PRICES)
    since, until = utc(cmd.since, field="since"), utc(cmd.until, field="until")
    if not since < until <= since + SPAN_MAX:
        raise BadValue("a period ends after it begins, and within ten years", field="until")
    if not 1 <= cmd.first <= FIRST_MAX:
        raise BadValue(f"between 1 and {FIRST_MAX} can be told", field="first")
    if any(not price.is_finite() or price <= 0 for price in cmd.exchange.values()):
        raise BadValue("an exchange rate is a number above 0", field="exchange")
    tariff = await asyncio.to_thread(read_tariff, cmd.document)
    present = await raters.present(actor, begin)
    rater = await asyncio.to_thread(Rater.of, present.subscribers, tariff)
    async with begin(actor) as unit:
        await unit.audit.write("simulate", "catalogue", {"since": since.isoformat(), "until": until.isoformat()})
        currency = (await unit.operators.own()).currency
    done = await _all(Selection(since=since, until=until), rater, actor, begin, progress, events_per_chunk)
    async with begin(actor) as unit:
        names = await _customers(unit, done.sums["customer"])

    def told(sums: pl.DataFrame) -> list[Compared]:
        return compared(sums, currency, cmd.exchange)

    everything = told(summed(done.sums["destination"].with_columns(pl.lit("total").alias("name"))))
    (total,) = everything or _nothing()
    return Simulation(
        currency=currency,
        events=done.events,
        unpriced=done.unpriced,
        total=total,
        lists=told(done.sums["list"]),
        destinations=told(done.sums["destination"])[: cmd.first],
        groups=told(_renamed(done.sums["customer"], {key: top for key, (_, top) in names.items()}))[: cmd.first],
        customers=told(_renamed(done.sums["customer"], {key: own for key, (own, _) in names.items()}))[: cmd.first],
    )


async def _all(  # noqa: PLR0917  (what stands around one loop)
    selection: Selection, rater: Rater, actor: Actor, begin: Begin, progress: Progress, first: int
) -> Simulated:
    """Rate the period chunk by chunk; the events of a chunk are let go before the next is read."""
    done, position, more = NOTHING, None, True
    while more:
        async with begin(actor, bulk=True) as unit:
            stored = await unit.reratings.stored(selection, position, first=first)
            rates = await unit.reratings.rates(rate_keys(stored))
            names = await unit.reratings.destinations(stored["destination"].unique().to_list())
        if stored.height:
            done += await asyncio.to_thread(simulate, stored, rater, rates, names)
            position = stored.select("start", "source", "key").row(-1)
            progress(done.events)
        more = stored.height == first
    return done


async def _customers(unit: Unit, sums: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """Return how each customer is told, and the topmost above him, as ``number name``."""
    known: dict[CustomerId, Customer] = {}
    asked = {CustomerId(int(key)) for key in sums["name"].unique().to_list()}
    wanted = set(asked)
    for _ in range(TREE_DEPTH_MAX + 1):
        found = await unit.customers.many(sorted(wanted - known.keys()))
        known |= found
        wanted = {one.parent for one in found.values() if one.parent is not None} - known.keys()
        if not wanted:
            break
    told: dict[str, tuple[str, str]] = {}
    for key in asked:
        top = known[key]
        while top.parent is not None:
            top = known[top.parent]
        told[str(key)] = (_said(known[key]), _said(top))
    return told


def _said(customer: Customer) -> str:
    return f"{customer.number} {customer.name}"


def _renamed(sums: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    return summed(sums.with_columns(sums["name"].replace_strict(dict(names), return_dtype=pl.String).alias("name")))


def _nothing() -> list[Compared]:
    """Return the comparison of no events at all."""
    side = Side(events=0, revenue=Decimal(0), margin=Decimal(0))
    return [Compared(name="total", before=side, after=side)]
