"""Fields of the operator's own, in PostgreSQL and in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.fields.definition import Aggregate, FieldDefinition, FieldKind, Fields
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, Stale
from persistence.engine import Transaction
from persistence.memory import Draft
from persistence.violations import beyond, refusing

BEYOND: Final = "\U0010ffff"  # behind every text that begins the same


def fields_of(value: Any) -> Fields:
    """Read the column ``fields``."""
    if value == "{}":  # as most are
        return ()
    found = json.loads(value) if isinstance(value, str) else value or {}
    return tuple(sorted(found.items()))


def fields_to(fields: Fields) -> str:
    """Write the column ``fields``."""
    return json.dumps(dict(fields), ensure_ascii=False)


class FieldDefinitionStore:
    """Keeps ``domain.ports.field_definitions.FieldDefinitions`` in PostgreSQL."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def all(self, aggregate: Aggregate | None = None) -> Sequence[FieldDefinition]:
        """Return those of an aggregate, or all, by aggregate and name."""
        rows = await self._connection.fetch(
            "select * from field_definition where operator = $1 and ($2::text is null or aggregate = $2)"
            " order by aggregate, name",
            *(self._operator, None if aggregate is None else aggregate.value),
        )
        return [_of(row) for row in rows]

    async def now(self) -> datetime:
        """Return the instant at which the unit began."""
        at: datetime = await self._connection.fetchval("select now()")
        return at

    async def add(self, definition: FieldDefinition) -> FieldDefinition:
        """Keep a new one. Refuses with: Conflict (the name is taken)."""
        with refusing({"field_definition_pkey": _taken(definition)}):
            await self._connection.execute(
                "insert into field_definition (operator, aggregate, name, kind, choices, required, searchable, ends_at)"
                " values ($1, $2, $3, $4, $5, $6, $7, $8)",
                *(self._operator, definition.aggregate.value, definition.name, definition.kind.value),
                *(list(definition.choices), definition.required, definition.searchable, definition.ends_at),
            )
        return definition

    async def keep(self, definition: FieldDefinition) -> FieldDefinition:
        """Write a changed one where the stored version is its own. Refuses with: Stale."""
        done = await self._connection.fetchval(
            "update field_definition set choices = $5, required = $6, ends_at = $7, version = version + 1"
            " where operator = $1 and aggregate = $2 and name = $3 and version = $4 returning true",
            *(self._operator, definition.aggregate.value, definition.name, definition.version),
            *(list(definition.choices), definition.required, definition.ends_at),
        )
        if not done:
            raise _stale()
        return replace(definition, version=definition.version + 1)

    async def owners(self, aggregate: Aggregate, name: str, value: str, request: PageRequest) -> Page[int]:
        """List the keys of those whose field begins with a value; by key."""
        rows = await self._connection.fetch(
            "select owner from field_value where operator = $1 and aggregate = $2 and name = $3 and value >= $4"
            " and value < $5 and owner > $6 order by owner limit $7",
            *(self._operator, aggregate.value, name, value, value + BEYOND, beyond(request.after), request.first + 1),
        )
        return Page.of([row["owner"] for row in rows], request)


class MemoryFieldDefinitions:
    """Keeps ``domain.ports.field_definitions.FieldDefinitions`` in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def all(self, aggregate: Aggregate | None = None) -> Sequence[FieldDefinition]:
        """Return those of an aggregate, or all, by aggregate and name."""
        rows: list[FieldDefinition] = [
            one
            for one in self._draft.table("field_definition").values()
            if one.operator == self._draft.actor.operator and aggregate in {None, one.aggregate}
        ]
        return sorted(rows, key=lambda one: (one.aggregate.value, one.name))

    async def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)

    async def add(self, definition: FieldDefinition) -> FieldDefinition:
        """Keep a new one. Refuses with: Conflict (the name is taken)."""
        rows = self._draft.table("field_definition")
        if _place(definition) in rows:
            raise _taken(definition)
        rows[_place(definition)] = definition
        return definition

    async def keep(self, definition: FieldDefinition) -> FieldDefinition:
        """Write a changed one where the stored version is its own. Refuses with: Stale."""
        rows = self._draft.table("field_definition")
        if rows[_place(definition)].version != definition.version:
            raise _stale()
        kept = replace(definition, version=definition.version + 1)
        rows[_place(definition)] = kept
        return kept

    async def owners(self, aggregate: Aggregate, name: str, value: str, request: PageRequest) -> Page[int]:
        """List the keys of those whose field begins with a value; by key."""
        rows = self._draft.table(aggregate.value).values()
        actor, bulk = self._draft.actor, self._draft.bulk

        def seen(row: Any) -> bool:
            if row.operator != actor.operator:
                return False
            if aggregate is Aggregate.RESELLER:
                return bulk or actor.reaches(row.id)
            return aggregate is Aggregate.SERVICE or self._draft.sees(row)

        keys = sorted(
            row.id
            for row in rows
            if row.id > (request.after or 0) and seen(row) and dict(row.fields).get(name, "").lower().startswith(value)
        )
        return Page.of(keys[: request.first + 1], request)


def _of(row: Mapping[str, Any]) -> FieldDefinition:
    same = ("operator", "name", "required", "searchable", "ends_at", "version")
    return FieldDefinition(
        aggregate=Aggregate(row["aggregate"]),
        kind=FieldKind(row["kind"]),
        choices=tuple(row["choices"]),
        **{name: row[name] for name in same},
    )


def _place(definition: FieldDefinition) -> tuple[object, ...]:
    return definition.operator, definition.aggregate, definition.name


def _taken(definition: FieldDefinition) -> Conflict:
    return Conflict(
        "a {aggregate} has a field {name} already",
        aggregate=definition.aggregate.value,
        name=definition.name,
        field="name",
    )


def _stale() -> Stale:
    return Stale("the field was changed by somebody else; read it again", field="version")
