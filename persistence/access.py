"""Operators, API clients, answers to repeated commands and the outbox in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from piccolo.columns import JSONB, Array, BigInt, Boolean, Bytea, Integer, Serial, Text, Timestamptz, Varchar
from piccolo.table import Table

from domain.access.actor import Action, Actor
from domain.access.client import ApiClient
from domain.access.editions import Edition
from domain.ids import OperatorId, ResellerId
from domain.invoicing.series import NumberSeries, ReferenceForm, SeriesKind, default_prefix, name_of, read_name
from domain.operators import Address, NumberPlan, Operator
from domain.refusal import Conflict, NotFound, Stale
from domain.webhooks.event import parts
from persistence.engine import INGEST, Database, Transaction
from persistence.portals import extras_from_row, extras_to_row
from persistence.rows import whole
from persistence.trail import AuditTrail
from persistence.violations import refusing

SERIES = {"customer": 100_001, "contract": 200_001}
FIRST_NUMBER = 100_001  # of documents


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
    edition = Text()
    languages = Array(base_column=Text())
    vat_ids = JSONB()
    number_plan = JSONB()
    version = Integer()


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
    portal = JSONB(null=True)
    jwks = JSONB(null=True)
    sealed_secret = Bytea(null=True)
    level = BigInt(null=True)
    made_by = Text(null=True)


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
    "version",
]


def operator_from_row(row: Mapping[str, Any]) -> Operator:
    """Make the operator of a row."""
    fields = {name: row[name] for name in _OPERATOR}
    place = Address(row["street"], row["postcode"], row["city"], row["country"], row["street2"])
    plan = json.loads(row["number_plan"])
    if plan.get("short") is not None:
        plan["short"] = tuple(plan["short"])
    return Operator(
        id=OperatorId(row["id"]),
        address=place,
        edition=Edition(row["edition"]),
        languages=tuple(row["languages"]),
        vat_ids=json.loads(row["vat_ids"]),
        number_plan=NumberPlan(**plan),
        **fields,
    )


def operator_to_row(operator: Operator) -> dict[str, Any]:
    """Make the row of an operator, without its key."""
    place = operator.address
    street = {"street": place.street, "street2": place.street2, "postcode": place.postcode, "city": place.city}
    settings = {
        "edition": operator.edition.value,
        "languages": list(operator.languages),
        "vat_ids": json.dumps(dict(operator.vat_ids)),
        "number_plan": json.dumps(asdict(operator.number_plan)),
    }
    return {name: getattr(operator, name) for name in _OPERATOR} | street | settings


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
        level=row["level"],
        made_by=row["made_by"],
        **extras_from_row(row),
    )


def client_to_row(client: ApiClient) -> dict[str, Any]:
    """Make the row of an API client."""
    same = (
        "client_id",
        "operator",
        "name",
        "secret_sha256",
        "reseller",
        "created_at",
        "revoked_at",
        "level",
        "made_by",
    )
    scopes = sorted(scope.value for scope in client.scopes)
    return {name: getattr(client, name) for name in same} | {"scopes": scopes} | extras_to_row(client)


_SERIES: Final = "name, prefix, next, yearly, reference, reference_length"


def series_from_row(row: Mapping[str, Any]) -> NumberSeries | None:
    """Make the series of a row; None where it is of something else."""
    named = read_name(row["name"])
    if named is None:
        return None
    return NumberSeries(
        kind=named[0],
        reseller=named[1],
        prefix=row["prefix"],
        next=row["next"],
        yearly=row["yearly"],
        reference=ReferenceForm(row["reference"]),
        reference_length=row["reference_length"],
    )


class OperatorStore:
    """Keeps ``domain.ports.access.Operators``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor
        self._own: Operator | None = None
        self._changes = False

    async def own(self) -> Operator:
        """Return the operator of the unit; read once, as everyone of a unit asks for it, unless the unit changes it."""
        if self._own is None or self._changes:
            rows = await OperatorRow.select(whole(OperatorRow)).where(OperatorRow.id == self._actor.operator)
            if not rows:
                raise NotFound("no operator {operator}", operator=self._actor.operator)
            self._own = operator_from_row(rows[0])
        return self._own

    async def claim(self) -> Operator:
        """Return the operator of the unit, locked until it ends."""
        self._changes = True
        rows = await OperatorRow.select().where(OperatorRow.id == self._actor.operator).lock_rows("UPDATE")
        if not rows:
            raise NotFound("no operator {operator}", operator=self._actor.operator)
        return operator_from_row(rows[0])

    async def keep(self, operator: Operator) -> Operator:
        """Write a changed one where the stored version is its own; return it with the next. Refuses with: Stale."""
        self._changes = True
        kept = replace(operator, version=operator.version + 1)
        query = OperatorRow.update(**operator_to_row(kept)).where(
            OperatorRow.id == operator.id, OperatorRow.version == operator.version
        )
        if not await query.returning(OperatorRow.id):
            raise Stale("the operator was changed by somebody else; read it again", field="version")
        return kept

    async def series(self) -> Sequence[NumberSeries]:
        """Return every series of numbers that has begun, by name."""
        rows = await self._transaction.connection.fetch(
            f"select {_SERIES} from series where operator = $1 order by name",  # noqa: S608  (our own words)
            self._actor.operator,
        )
        return [one for one in map(series_from_row, rows) if one is not None]

    async def claim_series(self, kind: SeriesKind, reseller: ResellerId | None, *, expected: int) -> NumberSeries:
        """Return one, begun where it is not, and locked until the unit ends. Refuses with: Stale."""
        name = name_of(kind, reseller)
        connection = self._transaction.connection
        await connection.execute(
            "insert into series (operator, name, next, prefix) values ($1, $2, $3, $4) on conflict do nothing",
            *(self._actor.operator, name, FIRST_NUMBER, default_prefix(reseller)),
        )
        row = await connection.fetchrow(
            f"select {_SERIES} from series where operator = $1 and name = $2 for update",  # noqa: S608  (our own words)
            *(self._actor.operator, name),
        )
        found = series_from_row(row)
        assert found is not None
        if found.next != expected:
            raise Stale("the next number is {next}; read it again", next=found.next, field="expected")
        return found

    async def keep_series(self, series: NumberSeries) -> None:
        """Write a changed one. Refuses with: Conflict (another seller's prefix)."""
        taken = Conflict(
            "another seller's numbers begin with {prefix}", prefix=series.prefix or "digits", field="prefix"
        )
        with refusing({"series_prefix": taken}):
            await self._transaction.connection.execute(
                "update series set prefix = $3, next = $4, yearly = $5, reference = $6, reference_length = $7"
                " where operator = $1 and name = $2",
                *(self._actor.operator, series.name, series.prefix, series.next),
                *(series.yearly, series.reference.value, series.reference_length),
            )

    async def series_of(self, kind: SeriesKind, reseller: ResellerId | None) -> NumberSeries | None:
        """Return one series; None where it has not begun."""
        row = await self._transaction.connection.fetchrow(
            f"select {_SERIES} from series where operator = $1 and name = $2",  # noqa: S608  (our own words)
            *(self._actor.operator, name_of(kind, reseller)),
        )
        return None if row is None else series_from_row(row)

    async def add(self, operator: Operator) -> Operator:
        """Keep a new one with its series, an empty catalogue and its first line of audit. Refuses with: Conflict."""
        with refusing(
            {"operator_code_key": Conflict("the operator code {code} is taken", code=operator.code, field="code")}
        ):
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
            "api_client_pkey": Conflict(
                "the client id {client_id} is taken", client_id=client.client_id, field="clientId"
            ),
            "api_client_operator_reseller_fkey": NotFound(
                "no reseller {reseller}", reseller=client.reseller, field="reseller"
            ),
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
            raise NotFound("no API client {client_id}", client_id=client_id, field="clientId")
        return client_from_row(rows[0])

    async def keep(self, client: ApiClient) -> ApiClient:
        """Write a changed one."""
        await ClientRow.update(**client_to_row(client)).where(
            ClientRow.operator == self._operator, ClientRow.client_id == client.client_id
        )
        return client


class OutboxStore:
    """Keeps ``domain.ports.access.Outbox``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = actor.operator

    async def promise(self, kind: str, payload: Mapping[str, object], *, subject: str = "") -> None:
        """Record one that says more than an audit line."""
        thing, key = parts(subject)
        await self._transaction.connection.execute(
            "insert into outbox (operator, kind, payload, subject, reseller)"
            " values ($1, $2, $3, $4, owner_of($1, $5, coalesce($6, '')))",
            *(self._operator, kind, json.dumps(payload, default=str, sort_keys=True), subject, thing, key),
        )

    async def promise_all(self, kind: str, told: Sequence[tuple[str, Mapping[str, object]]]) -> None:
        """Record many of a kind that belong to the operator himself, each a subject and what is told of it."""
        await self._transaction.connection.execute(
            "insert into outbox (operator, kind, payload, subject)"
            " select $1, $2, w.payload::jsonb, w.subject from unnest($3::text[], $4::text[]) as w (subject, payload)",
            *(self._operator, kind, [subject for subject, _ in told]),
            [json.dumps(payload, default=str, sort_keys=True) for _, payload in told],
        )


class AnswerStore:
    """Keeps ``domain.ports.access.Answers``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor

    async def claim(self, key: str, content: bytes) -> int | None:
        """Return the id that was answered to the same command; None when the key is new. Refuses with: Conflict."""
        connection = self._transaction.connection
        # Who has claimed the key and has not ended holds the lock; nobody waits for him (attack B7).
        place = f"{self._actor.operator} {self._actor.caller} {key}"
        if not await connection.fetchval("select pg_try_advisory_xact_lock(hashtextextended($1, 58))", place):
            raise Conflict(
                "a command with this idempotency key is being carried out at this moment", field="idempotencyKey"
            )
        new = await connection.fetchval(
            """insert into answer (operator, client, key, content) values ($1, $2, $3, $4)
               on conflict do nothing returning true""",
            self._actor.operator,
            self._actor.caller,
            key,
            content,
        )
        if new:
            return None
        known = await connection.fetchrow(
            "select content, answer from answer where operator = $1 and client = $2 and key = $3",
            self._actor.operator,
            self._actor.caller,
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
            self._actor.caller,
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
