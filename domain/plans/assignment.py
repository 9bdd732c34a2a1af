"""A contract or a subscription on a plan for a time, and what that makes of its lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.catalogue.tariff import ON_PLAN, Plan
from domain.ids import ContractId, CustomerId, OperatorId, PlanAssignmentId, SubscriptionId
from domain.intake.subscribers import ALWAYS, PlanSpan
from domain.rating.allowances import OnPlan, Term, within
from domain.rating.clock import micros


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAssignment:
    """On ``plan`` in ``[valid_from, valid_to)``. ``subscription`` None: every line of the contract, who share."""

    id: PlanAssignmentId
    operator: OperatorId
    customer: CustomerId
    contract: ContractId
    subscription: SubscriptionId | None = None
    plan: str
    valid_from: date
    valid_to: date | None = None

    @property
    def term(self) -> Term:
        """The days as a term."""
        return self.valid_from, self.valid_to


@dataclass(frozen=True, slots=True)
class Lines:
    """The plans of all lines: spans of time by position, and when an owner's lines were on which plan."""

    spans: Sequence[PlanSpan]
    on_plan: OnPlan


def lines_on_plans(
    assigned: Sequence[PlanAssignment],
    lines: Iterable[tuple[int, int, int]],
    plans: Mapping[str, Plan],
    zone: str,
) -> Lines:
    """Return who is on which plan. ``lines``: (subscription, contract, customer), in the order of their positions.

    A line that is on a plan of its own is not on its contract's meanwhile. A plan that the catalogue has no longer
    grants nothing, and its lines have the lists they have anyhow.
    """
    spans: list[PlanSpan] = []
    if not assigned:
        return Lines(spans, {})
    own: defaultdict[int, list[PlanAssignment]] = defaultdict(list)
    shared: defaultdict[int, list[PlanAssignment]] = defaultdict(list)
    found: defaultdict[str, defaultdict[str, list[Term]]] = defaultdict(lambda: defaultdict(list))
    for one in assigned:
        if one.plan not in plans:
            continue
        if one.subscription is None:
            shared[one.contract].append(one)
            found[f"contract:{one.contract}"][one.plan].append(one.term)
            found[f"customer:{one.customer}"][one.plan].append(one.term)
        else:
            own[one.subscription].append(one)
    for place, (subscription, contract, customer) in enumerate(lines):
        mine = own.get(subscription, ())
        held = [(one.plan, one.term) for one in mine]
        held += [(one.plan, term) for one in shared.get(contract, ()) for term in _without(one.term, mine)]
        for plan, term in held:
            for name in (f"subscription:{subscription}", f"contract:{contract}", f"customer:{customer}"):
                if term not in found[name][plan]:
                    found[name][plan].append(term)
            since, until = _instant(term[0], zone), _instant(term[1], zone)
            spans.append(PlanSpan(place, since or 0, ALWAYS if until is None else until, plan, plans[plan].price_list))
    return Lines(spans, found)


def _without(term: Term, mine: Sequence[PlanAssignment]) -> list[Term]:
    """Return the parts of a term that none of a line's own assignments covers."""
    if not mine:
        return [term]
    gaps: list[Term] = []
    begin: date | None = date.min
    for one in sorted(mine, key=lambda one: one.valid_from):
        gaps.append((begin, one.valid_from))
        begin = one.valid_to
        if begin is None:
            break
    else:
        gaps.append((begin, None))
    return [part for gap in gaps for part in within(term, [gap])]


@lru_cache(maxsize=4096)
def _instant(day: date | None, zone: str) -> int | None:
    return None if day is None else micros(datetime.combine(day, time(), ZoneInfo(zone)))


def on_a_plan(groups: Sequence[str]) -> str | None:
    """Return the plan that a line is on, of the groups that it is in."""
    return next((name.removeprefix(ON_PLAN) for name in groups if name.startswith(ON_PLAN)), None)
