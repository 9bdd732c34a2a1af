"""Keep webhooks, look at what is on its way to them, and send again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, camel, check_texts, given
from domain.ids import EventId, ResellerId, WebhookId
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.transports import Vault
from domain.ports.unit import Begin
from domain.ports.webhooks import Http
from domain.refusal import BadValue, LimitExceeded, NotFound, Stale, WrongState
from domain.webhooks.signature import KEY_BYTES, write_secret
from domain.webhooks.webhook import OVERLAP, WEBHOOKS_MAX, Delivery, DeliveryState, Webhook, check

Draw = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWebhook:
    """A new webhook. ``kinds`` are patterns. ``reseller`` (a reseller's client: his own) limits it to his subtree."""

    url: str
    kinds: tuple[str, ...] = ("*",)
    note: str = ""
    reseller: ResellerId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeWebhook:
    """A change of the fields that are given. Going to another address it gets a new secret; set active it begins anew.

    ``version`` is the one the caller has read.
    """

    webhook: WebhookId
    version: int
    url: Change[str] = UNCHANGED
    kinds: Change[tuple[str, ...]] = UNCHANGED
    note: Change[str] = UNCHANGED
    active: Change[bool] = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Send again: one event, or all that are wanted since a time, or (neither) all that were given up."""

    webhook: WebhookId
    event: EventId | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A webhook, and its new secret where it has got one, which nobody can read again."""

    webhook: Webhook
    secret: str | None


_FIELDS: Final = ("url", "kinds", "note", "active")


@operation(Action.MANAGE_WEBHOOKS)
async def create_webhook(
    cmd: CreateWebhook, *, actor: Actor, begin: Begin, clock: Clock, http: Http, vault: Vault, draw: Draw
) -> Told:
    """Keep a new webhook. Refuses with: NotAllowed, BadValue, NotFound (reseller), LimitExceeded."""
    check_texts(cmd)
    reseller = cmd.reseller if cmd.reseller is not None else actor.reseller
    made = check(
        Webhook(
            id=WebhookId(0),
            operator=actor.operator,
            reseller=reseller,
            url=cmd.url,
            kinds=tuple(dict.fromkeys(cmd.kinds)),
            note=cmd.note,
            secret=b"",
            created_at=clock.now(),
        )
    )
    await http.check(made.url)
    secret = write_secret(draw(KEY_BYTES))
    async with begin(actor) as unit:
        if reseller is not None and reseller not in await unit.resellers.tree():
            raise NotFound("no such reseller, or not yours", field="reseller")
        if sum(one.reseller == reseller for one in await unit.webhooks.all()) >= WEBHOOKS_MAX:
            raise LimitExceeded("there are {most} webhooks already; remove one", most=WEBHOOKS_MAX)
        kept = await unit.webhooks.add(replace(made, secret=vault.seal(secret, about=made.about)))
        await unit.audit.write("create_webhook", f"webhook:{kept.id}", {"version": kept.version, "kinds": kept.kinds})
    return Told(kept, secret)


@operation(Action.MANAGE_WEBHOOKS)
async def change_webhook(
    cmd: ChangeWebhook, *, actor: Actor, begin: Begin, http: Http, vault: Vault, draw: Draw
) -> Told:
    """Change what is given. Refuses with: NotAllowed, NotFound, Stale, BadValue."""
    check_texts(cmd)
    changes = given(cmd, *_FIELDS)
    if "url" in changes:
        await http.check(changes["url"])
    async with begin(actor) as unit:
        webhook = await unit.webhooks.claim(cmd.webhook)
        if webhook.version != cmd.version:
            raise Stale("the webhook has changed since it was read; read it again", field="version")
        changed = check(replace(webhook, **changes))
        different = [name for name in changes if getattr(changed, name) != getattr(webhook, name)]
        if not different:
            return Told(webhook, None)
        secret = None
        if "url" in different:
            secret = write_secret(draw(KEY_BYTES))
            changed = replace(changed, secret=vault.seal(secret, about=changed.about), before=None, before_until=None)
        if changed.active and ("url" in different or "active" in different):
            changed = replace(changed, failing_since=None, fault=None)
        kept = await unit.webhooks.keep(changed)
        detail = {"version": kept.version, "changed": [camel(name) for name in different]}
        await unit.audit.write("change_webhook", f"webhook:{kept.id}", detail)
    return Told(kept, secret)


@operation(Action.MANAGE_WEBHOOKS)
async def rotate_webhook_secret(
    key: WebhookId, *, actor: Actor, begin: Begin, clock: Clock, vault: Vault, draw: Draw
) -> Told:
    """Give a webhook a new secret; the one before signs too for a day. Refuses with: NotAllowed, NotFound."""
    secret = write_secret(draw(KEY_BYTES))
    async with begin(actor) as unit:
        webhook = await unit.webhooks.claim(key)
        kept = await unit.webhooks.keep(
            replace(
                webhook,
                secret=vault.seal(secret, about=webhook.about),
                before=webhook.secret,
                before_until=clock.now() + OVERLAP,
            )
        )
        await unit.audit.write("rotate_webhook", f"webhook:{kept.id}", {"version": kept.version})
    return Told(kept, secret)


@operation(Action.MANAGE_WEBHOOKS)
async def remove_webhook(key: WebhookId, version: int, *, actor: Actor, begin: Begin) -> Webhook:
    """Forget a webhook with what is on its way to it. Refuses with: NotAllowed, NotFound, Stale."""
    async with begin(actor) as unit:
        webhook = await unit.webhooks.claim(key)
        if webhook.version != version:
            raise Stale("the webhook has changed since it was read; read it again", field="version")
        await unit.webhooks.remove(key)
        await unit.audit.write("remove_webhook", f"webhook:{key}", {"version": version})
    return webhook


@operation(Action.MANAGE_WEBHOOKS)
async def try_webhook(key: WebhookId, *, actor: Actor, begin: Begin) -> Webhook:
    """Send the event ``webhook.test`` to this webhook alone, whatever it wants.

    Refuses with: NotAllowed, NotFound, WrongState (not active).
    """
    async with begin(actor) as unit:
        webhook = await unit.webhooks.claim(key)
        if not webhook.active:
            raise WrongState("the webhook is not active; set it active first", field="webhook")
        await unit.webhooks.test(webhook)
        await unit.audit.write("try_webhook", f"webhook:{key}")
    return webhook


@operation(Action.MANAGE_WEBHOOKS)
async def replay_deliveries(cmd: Replay, *, actor: Actor, begin: Begin, clock: Clock) -> int:
    """Send again, and return how many. Refuses with: NotAllowed, NotFound (webhook, event), WrongState (not active)."""
    check_texts(cmd)
    if cmd.event is not None and cmd.since is not None:
        raise BadValue("give an event or a time, not both", field="since")
    async with begin(actor) as unit:
        webhook = await unit.webhooks.claim(cmd.webhook)
        if not webhook.active:
            raise WrongState("the webhook is not active; set it active first", field="webhook")
        if cmd.event is not None:
            await unit.events.get(cmd.event)
        again = await unit.webhooks.replay(webhook, at=clock.now(), event=cmd.event, since=cmd.since)
        await unit.audit.write("replay_webhook", f"webhook:{webhook.id}", {"deliveries": again})
    return again


@operation(Action.MANAGE_WEBHOOKS)
async def list_webhooks(*, actor: Actor, begin: Begin) -> Sequence[Webhook]:
    """Return the caller's webhooks by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.webhooks.all()


@operation(Action.MANAGE_WEBHOOKS)
async def get_webhook(key: WebhookId, *, actor: Actor, begin: Begin) -> Webhook:
    """Return one. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await unit.webhooks.claim(key)


@operation(Action.MANAGE_WEBHOOKS)
async def list_deliveries(
    key: WebhookId, request: PageRequest, *, state: DeliveryState | None = None, actor: Actor, begin: Begin
) -> Page[Delivery]:
    """List what is on its way to a webhook, was taken or given up, by event. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await unit.webhooks.deliveries(key, request, state=state)
