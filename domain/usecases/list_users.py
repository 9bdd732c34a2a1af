"""Find users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.access.user import User, UserState
from domain.commands import check_texts
from domain.ids import LevelId, ResellerId, UserId
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@dataclass(frozen=True, slots=True, kw_only=True)
class FindUsers:
    """Which: ``text`` is a part of the name or the address; what is None does not matter."""

    text: str | None = None
    state: UserState | None = None
    level: LevelId | None = None
    reseller: ResellerId | None = None


@operation(Action.READ_USERS)
async def list_users(request: PageRequest, find: FindUsers | None = None, *, actor: Actor, begin: Begin) -> Page[User]:
    """List users by key, as far as the caller reaches; who is erased is not listed.

    Refuses with: NotAllowed, BadValue.
    """
    find = find or FindUsers()
    check_texts(find)
    async with begin(actor) as unit:
        return await unit.users.page(
            request, text=find.text, state=find.state, level=find.level, reseller=find.reseller
        )


@operation(Action.READ_USERS)
async def get_user(user: UserId, *, actor: Actor, begin: Begin) -> User:
    """Return one user. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await unit.users.get(user)


@operation(Action.READ_USERS)
async def users_by_ids(keys: Sequence[UserId], *, actor: Actor, begin: Begin) -> Mapping[UserId, User]:
    """Return those of the users that the caller sees. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return {one.id: one for one in await unit.users.by_ids(keys)}


async def level_names(keys: Sequence[LevelId], *, actor: Actor, begin: Begin) -> Mapping[LevelId, str]:
    """Return the names of users' levels, as far as the caller sees them; who sees a user may know."""
    async with begin(actor) as unit:
        return {key: one.name for key, one in (await unit.levels.many(keys)).items()}
