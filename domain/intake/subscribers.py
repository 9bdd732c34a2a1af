"""Who may be billed, by which lists, and whose each number is: as columns, for hundreds of thousands of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.catalogue.tariff import ON_PLAN
from domain.ids import ResellerId
from domain.intake.routes import ROUTES
from domain.rating.allowances import OnPlan

# Grows or changes with every change of the catalogue or of a subscriber; equal revisions see the same.
Revision = tuple[int, ...]

# ``owner`` is a position in the columns of ``Subscribers``; times are µs since the epoch, half-open.
NUMBERS: Final = pl.Schema({"number": pl.String, "owner": pl.Int32, "valid_from": pl.Int64, "valid_to": pl.Int64})
ALWAYS: Final = 2**63 - 1
# In which pricing an owner is, for the times in which it is another than his own column's: a group or a plan holds then.
VARIANTS: Final = pl.Schema({"owner": pl.Int32, "valid_from": pl.Int64, "valid_to": pl.Int64, "pricing": pl.Int32})
# A customer's membership of a group.
MEMBERS: Final = pl.Schema({"customer": pl.Int64, "name": pl.String, "valid_from": pl.Int64, "valid_to": pl.Int64})


@dataclass(frozen=True, slots=True)
class Pricing:
    """The lists of a subscription, by name. ``wholesale`` has one entry per reseller of ``tiers``, the outermost first.

    None: no list. Without a retail list an event cannot be rated; without another it lacks that level.
    ``groups``: those that the customer was in, sorted.
    """

    retail: str | None
    tiers: tuple[ResellerId, ...] = ()
    wholesale: tuple[str | None, ...] = ()
    cost: str | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Subscribers:
    """Every subscription of an operator as columns of equal length, and the numbers assigned to them over time.

    ``reseller`` is 0 for the operator's own customers. ``pricing`` is a position in ``pricings``, whose database keys
    are ``pricing_keys``; ``variants`` says when it is another. ``on_plan``: when an owner's lines were on which plan.
    ``term``: the contract's first day and the day after its last, or None. ``believed_at`` is an instant at which the
    catalogue is the one of ``revision``. ``trunks`` and ``prefixes`` (``ROUTES``): the names of trunks, which stand among the numbers too, and prefixes of addresses. What is
    pending has no numbers yet.
    """

    revision: Revision
    believed_at: datetime
    subscription: NDArray[np.int64]
    customer: NDArray[np.int64]
    contract: NDArray[np.int64]
    reseller: NDArray[np.int64]
    pricing: NDArray[np.int32]
    pricings: tuple[Pricing, ...]
    pricing_keys: NDArray[np.int32]
    numbers: pl.DataFrame
    variants: pl.DataFrame
    term: tuple[tuple[date, date | None], ...]
    on_plan: OnPlan = field(default_factory=dict)
    trunks: pl.DataFrame = field(default_factory=ROUTES.to_frame)
    prefixes: pl.DataFrame = field(default_factory=ROUTES.to_frame)


@dataclass(frozen=True, slots=True)
class PlanSpan:
    """The line at a position is on a plan in ``[since, until)`` (µs). ``retail``: the plan's list, where it has one."""

    owner: int
    since: int
    until: int
    plan: str
    retail: str | None


def varied(
    members: pl.DataFrame,
    customer: NDArray[np.int64],
    pricing: NDArray[np.int32],
    pricings: Sequence[Pricing],
    plans: Sequence[PlanSpan] = (),
) -> tuple[pl.DataFrame, tuple[Pricing, ...]]:
    """Return ``VARIANTS`` of memberships (``MEMBERS``) and plans, and the pricings with those they need appended.

    A line on a plan is in the group ``plan:`` with its name.
    """
    places = {one: place for place, one in enumerate(pricings)}
    order = np.argsort(customer, kind="stable")
    held: dict[int, list[_Span]] = {}
    for (key,), rows in members.group_by("customer", maintain_order=True):
        first, last = np.searchsorted(customer[order], [key, key + 1])
        spans = [_Span(*row) for row in rows.select("valid_from", "valid_to", "name").rows()]
        for owner in order[first:last].tolist():
            held[owner] = spans
    for one in plans:
        held[one.owner] = [*held.get(one.owner, ()), _Span(one.since, one.until, ON_PLAN + one.plan, one.retail)]
    rows_of: list[tuple[int, int, int, int]] = []
    made: dict[tuple[int, tuple[str, ...], str | None], int] = {}
    for owner in sorted(held):
        base = int(pricing[owner])
        for since, until, groups, retail in _pieces(held[owner]):
            key_of = (base, groups, retail)
            if key_of not in made:
                new = replace(pricings[base], groups=groups, retail=retail or pricings[base].retail)
                made[key_of] = places.setdefault(new, len(places))
            rows_of.append((owner, since, until, made[key_of]))
    return pl.DataFrame(rows_of, schema=VARIANTS, orient="row"), tuple(places)


@dataclass(frozen=True, slots=True)
class _Span:
    since: int
    until: int
    group: str
    retail: str | None = None


def _pieces(spans: Sequence[_Span]) -> list[tuple[int, int, tuple[str, ...], str | None]]:
    """Return the times in which one line is in groups, cut where any begins or ends."""
    if len(spans) == 1:
        (one,) = spans
        return [(one.since, one.until, (one.group,), one.retail)]
    cuts = sorted({moment for one in spans for moment in (one.since, one.until)})
    found = []
    for since, until in pairwise(cuts):
        there = [one for one in spans if one.since <= since and until <= one.until]
        if there:
            groups = tuple(sorted({one.group for one in there}))
            found.append((since, until, groups, next((one.retail for one in there if one.retail), None)))
    return found
