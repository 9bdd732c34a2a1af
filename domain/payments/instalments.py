"""An instalment plan: open invoices of a customer that he pays in parts, on days agreed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.ids import CustomerId, InstalmentPlanId, InvoiceId, OperatorId
from domain.refusal import BadValue

PARTS_MAX: Final = 60


class PlanState(StrEnum):
    """Active until all is paid (kept), a part was not (broken), or somebody ends it (cancelled)."""

    ACTIVE = "active"
    KEPT = "kept"
    BROKEN = "broken"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """A part of what is open, in minor units, and the day by which it is paid."""

    due_on: dt.date
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalmentPlan:
    """A plan. Its parts come to what was open of its invoices when it was made."""

    id: InstalmentPlanId
    operator: OperatorId
    customer: CustomerId
    invoices: tuple[InvoiceId, ...]
    currency: str
    parts: tuple[Instalment, ...]
    state: PlanState
    made_at: dt.datetime
    client: str
    version: int = 1

    @property
    def total_minor(self) -> int:
        """What the parts come to."""
        return sum(part.amount_minor for part in self.parts)

    def due(self, on: dt.date, open_minor: int) -> int:
        """Return what should have been paid by a day and is not, of what is open still; 0 while the plan is kept."""
        later = sum(part.amount_minor for part in self.parts if part.due_on >= on)
        return max(0, open_minor - later)


def check_parts(parts: Sequence[Instalment], open_minor: int, on: dt.date) -> tuple[Instalment, ...]:
    """Return parts in the order of their days. Refuses with: BadValue (days, amounts, another sum than is open)."""
    if not 2 <= len(parts) <= PARTS_MAX:
        raise BadValue("a plan has 2 to {most} parts", most=PARTS_MAX, field="parts")
    for index, part in enumerate(parts):
        if part.amount_minor <= 0:
            raise BadValue("a part is more than nothing", field=f"parts.{index}.amount")
        if part.due_on < on:
            raise BadValue("a part is due today or later", field=f"parts.{index}.dueOn")
    if len({part.due_on for part in parts}) != len(parts):
        raise BadValue("each part has a day of its own", field="parts")
    if sum(part.amount_minor for part in parts) != open_minor:
        raise BadValue(
            "the parts come to something else than is open, {open} minor units", open=open_minor, field="parts"
        )
    return tuple(sorted(parts, key=lambda part: part.due_on))
