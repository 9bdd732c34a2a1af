"""A customer's membership of a group, by which discounts may tell customers apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.ids import CustomerId, OperatorId

GROUP_MAX = 100  # characters of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """The customer is in the group in ``[valid_from, valid_to)``."""

    operator: OperatorId
    customer: CustomerId
    name: str
    valid_from: datetime
    valid_to: datetime | None = None
