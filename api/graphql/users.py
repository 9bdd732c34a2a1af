"""Users: inviting and looking after people who sign in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.inputs import command
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.parties import ResellerType
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.access.user import User, UserState
from domain.ids import LevelId, ResellerId, UserId
from domain.usecases.change_user import (
    ChangeUser,
    change_user,
    disable_user,
    enable_user,
    erase_user,
    reset_second_factor,
)
from domain.usecases.invite_user import InviteUser, invite_again, invite_user
from domain.usecases.list_users import FindUsers, get_user, list_users

ID = strawberry.ID
IDS = {"level": "UserLevel", "reseller": "Reseller", "user": "User"}


def _level(root: strawberry.Parent[User]) -> ID:
    return ID(global_id("UserLevel", root.level))


async def _level_name(root: strawberry.Parent[User], info: Info) -> Any:
    return await info.context.load.level_names.load(root.level)


async def _reseller(root: strawberry.Parent[User], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller) if root.reseller is not None else None


@strawberry.type(name="User", description="Somebody who signs in. Nothing of what he proves himself by is shown.")
class UserType:
    """``domain.access.user.User``."""

    id: ID = identified()
    email: str
    name: str
    language: str
    level_id: ID = strawberry.field(resolver=_level)
    level_name: str | None = strawberry.field(
        resolver=_level_name, description="null where the level is the operator's and the caller a reseller."
    )
    reseller: ResellerType | None = strawberry.field(
        resolver=_reseller, description="Whose he is; null: the operator's."
    )
    state: UserState
    second_factor: bool
    created_at: datetime
    signed_in_at: datetime | None
    erased_at: datetime | None
    version: int

    is_type_of = shows(User)


@strawberry.input(description="A new user; a reseller's administrator invites people of his part of the tree.")
class InviteUserInput:
    """``InviteUser``."""

    email: str
    name: str
    level: ID
    language: str | None = strawberry.field(default=None, description="Left out: the operator's.")
    reseller: ID | None = None
    idempotency_key: str | None = None


@strawberry.input(description="What is left out stays. Another level or address signs him out.")
class ChangeUserInput:
    """``ChangeUser``."""

    user: ID
    version: int
    email: strawberry.Maybe[str]
    name: strawberry.Maybe[str]
    language: strawberry.Maybe[str]
    level: strawberry.Maybe[ID]
    idempotency_key: str | None = kept_key()


async def _users(
    info: Info,
    first: int = 50,
    after: str | None = None,
    text: str | None = None,
    state: UserState | None = None,
    level: ID | None = None,
    reseller: ID | None = None,
) -> Any:
    find = FindUsers(
        text=text,
        state=state,
        level=None if level is None else LevelId(key_of(level, "UserLevel", "level")),
        reseller=None if reseller is None else ResellerId(key_of(reseller, "Reseller", "reseller")),
    )
    page = await info.context.ask(list_users, request(first, read_number(after, "User")), find)
    return connect(page, "User", after=after)


async def _user(info: Info, id: ID) -> Any:
    return await info.context.ask(get_user, _key(id, "id"))


def _key(text: ID, field: str = "user") -> UserId:
    return UserId(key_of(text, "User", field))


async def _invite(info: Info, asked: Annotated[InviteUserInput, strawberry.argument(name="input")]) -> Any:
    return await info.context.ask(invite_user, command(InviteUser, asked, IDS), clock=info.context.wiring.clock)


async def _again(info: Info, user: ID) -> Any:
    return await info.context.ask(invite_again, _key(user))


async def _change(info: Info, asked: Annotated[ChangeUserInput, strawberry.argument(name="input")]) -> Any:
    return await info.context.ask(change_user, command(ChangeUser, asked, IDS), clock=info.context.wiring.clock)


async def _disable(info: Info, user: ID, version: int) -> Any:
    return await info.context.ask(disable_user, _key(user), version, clock=info.context.wiring.clock)


async def _enable(info: Info, user: ID, version: int) -> Any:
    return await info.context.ask(enable_user, _key(user), version)


async def _reset_factor(info: Info, user: ID, version: int) -> Any:
    return await info.context.ask(reset_second_factor, _key(user), version, clock=info.context.wiring.clock)


async def _erase(info: Info, user: ID, version: int) -> Any:
    return await info.context.ask(erase_user, _key(user), version, clock=info.context.wiring.clock)


@strawberry.type
class UserQuery:
    """People who sign in."""

    users: Connection[UserType] = strawberry.field(resolver=_users, description="text: a part of the name or address.")
    user: UserType | None = strawberry.field(resolver=_user)


@strawberry.type
class UserMutation:
    """Looking after people who sign in."""

    invite_user = strawberry.mutation(
        resolver=_invite,
        graphql_type=outcome("InviteUserResult", UserType),
        description="He gets a mail with a link that works once, and chooses his password there.",
    )
    invite_again = strawberry.mutation(resolver=_again, graphql_type=outcome("InviteAgainResult", UserType))
    change_user = strawberry.mutation(resolver=_change, graphql_type=outcome("ChangeUserResult", UserType))
    disable_user = strawberry.mutation(
        resolver=_disable,
        graphql_type=outcome("DisableUserResult", UserType),
        description="His sessions end within seconds.",
    )
    enable_user = strawberry.mutation(resolver=_enable, graphql_type=outcome("EnableUserResult", UserType))
    reset_second_factor = strawberry.mutation(
        resolver=_reset_factor,
        graphql_type=outcome("ResetSecondFactorResult", UserType),
        description="For who lost his: where his level asks for one he enrols it anew when he signs in.",
    )
    erase_user = strawberry.mutation(
        resolver=_erase,
        graphql_type=outcome("EraseUserResult", UserType),
        description="For good (GDPR article 17).",
    )
