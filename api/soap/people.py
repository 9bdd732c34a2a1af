"""Users over SOAP: an operator's own directory that lets people in and shuts them out."""

from __future__ import annotations

from typing import Any, Final

from spyne import Boolean, DateTime, Integer, ServiceBase, Unicode

from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from domain.access.user import UserState
from domain.ids import LevelId, ResellerId, UserId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import NotFound
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

PAGE: Final = 200
StateOfUser = _enum(UserState, "UserState")


class NewUser(Model):
    """Somebody to be invited, at a level (ListUserLevels); ``reseller`` is a code."""

    email = needed(Unicode)
    name = needed(Unicode)
    level = needed(Integer)
    language = Unicode
    reseller = Unicode


class UserChange(Model):
    """What is left out stays. Another level or address signs him out."""

    user = needed(Integer)
    version = needed(Integer)
    email = Unicode
    name = Unicode
    language = Unicode
    level = Integer


class User(Model):
    """Somebody who signs in. ``reseller`` is a code."""

    id = needed(Integer)
    email = needed(Unicode)
    name = needed(Unicode)
    language = needed(Unicode)
    level = needed(Integer)
    reseller = Unicode
    state = needed(StateOfUser)
    secondFactor = needed(Boolean)
    createdAt = needed(DateTime)
    signedInAt = DateTime
    version = needed(Integer)


class UserPage(Model):
    """Users by key; ``last`` is where to ask on from."""

    count = needed(Integer)
    user = many(User)
    last = Unicode
    more = needed(Boolean)


class People(ServiceBase):
    """People who sign in."""

    __service_name__ = "Billing"

    @operation(
        "ListUsers",
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        Unicode,
        StateOfUser.customize(min_occurs=0),
        returns=UserPage,
        result="page",
    )
    async def list_users(
        ctx: Any,
        first: int | None,
        after: str | None,
        text: str | None,
        state: str | None,
    ) -> Any:
        """List people; ``text`` is a part of the name or the address."""
        find = FindUsers(text=text, state=None if state is None else UserState(str(state)))
        page = await ctx.udc.ask(list_users, PageRequest(first or PAGE, key_after(after)), find)
        codes = await _codes(ctx)
        last = str(page.items[-1].id) if page.items else after
        return UserPage(
            count=len(page.items), user=[_user(one, codes) for one in page.items], last=last, more=page.more
        )

    @operation("GetUser", needed(Integer), returns=User, result="user")
    async def get_user(ctx: Any, user: int) -> Any:
        """Return one of them."""
        return _user(await ctx.udc.ask(get_user, UserId(user)), await _codes(ctx))

    @operation("InviteUser", needed(NewUser), returns=User, result="user")
    async def invite_user(ctx: Any, user: Any) -> Any:
        """Invite somebody: he gets a mail with a link that works once, and chooses his password there."""
        codes = await _codes(ctx)
        cmd = InviteUser(
            email=user.email,
            name=user.name,
            level=LevelId(user.level),
            language=user.language,
            reseller=_reseller(user.reseller, codes),
        )
        return _user(await ctx.udc.ask(invite_user, cmd, clock=ctx.udc.wiring.clock), codes)

    @operation("InviteAgain", needed(Integer), returns=User, result="result")
    async def invite_again(ctx: Any, user: int) -> Any:
        """Send another invitation; the link before is dead with it."""
        return _user(await ctx.udc.ask(invite_again, UserId(user)), await _codes(ctx))

    @operation("ChangeUser", needed(UserChange), returns=User, result="user")
    async def change_user(ctx: Any, change: Any) -> Any:
        """Change somebody at the version that was read."""
        fields = {name: getattr(change, name) for name in ("email", "name", "language", "level")}
        cmd = ChangeUser(
            user=UserId(change.user),
            version=change.version,
            **{name: value for name, value in fields.items() if value is not None},
        )
        return _user(await ctx.udc.ask(change_user, cmd, clock=ctx.udc.wiring.clock), await _codes(ctx))

    @operation("DisableUser", needed(Integer), needed(Integer), returns=User, result="result")
    async def disable_user(ctx: Any, user: int, version: int) -> Any:
        """Shut somebody out: his sessions end within seconds."""
        done = await ctx.udc.ask(disable_user, UserId(user), version, clock=ctx.udc.wiring.clock)
        return _user(done, await _codes(ctx))

    @operation("EnableUser", needed(Integer), needed(Integer), returns=User, result="result")
    async def enable_user(ctx: Any, user: int, version: int) -> Any:
        """Let somebody in again."""
        return _user(await ctx.udc.ask(enable_user, UserId(user), version), await _codes(ctx))

    @operation("ResetSecondFactor", needed(Integer), needed(Integer), returns=User, result="result")
    async def reset_second_factor(ctx: Any, user: int, version: int) -> Any:
        """Take the second factors from somebody who has lost his."""
        done = await ctx.udc.ask(reset_second_factor, UserId(user), version, clock=ctx.udc.wiring.clock)
        return _user(done, await _codes(ctx))

    @operation("EraseUser", needed(Integer), needed(Integer), returns=User, result="result")
    async def erase_user(ctx: Any, user: int, version: int) -> Any:
        """Erase somebody for good (GDPR article 17)."""
        done = await ctx.udc.ask(erase_user, UserId(user), version, clock=ctx.udc.wiring.clock)
        return _user(done, await _codes(ctx))


async def _codes(ctx: Any) -> dict[int, str]:
    """Return the resellers' codes by key, as far as the caller reaches and may know them."""
    async with ctx.udc.wiring.begin(ctx.udc.actor) as unit:
        return {key: one.code for key, one in (await unit.resellers.tree()).items()}


def _reseller(code: str | None, codes: dict[int, str]) -> ResellerId | None:
    if code is None:
        return None
    for key, known in codes.items():
        if known == code:
            return ResellerId(key)
    raise NotFound("no such reseller, or not yours", field="user.reseller")


def _user(one: Any, codes: dict[int, str]) -> Any:
    same = ("id", "email", "name", "language", "level", "version")
    return User(
        **{name: getattr(one, name) for name in same},
        reseller=None if one.reseller is None else codes.get(one.reseller),
        state=one.state.value,
        secondFactor=one.second_factor,
        createdAt=one.created_at,
        signedInAt=one.signed_in_at,
    )
