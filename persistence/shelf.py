"""Shelves: rows of one dataclass in one table, on PostgreSQL and on the twin in memory.

The fields of the dataclass are the table's columns, ``operator`` and ``id`` among them. Texts, numbers, days, moments,
bytes and enumerations are columns as they are; tuples of whole numbers or texts are arrays; all else is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, Final, Generic, NewType, TypeVar, cast, get_args, get_origin, get_type_hints

import asyncpg

from domain.access.actor import Actor
from domain.access.frozen import freeze, thaw
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound, Stale
from persistence.engine import Transaction
from persistence.memory import Draft, page_of
from persistence.violations import possible

Row = TypeVar("Row")
_PLAIN: Final = (str, int, bool, bytes, date, datetime)


@dataclass(frozen=True, slots=True)
class Kept(Generic[Row]):
    """Which rows: their dataclass, their table, and what they are called in refusals.

    ``one`` names sets of fields that only one row may have, of those whose ``while_`` holds in memory; in PostgreSQL
    the table's own indexes say so.
    """

    kind: type[Row]
    table: str
    name: str
    one: tuple[tuple[str, ...], ...] = ()
    live: Mapping[str, frozenset[Any]] | None = None


class ShelfStore(Generic[Row]):
    """Keeps ``domain.ports.shelf.Shelf`` in a table."""

    def __init__(self, transaction: Transaction, actor: Actor, kept: Kept[Row]) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)
        self._kept = kept
        self._columns = [field.name for field in fields(kept.kind)]  # type: ignore[arg-type]  # each is a dataclass

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def add(self, row: Row) -> Row:
        """Keep a new row."""
        return (await self.add_all([row]))[0]

    async def add_all(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Keep new rows."""
        names = [name for name in self._columns if name != "id"]
        places = ", ".join(f"${place}" for place in range(1, len(names) + 1))
        statement = f"insert into {self._kept.table} ({', '.join(names)}) values ({places}) returning id"  # noqa: S608  (our own words)
        added = []
        for row in rows:
            values = [to_cell(getattr(row, name), self._hint(name)) for name in names]
            try:
                key = await self._connection.fetchval(statement, *values)
            except asyncpg.UniqueViolationError:
                raise Conflict("there is such a {name} already", name=self._kept.name) from None
            added.append(replace(row, id=key))  # type: ignore[type-var]  # each is a dataclass
        return added

    async def get(self, key: int) -> Row:
        """Return one, locked."""
        rows = await self._connection.fetch(
            f"select * from {self._kept.table} where operator = $1 and id = any ($2::bigint[]) for update",  # noqa: S608  (our own words)
            *(self._operator, possible([key])),
        )
        if not rows:
            raise NotFound("no {name} {key}", name=self._kept.name, key=key)
        return self._row(rows[0])

    async def put(self, row: Row) -> Row:
        """Write a row at its version."""
        old: Any = row
        changed: Any = replace(old, version=old.version + 1)
        names = [name for name in self._columns if name not in {"id", "operator"}]
        places = ", ".join(f"{name} = ${place}" for place, name in enumerate(names, 4))
        values = [to_cell(getattr(changed, name), self._hint(name)) for name in names]
        try:
            done = await self._connection.fetchval(
                f"update {self._kept.table} set {places} where operator = $1 and id = $2 and version = $3 returning id",  # noqa: S608  (our own words)
                *(self._operator, old.id, old.version, *values),
            )
        except asyncpg.UniqueViolationError:
            raise Conflict("there is such a {name} already", name=self._kept.name) from None
        if done is None:
            raise Stale("the {name} has changed since it was read", name=self._kept.name, field="version")
        found: Row = changed
        return found

    async def find(self, **criteria: Any) -> Sequence[Row]:
        """Return the rows that meet all criteria."""
        where, values = self._where(criteria)
        rows = await self._connection.fetch(
            f"select * from {self._kept.table} where operator = $1{where} order by id",  # noqa: S608  (our own words)
            *(self._operator, *values),
        )
        return [self._row(row) for row in rows]

    async def page(self, request: PageRequest, **criteria: Any) -> Page[Row]:
        """List rows that meet all criteria."""
        where, values = self._where({name: value for name, value in criteria.items() if value is not None})
        place = len(values) + 2
        rows = await self._connection.fetch(
            f"select * from {self._kept.table} where operator = $1{where} and id > ${place} order by id"  # noqa: S608  (our own words)
            f" limit ${place + 1}",
            *(self._operator, *values, request.after or 0, request.first + 1),
        )
        return Page.of([self._row(row) for row in rows], request)

    def _where(self, criteria: Mapping[str, Any]) -> tuple[str, list[Any]]:
        parts: list[str] = []
        values: list[Any] = []
        for name, value in criteria.items():
            assert name in self._columns, f"{name} is no column of {self._kept.table}"
            if value is None:
                parts.append(f" and {name} is null")
                continue
            place = len(values) + 2
            several = _several(value)
            parts.append(f" and {name} = {f'any (${place})' if several else f'${place}'}")
            values.append([_plain(one) for one in value] if several else _plain(value))
        return "".join(parts), values

    def _hint(self, name: str) -> Any:
        return _hints(cast("Any", self._kept.kind))[name]

    def _row(self, row: Mapping[str, Any]) -> Row:
        return self._kept.kind(**{name: from_cell(row[name], self._hint(name)) for name in self._columns})


class MemoryShelf(Generic[Row]):
    """Keeps ``domain.ports.shelf.Shelf`` in memory."""

    def __init__(self, draft: Draft, kept: Kept[Row]) -> None:
        self._draft = draft
        self._kept = kept

    def _rows(self) -> list[Any]:
        actor = self._draft.actor
        if actor.reseller is not None and not self._draft.bulk:
            return []
        rows = self._draft.table(self._kept.table)
        return [rows[key] for key in sorted(rows) if rows[key].operator == actor.operator]

    async def add(self, row: Row) -> Row:
        """Keep a new row."""
        return (await self.add_all([row]))[0]

    async def add_all(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Keep new rows."""
        added = []
        for row in rows:
            self._check_one(row)
            one: Any = replace(row, id=self._draft.draw(self._kept.table))  # type: ignore[type-var]  # each is a dataclass
            self._draft.table(self._kept.table)[one.id] = one
            added.append(one)
        return added

    def _check_one(self, row: Any) -> None:
        live = self._kept.live or {}
        if any(getattr(row, name) not in states for name, states in live.items()):
            return
        for names in self._kept.one:
            for other in self._rows():
                alive = all(getattr(other, name) in states for name, states in live.items())
                same = all(getattr(other, name) == getattr(row, name) for name in names)
                if alive and same and other.id != row.id:
                    raise Conflict("there is such a {name} already", name=self._kept.name)

    async def get(self, key: int) -> Row:
        """Return one."""
        for one in self._rows():
            if one.id == key:
                found: Row = one
                return found
        raise NotFound("no {name} {key}", name=self._kept.name, key=key)

    async def put(self, row: Row) -> Row:
        """Write a row at its version."""
        old: Any = row
        if (await self.get(old.id)).version != old.version:  # type: ignore[attr-defined]  # each has one
            raise Stale("the {name} has changed since it was read", name=self._kept.name, field="version")
        self._check_one(old)
        changed: Any = replace(old, version=old.version + 1)
        self._draft.table(self._kept.table)[old.id] = changed
        found: Row = changed
        return found

    async def find(self, **criteria: Any) -> Sequence[Row]:
        """Return the rows that meet all criteria."""
        return [one for one in self._rows() if _meets(one, criteria)]

    async def page(self, request: PageRequest, **criteria: Any) -> Page[Row]:
        """List rows that meet all criteria."""
        wanted = {name: value for name, value in criteria.items() if value is not None}
        return page_of([one for one in self._rows() if _meets(one, wanted)], request, lambda one: int(one.id))


def _meets(row: Any, criteria: Mapping[str, Any]) -> bool:
    return all(
        getattr(row, name) in value if _several(value) else getattr(row, name) == value
        for name, value in criteria.items()
    )


def _several(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, (str, bytes))


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _bare(hint: Any) -> Any:
    """Return a field's type without None and new names for it."""
    arguments = [one for one in get_args(hint) if one is not type(None)]
    if get_origin(hint) is not tuple and len(arguments) == 1 and type(None) in get_args(hint):
        hint = arguments[0]
    while isinstance(hint, NewType):
        hint = hint.__supertype__
    return hint


def _is_plain(hint: Any) -> bool:
    hint = _bare(hint)
    return isinstance(hint, type) and get_origin(hint) is None and issubclass(hint, _PLAIN)


def to_cell(value: Any, hint: Any) -> Any:
    """Return a field's value as its column holds it."""
    if value is None or _is_plain(hint):
        return _plain(value)
    if get_origin(_bare(hint)) is tuple and _is_plain(get_args(_bare(hint))[0]):
        return [_plain(one) for one in value]
    return json.dumps(freeze(value), ensure_ascii=False)


def from_cell(value: Any, hint: Any) -> Any:
    """Return a column's value as its field holds it."""
    bare = _bare(hint)
    if value is None:
        return None
    if _is_plain(hint):
        return bare(value) if issubclass(bare, Enum) else value
    if get_origin(bare) is tuple and _is_plain(get_args(bare)[0]):
        return tuple(value)
    return thaw(bare, json.loads(value))
