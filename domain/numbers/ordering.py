"""Orders about numbers: porting in, porting out, and preselection, each with its states.

Porting (as in Sweden's SS 63 63 91 and its like): the recipient asks, the donor confirms with a moment or rejects with
a reason, and at the moment the number changes hands. Preselection ("förval", ordered in Sweden through the access
operator's system Svalan): ordered, sent with an order file, confirmed or rejected, active from a moment, and lost to
another operator or ceased in the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from domain.ids import CustomerId, NumberOrderId, OperatorId, ResellerId, SubscriptionId
from domain.refusal import BadValue, WrongState

NOTE_MAX: Final = 500
_CODE: Final = re.compile(r"[0-9A-Za-zÅÄÖåäö .,_&/-]{1,40}")


class OrderKind(StrEnum):
    """What is ordered."""

    PORT_IN = "port_in"
    PORT_OUT = "port_out"
    PRESELECTION = "preselection"


PORTS: Final = (OrderKind.PORT_IN, OrderKind.PORT_OUT)


class OrderState(StrEnum):
    """Ports: requested → confirmed → done. Preselections: ordered → sent → confirmed → active → lost or ceased."""

    REQUESTED = "requested"
    ORDERED = "ordered"
    SENT = "sent"
    CONFIRMED = "confirmed"
    DONE = "done"
    ACTIVE = "active"
    LOST = "lost"
    CEASED = "ceased"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


_S = OrderState
PORT_STATES: Final[dict[OrderState, frozenset[OrderState]]] = {
    _S.REQUESTED: frozenset({_S.CONFIRMED, _S.REJECTED, _S.CANCELLED}),
    _S.CONFIRMED: frozenset({_S.DONE, _S.REJECTED, _S.CANCELLED}),
}
PRESELECTION_STATES: Final[dict[OrderState, frozenset[OrderState]]] = {
    _S.ORDERED: frozenset({_S.SENT, _S.CONFIRMED, _S.REJECTED, _S.CANCELLED}),
    _S.SENT: frozenset({_S.CONFIRMED, _S.REJECTED, _S.CANCELLED}),
    _S.CONFIRMED: frozenset({_S.ACTIVE, _S.REJECTED, _S.CANCELLED}),
    _S.ACTIVE: frozenset({_S.LOST, _S.CEASED}),
}


class RejectReason(StrEnum):
    """Why the other operator says no, or we to him."""

    UNKNOWN_NUMBER = "unknown_number"
    NOT_IN_USE = "not_in_use"
    WRONG_CUSTOMER = "wrong_customer"
    NO_AUTHORITY = "no_authority"
    ALREADY_ORDERED = "already_ordered"
    NOT_POSSIBLE = "not_possible"
    BAD_MOMENT = "bad_moment"
    INCOMPLETE = "incomplete"
    NO_ANSWER = "no_answer"
    OTHER = "other"


class PreselectionScope(StrEnum):
    """Which calls are preselected."""

    ALL = "all"
    NATIONAL = "national"
    INTERNATIONAL = "international"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberOrder:
    """An order about one number of a subscription.

    ``other``: the operator it is ordered with: the donor of a port in, the recipient of a port out, the operator whose
    prefix is preselected. ``holder``: whose block the number is. ``wanted_at`` is asked for, ``moment`` is when it
    happens. ``restores_to``: where the assignment ended before a port out cut it, None: nowhere.
    """

    id: NumberOrderId
    operator: OperatorId
    customer: CustomerId
    subscription: SubscriptionId
    kind: OrderKind
    number: str
    other: str
    wanted_at: datetime
    state: OrderState
    reseller: ResellerId | None = None
    holder: str | None = None
    scope: PreselectionScope | None = None
    moment: datetime | None = None
    reason: RejectReason | None = None
    note: str | None = None
    reference: str | None = None
    ends_subscription: bool = False
    restores_to: datetime | None = None
    version: int = 1

    @property
    def steps(self) -> dict[OrderState, frozenset[OrderState]]:
        """Which state follows which."""
        return PRESELECTION_STATES if self.kind is OrderKind.PRESELECTION else PORT_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStep:
    """An order came into a state at an instant, as a client recorded."""

    state: OrderState
    at: datetime
    reason: str | None = None
    recorded_at: datetime | None = None
    client: str | None = None


# The prefixes that an operator is chosen by, of the countries whose plan has a form for them; elsewhere any digits.
PRESELECTION: Final = MappingProxyType(
    {
        "SE": ("9533", re.compile("95[0-9]{2}")),
        "NO": ("1502", re.compile("1[56][0-9]{2}")),
        "DK": ("1050", re.compile("1[06][0-9]{2}")),
        "DE": ("01033", re.compile("010[0-9]{2,3}")),
    }
)
_ANY_PREFIX: Final = ("1234", re.compile("[0-9]{2,6}"))


def check_preselection(prefix: str, country: str) -> None:
    """Check the prefix of who is preselected, as the number plan of the country has it. Refuses with: BadValue.

    >>> check_preselection("9533", "SE")
    >>> check_preselection("4711", "SE")
    Traceback (most recent call last):
    domain.refusal.BadValue: a prefix of a preselection in SE is such as 9533
    """
    example, form = PRESELECTION.get(country, _ANY_PREFIX)
    if not form.fullmatch(prefix):
        raise BadValue(
            "a prefix of a preselection in {country} is such as {example}",
            country=country,
            example=example,
            field="prefix",
        )


def check(order: NumberOrder) -> NumberOrder:
    """Return the order. Refuses with: BadValue, naming the field."""
    for field, code in (("other", order.other), ("holder", order.holder), ("reference", order.reference)):
        if code is not None and not _CODE.fullmatch(code):
            raise BadValue("{value} is not a code of 1 to 40 letters and digits", value=repr(code[:50]), field=field)
    if order.note is not None and len(order.note) > NOTE_MAX:
        raise BadValue("a note has at most {most} characters", most=NOTE_MAX, field="note")
    return order


def check_step(order: NumberOrder, after: OrderState) -> None:
    """Check a step of an order. Refuses with: WrongState, naming what is possible."""
    following = order.steps.get(order.state, frozenset())
    if after not in following:
        raise WrongState(
            "an order that is {state} cannot become {after}; possible: {possible}",
            state=order.state.value,
            after=after.value,
            possible=", ".join(sorted(following)) or "nothing more",
            field="state",
        )
