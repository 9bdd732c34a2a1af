"""List rated events, or add them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.charges import shown
from domain.access.operations import operation
from domain.ids import ContractId, CustomerId, SubscriptionId
from domain.period import utc
from domain.ports.page import PAGE_MAX
from domain.ports.unit import Begin, Unit
from domain.ports.usage import UsageFilter, UsageTotals
from domain.rating.rated_event import EventRef, RatedEvent
from domain.refusal import BadValue, NotFound

SPAN_MAX: Final = timedelta(days=3660)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsage:
    """Events with ``since <= start < until`` of a customer, contract or subscription; None: of any.

    ``first`` of them, after the event ``after``.
    """

    since: datetime
    until: datetime
    customer: CustomerId | None = None
    contract: ContractId | None = None
    subscription: SubscriptionId | None = None
    first: int = 50
    after: EventRef | None = None


@dataclass(frozen=True, slots=True)
class UsagePage:
    """A slice of events in the order of (start, source, key); ``more`` tells whether any follow."""

    items: Sequence[RatedEvent]
    more: bool


@operation(Action.READ_USAGE)
async def list_usage(cmd: ListUsage, *, actor: Actor, begin: Begin) -> UsagePage:
    """List events with the charges the caller may see.

    Refuses with: NotAllowed, BadValue (times, size), NotFound (customer, contract, subscription).
    """
    if not 1 <= cmd.first <= PAGE_MAX:
        raise BadValue("between 1 and {page_max} items can be asked for at a time", page_max=PAGE_MAX, field="first")
    async with begin(actor) as unit:
        chosen = await _chosen(cmd, unit)
        items, more = await unit.usage.page(chosen, first=cmd.first, after=cmd.after)
    return UsagePage([shown(event, actor) for event in items], more)


@operation(Action.READ_USAGE)
async def sum_usage(cmd: ListUsage, *, actor: Actor, begin: Begin) -> Sequence[UsageTotals]:
    """Add up the same events per destination, mode and currency; ``first`` and ``after`` do not matter.

    Refuses with: NotAllowed, BadValue (times), NotFound (customer, contract, subscription).
    """
    async with begin(actor) as unit:
        return await unit.usage.totals(await _chosen(cmd, unit))


async def _chosen(cmd: ListUsage, unit: Unit) -> UsageFilter:
    """Return the filter, with the customer that a contract or subscription belongs to: events are indexed by him."""
    since, until = utc(cmd.since, field="since"), utc(cmd.until, field="until")
    if not since < until <= since + SPAN_MAX:
        raise BadValue("a period ends after it begins, and within ten years", field="until")
    owners: list[CustomerId] = []
    if cmd.customer is not None:
        owners.append((await unit.customers.get(cmd.customer)).id)
    if cmd.contract is not None:
        owners.append((await unit.contracts.get(cmd.contract)).customer)
    if cmd.subscription is not None:
        found = await unit.subscriptions.many([cmd.subscription])
        if cmd.subscription not in found:
            raise NotFound("no subscription {subscription}", subscription=cmd.subscription, field="subscription")
        owners.append(found[cmd.subscription].customer)
    if len(set(owners)) > 1:
        raise NotFound("the customer, contract and subscription are not of one customer", field="customer")
    return UsageFilter(
        since=since,
        until=until,
        customer=owners[0] if owners else None,
        contract=cmd.contract,
        subscription=cmd.subscription,
    )
