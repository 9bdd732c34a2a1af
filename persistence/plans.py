"""Who is on which plan, in PostgreSQL and in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from domain.access.actor import Actor
from domain.ids import ContractId, CustomerId, PlanAssignmentId
from domain.plans.assignment import ASSIGNED, PlanAssignment, as_columns
from domain.refusal import NotFound, Overlap
from persistence.engine import Transaction
from persistence.memory import Draft
from persistence.violations import possible, refusing

_COLUMNS = "id, operator, customer, contract, subscription, plan, valid_from, valid_to"


class PlanStore:
    """Keeps ``domain.ports.grants.Plans`` in PostgreSQL."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def columns(self) -> pl.DataFrame:
        """Return all of the operator as ``domain.plans.assignment.ASSIGNED``, by key."""
        rows = await self._connection.fetch(
            "select customer, contract, coalesce(subscription, 0), plan, valid_from, valid_to from plan_assignment"
            " where operator = $1 order by id",
            self._operator,
        )
        return pl.DataFrame([tuple(row) for row in rows], schema=ASSIGNED, orient="row")

    async def of_customer(self, customer: CustomerId) -> Sequence[PlanAssignment]:
        """Return those of a customer's contracts and subscriptions, by key."""
        return await self._fetch("customer = $2 order by id", customer)

    async def of_contracts(self, keys: Sequence[ContractId]) -> Mapping[ContractId, Sequence[PlanAssignment]]:
        """Return those of each contract and its subscriptions, by time."""
        rows = await self._fetch(
            "contract = any ($2::bigint[]) order by subscription nulls first, valid_from", possible(keys)
        )
        return _by_contract(rows)

    async def get(self, key: PlanAssignmentId) -> PlanAssignment:
        """Return one. Refuses with: NotFound."""
        rows = await self._fetch("id = any ($2::bigint[])", possible([key]))
        if not rows:
            raise NotFound("no assignment {key}", key=key, field="assignment")
        return rows[0]

    async def _fetch(self, which: str, *values: object) -> list[PlanAssignment]:
        query = f"select {_COLUMNS} from plan_assignment where operator = $1 and {which}"  # noqa: S608  (our own words)
        return [PlanAssignment(**row) for row in await self._connection.fetch(query, self._operator, *values)]

    async def add(self, one: PlanAssignment) -> PlanAssignment:
        """Keep a new one. Refuses with: Overlap."""
        with refusing({"plan_assignment_overlap": overlap(one)}):
            key = await self._connection.fetchval(
                "insert into plan_assignment (operator, customer, contract, subscription, plan, valid_from, valid_to)"
                " values ($1, $2, $3, $4, $5, $6, $7) returning id",
                *(self._operator, one.customer, one.contract, one.subscription, one.plan, one.valid_from, one.valid_to),
            )
        return replace(one, id=PlanAssignmentId(key))

    async def end(self, one: PlanAssignment, day: date | None) -> None:
        """Let one end on a day; None: it is gone."""
        same = "where operator = $1 and customer = $2 and id = $3"
        if day is None:
            await self._connection.execute(
                f"delete from plan_assignment {same}",  # noqa: S608  (our own words)
                *(self._operator, one.customer, one.id),
            )
            return
        await self._connection.execute(
            f"update plan_assignment set valid_to = $4 {same}",  # noqa: S608  (our own words)
            *(self._operator, one.customer, one.id, day),
        )


class MemoryPlans:
    """Keeps ``domain.ports.grants.Plans`` in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _seen(self) -> list[PlanAssignment]:
        customers = self._draft.table("customer")
        rows: list[PlanAssignment] = [one for _, one in sorted(self._draft.table("plan_assignment").items())]
        return [one for one in rows if self._draft.sees(customers[one.customer])]

    async def columns(self) -> pl.DataFrame:
        """Return all of the operator as ``domain.plans.assignment.ASSIGNED``, by key."""
        return as_columns(self._seen())

    async def of_customer(self, customer: CustomerId) -> Sequence[PlanAssignment]:
        """Return those of a customer's contracts and subscriptions, by key."""
        return [one for one in self._seen() if one.customer == customer]

    async def of_contracts(self, keys: Sequence[ContractId]) -> Mapping[ContractId, Sequence[PlanAssignment]]:
        """Return those of each contract and its subscriptions, by time."""
        rows = [one for one in self._seen() if one.contract in keys]
        return _by_contract(sorted(rows, key=lambda one: (one.subscription or 0, one.valid_from)))

    async def get(self, key: PlanAssignmentId) -> PlanAssignment:
        """Return one. Refuses with: NotFound."""
        for one in self._seen():
            if one.id == key:
                return one
        raise NotFound("no assignment {key}", key=key, field="assignment")

    async def add(self, one: PlanAssignment) -> PlanAssignment:
        """Keep a new one. Refuses with: Overlap."""
        for other in self._seen():
            apart = (other.valid_to is not None and other.valid_to <= one.valid_from) or (
                one.valid_to is not None and one.valid_to <= other.valid_from
            )
            if (other.contract, other.subscription) == (one.contract, one.subscription) and not apart:
                raise overlap(one)
        kept = replace(one, id=PlanAssignmentId(self._draft.draw("plan_assignment")))
        self._draft.table("plan_assignment")[kept.id] = kept
        return kept

    async def end(self, one: PlanAssignment, day: date | None) -> None:
        """Let one end on a day; None: it is gone."""
        if day is None:
            self._draft.table("plan_assignment").pop(one.id)
        else:
            self._draft.table("plan_assignment")[one.id] = replace(one, valid_to=day)


def _by_contract(rows: Sequence[PlanAssignment]) -> Mapping[ContractId, Sequence[PlanAssignment]]:
    found: defaultdict[ContractId, list[PlanAssignment]] = defaultdict(list)
    for one in rows:
        found[one.contract].append(one)
    return dict(found)


def overlap(one: PlanAssignment) -> Overlap:
    """Return the refusal of a second plan at one time."""
    return Overlap("there is a plan already on {day} or later", day=one.valid_from.isoformat(), field="validFrom")
