"""Who one is oneself, and what one proves oneself by."""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.access.actor import Actor
from domain.access.level import as_himself
from domain.access.proof import Proofs
from domain.access.user import NAME_MAX, User, check
from domain.commands import check_texts
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotAllowed, Stale


@dataclass(frozen=True, slots=True, kw_only=True)
class Myself:
    """A person who has signed in."""

    user: User
    proofs: Proofs


async def get_myself(*, me: Actor, begin: Begin) -> Myself:
    """Return who has signed in. Refuses with: NotAllowed (a machine)."""
    if me.user is None:
        raise NotAllowed("this is done by people who have signed in")
    async with begin(as_himself(me)) as unit:
        return Myself(user=await unit.users.get(me.user), proofs=await unit.proofs.of(me.user))


async def change_myself(version: int, name: str | None, language: str | None, *, me: Actor, begin: Begin) -> Myself:
    """Change one's own name and language. Refuses with: NotAllowed (a machine), Stale, BadValue."""
    if me.user is None:
        raise NotAllowed("this is done by people who have signed in")
    if name is not None and len(name) > NAME_MAX:
        raise BadValue("a name has 1 to {most} characters", most=NAME_MAX, field="name")
    async with begin(as_himself(me)) as unit:
        user = await unit.users.claim(me.user)
        if user.version != version:
            raise Stale("the user is at version {version}; read it again", version=user.version, field="version")
        said = replace(user, name=user.name if name is None else name.strip(), language=language or user.language)
        check_texts(said)
        if check(said) != user:
            user = await unit.users.keep(said)
            await unit.audit.write("change_user", f"user:{user.id}", {"version": user.version})
        return Myself(user=user, proofs=await unit.proofs.of(user.id))
