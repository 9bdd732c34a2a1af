"""Orders about numbers in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from domain.access.actor import Actor
from domain.ids import CustomerId, NumberOrderId, OperatorId, SubscriptionId
from domain.numbers.ordering import (
    NumberOrder,
    OrderKind,
    OrderState,
    OrderStep,
    PreselectionScope,
    RejectReason,
)
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound, Stale
from persistence.engine import Transaction
from persistence.violations import beyond, possible, refusing

_FIELDS: Final = (
    *("customer", "subscription", "kind", "number", "other", "wanted_at", "state", "reseller", "holder", "scope"),
    *("moment", "reason", "note", "reference", "ends_subscription", "restores_to"),
)
_KINDS: Final[dict[str, Any]] = {
    "kind": OrderKind,
    "state": OrderState,
    "scope": PreselectionScope,
    "reason": RejectReason,
}


class NumberOrderStore:
    """Keeps ``domain.ports.numbers.NumberOrders``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor
        self._operator = OperatorId(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def add(self, order: NumberOrder, step: OrderStep) -> NumberOrder:
        """Keep a new one with its first step. Refuses with: Conflict (one is open for the number)."""
        places = ", ".join(f"${place}" for place in range(2, len(_FIELDS) + 2))
        rules = {
            "number_order_open": Conflict("an order for {number} is open", number=order.number, field="number"),
            "number_order_operator_customer_subscription_fkey": NotFound("no such subscription", field="subscription"),
        }
        with refusing(rules):
            key = await self._connection.fetchval(
                f"insert into number_order (operator, {', '.join(_FIELDS)}) values ($1, {places}) returning id",  # noqa: S608  (our own words)
                *(self._operator, *(getattr(order, name) for name in _FIELDS)),
            )
        kept = replace(order, id=NumberOrderId(key))
        await self._record(kept, step)
        return kept

    async def _record(self, order: NumberOrder, step: OrderStep) -> None:
        await self._connection.execute(
            'insert into number_order_step (operator, customer, "order", state, at, reason, client)'
            " values ($1, $2, $3, $4, $5, $6, $7)",
            *(self._operator, order.customer, order.id, step.state.value, step.at, step.reason, self._actor.client),
        )

    async def many(self, keys: Sequence[NumberOrderId]) -> Mapping[NumberOrderId, NumberOrder]:
        """Return those that exist and may be seen."""
        rows = await self._connection.fetch(
            "select * from number_order where operator = $1 and id = any($2)", self._operator, possible(keys)
        )
        return {one.id: one for one in map(_order, rows)}

    async def page(
        self,
        request: PageRequest,
        *,
        kinds: Sequence[OrderKind],
        number: str | None = None,
        state: str | None = None,
        subscription: SubscriptionId | None = None,
        customer: CustomerId | None = None,
    ) -> Page[NumberOrder]:
        """List by key."""
        values: list[Any] = [self._operator, beyond(request.after), [kind.value for kind in kinds]]
        where = ["operator = $1", "id > $2", "kind = any($3)"]
        for name, value in (("number", number), ("state", state)):
            if value is not None:
                values.append(value)
                where.append(f"{name} = ${len(values)}")
        for name, key in (("subscription", subscription), ("customer", customer)):
            if key is not None:
                values.append(possible([key]))
                where.append(f"{name} = any(${len(values)})")
        rows = await self._connection.fetch(
            f"select * from number_order where {' and '.join(where)} order by id limit {request.first + 1}",  # noqa: S608  (our own words)
            *values,
        )
        return Page.of([_order(row) for row in rows], request)

    async def claim(self, key: NumberOrderId) -> NumberOrder:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        row = None
        if possible([key]):
            row = await self._connection.fetchrow(
                "select * from number_order where operator = $1 and id = $2 for no key update", self._operator, key
            )
        if row is None:
            raise NotFound("no order {key}", key=key, field="order")
        return _order(row)

    async def keep(self, order: NumberOrder, step: OrderStep) -> NumberOrder:
        """Write a changed one with its step. Refuses with: Stale."""
        changing = ("state", "moment", "reason", "note", "reference", "restores_to", "wanted_at")
        sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(changing, start=4))
        done = await self._connection.fetchval(
            f"update number_order set {sets}, version = version + 1"  # noqa: S608  (our own words)
            " where operator = $1 and id = $2 and version = $3 returning version",
            *(self._operator, order.id, order.version, *(getattr(order, name) for name in changing)),
        )
        if done is None:
            raise Stale("the order was changed by somebody else; read it again", field="version")
        await self._record(order, step)
        return replace(order, version=done)

    async def steps(self, keys: Sequence[NumberOrderId]) -> Mapping[NumberOrderId, Sequence[OrderStep]]:
        """Return what happened to each, in the order of recording."""
        found: dict[NumberOrderId, list[OrderStep]] = {key: [] for key in keys}
        rows = await self._connection.fetch(
            'select "order", state, at, reason, recorded_at, client from number_order_step'
            ' where operator = $1 and "order" = any($2) order by "order", id',
            *(self._operator, possible(keys)),
        )
        for row in rows:
            fields = dict(row)
            of = fields.pop("order")
            found[NumberOrderId(of)].append(OrderStep(**fields | {"state": OrderState(row["state"])}))
        return found


def _order(row: Mapping[str, Any]) -> NumberOrder:
    fields = {name: row[name] for name in (*_FIELDS, "id", "operator", "version")}
    closed = {name: None if fields[name] is None else kind(fields[name]) for name, kind in _KINDS.items()}
    return NumberOrder(**fields | closed)
