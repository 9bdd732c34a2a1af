"""Network elements, orders, their log and what lines are barred from, in PostgreSQL."""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.contracts.subscription import SubscriptionKind
from domain.feeds.feed import Credential
from domain.ids import ContractId, CustomerId, ElementId, OperatorId, OrderId, ResellerId, SubscriptionId
from domain.ports.page import Page, PageRequest
from domain.provisioning.element import ELEMENTS_MAX, ElementKind, NetworkElement
from domain.provisioning.order import Bar, Barring, Order, OrderKind, OrderNote, OrderState, Step, Waiting
from domain.provisioning.template import Template
from domain.refusal import NotFound, Stale
from persistence import fields
from persistence.engine import Transaction
from persistence.violations import KEY_MAX, beyond, possible

REQUEST_BYTES: Final = 16
OVERDUE_MAX: Final = 200
NOTES_MAX: Final = 1000
_ELEMENT: Final = "id, operator, name, kind, address, rules, credentials, active, version, created_at, changed_at"
_ORDER: Final = (
    "id, operator, customer, contract, subscription, reseller, kind, bars, parameters, reason, state, waiting_for,"
    " request, run_at, after, steps, cancelling, fault, wake_at, client, requested_at, finished_at, version"
)
_SAME: Final = (
    *("reason", "request", "run_at", "cancelling", "fault", "wake_at", "client", "requested_at", "finished_at"),
    "version",
)
_OPEN: Final = "state in ('requested', 'waiting', 'sent', 'compensating', 'parked')"


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementRules:
    """What of an element stands in the column ``rules``, by the names of its fields."""

    orders: tuple[OrderKind, ...] = ()
    lines: tuple[SubscriptionKind, ...] = ()
    position: int = 100
    templates: tuple[Template, ...] = ()
    wsdl: str | None = None
    ca: str | None = None
    instruction: str | None = None
    undoable: bool = True
    tries_max: int = 5
    retry_seconds: int = 5
    request_seconds: int = 10
    answer_seconds: int = 300


_RULES: Final = tuple(field.name for field in dataclasses.fields(ElementRules))


@dataclass(frozen=True, slots=True)
class _Steps:
    steps: tuple[Step, ...] = ()


def element_of(row: Mapping[str, Any]) -> NetworkElement:
    """Make the element of a row."""
    rules = fields.load(ElementRules, json.loads(row["rules"]))
    return NetworkElement(
        id=ElementId(row["id"]),
        operator=OperatorId(row["operator"]),
        kind=ElementKind(row["kind"]),
        credentials={
            name: Credential(
                sealed=base64.b64decode(one["sealed"]) if "sealed" in one else None, reference=one.get("reference")
            )
            for name, one in json.loads(row["credentials"]).items()
        },
        **{name: row[name] for name in ("name", "address", "active", "version", "created_at", "changed_at")},
        **{name: getattr(rules, name) for name in _RULES},
    )


def _credentials(element: NetworkElement) -> str:
    return json.dumps(
        {
            name: {"reference": one.reference}
            if one.reference is not None
            else {"sealed": base64.b64encode(one.sealed or b"").decode()}
            for name, one in element.credentials.items()
        },
        sort_keys=True,
    )


def order_of(row: Mapping[str, Any]) -> Order:
    """Make the order of a row."""
    return Order(
        id=OrderId(row["id"]),
        operator=OperatorId(row["operator"]),
        customer=CustomerId(row["customer"]),
        contract=ContractId(row["contract"]),
        subscription=SubscriptionId(row["subscription"]),
        reseller=None if row["reseller"] is None else ResellerId(row["reseller"]),
        kind=OrderKind(row["kind"]),
        bars=tuple(Bar(one) for one in row["bars"]),
        parameters=json.loads(row["parameters"]),
        state=OrderState(row["state"]),
        waiting_for=None if row["waiting_for"] is None else Waiting(row["waiting_for"]),
        after=tuple(OrderId(one) for one in row["after"]),
        steps=None if row["steps"] is None else fields.load(_Steps, {"steps": json.loads(row["steps"])}).steps,
        **{name: row[name] for name in _SAME},
    )


def _steps(order: Order) -> str | None:
    return None if order.steps is None else json.dumps(fields.dump(order.steps))


class ElementStore:
    """Keeps ``domain.ports.provisioning.Elements``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def all(self) -> Sequence[NetworkElement]:
        """Return them by name."""
        rows = await self._connection.fetch(
            f"select {_ELEMENT} from network_element where operator = $1 order by name limit $2",  # noqa: S608  (our own words)
            *(self._operator, ELEMENTS_MAX),
        )
        return [element_of(row) for row in rows]

    async def claim(self, name: str) -> NetworkElement | None:
        """Return one locked until the unit ends."""
        row = await self._connection.fetchrow(
            f"select {_ELEMENT} from network_element where operator = $1 and name = $2 for update",  # noqa: S608  (our own words)
            *(self._operator, name),
        )
        return None if row is None else element_of(row)

    async def put(self, element: NetworkElement) -> NetworkElement:
        """Keep a new one or a changed one."""
        rules = ElementRules(**{name: getattr(element, name) for name in _RULES})
        values = (
            *(element.name, element.kind.value, element.address, json.dumps(fields.dump(rules)), _credentials(element)),
            *(element.active, element.version, element.created_at, element.changed_at),
        )
        if not element.id:
            row = await self._connection.fetchrow(
                "insert into network_element (operator, name, kind, address, rules, credentials, active, version,"  # noqa: S608  (our own words)
                f" created_at, changed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning {_ELEMENT}",
                *(self._operator, *values),
            )
        else:
            row = await self._connection.fetchrow(
                "update network_element set name = $2, kind = $3, address = $4, rules = $5, credentials = $6,"  # noqa: S608  (our own words)
                " active = $7, version = $8, created_at = $9, changed_at = $10"
                f" where operator = $1 and id = $11 returning {_ELEMENT}",
                *(self._operator, *values, element.id),
            )
        return element_of(row)

    async def remove(self, element: NetworkElement) -> None:
        """Forget one with its secrets."""
        await self._connection.execute(
            "delete from network_element where operator = $1 and id = $2", self._operator, element.id
        )


class OrderStore:
    """Keeps ``domain.ports.provisioning.Orders``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def _select(self, where: str, *arguments: Any) -> list[Order]:
        rows = await self._connection.fetch(
            f"select {_ORDER} from network_order where operator = $1 {where}",  # noqa: S608  (our own words)
            *(self._operator, *arguments),
        )
        return [order_of(row) for row in rows]

    async def add(self, order: Order) -> Order:
        """Keep a new one and draw the beginning of its requests' ids."""
        row = await self._connection.fetchrow(
            "insert into network_order (operator, customer, contract, subscription, reseller, kind, bars, parameters,"  # noqa: S608  (our own words)
            " reason, state, waiting_for, request, run_at, after, steps, cancelling, fault, wake_at, client,"
            " requested_at, finished_at, version) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
            f" $15, $16, $17, $18, $19, $20, $21, 1) returning {_ORDER}",
            *(self._operator, order.customer, order.contract, order.subscription, order.reseller, order.kind.value),
            *([one.value for one in order.bars], json.dumps(dict(order.parameters)), order.reason, order.state.value),
            *(order.waiting_for and order.waiting_for.value, secrets.token_hex(REQUEST_BYTES), order.run_at),
            *(list(order.after), _steps(order), order.cancelling, order.fault, order.wake_at, order.client),
            *(order.requested_at, order.finished_at),
        )
        return order_of(row)

    async def get(self, key: OrderId) -> Order:
        """Return one. Refuses with: NotFound."""
        return _one(await self._select("and id = any ($2::bigint[])", possible([key])))

    async def claim(self, key: OrderId) -> Order:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        return _one(await self._select("and id = any ($2::bigint[]) for no key update", possible([key])))

    async def by_request(self, request: str) -> OrderId | None:
        """Return whose requests' ids begin so."""
        key = await self._connection.fetchval(
            "select id from network_order where operator = $1 and request = $2", self._operator, request
        )
        return None if key is None else OrderId(key)

    async def keep(self, order: Order) -> Order:
        """Write a changed one and return it with its next version."""
        row = await self._connection.fetchrow(
            "update network_order set state = $2, waiting_for = $3, steps = $4, cancelling = $5, fault = $6,"  # noqa: S608  (our own words)
            " wake_at = $7, finished_at = $8, run_at = $9, version = version + 1"
            f" where operator = $1 and id = $10 and version = $11 returning {_ORDER}",
            *(self._operator, order.state.value, order.waiting_for and order.waiting_for.value, _steps(order)),
            *(order.cancelling, order.fault, order.wake_at, order.finished_at, order.run_at, order.id, order.version),
        )
        if row is None:
            raise Stale("the order was changed by somebody else; read it again", field="version")
        return order_of(row)

    async def page(
        self,
        request: PageRequest,
        *,
        subscription: SubscriptionId | None = None,
        customer: CustomerId | None = None,
        state: OrderState | None = None,
        kind: OrderKind | None = None,
    ) -> Page[Order]:
        """List by key. Each wish has its own words, so that each finds its own index."""
        wishes = ["and id > $2"]
        values: list[Any] = [beyond(request.after)]
        for column, wanted in (("subscription", subscription), ("customer", customer)):
            if wanted is not None:
                values.append(wanted if 0 < wanted <= KEY_MAX else 0)
                wishes.append(f"and {column} = ${len(values) + 1}")
        for column, word in (("state", state), ("kind", kind)):
            if word is not None:
                values.append(word.value)
                wishes.append(f"and {column} = ${len(values) + 1}")
        values.append(request.first + 1)
        return Page.of(await self._select(f"{' '.join(wishes)} order by id limit ${len(values) + 1}", *values), request)

    async def many(self, keys: Sequence[OrderId]) -> Mapping[OrderId, Order]:
        """Return those that exist and may be seen."""
        wanted = possible(keys)
        return {one.id: one for one in await self._select("and id = any ($2::bigint[])", wanted)} if wanted else {}

    async def before(self, order: Order, *, at: datetime) -> Order | None:
        """Return an order of the same subscription that goes first."""
        found = await self._select(
            f"and subscription = $2 and id <> $3 and {_OPEN} and (steps is not null"
            " or (id < $3 and (run_at is null or run_at <= $4))) order by id desc limit 1",
            *(order.subscription, order.id, at),
        )
        return found[0] if found else None

    async def waiting_on(self, order: Order) -> Sequence[OrderId]:
        """Return the orders that may go on when this one has ended: those that name it, and its line's next one due."""
        rows = await self._connection.fetch(
            "select id from network_order where operator = $1 and state in ('requested', 'waiting')"
            " and after <> '{}' and after @> array[$2::bigint] union (select id from network_order where operator = $1"
            " and subscription = $3 and id <> $2 and state in ('requested', 'waiting')"
            " and waiting_for is distinct from 'time' order by id limit 1) order by 1",
            *(self._operator, order.id, order.subscription),
        )
        return [OrderId(row["id"]) for row in rows]

    async def overdue(self, at: datetime) -> Sequence[OrderId]:
        """Return orders that should have been looked at by then, a page of them."""
        rows = await self._connection.fetch(
            "select id from network_order where operator = $1 and wake_at <= $2"
            " and state in ('requested', 'waiting', 'sent', 'compensating') order by wake_at limit $3",
            *(self._operator, at, OVERDUE_MAX),
        )
        return [OrderId(row["id"]) for row in rows]

    async def note(self, order: Order, note: OrderNote) -> None:
        """Add a line to an order's log."""
        await self._connection.execute(
            "insert into network_order_note (operator, customer, order_id, at, client, event, step, detail)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8)",
            *(self._operator, order.customer, order.id, note.at, note.client, note.event, note.step),
            json.dumps(dict(note.detail), default=str),
        )

    async def notes(self, keys: Sequence[OrderId]) -> Mapping[OrderId, Sequence[OrderNote]]:
        """Return the log of each order, the oldest first."""
        found: dict[OrderId, list[OrderNote]] = {key: [] for key in keys}
        if wanted := possible(keys):
            rows = await self._connection.fetch(
                "select o.id, n.at, n.client, n.event, n.step, n.detail from network_order o cross join lateral ("
                " select * from network_order_note n where n.operator = o.operator and n.customer = o.customer"
                " and n.order_id = o.id order by n.id limit $3) n"
                " where o.operator = $1 and o.id = any ($2::bigint[]) order by o.id, n.id",
                *(self._operator, wanted, NOTES_MAX),
            )
            for row in rows:
                same = {name: row[name] for name in ("at", "client", "event", "step")}
                found[OrderId(row["id"])].append(OrderNote(detail=json.loads(row["detail"]), **same))
        return found

    async def barrings(
        self, keys: Sequence[SubscriptionId], *, at: datetime | None
    ) -> Mapping[SubscriptionId, Sequence[Barring]]:
        """Return what lines are barred from at a moment (None: all there ever was), by since."""
        found: dict[SubscriptionId, list[Barring]] = {key: [] for key in keys}
        if wanted := possible(keys):
            rows = await self._connection.fetch(
                "select * from subscription_barring where operator = $1 and subscription = any ($2::bigint[])"
                " and ($3::timestamptz is null or (since <= $3 and (until is null or until > $3)))"
                " order by subscription, since, bar, order_id",
                *(self._operator, wanted, at),
            )
            for row in rows:
                found[SubscriptionId(row["subscription"])].append(_barring(row))
        return found

    async def keep_barrings(self, barrings: Sequence[Barring]) -> None:
        """Write new ones, and the ends of those that are there."""
        await self._connection.executemany(
            "insert into subscription_barring (operator, customer, subscription, bar, since, until, reason, client,"
            " order_id, lifted_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            " on conflict (operator, customer, subscription, bar, since, order_id)"
            " do update set until = excluded.until, lifted_by = excluded.lifted_by",
            [
                (
                    *(self._operator, one.customer, one.subscription, one.bar.value, one.since, one.until),
                    *(one.reason, one.client, one.order, one.lifted_by),
                )
                for one in barrings
            ],
        )


def _one(found: list[Order]) -> Order:
    if not found:
        raise NotFound("no such order", field="order")
    return found[0]


def _barring(row: Mapping[str, Any]) -> Barring:
    return Barring(
        customer=CustomerId(row["customer"]),
        subscription=SubscriptionId(row["subscription"]),
        bar=Bar(row["bar"]),
        order=OrderId(row["order_id"]),
        lifted_by=None if row["lifted_by"] is None else OrderId(row["lifted_by"]),
        **{name: row[name] for name in ("since", "until", "reason", "client")},
    )
