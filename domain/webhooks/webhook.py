"""A webhook, a delivery on its way to one, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.ids import EventId, OperatorId, ResellerId, WebhookId
from domain.refusal import BadValue
from domain.webhooks.event import Event, is_pattern

KINDS_MAX: Final = 100
WEBHOOKS_MAX: Final = 50  # of an operator, or of one reseller
NOTE_MAX: Final = 200
FAULT_MAX: Final = 300
KEPT_DAYS: Final = 30  # how long an event can be sent again
OVERLAP: Final = timedelta(hours=24)  # how long the secret before still signs beside a new one
LEASE: Final = timedelta(seconds=60)  # of a delivery that is being sent; far beyond its time limit
DISABLE_AFTER: Final = timedelta(days=5)
# After the first attempt: as Standard Webhooks proposes, and two more within a minute for a host that restarts.
PAUSES: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600)
)


class DeliveryState(StrEnum):
    """Waiting for its next attempt, taken by the receiver, or given up: a dead letter."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where events go. ``kinds`` are patterns; ``secret`` is sealed, ``before`` the one before until ``before_until``.

    A reseller's is told of what belongs to him and those below him. ``failing_since``: when a run of failures began
    that no success has ended; after five days of it the webhook is disabled and an alarm raised.
    """

    id: WebhookId
    operator: OperatorId
    url: str
    kinds: tuple[str, ...]
    secret: bytes
    created_at: datetime
    reseller: ResellerId | None = None
    note: str = ""
    active: bool = True
    before: bytes | None = None
    before_until: datetime | None = None
    failing_since: datetime | None = None
    fault: str | None = None
    version: int = 1

    @property
    def about(self) -> str:
        """What the secret is sealed for: it opens for this operator's webhook at this address alone."""
        return f"webhook:{self.operator}:{self.url}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one webhook. ``status`` is the last HTTP status, ``fault`` why it was not taken."""

    webhook: WebhookId
    event: EventId
    kind: str
    subject: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_at: datetime | None
    status: int | None = None
    fault: str | None = None
    finished_at: datetime | None = None

    @property
    def id(self) -> int:
        """Its key within its webhook: the event's."""
        return self.event


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that is claimed for sending: the webhook, the event, and how often it was tried, this time counted."""

    webhook: Webhook
    event: Event
    attempts: int


def check(webhook: Webhook) -> Webhook:
    """Return the webhook. Refuses with: BadValue, naming the field."""
    if not webhook.kinds or len(webhook.kinds) > KINDS_MAX:
        raise BadValue("a webhook wants 1 to {most} kinds of events; * is all", most=KINDS_MAX, field="kinds")
    for index, one in enumerate(webhook.kinds):
        if not is_pattern(one):
            raise BadValue(
                "{kind!r} is no kind of event: write customer.changed, customer.* or *",
                kind=one[:80],
                field=f"kinds.{index}",
            )
    if len(webhook.note) > NOTE_MAX:
        raise BadValue("a note has at most {most} characters", most=NOTE_MAX, field="note")
    return webhook


def pause(attempts: int, *, jitter: float = 0.0) -> timedelta | None:
    """Return how long to wait after so many attempts, up to a fifth longer; None: it is given up.

    >>> [str(pause(one)) for one in (1, 3, 8, 9)]
    ['0:00:05', '0:05:00', '14:00:00', 'None']
    """
    assert 0 <= jitter <= 1
    return PAUSES[attempts - 1] * (1 + jitter / 5) if attempts <= len(PAUSES) else None
