"""Read what became of buckets in a billing period, of a page of payers at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from domain.buckets.balance import Granting, Line
from domain.buckets.statement import Between, BucketEntry, statement
from domain.ids import ContractId, CustomerId, SubscriptionId
from domain.intake.raters import Raters
from domain.ports.invoices import PayerPage
from domain.ports.unit import Unit


async def with_buckets(
    unit: Unit, page: PayerPage, span: tuple[datetime, datetime], *, zone: str, raters: Raters
) -> PayerPage:
    """Return a page of a bill run with its buckets' statements, and the lines that they name.

    An operator without buckets pays one look at the catalogue's revision for it.
    """
    buckets, plans = await raters.buckets(unit)
    customers = sorted({member.id for members in page.members.values() for member in members})
    if not buckets or not customers:
        return page
    lines = await unit.draws.lines_of(customers)
    assigned = await unit.plans.of_contracts(sorted({ContractId(line.contract) for line in lines})) if plans else {}
    first, last = await unit.draws.between(customers, *span)
    gifts = frozenset(await unit.grants.received(customers)) if last.grants.height else frozenset()
    granting = Granting(
        buckets=buckets, plans=plans, assigned=[one for each in assigned.values() for one in each], zone=zone
    )
    found = _by_customer(statement(lines, granting, Between(*span, first, last, gifts)), lines)
    named = {
        SubscriptionId(int(entry.owner.partition(":")[2]))
        for each in found.values()
        for entry in each
        if entry.owner.startswith("subscription:")
    }
    more = await unit.subscriptions.many(sorted(named - page.subscriptions.keys()))
    return replace(page, buckets=found, subscriptions={**page.subscriptions, **more})


def _by_customer(entries: Sequence[BucketEntry], lines: Sequence[Line]) -> dict[CustomerId, list[BucketEntry]]:
    """Return the entries of each customer."""
    whose: dict[str, int] = {}
    for line in lines:
        for kind in ("subscription", "contract", "customer"):
            whose[f"{kind}:{getattr(line, kind)}"] = line.customer
    found: defaultdict[CustomerId, list[BucketEntry]] = defaultdict(list)
    for entry in entries:
        found[CustomerId(whose[entry.owner])].append(entry)
    return dict(found)
