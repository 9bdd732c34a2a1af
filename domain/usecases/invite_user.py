"""Let somebody in: a new user, who chooses a password by a link that is mailed to him."""

from __future__ import annotations

from dataclasses import dataclass

from domain.access.actor import Action, Actor
from domain.access.giving import check_gives
from domain.access.letters import JOB_ATTEMPTS, LINK_JOB
from domain.access.level import Level
from domain.access.operations import operation
from domain.access.proof import Purpose
from domain.access.user import User, UserState, check
from domain.commands import answered, check_texts, remember
from domain.ids import LevelId, ResellerId, UserId
from domain.jobs.job import NewJob
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotAllowed, NotFound, WrongState


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteUser:
    """A new user at a level. A reseller's administrator invites people of his part of the tree; by default his own.

    Without ``language`` mails and messages are in the operator's.
    """

    email: str
    name: str
    level: LevelId
    language: str | None = None
    reseller: ResellerId | None = None
    idempotency_key: str | None = None


@operation(Action.MANAGE_USERS)
async def invite_user(cmd: InviteUser, *, actor: Actor, begin: Begin, clock: Clock, mailed: bool = True) -> User:
    """Keep a new user, and send him an invitation. ``mailed`` false: its link is handed over in another way.

    Refuses with: NotAllowed (also for a level that gives more than the caller has), BadValue, NotFound (level,
    reseller), Conflict (e-mail address, idempotency key).
    """
    check_texts(cmd)
    reseller = actor.reseller if cmd.reseller is None else cmd.reseller
    async with begin(actor) as unit:
        known = await answered(unit.answers, cmd)
        if known is not None:
            return await unit.users.get(UserId(known))
        if reseller is not None and reseller not in await unit.resellers.tree():
            raise NotFound("no such reseller, or not yours", field="reseller")
        level = await unit.levels.get(cmd.level)
        check_fits(level, reseller)
        check_gives(actor, level)
        user = User(
            id=UserId(0),
            operator=actor.operator,
            reseller=reseller,
            email=cmd.email.strip(),
            name=cmd.name.strip(),
            language=cmd.language or (await unit.operators.own()).language,
            level=cmd.level,
            created_at=clock.now(),
        )
        kept = await unit.users.add(check(user))
        await remember(unit.answers, cmd, kept.id)
        if mailed:
            await promise_link(unit, kept.id, Purpose.INVITATION)
        detail = {"version": kept.version, "level": level.id, "reseller": reseller}
        await unit.audit.write("invite_user", f"user:{kept.id}", detail)
    return kept


@operation(Action.MANAGE_USERS)
async def invite_again(user: UserId, *, actor: Actor, begin: Begin, mailed: bool = True) -> User:
    """Send another invitation to who has not come yet; the link before is dead with it.

    ``mailed`` false: the new link is handed over in another way.

    Refuses with: NotAllowed, NotFound, WrongState (he has come, or is shut out).
    """
    async with begin(actor) as unit:
        known = await unit.users.claim(user)
        if known.state is not UserState.INVITED:
            raise WrongState("only who is invited and has not come is invited again", field="user")
        check_gives(actor, await level_of(unit, known), field="user")
        if mailed:
            await promise_link(unit, known.id, Purpose.INVITATION)
        await unit.audit.write("invite_user", f"user:{known.id}", {"version": known.version, "again": True})
    return known


async def promise_link(unit: Unit, user: UserId | int, purpose: Purpose, *, asked: bool = False) -> None:
    """Let a worker make a link and mail it; the link is made there, so that its secret is kept nowhere.

    ``asked``: somebody asked for it who has not said who he is; then it waits for a pause.
    """
    payload = {"user": int(user), "purpose": purpose.value, "asked": asked}
    dedupe = f"{purpose.value} {user}{' asked' if asked else ''}"
    await unit.jobs.add(NewJob(kind=LINK_JOB, payload=payload, dedupe=dedupe, attempts_max=JOB_ATTEMPTS))


def check_fits(level: Level, reseller: ResellerId | None) -> None:
    """Check that people of a reseller, or the operator's own, can have a level. Refuses with: BadValue."""
    if reseller is None and (level.reseller is not None or (level.built_in or "").startswith("reseller")):
        raise BadValue("this level is for people of resellers", field="level")


async def level_of(unit: Unit, user: User) -> Level:
    """Return a user's level, removed or not. Refuses with: NotAllowed (one of the operator's own, for a reseller)."""
    found = (await unit.levels.many([user.level])).get(user.level)
    if found is None:
        raise NotAllowed("the operator gave him his level, and looks after him", field="user")
    return found
