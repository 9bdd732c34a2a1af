"""What a step tells its element: one document, whole as a webhook's body, or value by value in a template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.contracts.subscription import Subscription
from domain.provisioning.machine import Send
from domain.provisioning.order import OPPOSITE, Bar, Order, OrderKind


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRequest:
    """A request. ``id`` is the same however often it is sent; ``undoes``: the one that it takes back.

    ``numbers`` are those that the line has when it is sent, or will have.
    """

    id: str
    order: int
    kind: OrderKind
    undoes: str | None
    attempt: int
    subscription: int
    line: str
    label: str
    numbers: tuple[str, ...]
    customer: str
    contract: str
    bars: tuple[Bar, ...]
    parameters: tuple[tuple[str, str], ...]
    reason: str
    callback: str

    def document(self) -> dict[str, object]:
        """Return the body of a webhook."""
        return {
            "id": self.id,
            "order": self.order,
            "kind": self.kind.value,
            "undoes": self.undoes,
            "attempt": self.attempt,
            "subscription": {
                "id": self.subscription,
                "kind": self.line,
                "label": self.label,
                "numbers": list(self.numbers),
            },
            "customer": self.customer,
            "contract": self.contract,
            "bars": [one.value for one in self.bars],
            "parameters": dict(self.parameters),
            "reason": self.reason,
            "callback": self.callback,
        }

    def values(self) -> dict[str, str]:
        """Return the values of a template's placeholders."""
        return {
            "request": self.id,
            "order": str(self.order),
            "kind": self.kind.value,
            "undoes": self.undoes or "",
            "attempt": str(self.attempt),
            "subscription.id": str(self.subscription),
            "subscription.kind": self.line,
            "subscription.label": self.label,
            "number": self.numbers[0] if self.numbers else "",
            "numbers": ",".join(self.numbers),
            "customer": self.customer,
            "contract": self.contract,
            "bars": ",".join(one.value for one in self.bars),
            "reason": self.reason,
            "callback": self.callback,
            **{f"parameters.{name}": value for name, value in self.parameters},
        }


def request_of(
    order: Order, place: Send, line: Subscription, *, customer: str, contract: str, callback: str, now: datetime
) -> NetworkRequest:
    """Return the request of a step as it is sent now."""
    assert order.steps is not None
    step = order.steps[place.step]
    call = step.undo if place.undo else step.deed
    present = [one.number for one in line.numbers if one.valid_to is None or one.valid_to > now]
    return NetworkRequest(
        id=order.request_id(place.step, undo=place.undo),
        order=order.id,
        kind=OPPOSITE[order.kind] if place.undo else order.kind,
        undoes=order.request_id(place.step) if place.undo else None,
        attempt=call.tries if call else 1,
        subscription=line.id,
        line=line.kind.value,
        label=line.label,
        numbers=tuple(dict.fromkeys(present)),
        customer=customer,
        contract=contract,
        bars=order.bars,
        parameters=tuple(sorted(order.parameters.items())),
        reason=order.reason,
        callback=callback,
    )
