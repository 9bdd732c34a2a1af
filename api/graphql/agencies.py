"""Collection agencies: where cases are handed over to."""

from __future__ import annotations

from typing import Any

import strawberry

import api.graphql.order_words  # noqa: F401  (names Bar in the schema)
from api.graphql.context import Info
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.collection.progress import (
    Agency,
    CaseFormat,
)
from domain.usecases.manage_collection import (
    PutAgency,
    list_collection_agencies,
    put_collection_agency,
)

strawberry.enum(CaseFormat, name="CollectionCaseFormat", description="How a case is written for an agency.")


@strawberry.type(name="CollectionAgency", description="Where cases are handed over to.")
class AgencyType:
    """``domain.collection.progress.Agency``; its secrets are references."""

    name: str
    format: CaseFormat
    address: str
    host_keys: list[str]
    active: bool
    version: int

    is_type_of = shows(Agency)


@strawberry.input(name="CollectionSecretInput")
class SecretInput:
    """A secret by name: a reference."""

    name: str
    reference: str


@strawberry.input(
    description="Where an agency fetches cases: an address as of a feed, secrets as env:NAME or file:NAME."
)
class PutCollectionAgencyInput:
    """``PutAgency``."""

    name: str
    format: CaseFormat
    address: str
    host_keys: list[str] = strawberry.field(default_factory=list)
    credentials: list[SecretInput] = strawberry.field(default_factory=list)
    active: bool = True
    version: int = 0
    idempotency_key: str | None = kept_key()


async def _agencies(info: Info) -> Any:
    return await info.context.ask(list_collection_agencies)


async def _put_agency(info: Info, input: PutCollectionAgencyInput) -> Any:
    cmd = PutAgency(
        name=input.name,
        format=input.format,
        address=input.address,
        host_keys=tuple(input.host_keys),
        credentials=tuple((one.name, one.reference) for one in input.credentials),
        active=input.active,
        version=input.version,
    )
    wiring = info.context.wiring
    return await info.context.ask(put_collection_agency, cmd, transports=wiring.transports, vault=wiring.vault)


@strawberry.type
class AgencyQuery:
    """The agencies."""

    collection_agencies: list[AgencyType] = strawberry.field(resolver=_agencies)


@strawberry.type
class AgencyMutation:
    """Keeping agencies."""

    put_collection_agency = strawberry.mutation(
        resolver=_put_agency, graphql_type=outcome("PutCollectionAgencyResult", AgencyType)
    )
