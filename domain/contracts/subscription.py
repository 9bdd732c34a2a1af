"""A subscription in the network, and the numbers assigned to it over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.contracts.identifiers import IdentifierKind
from domain.fields.definition import Fields
from domain.ids import ContractId, CustomerId, OperatorId, ResellerId, SubscriptionId
from domain.refusal import BadValue

LABEL_MAX: Final = 200
NUMBERS_MAX: Final = 20_000


class SubscriptionKind(StrEnum):
    """What kind of line it is."""

    MOBILE = "mobile"
    FIXED = "fixed"
    SIP = "sip"
    TRUNK = "trunk"
    DATA = "data"


class SubscriptionState(StrEnum):
    """Pending → active ⇄ suspended → ended; what failed to be activated goes from pending to ended."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAssignment:
    """A number, or what else a line is known by, belongs to a subscription in ``[valid_from, valid_to)``.

    ``number`` is E.164 digits without plus, or what ``domain.contracts.identifiers`` makes of another kind.
    """

    number: str
    valid_from: datetime
    valid_to: datetime | None = None
    kind: IdentifierKind = IdentifierKind.NUMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """A subscription came into a state at ``since`` by a step (None: by being added), as a client recorded."""

    state: SubscriptionState
    since: datetime
    step: str | None = None
    reason: str | None = None
    recorded_at: datetime | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A line under a contract with its numbers.

    It is paid for in ``[activated_at, ended_at)``; without ``activated_at`` it never was active. ``ended_at`` may lie
    ahead: the state is then still the one before. ``state_since``: when it came into ``state``.
    """

    id: SubscriptionId
    operator: OperatorId
    customer: CustomerId
    contract: ContractId
    kind: SubscriptionKind
    label: str = ""
    reseller: ResellerId | None = None
    numbers: tuple[NumberAssignment, ...] = ()
    state: SubscriptionState = SubscriptionState.ACTIVE
    state_since: datetime | None = None
    activated_at: datetime | None = None
    ended_at: datetime | None = None
    version: int = 1
    fields: Fields = ()

    def state_at(self, now: datetime) -> SubscriptionState:
        """Return its state at present: an end that was set ahead has come or has not."""
        over = self.ended_at is not None and self.ended_at <= now
        return SubscriptionState.ENDED if over else self.state

    def holds(self, number: str, at: datetime) -> bool:
        """Tell whether an identifier is the subscription's at an instant."""
        return any(
            one.number == number and one.valid_from <= at and (one.valid_to is None or one.valid_to > at)
            for one in self.numbers
        )

    def holds_or_held(self, number: str) -> bool:
        """Tell whether an identifier is or was the subscription's."""
        return any(one.number == number for one in self.numbers)


def check(subscription: Subscription) -> Subscription:
    """Return the subscription. Refuses with: BadValue, naming the field."""
    if len(subscription.label) > LABEL_MAX:
        raise BadValue("a label has at most {most} characters", most=LABEL_MAX, field="label")
    if len(subscription.numbers) > NUMBERS_MAX:
        raise BadValue(
            "a subscription has at most {most} numbers, past ones counted", most=NUMBERS_MAX, field="numbers"
        )
    for index, assignment in enumerate(subscription.numbers):
        if not 1 <= len(assignment.number) <= 64:
            raise BadValue("a number has 1 to 64 characters", field=f"numbers.{index}.number")
        if assignment.valid_from.tzinfo is None or (assignment.valid_to and assignment.valid_to.tzinfo is None):
            raise BadValue("a time needs an offset, such as +01:00", field=f"numbers.{index}.validFrom")
        if assignment.valid_to is not None and assignment.valid_to <= assignment.valid_from:
            raise BadValue("an assignment must end after it starts", field=f"numbers.{index}.validTo")
    return subscription
