"""Operators, API clients, the audit trail, answers to repeated commands and the outbox in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from piccolo.columns import Array, BigInt, Boolean, Bytea, Integer, Serial, Text, Timestamptz, Varchar
from piccolo.table import Table

from domain.access.actor import Action, Actor
from domain.access.client import ApiClient
from domain.ids import OperatorId
from domain.operators import Address, Operator
from domain.refusal import Conflict, NotFound
from persistence.engine import INGEST, Database, Transaction
from persistence.violations import refusing

SERIES = {"customer": 100_001, "contract": 200_001}


class OperatorRow(Table, tablename="operator"):
    """The table ``operator`` without the column that the database fills in."""

    id = Serial(primary_key=True)
    code = Text()
    name = Text()
    organisation_number = Text()
    vat_id = Text()
    street = Text()
    street2 = Text(null=True)
    postcode = Text()
    city = Text()
    country = Varchar(length=2)
    zone = Text()
    currency = Varchar(length=3)
    language = Text()
    bankgiro = Text(null=True)
    iban = Text(null=True)
    email = Text(null=True)
    phone = Text(null=True)
    endpoint = Text(null=True)
    payment_terms_days = Integer()
    rounds_to_krona = Boolean()
    ocr_level = Text()


class ClientRow(Table, tablename="api_client"):
    """The table ``api_client``."""

    client_id = Text(primary_key=True)
    operator = Integer()
    name = Text()
    secret_sha256 = Bytea()
    scopes = Array(base_column=Text())
    reseller = BigInt(null=True)
    created_at = Timestamptz()
    revoked_at = Timestamptz(null=True)


_OPERATOR = [
    "code",
    "name",
    "organisation_number",
    "vat_id",
    "zone",
    "currency",
    "country",
    "language",
    "bankgiro",
    "iban",
    "email",
    "phone",
    "endpoint",
    "payment_terms_days",
    "rounds_to_krona",
    "ocr_level",
]


def operator_from_row(row: Mapping[str, Any]) -> Operator:
    """Make the operator of a row."""
    fields = {name: row[name] for name in _OPERATOR}
    place = Address(row["street"], row["postcode"], row["city"], row["country"], row["street2"])
    return Operator(id=OperatorId(row["id"]), address=place, **fields)


def operator_to_row(operator: Operator) -> dict[str, Any]:
    """Make the row of an operator, without its key."""
    place = operator.address
    street = {"street": place.street, "street2": place.street2, "postcode": place.postcode, "city": place.city}
    return {name: getattr(operator, name) for name in _OPERATOR} | street


def client_from_row(row: Mapping[str, Any]) -> ApiClient:
    """Make the API client of a row; a scope that this release does not know gives nothing."""
    known = {action.value for action in Action}
    return ApiClient(
        client_id=row["client_id"],
        operator=OperatorId(row["operator"]),
        name=row["name"],
        secret_sha256=bytes(row["secret_sha256"]),
        scopes=frozenset(Action(scope) for scope in row["scopes"] if scope in known),
        reseller=row["reseller"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )


def client_to_row(client: ApiClient) -> dict[str, Any]:
    """Make the row of an API client."""
    same = ("client_id", "operator", "name", "secret_sha256", "reseller", "created_at", "revoked_at")
    return {name: getattr(client, name) for name in same} | {"scopes": sorted(scope.value for scope in client.scopes)}


class OperatorStore:
    """Keeps ``domain.ports.access.Operators``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor

    async def own(self) -> Operator:
        """Return the operator of the unit."""
        rows = await OperatorRow.select().where(OperatorRow.id == self._actor.operator)
        if not rows:
            raise NotFound(f"no operator {self._actor.operator}")
        return operator_from_row(rows[0])

    async def add(self, operator: Operator) -> Operator:
        """Keep a new one with its series, an empty catalogue and its first line of audit. Refuses with: Conflict."""
        with refusing({"operator_code_key": Conflict(f"the operator code {operator.code} is taken", field="code")}):
            rows = await OperatorRow.insert(OperatorRow(**operator_to_row(operator)))
        kept = replace(operator, id=OperatorId(rows[0]["id"]))
        connection = self._transaction.connection
        await connection.executemany(
            "insert into series (operator, name, next) values ($1, $2, $3)",
            [(kept.id, name, first) for name, first in SERIES.items()],
        )
        await connection.execute("insert into catalogue (operator) values ($1)", kept.id)
        author = replace(self._actor, operator=kept.id)
        await AuditTrail(self._transaction, author).write("create_operator", f"operator:{kept.code}")
        return kept


class ClientStore:
    """Keeps ``domain.ports.access.Clients``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = actor.operator

    async def add(self, client: ApiClient) -> ApiClient:
        """Keep a new one. Refuses with: Conflict (client id taken), NotFound (reseller)."""
        rules = {
            "api_client_pkey": Conflict(f"the client id {client.client_id} is taken", field="clientId"),
            "api_client_operator_reseller_fkey": NotFound(f"no reseller {client.reseller}", field="reseller"),
        }
        with refusing(rules):
            await ClientRow.insert(ClientRow(**client_to_row(client)))
        return client

    async def all(self) -> Sequence[ApiClient]:
        """Return them by client id."""
        query = ClientRow.select().where(ClientRow.operator == self._operator).order_by(ClientRow.client_id)
        return [client_from_row(row) for row in await query]

    async def claim(self, client_id: str) -> ApiClient:
        """Return one locked. Refuses with: NotFound."""
        query = ClientRow.select().where(ClientRow.operator == self._operator, ClientRow.client_id == client_id)
        if not (rows := await query.lock_rows("UPDATE")):
            raise NotFound(f"no API client {client_id}", field="clientId")
        return client_from_row(rows[0])

    async def keep(self, client: ApiClient) -> ApiClient:
        """Write a changed one."""
        await ClientRow.update(**client_to_row(client)).where(
            ClientRow.operator == self._operator, ClientRow.client_id == client.client_id
        )
        return client


class AuditTrail:
    """Keeps ``domain.ports.access.Audit``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor

    async def write(self, action: str, target: str, detail: Mapping[str, object] | None = None) -> None:
        """Record that the unit's actor did ``action`` to ``target``, in the unit's own transaction."""
        actor = self._actor
        await self._transaction.connection.execute(
            """insert into audit (operator, client, reseller, address, action, target, detail)
               values ($1, $2, $3, $4, $5, $6, $7)""",
            actor.operator,
            actor.client,
            actor.reseller,
            actor.address,
            action,
            target,
            None if detail is None else json.dumps(detail, default=str, sort_keys=True),
        )


class OutboxStore:
    """Keeps ``domain.ports.access.Outbox``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = actor.operator

    async def promise(self, kind: str, payload: Mapping[str, object]) -> None:
        """Record an event to be delivered once the unit has committed."""
        await self._transaction.connection.execute(
            "insert into outbox (operator, kind, payload) values ($1, $2, $3)",
            self._operator,
            kind,
            json.dumps(payload, default=str, sort_keys=True),
        )


class AnswerStore:
    """Keeps ``domain.ports.access.Answers``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor

    async def claim(self, key: str, content: bytes) -> int | None:
        """Return the id that was answered to the same command; None when the key is new. Refuses with: Conflict."""
        connection = self._transaction.connection
        # The insert waits for another unit that has claimed the key and has not ended yet.
        new = await connection.fetchval(
            """insert into answer (operator, client, key, content) values ($1, $2, $3, $4)
               on conflict do nothing returning true""",
            self._actor.operator,
            self._actor.client,
            key,
            content,
        )
        if new:
            return None
        known = await connection.fetchrow(
            "select content, answer from answer where operator = $1 and client = $2 and key = $3",
            self._actor.operator,
            self._actor.client,
            key,
        )
        if bytes(known["content"]) != content:
            raise Conflict("the idempotency key was used with other content", field="idempotencyKey")
        return int(known["answer"])

    async def keep(self, key: str, answer: int) -> None:
        """Record what the unit answers to the key it claimed."""
        await self._transaction.connection.execute(
            "update answer set answer = $4 where operator = $1 and client = $2 and key = $3",
            self._actor.operator,
            self._actor.client,
            key,
            answer,
        )


class DirectoryReader:
    """Keeps ``domain.ports.access.Directory``: reads across operators."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def operators(self) -> Sequence[Operator]:
        """Return every operator by code."""
        async with self._database.transaction(role=INGEST, readonly=True):
            return [operator_from_row(row) for row in await OperatorRow.select().order_by(OperatorRow.code)]
