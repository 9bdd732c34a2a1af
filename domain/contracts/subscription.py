"""A subscription in the network, and the numbers assigned to it over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.ids import ContractId, CustomerId, OperatorId, ResellerId, SubscriptionId
from domain.refusal import BadValue


class SubscriptionKind(StrEnum):
    """What kind of line it is."""

    MOBILE = "mobile"
    FIXED = "fixed"
    SIP = "sip"
    TRUNK = "trunk"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAssignment:
    """A number belongs to a subscription in ``[valid_from, valid_to)``.

    ``number`` is E.164 digits without plus, or another text that a switch writes (a SIP user, a trunk).
    """

    number: str
    valid_from: datetime
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A line under a contract with its numbers."""

    id: SubscriptionId
    operator: OperatorId
    customer: CustomerId
    contract: ContractId
    kind: SubscriptionKind
    label: str = ""
    reseller: ResellerId | None = None
    numbers: tuple[NumberAssignment, ...] = ()
    version: int = 1


def check(subscription: Subscription) -> Subscription:
    """Return the subscription. Refuses with: BadValue, naming the field."""
    for index, assignment in enumerate(subscription.numbers):
        if not 1 <= len(assignment.number) <= 64:
            raise BadValue("a number has 1 to 64 characters", field=f"numbers.{index}.number")
        if assignment.valid_from.tzinfo is None or (assignment.valid_to and assignment.valid_to.tzinfo is None):
            raise BadValue("a time needs an offset, such as +01:00", field=f"numbers.{index}.validFrom")
        if assignment.valid_to is not None and assignment.valid_to <= assignment.valid_from:
            raise BadValue("an assignment must end after it starts", field=f"numbers.{index}.validTo")
    return subscription
