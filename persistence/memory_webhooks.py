"""Events, webhooks and deliveries in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.access.actor import system
from domain.ids import EventId, OperatorId, ResellerId, WebhookId
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound, Stale
from domain.resellers.reseller import as_of
from domain.webhooks.event import TEST, Event, parts, wanted
from domain.webhooks.webhook import DISABLE_AFTER, FAULT_MAX, Delivery, DeliveryState, Due, Webhook
from persistence.memory import Draft, MemoryDatabase, page_of

OWNED = {
    "customer": "customer",
    "contract": "contract",
    "subscription": "subscription",
    "reseller": "reseller",
    "quote": "quote",
    "order": "network_order",
    "number_order": "number_order",
    "number_reservation": "number_reservation",
    "bulk_import": "bulk_import",
    "webhook": "webhook",
}


def owner_of(draft: Draft, subject: str) -> ResellerId | None:
    """Return whose a thing is, as far as resellers go."""
    kind, key = parts(subject)
    if kind not in OWNED or key is None or not key.isdecimal():
        return None
    row = draft.table(OWNED[kind]).get(int(key))
    if row is None or row.operator != draft.actor.operator:
        return None
    found: ResellerId | None = row.id if kind == "reseller" else row.reseller
    return found


def number_of(draft: Draft, subject: str) -> dict[str, object]:
    """Return what people and SOAP call a customer, a contract or a quote, under ``number``."""
    kind, key = parts(subject)
    if kind not in {"customer", "contract", "quote"} or key is None or not key.isdecimal():
        return {}
    row = draft.table(kind).get(int(key))
    return {} if row is None or row.operator != draft.actor.operator else {"number": row.number}


def fan_out(draft: Draft, event: Event) -> None:
    """Make a delivery for each webhook that wants the event and may see it."""
    above = _above(draft, event.reseller)
    for webhook in draft.table("webhook").values():
        sees = webhook.operator == event.operator and (webhook.reseller is None or webhook.reseller in above)
        if sees and webhook.active and wanted(event.kind, webhook.kinds):
            draft.table("webhook_delivery")[webhook.id, event.id] = _new(webhook, event, event.at)


def _new(webhook: Webhook, event: Event, at: datetime) -> Delivery:
    return Delivery(
        webhook=webhook.id,
        event=event.id,
        kind=event.kind,
        subject=event.subject,
        state=DeliveryState.WAITING,
        attempts=0,
        created_at=at,
        next_at=at,
    )


class MemoryEvents:
    """Keeps ``domain.ports.webhooks.Events``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def page(self, request: PageRequest, *, kinds: Sequence[str] = (), subject: str | None = None) -> Page[Event]:
        """List in the order they were committed."""
        rows = self._draft.seen(
            "outbox",
            lambda one: subject in (None, one.subject) and (not kinds or wanted(one.kind, tuple(kinds))),
        )
        return page_of(rows, request, lambda one: one.id)

    async def get(self, key: EventId) -> Event:
        """Return one. Refuses with: NotFound."""
        for one in self._draft.seen("outbox", lambda one: one.id == key):
            return one  # type: ignore[no-any-return]  # rows of a table are Any
        raise NotFound("no event {event}", event=key, field="event")


class MemoryWebhooks:
    """Keeps ``domain.ports.webhooks.Webhooks``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def add(self, webhook: Webhook) -> Webhook:
        """Keep a new one."""
        if webhook.reseller is not None and not self._draft.actor.reaches(webhook.reseller):
            raise NotFound("no such reseller, or not yours", field="reseller")
        kept = replace(webhook, id=WebhookId(self._draft.draw("webhook")))
        self._draft.table("webhook")[kept.id] = kept
        return kept

    async def all(self) -> Sequence[Webhook]:
        """Return them by key."""
        return self._draft.seen("webhook")

    async def claim(self, key: WebhookId) -> Webhook:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        for one in self._draft.seen("webhook", lambda one: one.id == key):
            return one  # type: ignore[no-any-return]  # rows of a table are Any
        raise NotFound("no webhook {webhook}", webhook=key, field="webhook")

    async def keep(self, webhook: Webhook) -> Webhook:
        """Write a changed one, a version further. Refuses with: Stale."""
        if (await self.claim(webhook.id)).version != webhook.version:
            raise Stale("the webhook has changed since it was read; read it again", field="version")
        kept = replace(webhook, version=webhook.version + 1)
        self._draft.table("webhook")[kept.id] = kept
        return kept

    async def remove(self, key: WebhookId) -> None:
        """Forget one with its deliveries."""
        self._draft.table("webhook").pop(key, None)
        rows = self._draft.table("webhook_delivery")
        for place in [place for place in rows if place[0] == key]:
            del rows[place]

    async def deliveries(
        self, key: WebhookId, request: PageRequest, *, state: DeliveryState | None = None
    ) -> Page[Delivery]:
        """List a webhook's deliveries by event, in a state; None: any. Refuses with: NotFound."""
        await self.claim(key)
        rows = self._draft.table("webhook_delivery")
        own = [rows[place] for place in sorted(rows) if place[0] == key and state in (None, rows[place].state)]
        return page_of(own, request, lambda one: one.event)

    async def replay(
        self, webhook: Webhook, *, at: datetime, event: EventId | None = None, since: datetime | None = None
    ) -> int:
        """Send again, and return how many."""
        rows, again = self._draft.table("webhook_delivery"), 0
        if event is None and since is None:
            for place, one in list(rows.items()):
                if place[0] == webhook.id and one.state is DeliveryState.DEAD:
                    rows[place] = replace(one, state=DeliveryState.WAITING, attempts=0, next_at=at, finished_at=None)
                    again += 1
            return again
        below = {key for key in self._draft.table("reseller") if webhook.reseller in _above(self._draft, key)}
        for one in self._draft.seen("outbox"):
            asked = one.id == event if since is None else one.at >= since and wanted(one.kind, webhook.kinds)
            if asked and (webhook.reseller is None or one.reseller in below):
                rows[webhook.id, one.id] = _new(webhook, one, at)
                again += 1
        return again

    async def test(self, webhook: Webhook) -> Event:
        """Make a test event with a delivery to this webhook alone."""
        event = Event(
            id=EventId(self._draft.draw("outbox")),
            operator=webhook.operator,
            kind=TEST,
            subject=f"webhook:{webhook.id}",
            at=datetime.now(UTC),
            data={},
            reseller=webhook.reseller,
        )
        self._draft.table("outbox")[event.id] = event
        self._draft.table("webhook_delivery")[webhook.id, event.id] = _new(webhook, event, event.at)
        return event


def _above(draft: Draft, reseller: ResellerId | None) -> set[ResellerId]:
    """Return a reseller and whom he buys from now, up to the outermost."""
    rows = {key: one for key, one in draft.table("reseller").items() if one.operator == draft.actor.operator}
    terms = draft.table("reseller_term")
    present = as_of(rows, [terms[key] for key in sorted(terms) if key[0] in rows], datetime.now(UTC))
    found: set[ResellerId] = set()
    while reseller is not None:
        found.add(reseller)
        reseller = present[reseller].parent
    return found


class MemoryDeliveries:
    """Keeps ``domain.ports.webhooks.Deliveries``."""

    def __init__(self, database: MemoryDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def _enter(self) -> Draft:
        return await self._database.enter(system(OperatorId(0), "worker"), bulk=True)

    async def claim(self, *, busy: Collection[WebhookId], count: int, each: int, lease: timedelta) -> Sequence[Due]:
        """Take what is due of up to ``count`` webhooks but the busy ones."""
        draft, now, found = await self._enter(), self._clock.now(), list[Due]()
        try:
            rows, hooks, events = (draft.table(one) for one in ("webhook_delivery", "webhook", "outbox"))
            free = [one for one in hooks.values() if one.active and one.id not in busy]
            for webhook in free[:count]:
                due = [r for r in rows.values() if r.webhook == webhook.id and _due(r, now)]
                due.sort(key=lambda row: (row.next_at, row.event))
                for row in due[: 1 if webhook.failing_since else each]:
                    rows[webhook.id, row.event] = replace(row, attempts=row.attempts + 1, next_at=now + lease)
                    found.append(Due(webhook, events[row.event], row.attempts + 1))
        finally:
            self._database.leave(draft, commit=True)
        return sorted(found, key=lambda one: (one.webhook.id, one.event.id))

    async def finish(
        self,
        due: Due,
        state: DeliveryState,
        *,
        status: int | None,
        fault: str | None,
        again_after: timedelta | None,
    ) -> bool:
        """Say what came of an attempt."""
        now = self._clock.now()
        told = None if fault is None else fault[:FAULT_MAX]
        waiting = state is DeliveryState.WAITING
        await self._change(
            due,
            state=state,
            status=status,
            fault=told,
            next_at=now + (again_after or timedelta()) if waiting else None,
            finished_at=None if waiting else now,
        )
        if state is DeliveryState.DELIVERED:
            await self._hook(due.webhook, failing_since=None, fault=None)
            return False
        since = due.webhook.failing_since or now
        over = since <= now - DISABLE_AFTER
        await self._hook(due.webhook, failing_since=since, fault=told, **({"active": False} if over else {}))
        return over

    async def release(self, due: Sequence[Due], *, after: timedelta) -> None:
        """Give back what was not tried."""
        for one in due:
            await self._change(one, attempts=one.attempts - 1, next_at=self._clock.now() + after)

    async def disable(self, webhook: Webhook, fault: str) -> None:
        """Send nothing more to a webhook until somebody sets it right."""
        await self._hook(webhook, active=False, fault=fault[:FAULT_MAX])

    async def sweep(self) -> int:
        """Forget nothing: memory is short-lived."""
        return 0

    async def _change(self, due: Due, **fields: Any) -> None:
        draft = await self._enter()
        rows = draft.table("webhook_delivery")
        if (row := rows.get((due.webhook.id, due.event.id))) and row.state is DeliveryState.WAITING:
            rows[due.webhook.id, due.event.id] = replace(row, **fields)
        self._database.leave(draft, commit=True)

    async def _hook(self, webhook: Webhook, **fields: Any) -> None:
        draft = await self._enter()
        rows: Mapping[Any, Any] = draft.table("webhook")
        if webhook.id in rows:
            draft.table("webhook")[webhook.id] = replace(rows[webhook.id], **fields)
        self._database.leave(draft, commit=True)


def _due(row: Delivery, now: datetime) -> bool:
    return row.state is DeliveryState.WAITING and row.next_at is not None and row.next_at <= now
