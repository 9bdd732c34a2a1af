"""Who pays for a customer, day by day: through each of its dated places, and through those of whom it pays through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from domain.customers.customer import TREE_DEPTH_MAX
from domain.customers.place import Place
from domain.ids import CustomerId

Days = tuple[date | None, date | None]  # [since, until); None is an open side


@dataclass(frozen=True, slots=True)
class Stay:
    """``payer`` pays for ``customer`` in ``[since, until)``, days in the operator's zone; None is an open side."""

    customer: CustomerId
    payer: CustomerId
    since: date | None
    until: date | None


def stays(
    customer: CustomerId, places: Mapping[CustomerId, Sequence[Place]], within: Days = (None, None), depth: int = 0
) -> tuple[Stay, ...]:
    """Return who pays for a customer ``within`` some days, in the order of time and without a gap.

    ``places`` are those of the customer and of everybody it has ever paid through, each without a gap in order.
    """
    assert depth <= TREE_DEPTH_MAX, "the tree of customers has a cycle or is too deep"
    found: list[Stay] = []
    for place in places[customer]:
        # Who stood above whom may have changed, so that only what overlaps is no circle.
        days = _both((place.valid_from, place.valid_to), within)
        if days is None:
            continue
        if place.pays_through is None:
            found.append(Stay(customer, customer, *days))
            continue
        found += [
            Stay(customer, above.payer, above.since, above.until)
            for above in stays(place.pays_through, places, days, depth + 1)
        ]
    joined = found[:1]
    for one in found[1:]:
        if one.payer == joined[-1].payer:
            joined[-1] = replace(joined[-1], until=one.until)
        else:
            joined.append(one)
    return tuple(joined)


def split(found: Sequence[Stay]) -> tuple[Stay, ...]:
    """Return the stays of those for whom more than one has paid; the others need none."""
    many = {one.customer for one in found if one.since is not None}
    return tuple(one for one in found if one.customer in many)


def holds(days: Sequence[Days], day: date) -> bool:
    """Tell whether a day is one of them."""
    return any((since is None or since <= day) and (until is None or day < until) for since, until in days)


def _both(one: Days, other: Days) -> Days | None:
    since = max((day for day in (one[0], other[0]) if day is not None), default=None)
    until = min((day for day in (one[1], other[1]) if day is not None), default=None)
    return None if since is not None and until is not None and until <= since else (since, until)
