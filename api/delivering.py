"""Sending events to webhooks: one task a webhook, so that a slow host makes nobody wait but itself.

Every process that works sends: what one has claimed is nobody else's for a minute, and is due again when it died. An
event is sent again until it is taken, with growing pauses; a webhook that has failed for five days is disabled.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import groupby
from typing import Final

from api.graphql.ids import global_id
from api.wiring import Wiring
from domain.access.actor import system
from domain.alarms.alarm import Raised, Severity
from domain.ids import WebhookId
from domain.ports.transports import TransportFault
from domain.ports.webhooks import Answer
from domain.refusal import BadValue
from domain.usecases.raise_alarm import raise_alarm
from domain.webhooks.event import Event, parts
from domain.webhooks.signature import signed
from domain.webhooks.webhook import LEASE, DeliveryState, Due, Webhook, pause
from persistence.away import DatabaseAway

LOG: Final = logging.getLogger("tollwright.webhooks")
LOOK_SECONDS: Final = 0.5
AWAY_SECONDS: Final = 5.0
SWEEP_SECONDS: Final = 3600.0
WEBHOOKS_MAX: Final = 64  # that are sent to at the same time
EACH: Final = 50  # deliveries of a webhook that are claimed at a time
BATCH_SECONDS: Final = 30.0  # half the lease: what is not sent by then is given back
GONE: Final = 410
RETRY_AFTER_MAX: Final = timedelta(hours=1)
ALARM: Final = "webhook_failing"
# The types of GraphQL whose global ids an event tells, by the word of its subject.
NODES: Final = {
    "customer": "Customer",
    "contract": "Contract",
    "subscription": "Subscription",
    "service": "Service",
    "reseller": "Reseller",
    "invoice": "Invoice",
    "payment": "Payment",
    "file": "File",
    "alarm": "Alarm",
    "job": "Job",
    "feed": "Feed",
    "source": "Source",
}


def body_of(event: Event) -> bytes:
    """Write an event as it is sent: the same bytes each time, since they are signed and compared."""
    thing, key = parts(event.subject)
    data: dict[str, object] = {"object": thing, "key": key}
    if thing in NODES and key is not None:
        data["id"] = global_id(NODES[thing], key)
    if event.reseller is not None:
        data["reseller"] = str(event.reseller)
    data["change"] = dict(event.data)
    told = {"type": event.kind, "timestamp": event.at.isoformat().replace("+00:00", "Z"), "data": data}
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


class Deliverer:
    """Sends what is due until it is stopped."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._tasks: dict[WebhookId, asyncio.Task[None]] = {}
        self._swept = 0.0

    async def run(self) -> None:
        """Send until cancelled. A database that is away is waited for."""
        try:
            while True:
                try:
                    found = await self._begin()
                    await self._sweep()
                except (DatabaseAway, OSError) as trouble:
                    LOG.warning("%s; looking again in %.0f s", trouble, AWAY_SECONDS)
                    await asyncio.sleep(AWAY_SECONDS)
                else:
                    await asyncio.sleep(0 if found else LOOK_SECONDS)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _begin(self) -> bool:
        free = WEBHOOKS_MAX - len(self._tasks)
        if free <= 0:
            return False
        due = await self._wiring.deliveries.claim(busy=self._tasks.keys(), count=free, each=EACH, lease=LEASE)
        for key, some in groupby(due, key=lambda one: one.webhook.id):
            task = asyncio.create_task(self._send_all(list(some)))
            self._tasks[key] = task
            task.add_done_callback(functools.partial(self._done, key))
        return bool(due)

    def _done(self, key: WebhookId, task: asyncio.Task[None]) -> None:
        del self._tasks[key]
        if not task.cancelled() and (trouble := task.exception()) is not None:
            LOG.error("webhook %s: %s: %s", key, type(trouble).__name__, trouble)  # its lease brings it back

    async def _send_all(self, due: Sequence[Due]) -> None:
        """Send a webhook's deliveries in order; where one fails, those behind it wait for its next attempt."""
        began = time.monotonic()
        for index, one in enumerate(due):
            if time.monotonic() - began > BATCH_SECONDS:
                await self._wiring.deliveries.release(due[index:], after=timedelta())
                return
            rest = await self._send(one)
            if rest is not None:
                await self._wiring.deliveries.release(due[index + 1 :], after=rest)
                return

    async def _send(self, due: Due) -> timedelta | None:
        """Send one and write what came of it; return how long its webhook rests, None where it goes on."""
        webhook, answer, fault = due.webhook, None, None
        try:
            answer = await self._ask(due)
        except (TransportFault, BadValue) as no:
            fault = no.message
        if answer is not None and answer.good:
            await self._wiring.deliveries.finish(
                due, DeliveryState.DELIVERED, status=answer.status, fault=None, again_after=None
            )
            return None
        if answer is not None:
            fault = f"it answered {answer.status}" + (", a redirect, which is not followed" if _moved(answer) else "")
        rest = pause(due.attempts, jitter=random.random())  # noqa: S311  (spreads retries; no secret)
        if rest is not None and answer is not None:
            rest = max(rest, _asked(answer))
        LOG.warning("webhook %s, %s, attempt %s: %s", webhook.id, due.event.identity, due.attempts, fault)
        over = await self._wiring.deliveries.finish(
            due,
            DeliveryState.WAITING if rest is not None else DeliveryState.DEAD,
            status=answer.status if answer is not None else None,
            fault=fault,
            again_after=rest,
        )
        if answer is not None and answer.status == GONE:
            fault, over = "it answered 410: it is gone", True
            await self._wiring.deliveries.disable(webhook, fault)
        if over:
            await self._alarm(webhook, fault or "")
        return rest if rest is not None else timedelta()

    async def _ask(self, due: Due) -> Answer:
        webhook, now, body = due.webhook, self._wiring.clock.now(), body_of(due.event)
        secrets = [self._wiring.vault.open(webhook.secret, about=webhook.about)]
        if webhook.before is not None and webhook.before_until is not None and webhook.before_until > now:
            secrets.append(self._wiring.vault.open(webhook.before, about=webhook.about))
        headers = signed(secrets, identity=due.event.identity, seconds=int(now.timestamp()), body=body)
        return await self._wiring.http.ask(
            "POST", webhook.url, headers={"content-type": "application/json", **headers}, body=body
        )

    async def _alarm(self, webhook: Webhook, fault: str) -> None:
        await raise_alarm(
            Raised(
                kind=ALARM,
                subject=f"webhook {webhook.id}",
                text=f"The webhook {webhook.id} is disabled: {fault}"[:500],
                severity=Severity.WARNING,
                data={"webhook": int(webhook.id)},
            ),
            actor=system(webhook.operator, "webhooks"),
            begin=self._wiring.begin,
            clock=self._wiring.clock,
        )

    async def _sweep(self) -> None:
        """Forget what is too old to be sent again, now and then."""
        if time.monotonic() - self._swept > SWEEP_SECONDS or not self._swept:
            self._swept = time.monotonic()
            await self._wiring.deliveries.sweep()


@asynccontextmanager
async def delivering(wiring: Wiring) -> AsyncIterator[None]:
    """Send to webhooks meanwhile."""
    doing = asyncio.create_task(Deliverer(wiring).run())
    try:
        yield
    finally:
        doing.cancel()
        with suppress(asyncio.CancelledError):
            await doing


def _moved(answer: Answer) -> bool:
    return 300 <= answer.status < 400


def _asked(answer: Answer) -> timedelta:
    """Return how long the host wants to be left alone (RFC 9110 § 10.2.3), as far as that is taken."""
    text = answer.headers.get("retry-after", "")
    seconds = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
    return min(timedelta(seconds=seconds), RETRY_AFTER_MAX)
