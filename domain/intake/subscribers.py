"""Who may be billed, by which lists, and whose each number is: as columns, for hundreds of thousands of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from domain.rating.allowances import OnPlan, Term

# Grows or changes with every change of the catalogue or of a subscriber; equal revisions see the same.
Revision = tuple[int, ...]

# ``owner`` is a position in the columns of ``Subscribers``; times are µs since the epoch, half-open.
NUMBERS: Final = pl.Schema({"number": pl.String, "owner": pl.Int32, "valid_from": pl.Int64, "valid_to": pl.Int64})
ALWAYS: Final = 2**63 - 1
# In which pricing an owner is, for the times in which it is another than his own column's: a group or plan holds.
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
    catalogue is the one of ``revision``. ``trunks`` and
    ``prefixes`` (``ROUTES``): the names of trunks, which stand among the numbers too, and prefixes of addresses. What
    is pending has no numbers yet. ``active``: the days on which each is active, as ``term``; None: not limited.
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
    active: tuple[Term, ...] = ()
    trunks: pl.DataFrame = field(default_factory=ROUTES.to_frame)
    prefixes: pl.DataFrame = field(default_factory=ROUTES.to_frame)

    def active_days(self, keys: Iterable[int]) -> dict[int, Term]:
        """Return the days on which subscriptions are active, by key, of those that are limited."""
        found: dict[int, Term] = {}
        for key in set(keys):
            place = int(np.searchsorted(self.subscription, key))
            if place < len(self.active) and self.subscription[place] == key:
                found[key] = self.active[place]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class PlanSpans:
    """Lines on plans: columns of the line's position, ``[since, until)`` in µs, and the plan's place in ``plans``.

    ``retail``: each plan's list, where it has one.
    """

    owner: NDArray[np.int64]
    since: NDArray[np.int64]
    until: NDArray[np.int64]
    plan: NDArray[np.int64]
    plans: tuple[str, ...] = ()
    retail: tuple[str | None, ...] = ()

    @classmethod
    def none(cls) -> PlanSpans:
        """Return nobody's."""
        nothing = np.empty(0, np.int64)
        return cls(nothing, nothing, nothing, nothing)


class _Variants:
    """The pricings, and those that groups and plans make of them."""

    def __init__(self, pricings: Sequence[Pricing]) -> None:
        self.places = {one: place for place, one in enumerate(pricings)}
        self._pricings = pricings
        self._made: dict[tuple[int, tuple[str, ...], str | None], int] = {}

    def of(self, base: int, groups: tuple[str, ...], retail: str | None) -> int:
        """Return the place of a pricing in groups, with another retail list where one is given."""
        key = (base, groups, retail)
        if key not in self._made:
            one = self._pricings[base]
            new = replace(one, groups=groups, retail=retail or one.retail)
            self._made[key] = self.places.setdefault(new, len(self.places))
        return self._made[key]


def varied(
    members: pl.DataFrame,
    customer: NDArray[np.int64],
    pricing: NDArray[np.int32],
    pricings: Sequence[Pricing],
    plans: PlanSpans | None = None,
) -> tuple[pl.DataFrame, tuple[Pricing, ...]]:
    """Return ``VARIANTS`` of memberships (``MEMBERS``) and plans, and the pricings with those they need appended.

    A line on a plan is in the group ``plan:`` with its name. Most lines are on one plan or none, and in no group: they
    are done as columns.
    """
    plans = plans or PlanSpans.none()
    variants = _Variants(pricings)
    held = _grouped(members, customer)
    alone = (np.bincount(plans.owner, minlength=len(customer)) == 1) if len(plans.owner) else np.zeros(0, np.bool_)
    if held and len(alone):
        alone[list(held)] = False
    simple = alone[plans.owner] if len(alone) else np.zeros(len(plans.owner), np.bool_)
    for place in np.flatnonzero(~simple).tolist():
        code, owner = int(plans.plan[place]), int(plans.owner[place])
        span = _Span(int(plans.since[place]), int(plans.until[place]), ON_PLAN + plans.plans[code], plans.retail[code])
        held[owner] = [*held.get(owner, ()), span]
    rows = [
        (owner, since, until, variants.of(int(pricing[owner]), groups, retail))
        for owner in sorted(held)
        for since, until, groups, retail in _pieces(held[owner])
    ]
    columns = _plainly(plans, simple, pricing, variants)
    made = pl.concat([pl.DataFrame(rows, schema=VARIANTS, orient="row"), columns])
    return made.sort("owner", "valid_from"), tuple(variants.places)


def _grouped(members: pl.DataFrame, customer: NDArray[np.int64]) -> dict[int, list[_Span]]:
    """Return the groups of each line whose customer is in any."""
    held: dict[int, list[_Span]] = {}
    order = np.argsort(customer, kind="stable")
    for (key,), rows in members.group_by("customer", maintain_order=True):
        first, last = np.searchsorted(customer[order], [key, key + 1])
        spans = [_Span(*row) for row in rows.select("valid_from", "valid_to", "name").rows()]
        for owner in order[first:last].tolist():
            held[owner] = spans
    return held


def _plainly(
    plans: PlanSpans, simple: NDArray[np.bool_], pricing: NDArray[np.int32], variants: _Variants
) -> pl.DataFrame:
    """Return the variants of lines that are on one plan and in no group."""
    if not simple.any():
        return VARIANTS.to_frame()
    owner, code = plans.owner[simple], plans.plan[simple]
    pairs, which = np.unique(pricing[owner].astype(np.int64) * len(plans.plans) + code, return_inverse=True)
    of = []
    for pair in pairs.tolist():
        base, plan = divmod(pair, len(plans.plans))
        of.append(variants.of(base, (ON_PLAN + plans.plans[plan],), plans.retail[plan]))
    return pl.DataFrame(
        {
            "owner": owner,
            "valid_from": plans.since[simple],
            "valid_to": plans.until[simple],
            "pricing": np.array(of, np.int64)[which.reshape(-1)],
        }
    ).cast(dict(VARIANTS))  # type: ignore[arg-type]  # a mapping of names to types


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
