"""What is known of somebody who is watched, and what follows from it: thresholds told, bars, when to look again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from domain.credit.kinds import Kind
from domain.credit.limit import InForce
from domain.credit.reservation import Reservation
from domain.ids import CustomerId, OperatorId, SubscriptionId
from domain.provisioning.order import Bar

FULL: Final = 100


@dataclass(frozen=True, slots=True)
class Told:
    """The highest threshold (per cent) of a limit that was told and holds; since when the whole of it is used up."""

    percent: int
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A customer (``subscription`` None) or one line: what is unbilled and what is set aside, by kind, in micro-units.

    ``marks``: from which sum of both on somebody must look.
    """

    operator: OperatorId
    customer: CustomerId
    subscription: SubscriptionId | None = None
    unbilled: Mapping[Kind, int] = field(default_factory=dict)
    reserved: Mapping[Kind, int] = field(default_factory=dict)
    marks: Mapping[Kind, int] = field(default_factory=dict)
    told: Mapping[Kind, Told] = field(default_factory=dict)

    def used(self, owed: int) -> dict[Kind, int]:
        """Return the exposure by kind. What a customer owes counts for him as a whole, and for no kind alone."""
        found = {kind: self.unbilled.get(kind, 0) + self.reserved.get(kind, 0) for kind in Kind}
        if self.subscription is None:
            found[Kind.ALL] += owed
        return found

    def without(self, gone: Iterable[Reservation]) -> Account:
        """Return the account with nothing set aside for these."""
        reserved = dict(self.reserved)
        for one in gone:
            if self.subscription in {None, one.subscription}:
                for kind in one.kinds:
                    reserved[kind] = reserved.get(kind, 0) - one.amount
        return replace(self, reserved=reserved)


@dataclass(frozen=True, slots=True)
class Crossed:
    """A threshold that was passed: ``percent`` of ``amount`` by ``used``."""

    kind: Kind
    percent: int
    used: int
    amount: int
    held: InForce


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be told, and what is to be barred now; ``again``: when a grace of days ends."""

    crossed: tuple[Crossed, ...]
    bars: frozenset[Bar]
    marks: Mapping[Kind, int]
    told: Mapping[Kind, Told]
    again: datetime | None = None
    reasons: tuple[Kind, ...] = ()


def judge(account: Account, owed: int, held: Mapping[Kind, InForce], *, now: datetime) -> Verdict:
    """Compare an exposure with the limits that hold. Each threshold is told once, and again after it was left."""
    used = account.used(owed)
    crossed: list[Crossed] = []
    bars: set[Bar] = set()
    reasons: list[Kind] = []
    marks: dict[Kind, int] = {}
    told: dict[Kind, Told] = {}
    again: list[datetime] = []
    for kind, one in held.items():
        if one.amount is None:
            continue
        here = used[kind]
        percents = sorted({*one.limit.warn_at, FULL})
        reached = max((each for each in percents if _reaches(here, one.amount, each)), default=0)
        before = account.told.get(kind, Told(0))
        wanted = set(one.limit.warn_at)
        crossed += [
            Crossed(kind, each, here, one.amount, one)
            for each in percents
            if before.percent < each <= reached and each in wanted
        ]
        since = (before.since or now) if reached >= FULL else None
        if reached:
            told[kind] = Told(reached, since)
        stop = one.amount + one.limit.grace_amount
        if one.limit.bars and reached >= FULL and _reaches(here, stop, FULL):
            assert since is not None
            due = since + timedelta(days=one.limit.grace_days)
            if due <= now:
                bars.update(one.limit.bars)
                reasons.append(kind)
            else:
                again.append(due)
        points = [_point(one.amount, each) for each in percents if each > reached]
        if not _reaches(here, stop, FULL):
            points.append(_point(stop, FULL))
        if points:
            part = here - account.unbilled.get(kind, 0) - account.reserved.get(kind, 0)
            marks[kind] = min(points) - part
    return Verdict(tuple(crossed), frozenset(bars), marks, told, min(again, default=None), tuple(reasons))


def _reaches(used: int, amount: int, percent: int) -> bool:
    """Tell whether a part of a limit is used. Of nothing, such as the credit of who pays before, anything is all."""
    return used >= _point(amount, percent)


def _point(amount: int, percent: int) -> int:
    return max(-(-amount * percent // 100), 1)
