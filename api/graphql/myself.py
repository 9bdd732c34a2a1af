"""What people do about themselves once they are signed in."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.graphql.context import Info
from api.graphql.ids import global_id, key_of
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.signing_in import even, himself
from api.graphql.users import UserType
from domain.access.proof import Factor
from domain.usecases.choose_password import change_password
from domain.usecases.enrol_factor import remove_factor, renew_recovery_codes
from domain.usecases.get_myself import Myself, change_myself, get_myself


@strawberry.type(name="SecurityKey", description="A security key. What it signs with is in it alone.")
class SecurityKeyType:
    """``domain.access.proof.SecurityKey``."""

    id: strawberry.ID
    name: str
    host: str = strawberry.field(description="Whose pages it answers to.")
    created_at: datetime
    used_at: datetime | None


@strawberry.type(name="Myself", description="Who has signed in, and what he proves himself by.")
class MyselfType:
    """``domain.usecases.get_myself.Myself``."""

    user: UserType
    factors: list[Factor]
    security_keys: list[SecurityKeyType]
    recovery_codes_left: int
    password_changed_at: datetime | None
    permissions: list[str] = strawberry.field(description="What this token may, as scopes and operations.")
    reseller: bool = strawberry.field(description="Whether he is one of a reseller's people.")


@strawberry.input(description="What is left out, or null, stays.")
class ChangeMyselfInput:
    """``change_myself``."""

    version: int
    name: str | None = None
    language: str | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="The password that holds, and the one that shall.")
class ChangePasswordInput:
    """``change_password``."""

    old_password: str
    new_password: str


@strawberry.input(description="TOTP, or WEBAUTHN with the key's id; with one's password once more.")
class RemoveFactorInput:
    """``remove_factor``."""

    factor: Factor
    password: str
    key: strawberry.ID | None = None


@strawberry.type(name="RecoveryCodes", description="Each stands in once for a second factor. They are not told again.")
class RecoveryCodesType:
    """New codes."""

    codes: list[str]


def _shown(info: Info, one: Myself) -> MyselfType:
    actor = info.context.actor
    return MyselfType(
        user=one.user,  # type: ignore[arg-type]  # strawberry resolves it from the domain's
        factors=list(one.proofs.factors),
        security_keys=[
            SecurityKeyType(
                id=strawberry.ID(global_id("SecurityKey", key.id)),
                name=key.name,
                host=key.rp,
                created_at=key.created_at,
                used_at=key.used_at,
            )
            for key in one.proofs.keys
        ],
        recovery_codes_left=one.proofs.recovery,
        password_changed_at=one.proofs.password_at,
        permissions=sorted({*(scope.value for scope in actor.scopes), *actor.operations}),
        reseller=one.user.reseller is not None,
    )


async def _myself(info: Info) -> Any:
    context = info.context
    return _shown(info, await get_myself(me=context.actor, begin=context.wiring.begin))


async def _change(info: Info, asked: Annotated[ChangeMyselfInput, strawberry.argument(name="input")]) -> Any:
    context = info.context
    changed = await change_myself(
        asked.version, asked.name, asked.language, me=context.actor, begin=context.wiring.begin
    )
    return _shown(info, changed)


async def _password(info: Info, asked: Annotated[ChangePasswordInput, strawberry.argument(name="input")]) -> Any:
    context, wiring = info.context, info.context.wiring
    await even(
        change_password(
            asked.old_password,
            asked.new_password,
            me=context.actor,
            begin=wiring.begin,
            clock=wiring.clock,
            passwords=wiring.passwords,
        )
    )
    return await _myself(info)


async def _remove(info: Info, asked: Annotated[RemoveFactorInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    key = None if asked.key is None else key_of(asked.key, "SecurityKey", "key")
    await even(
        remove_factor(
            asked.factor,
            key,
            himself(info, None, asked.password),
            begin=wiring.begin,
            clock=wiring.clock,
            passwords=wiring.passwords,
        )
    )
    return await _myself(info)


async def _renew(info: Info, password: str) -> Any:
    wiring = info.context.wiring
    codes = await even(
        renew_recovery_codes(
            himself(info, None, password),
            begin=wiring.begin,
            clock=wiring.clock,
            passwords=wiring.passwords,
            draw=secrets.token_bytes,
        )
    )
    return RecoveryCodesType(codes=list(codes))


@strawberry.type
class MyselfQuery:
    """Oneself."""

    myself: MyselfType = strawberry.field(resolver=_myself)


@strawberry.type
class MyselfMutation:
    """What people change about themselves."""

    change_myself = strawberry.mutation(resolver=_change, graphql_type=outcome("ChangeMyselfResult", MyselfType))
    change_password = strawberry.mutation(
        resolver=_password,
        graphql_type=outcome("ChangePasswordResult", MyselfType),
        description="All other sessions end.",
    )
    remove_factor = strawberry.mutation(resolver=_remove, graphql_type=outcome("RemoveFactorResult", MyselfType))
    renew_recovery_codes = strawberry.mutation(
        resolver=_renew,
        graphql_type=outcome("RenewRecoveryCodesResult", RecoveryCodesType),
        description="Those before are dead.",
    )
