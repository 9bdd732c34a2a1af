"""When bills are run by themselves, of whom, and for which period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from domain.customers.customer import BILLING_DAY_MAX
from domain.customers.group import GROUP_MAX
from domain.feeds.schedule import check_schedule
from domain.ids import BillScheduleId, OperatorId, ResellerId
from domain.invoicing.billing_rules import billing_period
from domain.period import Period, later
from domain.refusal import BadValue

NAME_MAX: Final = 100
MONTHS: Final = frozenset({1, 2, 3, 6, 12})
AHEAD_MAX: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSchedule:
    """At the moments of ``schedule`` (cron, the operator's zone) the period that has just ended is billed.

    Of payers whose billing day is ``cycle``, in ``group``, below ``reseller``;
    of ``months`` months. Fees in advance are billed for ``fees_ahead_months`` after it. ``approval``: a second person
    decides on each run; ``agreed``: one has decided that they run without asking. ``next_at`` None: it rests. ``told``:
    what came of it the last time.
    """

    id: BillScheduleId
    operator: OperatorId
    name: str
    schedule: str
    cycle: int = 1
    group: str | None = None
    reseller: ResellerId | None = None
    months: int = 1
    fees_ahead_months: int = 0
    approval: bool = False
    active: bool = True
    next_at: datetime | None = None
    told: str | None = None
    told_at: datetime | None = None
    version: int = 0
    agreed: bool = False

    def period(self, on: date) -> Period:
        """Return the period that has just ended on a day."""
        current = billing_period(self.cycle, on)
        return Period(later(current.start, -self.months), current.start)


def check(one: BillSchedule) -> BillSchedule:
    """Return it. Refuses with: BadValue, naming the field."""
    check_schedule(one.schedule)
    if not one.name.strip() or len(one.name) > NAME_MAX:
        raise BadValue("a name has 1 to {name_max} characters", name_max=NAME_MAX, field="name")
    if not 1 <= one.cycle <= BILLING_DAY_MAX:
        raise BadValue("a billing day is 1 to {most}", most=BILLING_DAY_MAX, field="cycle")
    if one.group is not None and not 1 <= len(one.group) <= GROUP_MAX:
        raise BadValue("a group's name has 1 to {group_max} characters", group_max=GROUP_MAX, field="group")
    if one.months not in MONTHS:
        raise BadValue("an interval is {listed} months", listed=", ".join(map(str, sorted(MONTHS))), field="months")
    if not 0 <= one.fees_ahead_months <= AHEAD_MAX:
        raise BadValue("fees are billed 0 to {most} months ahead", most=AHEAD_MAX, field="feesAheadMonths")
    return one
