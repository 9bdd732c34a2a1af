"""Rules about unusual usage of one line, and what was found by them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.credit.kinds import Kind
from domain.ids import CustomerId, FraudAlarmId, FraudRuleId, OperatorId, SubscriptionId
from domain.provisioning.order import Bar
from domain.refusal import BadValue

CHECK: Final = "fraud_check"
LINES_MAX: Final = 2000  # of one job
RULES_MAX: Final = 100  # each is asked about every line that has used something
NAME_MAX: Final = 100
MOST_MAX: Final = 10**12
WINDOW_MIN: Final = 300
WINDOW_MAX: Final = 31 * 86_400


class Measure(StrEnum):
    """What is added up within a window. ``destination``: how many that the line had never called before."""

    AMOUNT = "amount"
    MINUTES = "minutes"
    CALLS = "calls"
    DESTINATION = "destination"


@dataclass(frozen=True, slots=True, kw_only=True)
class FraudRule:
    """More than ``most`` of a measure by one line within any ``window_seconds`` is unusual.

    ``kind``: only that usage; ``group``: only customers in it. ``bars``: what the line is then barred from at once.
    """

    id: FraudRuleId
    operator: OperatorId
    name: str
    measure: Measure
    most: Decimal
    window_seconds: int
    kind: Kind = Kind.ALL
    group: str | None = None
    bars: tuple[Bar, ...] = ()
    active: bool = True
    version: int = 1

    @property
    def window(self) -> timedelta:
        """Return the window's length."""
        return timedelta(seconds=self.window_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A line passed a rule: ``value`` within the window that ends at ``at``."""

    customer: CustomerId
    subscription: SubscriptionId
    value: Decimal
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FraudAlarm:
    """What was found of a line by a rule, once for each run of windows that touch."""

    id: FraudAlarmId
    operator: OperatorId
    customer: CustomerId
    subscription: SubscriptionId
    rule: FraudRuleId
    value: Decimal
    since: datetime
    last_at: datetime
    seen_at: datetime


def check(rule: FraudRule) -> FraudRule:
    """Return a rule that can be kept. Refuses with: BadValue."""
    if not 1 <= len(rule.name.strip()) <= NAME_MAX:
        raise BadValue("a name has 1 to {most} characters", most=NAME_MAX, field="name")
    if not rule.most.is_finite() or not 0 <= rule.most <= MOST_MAX:
        raise BadValue("an amount is 0 to {most}", most=MOST_MAX, field="most")
    if not WINDOW_MIN <= rule.window_seconds <= WINDOW_MAX:
        raise BadValue(
            "a window is {least} to {most} seconds", least=WINDOW_MIN, most=WINDOW_MAX, field="windowSeconds"
        )
    return rule
