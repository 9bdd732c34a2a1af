"""That due invoices are ordered by direct debit by themselves, each banking day, and where their file goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.ids import OperatorId
from domain.payments.orders import Scheme
from domain.refusal import BadValue

DAYS_MAX: Final = 30
HOUR_MAX: Final = 23


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitSchedule:
    """One of each scheme. What is due within ``days`` banking days is ordered, at ``hour`` of the operator's day.

    ``target`` is the place that the file is put into (None: somebody takes it). ``older``: in the older version of
    SEPA's.
    """

    id: int
    operator: OperatorId
    scheme: Scheme
    days: int
    hour: int = 6
    target: str | None = None
    older: bool = False
    active: bool = True
    version: int = 1


def check(schedule: DebitSchedule) -> DebitSchedule:
    """Return a schedule that can be kept. Refuses with: BadValue."""
    for name, number, least, most in (("days", schedule.days, 1, DAYS_MAX), ("hour", schedule.hour, 0, HOUR_MAX)):
        if not least <= number <= most:
            raise BadValue("it is {least} to {most}", least=least, most=most, field=name)
    return schedule
