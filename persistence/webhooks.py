"""Events, webhooks and deliveries in PostgreSQL. Fanning out is a trigger's (migration 0042)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from domain.access.actor import Actor
from domain.ids import EventId, OperatorId, ResellerId, WebhookId
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound, Stale
from domain.webhooks.event import TEST, Event
from domain.webhooks.webhook import DISABLE_AFTER, FAULT_MAX, KEPT_DAYS, Delivery, DeliveryState, Due, Webhook
from persistence.engine import INGEST, Database, Transaction
from persistence.violations import beyond, refusing

_EVENT: Final = "o.operator, o.id, o.kind, o.subject, o.created_at, o.payload, o.reseller"
_WEBHOOK: Final = (
    "operator, id, reseller, url, kinds, note, active, secret, before, before_until, failing_since, fault, version,"
    " created_at"
)
_WANTED: Final = "(cardinality($4::text[]) = 0 or $4::text[] && array['*', o.kind, split_part(o.kind, '.', 1) || '.*'])"
_PAGE: Final = f"""
select {_EVENT} from outbox o where o.operator = $1 and o.txid < pg_snapshot_xmin(pg_current_snapshot())
    and ($2::bigint = 0 or (o.txid, o.id) > (select p.txid, p.id from outbox p where p.operator = $1 and p.id = $2))
    and ($3::text is null or o.subject = $3) and {_WANTED} order by o.txid, o.id limit $5"""  # noqa: S608  (our own words)
_DELIVERIES: Final = """
select d.event, d.webhook, d.state, d.attempts, d.created_at, d.next_at, d.status, d.fault, d.finished_at, o.kind,
    o.subject from webhook_delivery d join outbox o on o.id = d.event
where d.operator = $1 and d.webhook = $2 and d.event > $3 and ($4::text is null or d.state = $4)
order by d.event limit $5"""
_AGAIN: Final = """
on conflict (operator, webhook, event) do update set state = 'waiting', attempts = 0, next_at = excluded.next_at,
    finished_at = null"""
_DEAD: Final = """
update webhook_delivery set state = 'waiting', attempts = 0, next_at = $3, finished_at = null
where operator = $1 and webhook = $2 and state = 'dead'"""
_CLAIM: Final = f"""
with turn as (
    select w.operator, w.id, w.failing_since from webhook w
    where w.active and w.id <> all ($1::bigint[]) and exists (select from webhook_delivery x
        where x.operator = w.operator and x.webhook = w.id and x.state = 'waiting' and x.next_at <= now())
    order by random() limit $2),
chosen as (
    select d.operator, d.webhook, d.event from turn t cross join lateral (
        select x.operator, x.webhook, x.event from webhook_delivery x
        where x.operator = t.operator and x.webhook = t.id and x.state = 'waiting' and x.next_at <= now()
        order by x.next_at, x.event limit case when t.failing_since is null then $3::int else 1 end
        for update skip locked) d)
update webhook_delivery d set attempts = d.attempts + 1, next_at = now() + $4
from chosen c, outbox o, webhook w
where d.operator = c.operator and d.webhook = c.webhook and d.event = c.event and o.id = d.event
    and w.operator = d.operator and w.id = d.webhook
returning {_EVENT}, d.attempts, to_jsonb(w.*) - 'secret' - 'before' as hook, w.secret, w.before"""  # noqa: S608  (our own words)


def event_of(row: Mapping[str, Any]) -> Event:
    """Make the event of a row."""
    return Event(
        id=EventId(row["id"]),
        operator=OperatorId(row["operator"]),
        kind=row["kind"],
        subject=row["subject"],
        at=row["created_at"],
        data=json.loads(row["payload"]),
        reseller=None if row["reseller"] is None else ResellerId(row["reseller"]),
    )


def webhook_of(row: Mapping[str, Any]) -> Webhook:
    """Make the webhook of a row."""
    same = ("url", "note", "active", "failing_since", "fault", "version", "created_at", "before_until")
    return Webhook(
        id=WebhookId(row["id"]),
        operator=OperatorId(row["operator"]),
        reseller=None if row["reseller"] is None else ResellerId(row["reseller"]),
        kinds=tuple(row["kinds"]),
        secret=bytes(row["secret"]),
        before=None if row["before"] is None else bytes(row["before"]),
        **{name: row[name] for name in same},
    )


class EventLog:
    """Keeps ``domain.ports.webhooks.Events``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def page(self, request: PageRequest, *, kinds: Sequence[str] = (), subject: str | None = None) -> Page[Event]:
        """List in the order they were committed."""
        rows = await self._connection.fetch(
            _PAGE, self._operator, beyond(request.after), subject, list(kinds), request.first + 1
        )
        return Page.of([event_of(row) for row in rows], request)

    async def get(self, key: EventId) -> Event:
        """Return one. Refuses with: NotFound."""
        row = await self._connection.fetchrow(
            f"select {_EVENT} from outbox o where o.operator = $1 and o.id = $2",  # noqa: S608  (our own words)
            *(self._operator, beyond(key)),
        )
        if row is None:
            raise NotFound("no event {event}", event=key, field="event")
        return event_of(row)


class WebhookStore:
    """Keeps ``domain.ports.webhooks.Webhooks``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def add(self, webhook: Webhook) -> Webhook:
        """Keep a new one."""
        with refusing({}):
            row = await self._connection.fetchrow(
                "insert into webhook (operator, reseller, url, kinds, note, active, secret, created_at)"  # noqa: S608  (our own words)
                f" values ($1, $2, $3, $4, $5, $6, $7, $8) returning {_WEBHOOK}",
                *(self._operator, webhook.reseller, webhook.url, list(webhook.kinds), webhook.note, webhook.active),
                *(webhook.secret, webhook.created_at),
            )
        return webhook_of(row)

    async def _some(self, where: str, *arguments: object) -> list[Webhook]:
        rows = await self._connection.fetch(
            f"select {_WEBHOOK} from webhook where operator = $1 {where}",  # noqa: S608  (our own words)
            *(self._operator, *arguments),
        )
        return [webhook_of(row) for row in rows]

    async def all(self) -> Sequence[Webhook]:
        """Return them by key."""
        return await self._some("order by id")

    async def claim(self, key: WebhookId) -> Webhook:
        """Return one locked. Refuses with: NotFound."""
        rows = await self._some("and id = $2 for update", beyond(key))
        if not rows:
            raise NotFound("no webhook {webhook}", webhook=key, field="webhook")
        return rows[0]

    async def keep(self, webhook: Webhook) -> Webhook:
        """Write a changed one, a version further. Refuses with: Stale."""
        row = await self._connection.fetchrow(
            "update webhook set url = $3, kinds = $4, note = $5, active = $6, secret = $7, before = $8,"  # noqa: S608  (our own words)
            " before_until = $9, failing_since = $10, fault = $11, version = version + 1"
            f" where operator = $1 and id = $2 and version = $12 returning {_WEBHOOK}",
            *(self._operator, webhook.id, webhook.url, list(webhook.kinds), webhook.note, webhook.active),
            *(webhook.secret, webhook.before, webhook.before_until, webhook.failing_since, webhook.fault),
            webhook.version,
        )
        if row is None:
            raise Stale("the webhook has changed since it was read; read it again", field="version")
        return webhook_of(row)

    async def remove(self, key: WebhookId) -> None:
        """Forget one with its deliveries."""
        await self._connection.execute("delete from webhook where operator = $1 and id = $2", self._operator, key)

    async def deliveries(
        self, key: WebhookId, request: PageRequest, *, state: DeliveryState | None = None
    ) -> Page[Delivery]:
        """List a webhook's deliveries by event, in a state; None: any. Refuses with: NotFound."""
        if not await self._some("and id = $2", beyond(key)):
            raise NotFound("no webhook {webhook}", webhook=key, field="webhook")
        rows = await self._connection.fetch(
            _DELIVERIES, self._operator, key, beyond(request.after), state and state.value, request.first + 1
        )
        return Page.of([_delivery(row) for row in rows], request)

    async def replay(
        self, webhook: Webhook, *, at: datetime, event: EventId | None = None, since: datetime | None = None
    ) -> int:
        """Send again, and return how many."""
        if event is None and since is None:
            return _count(await self._connection.execute(_DEAD, self._operator, webhook.id, at))
        # The reader's own row-level security says which events a webhook may be sent; a reseller's are his subtree's.
        chosen = "o.id = $5" if event is not None else f"o.created_at >= $5 and {_WANTED}"
        tiers = (
            "and ($6::bigint is null or o.reseller in (with recursive below as (select id from reseller where"
            " operator = $1 and id = $6 union all select r.id from reseller_at(now()) r join below b"
            " on r.operator = $1 and r.parent = b.id) select id from below))"
        )
        said = await self._connection.execute(
            "insert into webhook_delivery (operator, webhook, event, next_at)"  # noqa: S608  (our own words)
            " select $1, $2, o.id, $3 from outbox o where o.operator = $1 and cardinality($4::text[]) >= 0"
            f" and {chosen} {tiers} {_AGAIN}",
            *(self._operator, webhook.id, at, list(webhook.kinds)),
            *(since if event is None else beyond(event), webhook.reseller),
        )
        return _count(said)

    async def test(self, webhook: Webhook) -> Event:
        """Make a test event with a delivery to this webhook alone."""
        row = await self._connection.fetchrow(
            f"insert into outbox as o (operator, kind, payload, subject, reseller) values ($1, $2, '{{}}', $3, $4)"  # noqa: S608  (our own words)
            f" returning {_EVENT}",
            *(self._operator, TEST, f"webhook:{webhook.id}", webhook.reseller),
        )
        await self._connection.execute(
            "insert into webhook_delivery (operator, webhook, event) values ($1, $2, $3)",
            *(self._operator, webhook.id, row["id"]),
        )
        return event_of(row)


class StoredDeliveries:
    """Keeps ``domain.ports.webhooks.Deliveries``: sees every operator's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, *, busy: Collection[WebhookId], count: int, each: int, lease: timedelta) -> Sequence[Due]:
        """Take what is due of up to ``count`` webhooks but the busy ones."""
        async with self._database.transaction(role=INGEST) as transaction:
            rows = await transaction.connection.fetch(_CLAIM, [int(one) for one in busy], count, each, lease)
        return sorted(map(_due, rows), key=lambda one: (one.webhook.id, one.event.id))

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
        told = None if fault is None else fault[:FAULT_MAX]
        async with self._database.transaction(role=INGEST) as transaction:
            await transaction.connection.execute(
                "update webhook_delivery set state = $4, status = $5, fault = $6, next_at = now() + $7,"
                " finished_at = case when $4 <> 'waiting' then now() end"
                " where operator = $1 and webhook = $2 and event = $3 and state = 'waiting'",
                *(due.event.operator, due.webhook.id, due.event.id, state.value, status, told),
                again_after or timedelta(),
            )
            if state is DeliveryState.DELIVERED:
                await transaction.connection.execute(
                    "update webhook set failing_since = null, fault = null where operator = $1 and id = $2"
                    " and (failing_since is not null or fault is not null)",
                    *(due.event.operator, due.webhook.id),
                )
                return False
            return bool(
                await transaction.connection.fetchval(
                    "update webhook set failing_since = coalesce(failing_since, now()), fault = $3,"
                    " active = active and coalesce(failing_since, now()) > now() - $4::interval"
                    " where operator = $1 and id = $2 and active returning not active",
                    *(due.event.operator, due.webhook.id, told, DISABLE_AFTER),
                )
            )

    async def release(self, due: Sequence[Due], *, after: timedelta) -> None:
        """Give back what was not tried."""
        async with self._database.transaction(role=INGEST) as transaction:
            await transaction.connection.executemany(
                "update webhook_delivery set attempts = attempts - 1, next_at = now() + $4"
                " where operator = $1 and webhook = $2 and event = $3 and state = 'waiting'",
                [(one.event.operator, one.webhook.id, one.event.id, after) for one in due],
            )

    async def disable(self, webhook: Webhook, fault: str) -> None:
        """Send nothing more to a webhook until somebody sets it right."""
        async with self._database.transaction(role=INGEST) as transaction:
            await transaction.connection.execute(
                "update webhook set active = false, fault = $3, failing_since = coalesce(failing_since, now())"
                " where operator = $1 and id = $2",
                *(webhook.operator, webhook.id, fault[:FAULT_MAX]),
            )

    async def sweep(self) -> int:
        """Forget events that are too old to be sent again; return how many."""
        async with self._database.transaction(role=INGEST) as transaction:
            said = await transaction.connection.execute(
                "delete from outbox where created_at < now() - make_interval(days => $1)", KEPT_DAYS
            )
        return _count(said)


def _delivery(row: Mapping[str, Any]) -> Delivery:
    same = ("kind", "subject", "attempts", "created_at", "next_at", "status", "fault", "finished_at")
    waiting = row["state"] == DeliveryState.WAITING
    return Delivery(
        webhook=WebhookId(row["webhook"]),
        event=EventId(row["event"]),
        state=DeliveryState(row["state"]),
        **{name: row[name] for name in same} | ({} if waiting else {"next_at": None}),
    )


def _due(row: Mapping[str, Any]) -> Due:
    hook = json.loads(row["hook"])
    times = {
        name: None if hook[name] is None else datetime.fromisoformat(hook[name])
        for name in ("created_at", "before_until", "failing_since")
    }
    return Due(
        webhook_of({**hook, **times, "secret": row["secret"], "before": row["before"]}), event_of(row), row["attempts"]
    )


def _count(said: str) -> int:
    return int(said.rsplit(maxsplit=1)[-1])
