"""Customers' groups, in PostgreSQL and in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.access.actor import Actor
from domain.customers.group import Membership
from domain.ids import CustomerId, OperatorId
from domain.refusal import Overlap
from persistence.engine import Transaction
from persistence.memory import Draft
from persistence.violations import possible, refusing


class GroupStore:
    """Keeps ``domain.ports.groups.Groups`` in PostgreSQL."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def of(self, customer: CustomerId) -> Sequence[Membership]:
        """Return a customer's, by name and time."""
        if not possible([customer]):
            return []
        rows = await self._connection.fetch(
            "select name, valid_from, valid_to from customer_group where operator = $1 and customer = $2"
            " order by name, valid_from",
            *(self._operator, customer),
        )
        return [Membership(operator=OperatorId(self._operator), customer=customer, **row) for row in rows]

    async def known(self, names: Sequence[str]) -> frozenset[str]:
        """Return which of these names a group has that somebody is, was or will be in."""
        rows = await self._connection.fetch(
            "select n.name from unnest($2::text[]) n (name) where exists (select from customer_group g"
            " where g.operator = $1 and g.name = n.name)",
            *(self._operator, list(names)),
        )
        return frozenset(row["name"] for row in rows)

    async def add(self, one: Membership) -> None:
        """Keep a new one. Refuses with: Overlap (the customer is in the group then)."""
        with refusing({"customer_group_overlap": _overlap(one), "customer_group_pkey": _overlap(one)}):
            await self._connection.execute(
                "insert into customer_group (operator, customer, name, valid_from, valid_to)"
                " values ($1, $2, $3, $4, $5)",
                *(self._operator, one.customer, one.name, one.valid_from, one.valid_to),
            )

    async def end(self, one: Membership, ended: Membership | None) -> None:
        """Put an earlier end in the place of one, or nothing."""
        place = (self._operator, one.customer, one.name, one.valid_from)
        same = "where operator = $1 and customer = $2 and name = $3 and valid_from = $4"
        if ended is None:
            await self._connection.execute(f"delete from customer_group {same}", *place)  # noqa: S608  (our own words)
            return
        await self._connection.execute(f"update customer_group set valid_to = $5 {same}", *place, ended.valid_to)  # noqa: S608  (our own words)


class MemoryGroups:
    """Keeps ``domain.ports.groups.Groups`` in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def of(self, customer: CustomerId) -> Sequence[Membership]:
        """Return a customer's, by name and time."""
        owner = self._draft.table("customer").get(customer)
        if owner is None or not self._draft.sees(owner):
            return []
        rows = [one for one in self._draft.table("customer_group").values() if one.customer == customer]
        return sorted(rows, key=lambda one: (one.name, one.valid_from))

    async def known(self, names: Sequence[str]) -> frozenset[str]:
        """Return which of these names a group has that somebody is, was or will be in."""
        rows = self._draft.table("customer_group").values()
        found = {one.name for one in rows if one.name in names and await self.of(one.customer)}
        return frozenset(found)

    async def add(self, one: Membership) -> None:
        """Keep a new one. Refuses with: Overlap (the customer is in the group then)."""
        for other in await self.of(one.customer):
            apart = (other.valid_to is not None and other.valid_to <= one.valid_from) or (
                one.valid_to is not None and one.valid_to <= other.valid_from
            )
            if other.name == one.name and not apart:
                raise _overlap(one)
        self._draft.table("customer_group")[_place(one)] = one

    async def end(self, one: Membership, ended: Membership | None) -> None:
        """Put an earlier end in the place of one, or nothing."""
        self._draft.table("customer_group").pop(_place(one))
        if ended is not None:
            self._draft.table("customer_group")[_place(ended)] = ended


def _place(one: Membership) -> tuple[object, ...]:
    return one.operator, one.customer, one.name, one.valid_from


def _overlap(one: Membership) -> Overlap:
    return Overlap("the customer is in the group {name} then", name=one.name, field="validFrom")
