"""What stands at the gate, as far as the operator sets it: limits of rates, and registered documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError, parse, validate

from api.graphql.context import Info
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.access.document import RegisteredDocument, read_sha256
from domain.access.rate import RateLimit
from domain.refusal import BadValue
from domain.usecases.register_document import RegisterDocument, forget_document, list_documents, register_document
from domain.usecases.set_rate_limit import SetRateLimit, list_rate_limits, remove_rate_limit, set_rate_limit

FAULTS_MAX = 3


def _client(root: strawberry.Parent[RateLimit]) -> str | None:
    return root.client or None


@strawberry.type(name="RateLimit", description="How often the account, or one client, may ask.")
class RateLimitType:
    """``domain.access.rate.RateLimit``."""

    client: str | None = strawberry.field(resolver=_client, description="Its client id; null: the whole account's.")
    per_second: float = strawberry.field(description="In the long run.")
    burst: int = strawberry.field(description="At once.")
    version: int

    is_type_of = shows(RateLimit)


@strawberry.type(name="RegisteredDocument", description="A document that is asked for by its SHA-256.")
class RegisteredDocumentType:
    """``domain.access.document.RegisteredDocument``."""

    sha256: str = strawberry.field(resolver=lambda root: root.sha256_hex)
    name: str
    document: str
    registered_at: datetime

    is_type_of = shows(RegisteredDocument)


@strawberry.input(description="Without a client: of the whole account. version 0: there is none yet.")
class SetRateLimitInput:
    """``SetRateLimit``."""

    client: str | None = None
    per_second: float
    burst: int
    version: int = 0
    idempotency_key: str | None = kept_key()


@strawberry.input(description="The document as it would be sent, byte by byte.")
class RegisterDocumentInput:
    """``RegisterDocument``."""

    name: str
    document: str
    idempotency_key: str | None = kept_key()


async def _limits(info: Info) -> Any:
    return await info.context.ask(list_rate_limits)


async def _set_limit(info: Info, asked: Annotated[SetRateLimitInput, strawberry.argument(name="input")]) -> Any:
    cmd = SetRateLimit(client=asked.client or "", per_second=asked.per_second, burst=asked.burst, version=asked.version)
    return await info.context.ask(set_rate_limit, cmd)


async def _remove_limit(info: Info, version: int, client: str | None = None) -> Any:
    return await info.context.ask(remove_rate_limit, client or "", version)


async def _documents(info: Info) -> Any:
    return await info.context.ask(list_documents)


async def _register(info: Info, asked: Annotated[RegisterDocumentInput, strawberry.argument(name="input")]) -> Any:
    cmd = RegisterDocument(name=asked.name, document=asked.document)
    check(cmd.document, info.schema._schema)  # noqa: SLF001  (strawberry gives its core schema by no other name)
    return await info.context.ask(register_document, cmd, clock=info.context.wiring.clock)


async def _forget(info: Info, sha256: str) -> Any:
    return await info.context.ask(forget_document, read_sha256(sha256))


def check(document: str, schema: Any) -> None:
    """Look whether a document could be executed. Refuses with: BadValue."""
    try:
        faults = validate(schema, parse(document, max_tokens=20_000))
    except GraphQLError as fault:
        faults = [fault]
    if faults:
        told = "; ".join(fault.message for fault in faults[:FAULTS_MAX])
        raise BadValue("the document does not fit the schema: {faults}", faults=told, field="document")


@strawberry.type
class GateQuery:
    """What is set."""

    rate_limits: list[RateLimitType] = strawberry.field(
        resolver=_limits, description="What was set in place of the installation's limits."
    )
    registered_documents: list[RegisteredDocumentType] = strawberry.field(resolver=_documents)


@strawberry.type
class GateMutation:
    """Setting it."""

    set_rate_limit = strawberry.mutation(resolver=_set_limit, graphql_type=outcome("SetRateLimitResult", RateLimitType))
    remove_rate_limit = strawberry.mutation(
        resolver=_remove_limit,
        graphql_type=outcome("RemoveRateLimitResult", RateLimitType),
        description="The installation's own limit holds again.",
    )
    register_document = strawberry.mutation(
        resolver=_register,
        graphql_type=outcome("RegisterDocumentResult", RegisteredDocumentType),
        description="The same again changes its name alone.",
    )
    forget_document = strawberry.mutation(
        resolver=_forget, graphql_type=outcome("ForgetDocumentResult", RegisteredDocumentType)
    )
