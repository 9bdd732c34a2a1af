"""Registered documents of GraphQL, in PostgreSQL and in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.access.actor import Actor
from domain.access.document import RegisteredDocument
from domain.ids import OperatorId
from domain.refusal import NotFound
from persistence.engine import Transaction
from persistence.memory import Draft

_COLUMNS = "operator, name, document, registered_at"


class RegisteredStore:
    """Keeps ``domain.ports.registered.RegisteredDocuments``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def put(self, document: RegisteredDocument) -> RegisteredDocument:
        """Keep one."""
        row = await self._connection.fetchrow(
            "insert into graphql_document (operator, sha256, name, document, registered_at) values ($1, $2, $3, $4, $5)"  # noqa: S608  (our own words)
            f" on conflict (operator, sha256) do update set name = excluded.name returning {_COLUMNS}",
            *(self._operator, document.sha256, document.name, document.document, document.registered_at),
        )
        return _of(row)

    async def find(self, sha256: bytes) -> RegisteredDocument | None:
        """Return one; None where it is not registered."""
        row = await self._connection.fetchrow(
            f"select {_COLUMNS} from graphql_document where operator = $1 and sha256 = $2",  # noqa: S608  (our own words)
            *(self._operator, sha256),
        )
        return None if row is None else _of(row)

    async def all(self) -> Sequence[RegisteredDocument]:
        """Return them by name."""
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from graphql_document where operator = $1 order by name, sha256",  # noqa: S608  (our own words)
            self._operator,
        )
        return [_of(row) for row in rows]

    async def remove(self, sha256: bytes) -> RegisteredDocument:
        """Forget one. Refuses with: NotFound."""
        row = await self._connection.fetchrow(
            f"delete from graphql_document where operator = $1 and sha256 = $2 returning {_COLUMNS}",  # noqa: S608  (our own words)
            *(self._operator, sha256),
        )
        return _of(row) if row is not None else _missing()


class MemoryRegistered:
    """The same, in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._operator = draft.actor.operator

    async def put(self, document: RegisteredDocument) -> RegisteredDocument:
        """Keep one."""
        self._draft.table("graphql_document")[self._operator, document.sha256] = document
        return document

    async def find(self, sha256: bytes) -> RegisteredDocument | None:
        """Return one; None where it is not registered."""
        found: RegisteredDocument | None = self._draft.table("graphql_document").get((self._operator, sha256))
        return found

    async def all(self) -> Sequence[RegisteredDocument]:
        """Return them by name."""
        rows = self._draft.table("graphql_document").values()
        mine = [one for one in rows if one.operator == self._operator]
        return sorted(mine, key=lambda one: (one.name, one.sha256))

    async def remove(self, sha256: bytes) -> RegisteredDocument:
        """Forget one. Refuses with: NotFound."""
        gone: RegisteredDocument | None = self._draft.table("graphql_document").pop((self._operator, sha256), None)
        return gone if gone is not None else _missing()


def _missing() -> RegisteredDocument:
    raise NotFound("no document of this SHA-256 is registered", field="sha256")


def _of(row: Mapping[str, Any]) -> RegisteredDocument:
    return RegisteredDocument(
        operator=OperatorId(row["operator"]),
        name=row["name"],
        document=row["document"],
        registered_at=row["registered_at"],
    )
