"""Subscriptions and the numbers assigned to them in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from piccolo.columns import JSONB, BigInt, BigSerial, Integer, Text, Timestamptz
from piccolo.columns.combination import WhereRaw
from piccolo.table import Table

from domain.access.actor import Actor
from domain.contracts.identifiers import IdentifierKind, address_of
from domain.contracts.subscription import (
    NumberAssignment,
    StateChange,
    Subscription,
    SubscriptionKind,
    SubscriptionState,
)
from domain.ids import ContractId, CustomerId, OperatorId, SubscriptionId
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound, Overlap, Refusal, Stale
from persistence.engine import Transaction
from persistence.field_definitions import fields_of, fields_to
from persistence.rows import among, whole
from persistence.violations import beyond, possible, refusing


class SubscriptionRow(Table, tablename="subscription"):
    """The table ``subscription``."""

    operator = Integer()
    customer = BigInt()
    contract = BigInt()
    id = BigSerial(primary_key=True)
    kind = Text()
    label = Text()
    reseller = BigInt(null=True)
    state = Text()
    state_since = Timestamptz(null=True)
    activated_at = Timestamptz(null=True)
    ended_at = Timestamptz(null=True)
    version = Integer()
    fields = JSONB()


class NumberRow(Table, tablename="number_assignment"):
    """The table ``number_assignment``. Piccolo wants one key column; the database has three."""

    operator = Integer()
    customer = BigInt()
    subscription = BigInt()
    number = Text(primary_key=True)
    valid_from = Timestamptz()
    valid_to = Timestamptz(null=True)
    kind = Text()


_FIELDS = (
    "operator",
    "customer",
    "contract",
    "label",
    "reseller",
    "state_since",
    "activated_at",
    "ended_at",
    "version",
)


def from_row(row: Mapping[str, Any], numbers: Sequence[Mapping[str, Any]] = ()) -> Subscription:
    """Make the subscription of a row and of its numbers' rows."""
    return Subscription(
        id=SubscriptionId(row["id"]),
        kind=SubscriptionKind(row["kind"]),
        state=SubscriptionState(row["state"]),
        fields=fields_of(row["fields"]),
        numbers=tuple(_assignment(one) for one in numbers),
        **{name: row[name] for name in _FIELDS},
    )


def to_row(subscription: Subscription) -> dict[str, Any]:
    """Make the row of a subscription, without its key and its numbers."""
    closed = {"kind": subscription.kind.value, "state": subscription.state.value}
    closed["fields"] = fields_to(subscription.fields)
    return {name: getattr(subscription, name) for name in _FIELDS} | closed


def _assignment(row: Mapping[str, Any]) -> NumberAssignment:
    return NumberAssignment(
        number=row["number"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        kind=IdentifierKind(row["kind"]),
    )


class SubscriptionStore:
    """Keeps ``domain.ports.contracts.Subscriptions``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor
        self._operator = OperatorId(actor.operator)

    async def _select(self, *conditions: Any, first: int | None = None, lock: bool = False) -> list[Subscription]:
        query = (
            SubscriptionRow.select(whole(SubscriptionRow))
            .where(SubscriptionRow.operator == self._operator, *conditions)
            .order_by(SubscriptionRow.id)
        )
        if first is not None:
            query = query.limit(first)
        if lock:
            # Not the key: others may name the row in theirs meanwhile.
            query = query.lock_rows("NO KEY UPDATE")
        return await self._with_numbers(await query)

    async def _among(self, column: str, keys: Sequence[int]) -> list[Subscription]:
        connection = self._transaction.connection
        return await self._with_numbers(await among(connection, SubscriptionRow, self._operator, column, keys))

    async def _with_numbers(self, rows: Sequence[Mapping[str, Any]]) -> list[Subscription]:
        if not rows:
            return []
        numbers: dict[int, list[Mapping[str, Any]]] = {row["id"]: [] for row in rows}
        connection, order = self._transaction.connection, "valid_from, number"
        for number in await among(connection, NumberRow, self._operator, "subscription", list(numbers), order):
            numbers[number["subscription"]].append(number)
        return [from_row(row, numbers[row["id"]]) for row in rows]

    async def many(self, keys: Sequence[SubscriptionId]) -> Mapping[SubscriptionId, Subscription]:
        """Return those that exist and may be seen."""
        if not (wanted := possible(keys)):
            return {}
        return {one.id: one for one in await self._among("id", wanted)}

    async def of_contracts(self, keys: Sequence[ContractId]) -> Mapping[ContractId, Sequence[Subscription]]:
        """Return the subscriptions of each contract with their numbers, by key."""
        found: dict[ContractId, list[Subscription]] = {key: [] for key in keys}
        if wanted := possible(keys):
            for one in await self._among("contract", wanted):
                found[one.contract].append(one)
        return found

    async def page(
        self,
        request: PageRequest,
        *,
        customer: CustomerId | None = None,
        contract: ContractId | None = None,
        number: str | None = None,
    ) -> Page[Subscription]:
        """List by key; ``number``: those that have or had it."""
        conditions: list[Any] = [SubscriptionRow.id > beyond(request.after)]
        if customer is not None:
            conditions.append(WhereRaw("customer = any({})", possible([customer])))
        if contract is not None:
            conditions.append(WhereRaw("contract = any({})", possible([contract])))
        if number is not None:
            held = "id = any(array(select subscription from number_assignment where operator = {} and number = {}))"
            conditions.append(WhereRaw(held, int(self._operator), number))
        return Page.of(await self._select(*conditions, first=request.first + 1), request)

    async def owner_of(self, number: str, at: datetime) -> Subscription:
        """Return whose number it is at an instant. Refuses with: NotFound."""
        key = await self._transaction.connection.fetchval(
            """select subscription from number_assignment
               where operator = $1 and number = $2 and valid_from <= $3 and (valid_to is null or valid_to > $3)""",
            self._operator,
            number,
            at,
        )
        if key is None and (address := address_of(number)) is not None:
            key = await self._transaction.connection.fetchval(
                """select subscription from number_assignment where operator = $1 and ip >>= $2 and valid_from <= $3
                   and (valid_to is null or valid_to > $3)""",
                *(self._operator, address, at),
            )
        found = await self.many([SubscriptionId(key)]) if key is not None else {}
        if not found:
            raise NotFound(
                "nobody has the number {number} at {isoformat}", number=number, isoformat=at.isoformat(), field="number"
            )
        return found[SubscriptionId(key)]

    async def add(self, subscription: Subscription) -> Subscription:
        """Keep a new one with its numbers. Refuses with: Overlap (a number is another's at that time), NotFound."""
        with refusing(_rules()):
            rows = await SubscriptionRow.insert(SubscriptionRow(**to_row(subscription)))
            kept = replace(subscription, id=SubscriptionId(rows[0]["id"]), numbers=_ordered(subscription))
            changed = await self._put_numbers(kept, ())
        if kept.state_since is not None:
            await self._record(kept, StateChange(state=kept.state, since=kept.state_since), changed)
        else:
            await self._follow(changed)
        return kept

    async def claim(self, key: SubscriptionId) -> Subscription:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        found = await self._select(SubscriptionRow.id == key, lock=True) if possible([key]) else []
        if not found:
            raise NotFound("no subscription {key}", key=key, field="subscription")
        return found[0]

    async def keep(self, subscription: Subscription, change: StateChange | None = None) -> Subscription:
        """Write a changed one, its numbers and the line of its history. Refuses with: Stale, Overlap."""
        changed = replace(subscription, version=subscription.version + 1, numbers=_ordered(subscription))
        with refusing(_rules()):
            rows = (
                await SubscriptionRow.update(**to_row(changed))
                .where(
                    SubscriptionRow.operator == self._operator,
                    SubscriptionRow.customer == subscription.customer,
                    SubscriptionRow.id == subscription.id,
                    SubscriptionRow.version == subscription.version,
                )
                .returning(SubscriptionRow.id)
            )
            if not rows:
                raise Stale("the subscription was changed by somebody else; read it again", field="version")
            before = await NumberRow.select(whole(NumberRow)).where(
                NumberRow.operator == self._operator, NumberRow.subscription == subscription.id
            )
            moved = await self._put_numbers(changed, [_assignment(row) for row in before])
        if change is not None:
            await self._record(changed, change, moved)
        else:
            await self._follow(moved)
        return changed

    async def holders(self, numbers: Sequence[str]) -> Mapping[str, Sequence[tuple[SubscriptionId, NumberAssignment]]]:
        """Return who has or had each number, by time, as far as the actor may see them."""
        found: dict[str, list[tuple[SubscriptionId, NumberAssignment]]] = {number: [] for number in numbers}
        rows = await self._transaction.connection.fetch(
            "select subscription, number, valid_from, valid_to, kind from number_assignment"
            " where operator = $1 and number = any($2) order by number, valid_from",
            *(self._operator, list(found)),
        )
        for row in rows:
            found[row["number"]].append((SubscriptionId(row["subscription"]), _assignment(row)))
        return found

    async def history(self, keys: Sequence[SubscriptionId]) -> Mapping[SubscriptionId, Sequence[StateChange]]:
        """Return what was recorded of each one's states, in the order of recording."""
        found: dict[SubscriptionId, list[StateChange]] = {key: [] for key in keys}
        rows = await self._transaction.connection.fetch(
            "select subscription, state, since, step, reason, recorded_at, client from subscription_state"
            " where operator = $1 and subscription = any($2) order by subscription, id",
            *(self._operator, possible(keys)),
        )
        for row in rows:
            same = {name: row[name] for name in ("since", "step", "reason", "recorded_at", "client")}
            change = StateChange(state=SubscriptionState(row["state"]), **same)
            found[SubscriptionId(row["subscription"])].append(change)
        return found

    async def _follow(self, numbers: Sequence[str]) -> None:
        """Let the stock of numbers follow what was assigned."""
        if numbers:
            await self._transaction.connection.execute("select number_follow($1)", list(numbers))

    async def _record(self, subscription: Subscription, change: StateChange, numbers: Sequence[str]) -> None:
        """Write a line of its history, and let the stock of numbers follow: in one statement, for sheets of lines."""
        followed = " from (select number_follow($9)) followed" if numbers else ""
        await self._transaction.connection.execute(
            "insert into subscription_state (operator, customer, subscription, state, since, step, reason, client)"
            " select $1::int, $2::bigint, $3::bigint, $4::text, $5::timestamptz, $6::text, $7::text, $8::text"
            f"{followed}",
            *(self._operator, subscription.customer, subscription.id, change.state.value),
            *(change.since, change.step, change.reason, self._actor.client),
            *([list(numbers)] if numbers else []),
        )

    async def _put_numbers(self, subscription: Subscription, before: Sequence[NumberAssignment]) -> Sequence[str]:
        """Write what differs from before; return the numbers that the stock is to follow."""
        gone = [one for one in before if one not in subscription.numbers]
        new = [one for one in subscription.numbers if one not in before] if before else subscription.numbers
        for one in gone:
            await NumberRow.delete().where(
                NumberRow.operator == self._operator,
                NumberRow.subscription == subscription.id,
                NumberRow.number == one.number,
                NumberRow.valid_from == one.valid_from,
            )
        owner: dict[str, Any] = {
            "operator": subscription.operator,
            "customer": subscription.customer,
            "subscription": subscription.id,
        }
        rows = [
            NumberRow(**owner, number=one.number, valid_from=one.valid_from, valid_to=one.valid_to, kind=one.kind.value)
            for one in new
        ]
        if rows:
            await NumberRow.insert(*rows)
        return list({one.number for one in (*gone, *new)})


def _ordered(subscription: Subscription) -> tuple[NumberAssignment, ...]:
    return tuple(sorted(subscription.numbers, key=lambda one: (one.valid_from, one.number)))


def _rules() -> dict[str, Refusal]:
    taken = Overlap("a number belongs to another subscription, or twice to this one, at that time", field="numbers")
    return {
        "number_assignment_overlap": taken,
        "number_assignment_pkey": taken,
        "number_assignment_ip_overlap": taken,
        "subscription_operator_customer_contract_fkey": NotFound("no such contract", field="contract"),
    }
