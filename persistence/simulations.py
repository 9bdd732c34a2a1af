"""What simulations came to, in PostgreSQL and in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.access.actor import Actor
from domain.ids import SimulationId
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound
from domain.rerating.simulation import DIMENSIONS_TOLD, Compared, Side, Simulation
from persistence.engine import Transaction
from persistence.memory import Draft, page_of
from persistence.violations import beyond


class SimulationStore:
    """Keeps ``domain.ports.simulations.Simulations``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def add(self, done: Simulation) -> Simulation:
        """Keep a result (its ``id`` is 0)."""
        key = await self._connection.fetchval(
            "insert into simulation (operator, client, asked, result, created_at)"
            " values ($1, $2, $3::jsonb, $4::jsonb, $5) returning id",
            *(self._operator, done.client, json.dumps(_asked(done)), json.dumps(_result(done)), done.created_at),
        )
        return replace(done, id=SimulationId(key))

    async def get(self, key: SimulationId) -> Simulation:
        """Return one. Refuses with: NotFound."""
        row = await self._connection.fetchrow(
            "select * from simulation where operator = $1 and id = $2", self._operator, int(key)
        )
        if row is None:
            raise NotFound("no simulation {key}", key=key, field="id")
        return _simulation(row)

    async def page(self, request: PageRequest) -> Page[Simulation]:
        """List by key."""
        rows = await self._connection.fetch(
            "select * from simulation where operator = $1 and id > $2 order by id limit $3",
            *(self._operator, beyond(request.after), request.first + 1),
        )
        return Page.of([_simulation(row) for row in rows], request)


class MemorySimulations:
    """Keeps ``domain.ports.simulations.Simulations``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self) -> list[Simulation]:
        rows = self._draft.table("simulation")
        operator = self._draft.actor.operator
        return [rows[owner, key] for owner, key in sorted(rows) if owner == operator]

    async def add(self, done: Simulation) -> Simulation:
        """Keep a result (its ``id`` is 0)."""
        kept = replace(done, id=SimulationId(self._draft.draw("simulation")))
        self._draft.table("simulation")[self._draft.actor.operator, kept.id] = kept
        return kept

    async def get(self, key: SimulationId) -> Simulation:
        """Return one. Refuses with: NotFound."""
        for one in self._own():
            if one.id == key:
                return one
        raise NotFound("no simulation {key}", key=key, field="id")

    async def page(self, request: PageRequest) -> Page[Simulation]:
        """List by key."""
        return page_of(self._own(), request, lambda one: one.id)


def _asked(done: Simulation) -> dict[str, Any]:
    return {"since": done.since.isoformat(), "until": done.until.isoformat(), "draft": done.draft}


def _result(done: Simulation) -> dict[str, Any]:
    told: dict[str, Any] = {name: [_row(one) for one in getattr(done, name)] for name in DIMENSIONS_TOLD}
    counts = {"currency": done.currency, "events": done.events, "unpriced": done.unpriced}
    return {**counts, "total": _row(done.total), **told}


def _row(one: Compared) -> list[Any]:
    sides = (one.before, one.after)
    return [one.name, *([side.events, str(side.revenue), str(side.margin)] for side in sides)]


def _compared(row: list[Any]) -> Compared:
    name, *sides = row
    before, after = (
        Side(events=events, revenue=Decimal(revenue), margin=Decimal(margin)) for events, revenue, margin in sides
    )
    return Compared(name=name, before=before, after=after)


def _simulation(row: Mapping[str, Any]) -> Simulation:
    asked, result = json.loads(row["asked"]), json.loads(row["result"])
    return Simulation(
        id=SimulationId(row["id"]),
        client=row["client"],
        created_at=row["created_at"],
        since=datetime.fromisoformat(asked["since"]),
        until=datetime.fromisoformat(asked["until"]),
        draft=asked["draft"],
        currency=result["currency"],
        events=result["events"],
        unpriced=result["unpriced"],
        total=_compared(result["total"]),
        **{name: [_compared(each) for each in result[name]] for name in DIMENSIONS_TOLD},
    )
