"""Events: what was changed; asked for, told as it happens, or sent to webhooks."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.following import heard
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.inputs import given
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.parties import ResellerType
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt, JsonText
from api.graphql.showing import shows
from api.graphql.wording import perhaps_in_words
from domain.access.actor import Action, allow
from domain.ids import EventId, ResellerId, WebhookId
from domain.ports.news import EVENT
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import NotFound
from domain.usecases.list_events import check_kinds, get_event, list_events
from domain.usecases.manage_webhooks import (
    ChangeWebhook,
    CreateWebhook,
    Replay,
    change_webhook,
    create_webhook,
    get_webhook,
    list_deliveries,
    list_webhooks,
    remove_webhook,
    replay_deliveries,
    rotate_webhook_secret,
    try_webhook,
)
from domain.webhooks.event import Event, wanted
from domain.webhooks.webhook import Delivery, DeliveryState, Webhook

ID = strawberry.ID

strawberry.enum(DeliveryState, description="Waiting for its next attempt, taken by the receiver, or given up.")


def _change(root: strawberry.Parent[Event]) -> JsonText:
    return JsonText(json.dumps(dict(root.data), ensure_ascii=False, sort_keys=True))


def _kinds(root: strawberry.Parent[Webhook]) -> list[str]:
    return list(root.kinds)


async def _reseller(root: strawberry.Parent[Webhook], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller) if root.reseller is not None else None


@strawberry.type(name="Event", description="One committed change, such as customer.changed.")
class EventType:
    """``domain.webhooks.event.Event``."""

    id: ID = identified()
    identity: str = strawberry.field(description="The webhook-id of its deliveries.")
    kind: str
    subject: str = strawberry.field(description="What was changed, such as customer:12.")
    at: datetime
    change: JsonText = strawberry.field(resolver=_change, description="An object; its keys depend on the kind.")

    is_type_of = shows(Event)


@strawberry.type(name="WebhookDelivery", description="One event on its way to one webhook.")
class DeliveryType:
    """``domain.webhooks.webhook.Delivery``."""

    event: ID = strawberry.field(resolver=lambda root: ID(_event_id(root)))
    kind: str
    subject: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_at: datetime | None
    finished_at: datetime | None
    status: int | None = strawberry.field(description="The HTTP status of the last answer.")
    fault: str | None = strawberry.field(
        resolver=perhaps_in_words("fault"), description="Why the last attempt was not taken."
    )

    is_type_of = shows(Delivery)


async def _deliveries(
    root: strawberry.Parent[Webhook],
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    state: DeliveryState | None = None,
) -> Any:
    wanted_page = request(first, read_number(after, "Delivery"))
    page = await info.context.ask(list_deliveries, root.id, wanted_page, state=state)
    return connect(page, "Delivery", after=after)


@strawberry.type(name="Webhook", description="An address that events are sent to. Its secret is told once.")
class WebhookType:
    """``domain.webhooks.webhook.Webhook``."""

    id: ID = identified()
    url: str
    kinds: list[str] = strawberry.field(resolver=_kinds)
    note: str
    active: bool
    version: int
    created_at: datetime
    before_until: datetime | None = strawberry.field(description="Until then the secret before signs too.")
    failing_since: datetime | None = strawberry.field(description="After five days of failures it is disabled.")
    fault: str | None = strawberry.field(resolver=perhaps_in_words("fault"))
    reseller: ResellerType | None = strawberry.field(resolver=_reseller, description="Of his subtree it is told alone.")
    deliveries: Connection[DeliveryType] = strawberry.field(resolver=_deliveries, description="By event.")

    is_type_of = shows(Webhook)


@strawberry.input(description="kinds: customer.changed, customer.* or * (the default).")
class CreateWebhookInput:
    """``CreateWebhook``."""

    url: str
    kinds: list[str] | None = None
    note: str | None = None
    reseller: ID | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="What is left out stays. With another url it gets a new secret.")
class ChangeWebhookInput:
    """``ChangeWebhook``."""

    webhook: ID
    version: int
    url: strawberry.Maybe[str]
    kinds: strawberry.Maybe[list[str]]
    note: strawberry.Maybe[str]
    active: strawberry.Maybe[bool]
    idempotency_key: str | None = kept_key()


@strawberry.input(description="One event, or all that it wants since a time, or (neither) all that were given up.")
class ReplayDeliveriesInput:
    """``Replay``."""

    webhook: ID
    event: ID | None = None
    since: datetime | None = None
    idempotency_key: str | None = kept_key()


@strawberry.type(name="WebhookTold", description="The webhook, and its new secret where it got one: keep it.")
class WebhookToldType:
    """``domain.usecases.manage_webhooks.Told``."""

    webhook: WebhookType
    secret: str | None


@strawberry.type(name="WebhookRemoved", description="The webhook is gone with what was on its way to it.")
class WebhookRemovedType:
    """What was removed."""

    url: str


@strawberry.type(name="DeliveriesReplayed", description="How many deliveries will be tried again.")
class DeliveriesReplayedType:
    """What will be sent again."""

    count: BigInt


def _event_id(delivery: Delivery) -> str:
    return global_id("Event", delivery.event)


def _key(webhook: str) -> WebhookId:
    return WebhookId(key_of(webhook, "Webhook", "webhook"))


async def _events(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    kinds: list[str] | None = None,
    subject: str | None = None,
) -> Any:
    page = await info.context.ask(
        list_events, request(first, read_number(after, "Event")), kinds=tuple(kinds or ()), subject=subject
    )
    return connect(page, "Event", after=after)


async def _webhooks(info: Info) -> Any:
    return await info.context.ask(list_webhooks)


async def _webhook(info: Info, id: ID) -> Any:
    return await info.context.ask(get_webhook, WebhookId(key_of(id, "Webhook", "id")))


async def _create(info: Info, asked: Annotated[CreateWebhookInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    cmd = CreateWebhook(
        url=asked.url,
        kinds=("*",) if asked.kinds is None else tuple(asked.kinds),
        note=asked.note or "",
        reseller=ResellerId(key_of(asked.reseller, "Reseller", "reseller")) if asked.reseller else None,
    )
    told = await info.context.ask(
        create_webhook, cmd, clock=wiring.clock, http=wiring.http, vault=wiring.vault, draw=secrets.token_bytes
    )
    return WebhookToldType(webhook=told.webhook, secret=told.secret)


async def _change_webhook(info: Info, asked: Annotated[ChangeWebhookInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    fields = given(asked, {"webhook": "Webhook"})
    fields |= {"kinds": tuple(fields["kinds"])} if "kinds" in fields else {}
    told = await info.context.ask(
        change_webhook, ChangeWebhook(**fields), http=wiring.http, vault=wiring.vault, draw=secrets.token_bytes
    )
    return WebhookToldType(webhook=told.webhook, secret=told.secret)


async def _rotate(info: Info, webhook: ID) -> Any:
    wiring = info.context.wiring
    told = await info.context.ask(
        rotate_webhook_secret, _key(webhook), clock=wiring.clock, vault=wiring.vault, draw=secrets.token_bytes
    )
    return WebhookToldType(webhook=told.webhook, secret=told.secret)


async def _remove(info: Info, webhook: ID, version: int) -> Any:
    gone = await info.context.ask(remove_webhook, _key(webhook), version)
    return WebhookRemovedType(url=gone.url)


async def _try(info: Info, webhook: ID) -> Any:
    return await info.context.ask(try_webhook, _key(webhook))


async def _replay(info: Info, asked: Annotated[ReplayDeliveriesInput, strawberry.argument(name="input")]) -> Any:
    cmd = Replay(
        webhook=_key(asked.webhook),
        event=EventId(key_of(asked.event, "Event", "event")) if asked.event else None,
        since=asked.since,
    )
    again = await info.context.ask(replay_deliveries, cmd, clock=info.context.wiring.clock)
    return DeliveriesReplayedType(count=BigInt(again))


async def _told(info: Info, kinds: list[str] | None = None) -> AsyncGenerator[Any, None]:
    allow(info.context.actor, Action.READ_EVENTS, "list_events")
    patterns = tuple(kinds or ())
    check_kinds(patterns)
    last: int | None = None
    async with heard(info, EVENT) as keys:
        async for key in keys:
            if key is not None:
                found = await _seen(info, EventId(key))
            elif last is None:
                last, found = 0, []  # those there are can be asked for
            else:
                page = await info.context.ask(list_events, PageRequest(PAGE_MAX, last))
                found = list(page.items)
            for one in found:
                last = max(last or 0, one.id)
                if not patterns or wanted(one.kind, patterns):
                    yield one


async def _seen(info: Info, key: EventId) -> list[Event]:
    """Return the event where it is the caller's to see."""
    try:
        return [await info.context.ask(get_event, key)]
    except NotFound:
        return []


@strawberry.type
class EventQuery:
    """What was changed, and where it is sent."""

    events: Connection[EventType] = strawberry.field(
        resolver=_events,
        description="In the order they were committed; whoever asks again after the last one misses none. 30 days.",
    )
    webhooks: list[WebhookType] = strawberry.field(resolver=_webhooks)
    webhook: WebhookType | None = strawberry.field(resolver=_webhook)


@strawberry.type
class WebhookMutation:
    """Where events are sent."""

    create_webhook = strawberry.mutation(resolver=_create, graphql_type=outcome("CreateWebhookResult", WebhookToldType))
    change_webhook = strawberry.mutation(
        resolver=_change_webhook, graphql_type=outcome("ChangeWebhookResult", WebhookToldType)
    )
    rotate_webhook_secret = strawberry.mutation(
        resolver=_rotate,
        graphql_type=outcome("RotateWebhookSecretResult", WebhookToldType),
        description="The secret before signs too for a day.",
    )
    remove_webhook = strawberry.mutation(
        resolver=_remove, graphql_type=outcome("RemoveWebhookResult", WebhookRemovedType)
    )
    test_webhook = strawberry.mutation(
        resolver=_try,
        graphql_type=outcome("TestWebhookResult", WebhookType),
        description="Sends webhook.test to it; its deliveries tell what came.",
    )
    replay_deliveries = strawberry.mutation(
        resolver=_replay, graphql_type=outcome("ReplayDeliveriesResult", DeliveriesReplayedType)
    )


@strawberry.type
class EventSubscription:
    """Changes as they are committed."""

    events: AsyncGenerator[EventType, None] = strawberry.subscription(
        resolver=_told, description="Each change that the caller may see, from now on; of some kinds, or any."
    )
