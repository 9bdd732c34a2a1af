"""User levels: what there is to be allowed, who may how much of it, and why somebody may not."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.catalogues import sentence
from api.graphql.context import Info
from api.graphql.ids import key_of
from api.graphql.inputs import given
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.parties import ResellerType
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.access.level import Level
from domain.access.limits import Ceiling, Limits
from domain.access.operations import Operation
from domain.ids import LevelId, ResellerId, UserId
from domain.usecases.list_operations import list_operations
from domain.usecases.manage_levels import (
    ChangeLevel,
    CreateLevel,
    change_level,
    create_level,
    get_level,
    list_levels,
    remove_level,
)
from domain.usecases.why_refused import Judged, Obstacle, Reason, WhyRefused, permissions, why_refused

ID = strawberry.ID

strawberry.enum(
    Obstacle,
    description="What stands in the way. LIMIT and APPROVAL do not forbid it; they hold once it is done.",
)


@strawberry.type(name="Operation", description="Something that can be done, and what it asks for.")
class OperationType:
    """``domain.access.operations.Operation``."""

    name: str
    scopes: list[str] = strawberry.field(resolver=lambda root: [one.value for one in root.scopes])
    any_of: list[str] = strawberry.field(
        resolver=lambda root: [one.value for one in root.any_of],
        description="One of them is enough; which, hangs on what is asked.",
    )
    description: str

    is_type_of = shows(Operation)


@strawberry.type(name="AmountLimit", description="The most that is given away in a currency.")
class CeilingType:
    """``domain.access.limits.Ceiling``."""

    currency: str
    each: Decimal = strawberry.field(description="By one operation.")
    day: Decimal | None = strawberry.field(description="By all of a day of the operator's; null: any number.")

    is_type_of = shows(Ceiling)


async def _limited_to(root: strawberry.Parent[Limits], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller) if root.reseller is not None else None


@strawberry.type(name="LevelLimits", description="How far a level reaches.")
class LimitsType:
    """``domain.access.limits.Limits``."""

    amounts: list[CeilingType] = strawberry.field(
        resolver=lambda root: list(root.amounts), description="None: no limit. A currency that is missing: nothing."
    )
    groups: list[str] = strawberry.field(
        resolver=lambda root: sorted(root.groups), description="Customers in one of them are all there are; none: all."
    )
    reseller: ResellerType | None = strawberry.field(
        resolver=_limited_to, description="What this one and those below have is all there is."
    )

    is_type_of = shows(Limits)


async def _reseller(root: strawberry.Parent[Level], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller) if root.reseller is not None else None


@strawberry.type(name="UserLevel", description="A named set of permissions. Built-in ones are copied, not changed.")
class LevelType:
    """``domain.access.level.Level``."""

    id: ID = identified()
    name: str
    built_in: str | None = strawberry.field(description="The key of a built-in one, such as price_manager.")
    reseller: ResellerType | None = strawberry.field(resolver=_reseller, description="Whose own it is.")
    permissions: list[str] = strawberry.field(
        resolver=lambda root: sorted(root.held), description="Scopes, and names of single operations."
    )
    limits: LimitsType
    requires_second_factor: bool
    version: int

    is_type_of = shows(Level)


@strawberry.type(name="RefusalReason", description="One thing that stands in the way.")
class ReasonType:
    """``domain.usecases.why_refused.Reason``."""

    obstacle: Obstacle
    message: str = strawberry.field(resolver=lambda root: sentence(root.said))
    permission: str | None = strawberry.field(
        resolver=lambda root: None if root.permission is None else root.permission.value,
        description="The permission that is missing.",
    )

    is_type_of = shows(Reason)


@strawberry.type(name="OperationJudged", description="Whether somebody may do an operation, and why not.")
class JudgedType:
    """``domain.usecases.why_refused.Judged``."""

    operation: OperationType
    allowed: bool
    reasons: list[ReasonType] = strawberry.field(resolver=lambda root: list(root.reasons))

    is_type_of = shows(Judged)


@strawberry.type(name="LevelRemoved", description="The level is gone.")
class LevelRemovedType:
    """What was removed."""

    name: str


@strawberry.input(description="The most that is given away in a currency: by one operation, and in a day.")
class AmountLimitInput:
    """``domain.access.limits.Ceiling``."""

    currency: str
    each: Decimal
    day: Decimal | None = None


@strawberry.input(description="What is left out is no limit.")
class LevelLimitsInput:
    """``domain.access.limits.Limits``."""

    amounts: list[AmountLimitInput] | None = None
    groups: list[str] | None = None
    reseller: ID | None = None

    def domain(self) -> Limits:
        """Return the domain's. Refuses with: NotFound (reseller)."""
        return Limits(
            amounts=tuple(Ceiling(currency=one.currency, each=one.each, day=one.day) for one in self.amounts or ()),
            groups=frozenset(self.groups or ()),
            reseller=None
            if self.reseller is None
            else ResellerId(key_of(self.reseller, "Reseller", "limits.reseller")),
        )


@strawberry.input(description="A new level, or a copy of another (copyOf) with what is given in the place of its own.")
class CreateLevelInput:
    """``CreateLevel``."""

    name: str
    permissions: list[str] | None = None
    limits: LevelLimitsInput | None = None
    requires_second_factor: bool | None = None
    copy_of: ID | None = None
    reseller: ID | None = None
    idempotency_key: str | None = None


@strawberry.input(description="What is left out stays; permissions and limits that are given are all there will be.")
class ChangeLevelInput:
    """``ChangeLevel``."""

    level: ID
    version: int
    name: strawberry.Maybe[str]
    permissions: strawberry.Maybe[list[str]]
    limits: strawberry.Maybe[LevelLimitsInput]
    requires_second_factor: strawberry.Maybe[bool]
    idempotency_key: str | None = kept_key()


def _words(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | ({"permissions": frozenset(fields["permissions"])} if "permissions" in fields else {})


async def _levels(info: Info) -> Any:
    return await info.context.ask(list_levels)


async def _level(info: Info, id: ID) -> Any:
    return await info.context.ask(get_level, LevelId(key_of(id, "UserLevel", "id")))


async def _operations(info: Info) -> Any:
    return await info.context.ask(list_operations)


async def _permissions(info: Info) -> list[str]:
    return list(await info.context.ask(permissions))


async def _why(info: Info, operation: str, user: ID | None = None, client_id: str | None = None) -> Any:
    cmd = WhyRefused(
        operation=operation,
        user=None if user is None else UserId(key_of(user, "User", "user")),
        client=client_id,
    )
    return await info.context.ask(why_refused, cmd)


async def _create(info: Info, asked: Annotated[CreateLevelInput, strawberry.argument(name="input")]) -> Any:
    fields = _words(given(asked, {"copy_of": "UserLevel", "reseller": "Reseller"}))
    return await info.context.ask(create_level, CreateLevel(**fields))


async def _change(info: Info, asked: Annotated[ChangeLevelInput, strawberry.argument(name="input")]) -> Any:
    return await info.context.ask(change_level, ChangeLevel(**_words(given(asked, {"level": "UserLevel"}))))


async def _remove(info: Info, level: ID, version: int) -> Any:
    gone = await info.context.ask(remove_level, LevelId(key_of(level, "UserLevel", "level")), version)
    return LevelRemovedType(name=gone.name)


@strawberry.type
class LevelQuery:
    """What somebody may do."""

    user_levels: list[LevelType] = strawberry.field(resolver=_levels, description="Built-in ones too.")
    user_level: LevelType | None = strawberry.field(resolver=_level)
    operations: list[OperationType] = strawberry.field(
        resolver=_operations, description="Everything that can be done at all."
    )
    permissions: list[str] = strawberry.field(
        resolver=_permissions, description="The operations that the caller may do himself."
    )
    why_refused: JudgedType = strawberry.field(
        resolver=_why, description="Asked of a user, of a client, or (neither) of the caller himself."
    )


@strawberry.type
class LevelMutation:
    """Saying what somebody may do. It holds within seconds."""

    create_level = strawberry.mutation(resolver=_create, graphql_type=outcome("CreateLevelResult", LevelType))
    change_level = strawberry.mutation(resolver=_change, graphql_type=outcome("ChangeLevelResult", LevelType))
    remove_level = strawberry.mutation(
        resolver=_remove,
        graphql_type=outcome("RemoveLevelResult", LevelRemovedType),
        description="One that nobody has.",
    )
