"""Rate a past period by another catalogue, and show what the operator would have earned.

Only what came of it is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.buckets.supposed import Supposed
from domain.catalogue.document import BadTariff, read_tariff
from domain.catalogue.drafting import edited
from domain.catalogue.supposing import supposed
from domain.catalogue.tariff import Tariff
from domain.customers.customer import TREE_DEPTH_MAX, Customer
from domain.ids import CustomerId
from domain.intake.rater import Rater
from domain.intake.raters import Raters
from domain.money import currency as checked_currency
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound
from domain.rerating.comparing import Rates, rate_keys
from domain.rerating.rerating import Position
from domain.rerating.simulation import (
    NOTHING,
    Compared,
    Money,
    Side,
    Simulated,
    Simulation,
    compared,
    simulate,
    summed,
)
from domain.usecases.load_exchange import load_exchange

EVENTS_PER_CHUNK: Final = 200_000
SPAN_MAX: Final = timedelta(days=3660)
FIRST_MAX: Final = 1000

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateTariff:
    """Rate events with ``since <= start < until`` by a draft of the catalogue, or by a whole tariff document.

    ``draft`` names an open draft: the catalogue as it stands with its changes from the beginning of the period on.
    ``exchange``: what one unit of another currency costs in the operator's, for the whole period; what it leaves out
    takes the stored rate of each event's local day. ``first``: how many destinations, groups and customers are told,
    those whose margin changes most; lists are told all.
    """

    since: datetime
    until: datetime
    document: object = None
    draft: str | None = None
    exchange: Mapping[str, Decimal] = field(default_factory=dict)
    first: int = 20


@operation(Action.READ_COSTS, Action.WRITE_PRICES)
async def simulate_tariff(
    cmd: SimulateTariff,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    raters: Raters,
    progress: Progress = lambda _: None,
    events_per_chunk: int = EVENTS_PER_CHUNK,
) -> Simulation:
    """Simulate, and keep the result. ``progress`` hears of the events done so far.

    Refuses with: NotAllowed (it shows costs), BadValue (period, neither or both of draft and document, an exchange
    rate is missing), BadTariff (every fault with its place), NotFound (no such draft is open; a customer's list is not
    in the document).
    """
    since, until = _checked(cmd)
    present = await raters.present(actor, begin)
    tariff = await _tariff(cmd, since, until, present, actor, begin)
    rater = await asyncio.to_thread(Rater.of, present.subscribers, tariff, before=present.book)
    async with begin(actor) as unit:
        money = await _money(unit, cmd, (rater, present), since, until)
    done = await _all(_Around(since, until, rater, money, actor, begin, events_per_chunk), progress)
    async with begin(actor) as unit:
        names = await _customers(unit, done.sums["customer"])

    def told(sums: pl.DataFrame, first: int | None = None) -> list[Compared]:
        return compared(sums, money, first)

    everything = told(summed(done.sums["destination"].with_columns(pl.lit("total").alias("name"))))
    (total,) = everything or _nothing()
    made = Simulation(
        client=actor.client,
        created_at=clock.now(),
        since=since,
        until=until,
        draft=cmd.draft,
        currency=money.currency,
        events=done.events,
        unpriced=done.unpriced,
        total=total,
        lists=told(done.sums["list"]),
        destinations=told(done.sums["destination"], cmd.first),
        groups=told(_renamed(done.sums["customer"], {key: top for key, (_, top) in names.items()}), cmd.first),
        customers=told(_renamed(done.sums["customer"], {key: own for key, (own, _) in names.items()}), cmd.first),
    )
    async with begin(actor) as unit:
        kept = await unit.simulations.add(made)
        period = {"since": since.isoformat(), "until": until.isoformat()}
        await unit.audit.write("simulate", f"simulation:{kept.id}", {**period, "draft": cmd.draft})
    return kept


def _checked(cmd: SimulateTariff) -> tuple[datetime, datetime]:
    """Return the period as UTC. Refuses with: BadValue."""
    since, until = utc(cmd.since, field="since"), utc(cmd.until, field="until")
    if not since < until <= since + SPAN_MAX:
        raise BadValue("a period ends after it begins, and within ten years", field="until")
    if (cmd.document is None) == (cmd.draft is None):
        raise BadValue("give either a draft's name or a tariff document", field="draft")
    if not 1 <= cmd.first <= FIRST_MAX:
        raise BadValue("between 1 and {first_max} can be told", first_max=FIRST_MAX, field="first")
    for code, price in cmd.exchange.items():
        checked_currency(code)
        if not price.is_finite() or price <= 0:
            raise BadValue("an exchange rate is a number above 0", field="exchange")
    return since, until


async def _tariff(  # noqa: PLR0917  (who asks, and for what)
    cmd: SimulateTariff, since: datetime, until: datetime, present: Rater, actor: Actor, begin: Begin
) -> Tariff:
    """Return the catalogue to rate by. Refuses with: BadTariff, NotFound."""
    if cmd.draft is None:
        return await asyncio.to_thread(read_tariff, cmd.document)
    async with begin(actor) as unit:
        draft = await unit.drafts.open(cmd.draft)
        if draft is None:
            raise NotFound("no open draft {draft!r}", draft=cmd.draft, field="draft")
        before = await unit.catalogue.renewed(present.book.tariff, present.subscribers.believed_at)
    made = await asyncio.to_thread(edited, before, supposed(draft.changes, until), at=since, now=since)
    if made.faults:
        raise BadTariff(tuple(made.faults))
    return made.after


async def _money(
    unit: Unit, cmd: SimulateTariff, books: tuple[Rater, Rater], since: datetime, until: datetime
) -> Money:
    """Return the operator's currency and what those of both catalogues are worth in it."""
    own = await unit.operators.own()
    zone = ZoneInfo(own.zone)
    first, last = (moment.astimezone(zone).date() for moment in (since, until))
    currencies = {own.currency, *(code for one in books for code in one.book.currencies)}
    exchange = await load_exchange(unit, first, last, currencies)
    return Money(own.currency, own.zone, exchange, cmd.exchange)


@dataclass(frozen=True, slots=True)
class _Around:
    """What every chunk of one call has in common."""

    since: datetime
    until: datetime
    rater: Rater
    money: Money
    actor: Actor
    begin: Begin
    first: int


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Traffic, the names of what it was rated by, and the place behind it; None: it is the last."""

    traffic: pl.DataFrame
    rates: Rates
    destinations: Mapping[int, str]
    after: Position | None


async def _read(around: _Around, after: Position | None) -> _Chunk:
    async with around.begin(around.actor, bulk=True) as unit:
        traffic, place = await unit.reratings.traffic(around.since, around.until, after, first=around.first)
        rates = await unit.reratings.rates(rate_keys(traffic))
        names = await unit.reratings.destinations(traffic["destination"].unique().to_list())
    return _Chunk(traffic, rates, names, place)


async def _all(around: _Around, progress: Progress) -> Simulated:
    """Rate the period chunk by chunk: while one is rated, the database reads the next."""
    done, draws = NOTHING, Supposed()
    reading: asyncio.Task[_Chunk] | None = asyncio.create_task(_read(around, None))
    try:
        while reading is not None:
            chunk = await reading
            reading = None if chunk.after is None else asyncio.create_task(_read(around, chunk.after))
            if chunk.traffic.height:
                named = chunk.rates, chunk.destinations
                done += await asyncio.to_thread(
                    simulate, chunk.traffic, around.rater, *named, around.money, draws=draws
                )
                progress(done.events)
    finally:
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
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
