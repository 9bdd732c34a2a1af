"""What is left of what is sold: per call, or added up; of the operator, or of the reseller who asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor, allow
from domain.access.charges import shown
from domain.access.operations import operation
from domain.ids import ChunkId, CustomerId
from domain.margins.exchange import Exchange
from domain.margins.margin import (
    KEY_MAX,
    SPAN_MAX,
    CallMargin,
    MarginBy,
    MarginFilter,
    MarginOrder,
    MarginSums,
    Terms,
    factors,
)
from domain.margins.window import ROWS_MAX
from domain.period import utc
from domain.ports.page import PAGE_MAX
from domain.ports.unit import Begin, Unit
from domain.rating.rated_event import EventRef
from domain.refusal import BadValue

CHUNKS_MAX: Final = 500  # of the past that somebody who begins to watch is told


@dataclass(frozen=True, slots=True, kw_only=True)
class AskMargins:
    """Which events, and a page of what they come to. ``after``: margin (micro-units) and key of the row before."""

    since: datetime
    until: datetime
    customer: CustomerId | None = None
    destination: str | None = None
    trunk: str | None = None
    by: MarginBy = MarginBy.DESTINATION
    order: MarginOrder = MarginOrder.KEY
    first: int = 50
    after: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class MarginPage:
    """Rows in the operator's currency; ``more`` tells whether any follow."""

    currency: str
    items: Sequence[MarginSums]
    more: bool


@dataclass(frozen=True, slots=True)
class CallMarginPage:
    """Events with their margins in the operator's currency; ``more`` tells whether any follow."""

    currency: str
    items: Sequence[CallMargin]
    more: bool


@dataclass(frozen=True, slots=True)
class ChunkMargins:
    """What one chunk of rated events came to, when it was committed."""

    chunk: ChunkId
    committed_at: datetime
    currency: str
    rows: Sequence[MarginSums]


def may_see_margins(actor: Actor, operation: str) -> None:
    """Let the caller pass: the operator's clients need to see costs, a reseller's see what he pays himself.

    Refuses with: NotAllowed.
    """
    allow(actor, Action.READ_USAGE, operation)
    if actor.reseller is None:
        allow(actor, Action.READ_COSTS)  # whole, since what is shown is cost, whoever asks


@operation(Action.READ_USAGE)
async def sum_margins(cmd: AskMargins, *, actor: Actor, begin: Begin) -> MarginPage:
    """Add margins up. Refuses with: NotAllowed, BadValue (period, size), NotFound (customer)."""
    may_see_margins(actor, "sum_margins")
    if not 1 <= cmd.first <= PAGE_MAX:
        raise BadValue("between 1 and {page_max} items can be asked for at a time", page_max=PAGE_MAX, field="first")
    async with begin(actor) as unit:
        chosen = await _chosen(cmd, unit)
        terms = await terms_of(chosen, actor, unit)
        rows, more = await unit.margins.sums(chosen, cmd.by, terms, order=cmd.order, first=cmd.first, after=cmd.after)
    return MarginPage(terms.currency, rows, more)


@operation(Action.READ_USAGE)
async def list_call_margins(
    cmd: AskMargins, *, below: bool = False, after: EventRef | None = None, actor: Actor, begin: Begin
) -> CallMarginPage:
    """List events by their start, with what the seller earns and pays; ``below``: only those sold at a loss.

    Refuses with: NotAllowed, BadValue (period, size), NotFound (customer).
    """
    may_see_margins(actor, "list_call_margins")
    if not 1 <= cmd.first <= PAGE_MAX:
        raise BadValue("between 1 and {page_max} items can be asked for at a time", page_max=PAGE_MAX, field="first")
    async with begin(actor) as unit:
        chosen = await _chosen(cmd, unit)
        terms = await terms_of(chosen, actor, unit)
        rows, more = await unit.margins.calls(chosen, terms, below=below, first=cmd.first, after=after)
    return CallMarginPage(terms.currency, [replace(row, event=shown(row.event, actor)) for row in rows], more)


@operation(Action.READ_USAGE)
async def chunk_margins(key: ChunkId, by: MarginBy, *, actor: Actor, begin: Begin) -> ChunkMargins | None:
    """Return what a chunk came to for the caller; None where it has nothing of his. Refuses with: NotAllowed."""
    may_see_margins(actor, "chunk_margins")
    async with begin(actor) as unit:
        found = await unit.margins.chunk(key)
        if found is None:
            return None
        committed_at, first, last = found
        chosen = MarginFilter(since=first, until=last + timedelta(microseconds=1), chunk=key)
        terms = await terms_of(chosen, actor, unit)
        rows, _ = await unit.margins.sums(chosen, by, terms, order=MarginOrder.MARGIN, first=ROWS_MAX)
    return ChunkMargins(key, committed_at, terms.currency, rows) if rows else None


@operation(Action.READ_USAGE)
async def recent_chunks(since: datetime, *, actor: Actor, begin: Begin) -> Sequence[ChunkId]:
    """Return the chunks committed since an instant, the last of them by key. Refuses with: NotAllowed."""
    may_see_margins(actor, "recent_chunks")
    async with begin(actor) as unit:
        return await unit.margins.chunks_since(since, first=CHUNKS_MAX)


async def _chosen(cmd: AskMargins, unit: Unit) -> MarginFilter:
    since, until = utc(cmd.since, field="since"), utc(cmd.until, field="until")
    if not since < until <= since + SPAN_MAX:
        raise BadValue("a period ends after it begins, and within {days} days", days=SPAN_MAX.days, field="until")
    for name in ("destination", "trunk"):
        if len(getattr(cmd, name) or "") > KEY_MAX:
            raise BadValue("a name has at most {key_max} characters", key_max=KEY_MAX, field=name)
    if cmd.customer is not None:
        await unit.customers.get(cmd.customer)
    return MarginFilter(since=since, until=until, customer=cmd.customer, destination=cmd.destination, trunk=cmd.trunk)


async def terms_of(chosen: MarginFilter, actor: Actor, unit: Unit) -> Terms:
    """Return the seller, his operator's currency, and what the others are worth in it on each local day."""
    own = await unit.operators.own()
    foreign = [code for code in await unit.margins.currencies() if code != own.currency]
    if not foreign:
        return Terms(actor.reseller, own.currency, own.zone)
    zone = ZoneInfo(own.zone)
    first, last = (moment.astimezone(zone).date() for moment in (chosen.since, chosen.until))
    age = (await unit.exchange.rules()).rate_max_age_days
    rates = await unit.exchange.between(first - timedelta(days=age), last, [*foreign, own.currency])
    worth = factors(Exchange(rates, max_age_days=age), foreign, own.currency, first, last)
    return Terms(actor.reseller, own.currency, own.zone, worth)
