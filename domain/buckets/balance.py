"""What lines and those they belong to have been granted, used, lost, given and have left, from a standing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from domain.buckets.granting import granted_apart
from domain.buckets.standing import Standing, tuples
from domain.catalogue.tariff import ON_PLAN, Bucket, Party, Plan
from domain.plans.assignment import InForce, PlanAssignment, as_columns, holds
from domain.rating.allowances import Allowance, Roll, Term, allowances, both, owners
from domain.rating.clock import micros

Place = tuple[str, str, int]  # bucket as it is drawn on, owner, since


@dataclass(frozen=True, slots=True)
class Line:
    """A subscription, whose it is, the retail list it has without a plan, when its contract runs, and it is active."""

    subscription: int
    contract: int
    customer: int
    retail: str | None
    start: date
    end: date | None
    activated: date | None = None
    ended: date | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Granting:
    """What decides what is granted: the catalogue's buckets and plans, and who is on which plan."""

    buckets: Sequence[Bucket]
    plans: Mapping[str, Plan]
    assigned: Sequence[PlanAssignment]
    zone: str


@dataclass(frozen=True, slots=True)
class Held:
    """An allowance: ``granted = used + lost + given + left``, where no more was used than there is."""

    allowance: Allowance
    used: int
    lost: int
    given: int

    @property
    def place(self) -> Place:
        """What names it in the standing."""
        return place_of(self.allowance)

    @property
    def left(self) -> int:
        """What it may still give."""
        return max(self.allowance.bucket.amount - self.used - self.lost - self.given, 0)


def place_of(one: Allowance) -> Place:
    """Return what names an allowance in the standing."""
    return one.definition.id, one.bucket.owner, micros(one.since)


def in_force(lines: Sequence[Line], granting: Granting) -> InForce:
    """Return when lines, and those they belong to, were on which plan."""
    ordered = sorted(lines, key=lambda one: one.subscription)
    keys = [np.array([getattr(one, name) for one in ordered], np.int64) for name in ("subscription", "contract")]
    return InForce(as_columns(granting.assigned), keys[0], keys[1], granting.plans, granting.zone)


def members(
    lines: Sequence[Line], granting: Granting, on_plan: InForce, since: datetime, until: datetime
) -> list[Party]:
    """Return who draws in ``[since, until]``: each line, once for each plan it is on then, and without one."""
    found = []
    for line in lines:
        name, shares = f"subscription:{line.subscription}", (f"contract:{line.contract}", f"customer:{line.customer}")
        on = [
            plan
            for plan, terms in on_plan.get(name, {}).items()
            if any(holds(term, since, until, granting.zone) for term in terms)
        ]
        if since < until or not on:
            found.append(Party(name=name, retail=line.retail, shares=shares))
        found += [
            Party(
                name=name,
                retail=granting.plans[plan].price_list or line.retail,
                shares=shares,
                groups=(ON_PLAN + plan,),
            )
            for plan in on
        ]
    return found


def held(lines: Sequence[Line], granting: Granting, standing: Standing, since: datetime, until: datetime) -> list[Held]:
    """Return the allowances that serve in ``[since, until]``, as the next event at ``until`` would find them."""
    on_plan = in_force(lines, granting)
    parties = members(lines, granting, on_plan, since, until)
    terms: dict[str, Term] = {}
    for one in lines:
        terms[f"contract:{one.contract}"] = (one.start, one.end)
        terms[f"subscription:{one.subscription}"] = both((one.start, one.end), (one.activated, one.ended))
    of = owners(granting.buckets, parties)
    made, rolls = allowances(granting.buckets, of, since, until, terms, on_plan=on_plan)
    names = {name for one in parties for name in (one.name, *one.shares)}
    made += granted_apart(standing.grants, granting.buckets, names, since, until)
    rows = list(tuples(standing.balances, "bucket", "owner", "since", "drawn", "given"))
    drawn: dict[Place, int] = {row[:3]: row[3] for row in rows}
    given: dict[Place, int] = {row[:3]: row[4] for row in rows}
    lost: defaultdict[Place, int] = defaultdict(int)
    done = set()
    for bucket, owner, begun, when, amount in tuples(standing.losses, "bucket", "owner", "since", "at", "amount"):
        lost[bucket, owner, begun] += amount
        done.add((bucket, owner, when))
    coming = [one for one in rolls if one.at <= until and (one.definition, one.owner, micros(one.at)) not in done]
    found = {one.bucket.id: one for one in made}

    def left(one: Allowance) -> int:
        place = place_of(one)
        return max(one.bucket.amount - drawn.get(place, 0) - given.get(place, 0) - lost[place], 0)

    for roll in sorted(coming, key=lambda one: one.at):
        _roll(roll, [found[name] for name in roll.buckets if name in found], left, lost)
    return [
        Held(one, drawn.get(place_of(one), 0), lost[place_of(one)], given.get(place_of(one), 0))
        for one in sorted(made, key=lambda one: (one.bucket.priority, one.bucket.period[1], one.bucket.id))
    ]


def _roll(roll: Roll, passing: Sequence[Allowance], left: Callable[[Allowance], int], lost: dict[Place, int]) -> None:
    """Take away what the next event would find gone: rolls that no event has crossed yet."""
    there = {one.bucket.id: left(one) for one in passing}
    excess = sum(there.values()) - roll.cap
    for one in passing:
        gone = min(max(excess, 0), there[one.bucket.id])
        lost[place_of(one)] += gone
        excess -= gone
