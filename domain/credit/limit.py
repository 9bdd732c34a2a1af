"""Limits, what is set by hand instead of them, and which of them hold for somebody."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from domain.credit.kinds import KINDS, Kind
from domain.ids import CreditLimitId, CreditOverrideId, CustomerId, OperatorId, SubscriptionId
from domain.money import MICRO
from domain.provisioning.order import Bar
from domain.refusal import BadValue

AMOUNT_MAX: Final = 10**12  # of the currency
POLICIES_MAX: Final = 500  # limits of groups and of everybody, which are looked at for everyone
OVERRIDES_MAX: Final = 100  # of one customer, that have not ended
THRESHOLDS: Final = (50, 80, 100)
THRESHOLDS_MAX: Final = 10
THRESHOLD_MAX: Final = 200
GRACE_DAYS_MAX: Final = 366
REASON_MAX: Final = 500
GROUP_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLimit:
    """How much somebody may owe and use of a kind, in micro-units of the operator's currency.

    It is of a ``subscription``, of a ``customer``, of each customer in ``group``, or (none of the three) of each
    customer of the operator; ``each_line``: of each line of theirs instead. Beyond a ``hard`` one nothing is
    authorised.
    ``bars``: what lines are barred from once it is reached, ``grace_amount`` passed and ``grace_days`` over.
    ``warn_at``: per cents that are told; ``mail`` and ``sms``: also to the customer.
    """

    id: CreditLimitId
    operator: OperatorId
    customer: CustomerId | None = None
    subscription: SubscriptionId | None = None
    group: str | None = None
    each_line: bool = False
    kind: Kind = Kind.ALL
    amount: int
    hard: bool = True
    warn_at: tuple[int, ...] = THRESHOLDS
    bars: tuple[Bar, ...] = ()
    grace_amount: int = 0
    grace_days: int = 0
    mail: bool = False
    sms: bool = False
    version: int = 1

    @property
    def of_lines(self) -> bool:
        """Tell whether what one line uses is counted, not what its customer owes."""
        return self.each_line or self.subscription is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditOverride:
    """By hand, until ``until`` or for good: ``amount`` instead of the limit's; None: no limit, so nobody is barred.

    ``kind`` None: of every kind; ``subscription`` None: of the customer's own limits.
    """

    id: CreditOverrideId
    operator: OperatorId
    customer: CustomerId
    subscription: SubscriptionId | None = None
    kind: Kind | None = None
    amount: int | None = None
    reason: str
    client: str
    made_at: datetime
    until: datetime | None = None
    ended_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Tell whether it is in force."""
        return self.ended_at is None and (self.until is None or self.until > now)


@dataclass(frozen=True, slots=True)
class InForce:
    """A limit that holds for somebody; ``amount``: what he has by it, or by hand instead (None: no limit)."""

    limit: CreditLimit
    amount: int | None


def check(limit: CreditLimit) -> CreditLimit:
    """Return a limit that can be kept. Refuses with: BadValue."""
    for name, amount in (("amount", limit.amount), ("graceAmount", limit.grace_amount)):
        if not 0 <= amount <= AMOUNT_MAX * MICRO:
            raise BadValue("an amount is 0 to {most}", most=AMOUNT_MAX, field=name)
    if limit.customer is not None and (limit.group is not None or limit.each_line):
        raise BadValue("a customer's limit is of no group, and of one line where that is named", field="group")
    if limit.group is not None and not 1 <= len(limit.group) <= GROUP_MAX:
        raise BadValue("a name has 1 to {most} characters", most=GROUP_MAX, field="group")
    if limit.subscription is not None and limit.customer is None:
        raise BadValue("a line's limit names its customer", field="customer")
    told = limit.warn_at
    if len(told) > THRESHOLDS_MAX or any(not 1 <= one <= THRESHOLD_MAX for one in told) or len(set(told)) < len(told):
        raise BadValue(
            "thresholds are up to {most} different per cents from 1 to {high}",
            most=THRESHOLDS_MAX,
            high=THRESHOLD_MAX,
            field="warnAt",
        )
    if not 0 <= limit.grace_days <= GRACE_DAYS_MAX:
        raise BadValue("grace is 0 to {most} days", most=GRACE_DAYS_MAX, field="graceDays")
    return limit


def in_force(
    limits: Sequence[CreditLimit],
    overrides: Sequence[CreditOverride],
    groups: Collection[str],
    customer: CustomerId,
    subscription: SubscriptionId | None,
    *,
    now: datetime,
) -> dict[Kind, InForce]:
    """Return the limit of each kind that holds for a customer (``subscription`` None) or one line of his.

    His own goes before a group's, the lowest of several groups counts, and the operator's holds for whoever has none.
    """
    found: dict[Kind, InForce] = {}
    for kind in KINDS:
        ranked = [
            (_rank(one), one.amount, one.id, one)
            for one in limits
            if one.kind is kind and _covers(one, groups, customer, subscription)
        ]
        if not ranked:
            continue
        limit = min(ranked, key=lambda one: one[:3])[3]
        amount: int | None = limit.amount
        for one in overrides:
            if one.holds(now) and one.subscription == subscription and one.kind in {None, kind}:
                amount = one.amount
        found[kind] = InForce(limit, amount)
    return found


def _rank(limit: CreditLimit) -> int:
    return 0 if limit.customer is not None else 1 if limit.group is not None else 2


def _covers(
    limit: CreditLimit, groups: Collection[str], customer: CustomerId, subscription: SubscriptionId | None
) -> bool:
    if limit.of_lines != (subscription is not None):
        return False
    if limit.customer is not None:
        return limit.customer == customer and limit.subscription == subscription
    return limit.group is None or limit.group in groups


def micro_of(value: Decimal, *, field: str) -> int:
    """Return an amount as micro-units. Refuses with: BadValue."""
    # Its size first: to write 1e999999 out as a whole number takes its time.
    scaled = value.scaleb(6) if value.is_finite() and 0 <= value <= AMOUNT_MAX else None
    if scaled is None or scaled != int(scaled):
        raise BadValue("an amount is 0 to {most}, with at most six decimals", most=AMOUNT_MAX, field=field)
    return int(scaled)


def shown(micro: int) -> Decimal:
    """Return micro-units as a decimal of at least two decimals.

    >>> shown(12_500_000), shown(1)
    (Decimal('12.50'), Decimal('0.000001'))
    """
    value = Decimal(micro).scaleb(-6)
    return value.quantize(Decimal("0.01")) if value == value.quantize(Decimal("0.01")) else value.normalize()
