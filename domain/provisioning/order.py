"""An order on a subscription, its steps, and the calls that they make."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.ids import ContractId, CustomerId, OperatorId, OrderId, ResellerId, SubscriptionId
from domain.refusal import BadValue

PARAMETERS_MAX: Final = 50
PARAMETER_CHARACTERS_MAX: Final = 1000
REASON_MAX: Final = 500
AFTER_MAX: Final = 20
_PARAMETER: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}", re.ASCII)


class OrderKind(StrEnum):
    """What is to be done for a line."""

    ACTIVATE = "activate"
    CHANGE = "change"
    SUSPEND = "suspend"
    RESUME = "resume"
    BAR = "bar"
    UNBAR = "unbar"
    PORT_IN = "port_in"
    PORT_OUT = "port_out"
    END = "end"


# What undoes a step. A change is undone by a change that names the one it takes back.
OPPOSITE: Final[dict[OrderKind, OrderKind]] = {
    OrderKind.ACTIVATE: OrderKind.END,
    OrderKind.CHANGE: OrderKind.CHANGE,
    OrderKind.SUSPEND: OrderKind.RESUME,
    OrderKind.RESUME: OrderKind.SUSPEND,
    OrderKind.BAR: OrderKind.UNBAR,
    OrderKind.UNBAR: OrderKind.BAR,
    OrderKind.PORT_IN: OrderKind.PORT_OUT,
    OrderKind.PORT_OUT: OrderKind.PORT_IN,
    OrderKind.END: OrderKind.ACTIVATE,
}


class Bar(StrEnum):
    """What a line can be barred from."""

    OUTGOING = "outgoing"
    PREMIUM = "premium"
    ROAMING = "roaming"
    DATA = "data"


class OrderState(StrEnum):
    """Requested → waiting or sent, as often as needed → an end.

    Compensating: something failed, and what was done is being undone. Failed: it is not done, and nothing had to be
    undone. Compensated: what was done of it is undone. Parked: a person must look; it may be tried again or given up.
    """

    REQUESTED = "requested"
    WAITING = "waiting"
    SENT = "sent"
    COMPENSATING = "compensating"
    PARKED = "parked"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    COMPENSATED = "compensated"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({OrderState.CONFIRMED, OrderState.FAILED, OrderState.COMPENSATED, OrderState.CANCELLED})


class Waiting(StrEnum):
    """What an order waits for."""

    TIME = "time"
    ORDERS = "orders"
    PERSON = "person"
    RETRY = "retry"
    ANSWER = "answer"


class CallState(StrEnum):
    """Pending → sent (an answer is awaited) or person (somebody does it) → retrying → done or failed."""

    PENDING = "pending"
    SENT = "sent"
    PERSON = "person"
    RETRYING = "retrying"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a step asks of its element, once or again under the same id.

    ``due_at``: when an answer is no longer waited for, or when it is tried again. ``uncertain``: a request went out
    that was never answered, so that it may have been done. ``reference`` is the element's own.
    """

    state: CallState = CallState.PENDING
    tries: int = 0
    sent_at: datetime | None = None
    due_at: datetime | None = None
    answered_at: datetime | None = None
    fault: str | None = None
    reference: str | None = None
    uncertain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One element's part of an order, with the element's rules as they were when the order was begun.

    ``request_seconds``: how long one request may take; ``answer_seconds``: how long an answer may that comes later.
    ``undo`` is there once the step is to be undone.
    """

    element: str
    manual: bool = False
    instruction: str | None = None
    undoable: bool = True
    tries_max: int = 5
    retry_seconds: int = 5
    request_seconds: int = 10
    answer_seconds: int = 300
    deed: Call = field(default_factory=Call)
    undo: Call | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order. ``request`` begins the ids of its requests; ``steps`` None: not begun yet.

    ``run_at``: not before; ``after``: orders that must be confirmed first; ``wake_at``: when it is to be looked at
    again; ``fault``: why it waits, failed or is parked, in a sentence for who placed it; ``cancelling``: it shall not
    be done, and ends as cancelled or compensated once what is under way is answered.
    """

    id: OrderId
    operator: OperatorId
    customer: CustomerId
    contract: ContractId
    subscription: SubscriptionId
    reseller: ResellerId | None = None
    kind: OrderKind
    bars: tuple[Bar, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    state: OrderState = OrderState.REQUESTED
    waiting_for: Waiting | None = None
    request: str = ""
    run_at: datetime | None = None
    after: tuple[OrderId, ...] = ()
    steps: tuple[Step, ...] | None = None
    cancelling: bool = False
    fault: str | None = None
    wake_at: datetime | None = None
    client: str
    requested_at: datetime
    finished_at: datetime | None = None
    version: int = 1

    @property
    def ended(self) -> bool:
        """Whether nothing more becomes of it by itself."""
        return self.state in ENDED

    def request_id(self, step: int, *, undo: bool = False) -> str:
        """Return the id under which a step's request is sent each time; the first step is 1."""
        return f"{self.request}.{step + 1}{'.undo' if undo else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderNote:
    """A line of an order's log. ``step`` counts from 1; ``detail`` is JSON."""

    at: datetime
    client: str
    event: str
    step: int | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Barring:
    """A line is barred from something in ``[since, until)``, and why. ``order`` did it, ``lifted_by`` lifted it."""

    customer: CustomerId
    subscription: SubscriptionId
    bar: Bar
    since: datetime
    until: datetime | None = None
    reason: str = ""
    client: str
    order: OrderId
    lifted_by: OrderId | None = None


def check(order: Order) -> Order:
    """Return an order that can be kept. Refuses with: BadValue."""
    if order.kind is OrderKind.BAR and not order.bars:
        raise BadValue("say what to bar: outgoing, premium, roaming or data", field="bars")
    if order.bars and order.kind not in {OrderKind.BAR, OrderKind.UNBAR}:
        raise BadValue("only orders that bar and unbar say what", field="bars")
    if len(set(order.bars)) != len(order.bars):
        raise BadValue("a bar stands there twice", field="bars")
    if len(order.reason) > REASON_MAX:
        raise BadValue("a reason has at most {most} characters", most=REASON_MAX, field="reason")
    if len(order.after) > AFTER_MAX:
        raise BadValue("an order waits for at most {most} others", most=AFTER_MAX, field="after")
    if len(order.parameters) > PARAMETERS_MAX:
        raise BadValue("an order has at most {most} parameters", most=PARAMETERS_MAX, field="parameters")
    for name, value in order.parameters.items():
        if not _PARAMETER.fullmatch(name):
            raise BadValue("a parameter's name is a letter, then letters, digits and _", field="parameters")
        if len(value) > PARAMETER_CHARACTERS_MAX:
            most = PARAMETER_CHARACTERS_MAX
            raise BadValue("a parameter has at most {most} characters", most=most, field=f"parameters.{name}")
    if order.kind in {OrderKind.PORT_IN, OrderKind.PORT_OUT} and not order.parameters.get("number"):
        raise BadValue("porting needs the parameter number", field="parameters.number")
    return order
