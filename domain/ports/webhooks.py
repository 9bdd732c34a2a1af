"""Events and webhooks: their stores, what a deliverer asks of them, and HTTP towards addresses that others gave us."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from domain.ids import EventId, WebhookId
from domain.ports.page import Page, PageRequest
from domain.webhooks.event import Event
from domain.webhooks.webhook import Delivery, DeliveryState, Due, Webhook


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in lower case; ``body`` is the answer's beginning, at most 64 KiB."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def good(self) -> bool:
        """Whether the other side took it: a status of 2xx. A redirect is none, since it is not followed."""
        return 200 <= self.status < 300


class Http(Protocol):
    """Sends requests to checked addresses alone."""

    async def check(self, url: str, *, field: str = "url") -> None:
        """Look at an address before it is kept; a host that is not known yet may be kept. Refuses with: BadValue."""
        ...

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        ca: str | None = None,
        seconds: float = 10.0,
    ) -> Answer:
        """Send one request and return its answer, whatever its status. Raises ``TransportFault``."""
        ...


class Events(Protocol):
    """The log of events that the unit's caller may see."""

    async def page(self, request: PageRequest, *, kinds: Sequence[str] = (), subject: str | None = None) -> Page[Event]:
        """List in the order they were committed, of kinds (patterns; none: any) and of one subject.

        Whoever asks again behind the last one he has, misses none.
        """
        ...

    async def get(self, key: EventId) -> Event:
        """Return one. Refuses with: NotFound."""
        ...


class Webhooks(Protocol):
    """The webhooks that the unit's caller may see, and what is on its way to them."""

    async def add(self, webhook: Webhook) -> Webhook:
        """Keep a new one (its ``id`` is 0)."""
        ...

    async def all(self) -> Sequence[Webhook]:
        """Return them by key."""
        ...

    async def claim(self, key: WebhookId) -> Webhook:
        """Return one locked. Refuses with: NotFound."""
        ...

    async def keep(self, webhook: Webhook) -> Webhook:
        """Write a changed one, a version further."""
        ...

    async def remove(self, key: WebhookId) -> None:
        """Forget one with its deliveries."""
        ...

    async def deliveries(
        self, key: WebhookId, request: PageRequest, *, state: DeliveryState | None = None
    ) -> Page[Delivery]:
        """List a webhook's deliveries by event, in a state; None: any. Refuses with: NotFound."""
        ...

    async def replay(
        self, webhook: Webhook, *, at: datetime, event: EventId | None = None, since: datetime | None = None
    ) -> int:
        """Send again: one event, or all that it wants since a time, or (neither) all that are dead; return how many."""
        ...

    async def test(self, webhook: Webhook) -> Event:
        """Make a test event with a delivery to this webhook alone."""
        ...


class Deliveries(Protocol):
    """What is due for every operator's webhooks; it sees all of them."""

    async def claim(self, *, busy: Collection[WebhookId], count: int, each: int, lease: timedelta) -> Sequence[Due]:
        """Take what is due of up to ``count`` webhooks but the busy ones: ``each`` of one that works, else one.

        They come by webhook and event. What is not ended within ``lease`` is due again.
        """
        ...

    async def finish(
        self,
        due: Due,
        state: DeliveryState,
        *,
        status: int | None,
        fault: str | None,
        again_after: timedelta | None,
    ) -> bool:
        """Say what came of an attempt; return whether the webhook has failed for so long that it was disabled."""
        ...

    async def release(self, due: Sequence[Due], *, after: timedelta) -> None:
        """Give back what was not tried."""
        ...

    async def disable(self, webhook: Webhook, fault: str) -> None:
        """Send nothing more to a webhook until somebody sets it right."""
        ...

    async def sweep(self) -> int:
        """Forget events that are too old to be sent again; return how many."""
        ...
