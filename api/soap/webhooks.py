"""Events and webhooks over SOAP: an ERP that fetches what was changed, and where changes are sent."""

from __future__ import annotations

import json
import secrets
from typing import Any, Final

from spyne import Boolean, DateTime, Integer, ServiceBase, Unicode

from api.catalogues import perhaps
from api.soap.models import Model, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from domain.ids import EventId, WebhookId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.list_events import list_events
from domain.usecases.manage_webhooks import (
    ChangeWebhook,
    CreateWebhook,
    Replay,
    change_webhook,
    create_webhook,
    list_webhooks,
    remove_webhook,
    replay_deliveries,
    rotate_webhook_secret,
    try_webhook,
)

PAGE: Final = 200


class Event(Model):
    """One committed change, such as customer.changed of customer:12. ``change`` is a JSON object."""

    id = needed(Integer)
    identity = needed(Unicode)
    kind = needed(Unicode)
    subject = needed(Unicode)
    at = needed(DateTime)
    change = needed(Unicode)


class EventPage(Model):
    """Events in the order they were committed. ``last`` is where to ask on from, there even on the last page."""

    count = needed(Integer)
    event = many(Event)
    last = Unicode
    more = needed(Boolean)


class NewWebhook(Model):
    """A webhook to be. A kind is customer.changed, customer.* or * (where none is given)."""

    url = needed(Unicode)
    kind = many(Unicode)
    note = Unicode


class WebhookChange(Model):
    """What is left out stays; kinds, where some are given, are all there will be."""

    webhook = needed(Integer)
    version = needed(Integer)
    url = Unicode
    kind = many(Unicode)
    note = Unicode
    active = Boolean


class Webhook(Model):
    """An address that events are sent to. ``secret`` is there once, when it is new."""

    id = needed(Integer)
    url = needed(Unicode)
    kind = many(Unicode)
    note = needed(Unicode)
    active = needed(Boolean)
    version = needed(Integer)
    createdAt = needed(DateTime)
    failingSince = DateTime
    fault = Unicode
    secret = Unicode


class WebhookList(Model):
    """The caller's webhooks."""

    webhook = many(Webhook)


class Webhooks(ServiceBase):
    """What was changed, and where it is sent."""

    __service_name__ = "Billing"

    @operation(
        "ListEvents", Integer(ge=1, le=PAGE_MAX), Unicode, many(Unicode), Unicode, returns=EventPage, result="page"
    )
    async def list_events(
        ctx: Any,
        first: int | None,
        after: str | None,
        kind: list[str] | None,
        subject: str | None,
    ) -> Any:
        """Return what was changed after ``after``, the ``last`` of the page before; whoever asks on misses nothing."""
        page = await ctx.udc.ask(
            list_events, PageRequest(first or PAGE, key_after(after)), kinds=tuple(kind or ()), subject=subject
        )
        last = str(page.items[-1].id) if page.items else after
        return EventPage(count=len(page.items), event=[_event(one) for one in page.items], last=last, more=page.more)

    @operation("ListWebhooks", returns=WebhookList, result="webhooks")
    async def list_webhooks(ctx: Any) -> Any:
        """Return the caller's webhooks."""
        return WebhookList(webhook=[_webhook(one) for one in await ctx.udc.ask(list_webhooks)])

    @operation("CreateWebhook", needed(NewWebhook), returns=Webhook, result="webhook")
    async def create_webhook(ctx: Any, webhook: Any) -> Any:
        """Keep a new webhook, and tell its secret, which nobody can read again."""
        wiring = ctx.udc.wiring
        cmd = CreateWebhook(url=webhook.url, kinds=tuple(webhook.kind or ("*",)), note=webhook.note or "")
        told = await ctx.udc.ask(
            create_webhook, cmd, clock=wiring.clock, http=wiring.http, vault=wiring.vault, draw=secrets.token_bytes
        )
        return _webhook(told.webhook, told.secret)

    @operation("ChangeWebhook", needed(WebhookChange), returns=Webhook, result="webhook")
    async def change_webhook(ctx: Any, change: Any) -> Any:
        """Change a webhook at the version that was read; with another address it gets a new secret."""
        wiring = ctx.udc.wiring
        fields = {name: getattr(change, name) for name in ("url", "note", "active")}
        fields |= {"kinds": tuple(change.kind) if change.kind else None}
        cmd = ChangeWebhook(
            webhook=WebhookId(change.webhook),
            version=change.version,
            **{name: value for name, value in fields.items() if value is not None},
        )
        told = await ctx.udc.ask(change_webhook, cmd, http=wiring.http, vault=wiring.vault, draw=secrets.token_bytes)
        return _webhook(told.webhook, told.secret)

    @operation("RotateWebhookSecret", needed(Integer), returns=Webhook, result="result")
    async def rotate_webhook_secret(ctx: Any, webhook: int) -> Any:
        """Give a webhook a new secret; the one before signs too for a day."""
        wiring = ctx.udc.wiring
        told = await ctx.udc.ask(
            rotate_webhook_secret,
            WebhookId(webhook),
            clock=wiring.clock,
            vault=wiring.vault,
            draw=secrets.token_bytes,
        )
        return _webhook(told.webhook, told.secret)

    @operation("RemoveWebhook", needed(Integer), needed(Integer), returns=needed(Unicode), result="url")
    async def remove_webhook(ctx: Any, webhook: int, version: int) -> Any:
        """Forget a webhook with what is on its way to it."""
        return (await ctx.udc.ask(remove_webhook, WebhookId(webhook), version)).url

    @operation("TestWebhook", needed(Integer), returns=Webhook, result="result")
    async def try_webhook(ctx: Any, webhook: int) -> Any:
        """Send webhook.test to a webhook."""
        return _webhook(await ctx.udc.ask(try_webhook, WebhookId(webhook)))

    @operation("ReplayDeliveries", needed(Integer), Integer, DateTime, returns=needed(Integer), result="count")
    async def replay_deliveries(ctx: Any, webhook: int, event: int | None, since: Any) -> Any:
        """Send again: one event, or all that are wanted since a time, or (neither) all that were given up."""
        cmd = Replay(webhook=WebhookId(webhook), event=None if event is None else EventId(event), since=since)
        return await ctx.udc.ask(replay_deliveries, cmd, clock=ctx.udc.wiring.clock)


def _event(one: Any) -> Any:
    change = json.dumps(dict(one.data), ensure_ascii=False, sort_keys=True)
    return Event(id=one.id, identity=one.identity, kind=one.kind, subject=one.subject, at=one.at, change=change)


def _webhook(one: Any, secret: str | None = None) -> Any:
    names = ("id", "url", "note", "active", "version")
    return Webhook(
        **{name: getattr(one, name) for name in names},
        fault=perhaps(one.fault),
        kind=list(one.kinds),
        createdAt=one.created_at,
        failingSince=one.failing_since,
        secret=secret,
    )
