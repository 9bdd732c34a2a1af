"""Where payment files are handed on to."""

from __future__ import annotations

from typing import Any

import strawberry

from api.graphql.context import Info
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.payments.handing_on import Target
from domain.usecases.hand_on_payments import PutTarget, list_targets, put_target


@strawberry.type(name="PaymentTargetCredential", description="A credential's name and reference.")
class TargetCredentialType:
    """A reference to a secret; never the secret."""

    name: str
    reference: str


def _references(root: strawberry.Parent[Target]) -> list[TargetCredentialType]:
    return [TargetCredentialType(name=name, reference=one) for name, one in sorted(root.credentials.items())]


@strawberry.type(name="PaymentTarget", description="A place that each payment file is handed on to, once.")
class TargetType:
    """``domain.payments.handing_on.Target``."""

    id: strawberry.ID = identified()
    name: str
    address: str
    host_keys: list[str]
    credentials: list[TargetCredentialType] = strawberry.field(resolver=_references)
    active: bool
    version: int

    is_type_of = shows(Target)


@strawberry.input(description="A credential: env:NAME or file:NAME.")
class TargetCredentialInput:
    """A reference to a secret."""

    name: str
    reference: str


@strawberry.input(description="A target as a whole; version 0: a new one.")
class PaymentTargetInput:
    """``PutTarget``."""

    name: str
    address: str
    host_keys: list[str] = strawberry.field(default_factory=list)
    ca: str | None = None
    credentials: list[TargetCredentialInput] = strawberry.field(default_factory=list)
    active: bool = True
    version: int = 0
    idempotency_key: str | None = kept_key()


async def _targets(info: Info) -> list[TargetType]:
    found: Any = await info.context.ask(list_targets)
    return list(found)


async def _put_target(info: Info, input: PaymentTargetInput) -> Any:
    wiring = info.context.wiring
    cmd = PutTarget(
        name=input.name,
        address=input.address,
        host_keys=tuple(input.host_keys),
        ca=input.ca,
        credentials={one.name: one.reference for one in input.credentials},
        active=input.active,
        version=input.version,
    )
    return await info.context.ask(put_target, cmd, transports=wiring.transports, vault=wiring.vault)


@strawberry.type
class PaymentTargetQuery:
    """The targets."""

    payment_targets: list[TargetType] = strawberry.field(resolver=_targets)


@strawberry.type
class PaymentTargetMutation:
    """Keeping targets."""

    put_payment_target = strawberry.mutation(
        resolver=_put_target, graphql_type=outcome("PutPaymentTargetResult", TargetType)
    )
