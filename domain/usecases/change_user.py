"""Look after users: change, shut out and let in, take away a lost second factor, erase.

Whoever does it holds all that the user's level gives himself, so that nobody comes by a stronger one's access, such as
by another address and a new password; and nobody does it to himself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from domain.access.actor import Action, Actor
from domain.access.giving import check_gives
from domain.access.letters import JOB_ATTEMPTS, NOTICE_JOB, Notice
from domain.access.operations import operation
from domain.access.user import User, UserState, check
from domain.commands import UNCHANGED, Change, camel, check_texts, given
from domain.ids import LevelId, UserId
from domain.jobs.job import NewJob
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import NotAllowed, Stale, WrongState
from domain.usecases.invite_user import check_fits, level_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeUser:
    """A change of the fields that are given. ``version`` is the one that the caller has read."""

    user: UserId
    version: int
    email: Change[str] = UNCHANGED
    name: Change[str] = UNCHANGED
    language: Change[str] = UNCHANGED
    level: Change[LevelId] = UNCHANGED


@operation(Action.MANAGE_USERS)
async def change_user(cmd: ChangeUser, *, actor: Actor, begin: Begin, clock: Clock) -> User:
    """Change what is given and leave the rest. Another level, or another address, signs him out.

    Refuses with: NotAllowed (also for oneself's level, and a level that gives more than the caller has), NotFound
    (user, level), Stale, BadValue, WrongState (erased), Conflict (e-mail address).
    """
    check_texts(cmd)
    changes: dict[str, Any] = given(cmd, "email", "name", "language", "level")
    async with begin(actor) as unit:
        user = await _claimed(unit, cmd.user, cmd.version, actor)
        changed = check(replace(user, **{key: _plain(value) for key, value in changes.items()}))
        different = [name for name in changes if getattr(changed, name) != getattr(user, name)]
        if not different:
            return user
        if user.id == actor.user and {"level", "email"} & set(different):
            raise NotAllowed("nobody changes his own level or address; ask another administrator", field="user")
        if "level" in different:
            level = await unit.levels.get(changed.level)
            check_fits(level, user.reseller)
            check_gives(actor, level)
        kept = await unit.users.keep(changed)
        if {"level", "email"} & set(different):
            await unit.sign_ins.end(kept.id, at=clock.now(), why="changed")
        if "email" in different:
            await unit.proofs.end_openings(kept.id)
            await promise_notice(unit, user, Notice.ADDRESS, to=user.email)
        detail = {"version": kept.version, "changed": [camel(name) for name in different]}
        await unit.audit.write("change_user", f"user:{kept.id}", detail)
    return kept


@operation(Action.MANAGE_USERS)
async def disable_user(user: UserId, version: int, *, actor: Actor, begin: Begin, clock: Clock) -> User:
    """Shut somebody out: his sessions end within seconds, and links that were mailed to him open nothing.

    Refuses with: NotAllowed (also oneself), NotFound, Stale, WrongState (disabled or erased already).
    """
    async with begin(actor) as unit:
        known = await _claimed(unit, user, version, actor, himself=False)
        if known.state is UserState.DISABLED:
            raise WrongState("he is shut out already", field="user")
        kept = await unit.users.keep(replace(known, state=UserState.DISABLED))
        await unit.proofs.end_openings(kept.id)
        await unit.sign_ins.end(kept.id, at=clock.now(), why="disabled")
        await unit.audit.write("disable_user", f"user:{kept.id}", {"version": kept.version})
    return kept


@operation(Action.MANAGE_USERS)
async def enable_user(user: UserId, version: int, *, actor: Actor, begin: Begin) -> User:
    """Let somebody in again, with the password and the factors that he had; who has none is to be invited again.

    Refuses with: NotAllowed, NotFound, Stale, WrongState (not disabled, or erased).
    """
    async with begin(actor) as unit:
        known = await _claimed(unit, user, version, actor, himself=False)
        if known.state is not UserState.DISABLED:
            raise WrongState("he is not shut out", field="user")
        proofs = await unit.proofs.of(known.id)
        state = UserState.ACTIVE if proofs.password is not None else UserState.INVITED
        kept = await unit.users.keep(replace(known, state=state))
        await unit.proofs.unlock(kept.id)
        await unit.audit.write("enable_user", f"user:{kept.id}", {"version": kept.version})
    return kept


@operation(Action.MANAGE_USERS)
async def reset_second_factor(user: UserId, version: int, *, actor: Actor, begin: Begin, clock: Clock) -> User:
    """Take all second factors and recovery codes from somebody who lost them; his sessions end.

    Where his level asks for a second factor he is led to enrol one when he signs in next.
    Refuses with: NotAllowed (also oneself), NotFound, Stale, WrongState (erased).
    """
    async with begin(actor) as unit:
        known = await _claimed(unit, user, version, actor, himself=False)
        await unit.proofs.drop_factors(known.id)
        await unit.proofs.end_openings(known.id)
        await unit.proofs.unlock(known.id)
        kept = await unit.users.keep(replace(known, second_factor=False))
        await unit.sign_ins.end(kept.id, at=clock.now(), why="factor")
        await promise_notice(unit, kept, Notice.FACTOR)
        await unit.audit.write("reset_second_factor", f"user:{kept.id}", {"version": kept.version})
    return kept


@operation(Action.MANAGE_USERS)
async def erase_user(user: UserId, version: int, *, actor: Actor, begin: Begin, clock: Clock) -> User:
    """Erase somebody (GDPR article 17): name, address, all he proved himself by. His key stays, which the trail names.

    Refuses with: NotAllowed (also oneself), NotFound, Stale, WrongState (erased already).
    """
    now = clock.now()
    async with begin(actor) as unit:
        known = await _claimed(unit, user, version, actor, himself=False)
        nobody = f"erased-{known.id}@invalid"
        gone = replace(known, email=nobody, name="-", state=UserState.DISABLED, second_factor=False, erased_at=now)
        kept = await unit.users.keep(gone)
        await unit.proofs.forget(kept.id)
        await unit.sign_ins.end(kept.id, at=now, why="erased")
        await unit.sign_ins.forget_places(kept.id)
        target = f"user:{kept.id}"
        await unit.audit.erase("erase_user", target, {"version": kept.version}, targets=[target])
    return kept


async def promise_notice(unit: Unit, user: User, notice: Notice, *, to: str | None = None) -> None:
    """Let a worker tell somebody what was changed; ``to``: another address than his own."""
    payload: dict[str, object] = {"user": int(user.id), "notice": notice.value}
    if to is not None:
        payload["to"] = to
    await unit.jobs.add(NewJob(kind=NOTICE_JOB, payload=payload, attempts_max=JOB_ATTEMPTS))


async def _claimed(unit: Unit, key: UserId, version: int, actor: Actor, *, himself: bool = True) -> User:
    """Return a user whom the caller may look after, locked. Refuses with: NotFound, Stale, WrongState, NotAllowed."""
    user = await unit.users.claim(key)
    if user.version != version:
        raise Stale("the user is at version {version}; read it again", version=user.version, field="version")
    if user.erased_at is not None:
        raise WrongState("he was erased", field="user")
    if not himself and user.id == actor.user:
        raise NotAllowed("nobody does this to himself; ask another administrator", field="user")
    check_gives(actor, await level_of(unit, user), field="user")
    return user


def _plain(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value
