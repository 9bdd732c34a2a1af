"""End sessions: one's own, and other people's."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.level import as_himself
from domain.access.operations import operation
from domain.access.session import UserSession
from domain.ids import SessionId, UserId
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.refusal import NotAllowed, NotFound


async def own_sessions(request: PageRequest, *, actor: Actor, begin: Begin, clock: Clock) -> Page[UserSession]:
    """Return the caller's own living sessions, by key.

    Refuses with: NotAllowed (a machine has none).
    """
    user = _person(actor)
    async with begin(as_himself(actor)) as unit:
        return await unit.sign_ins.page(request, user=user, living_at=clock.now())


async def end_own_session(key: SessionId | None, *, actor: Actor, begin: Begin, clock: Clock) -> UserSession:
    """End one of the caller's own sessions; None: the one he calls from. Its tokens are refused within seconds.

    Refuses with: NotAllowed (a machine has none), NotFound.
    """
    user = _person(actor)
    async with begin(as_himself(actor)) as unit:
        claim = unit.sign_ins.claim(actor.session or "") if key is None else unit.sign_ins.claim_by_key(key)
        session = await claim
        if session.user != user:
            raise NotFound("no such session", field="session")
        if await unit.sign_ins.finish(session.id, at=clock.now(), why="signed out"):
            await unit.audit.write("end_session", f"session:{session.id}", {"user": user, "why": "signed out"})
        return await unit.sign_ins.claim_by_key(session.id)


@operation(Action.READ_USERS)
async def list_sessions(
    user: UserId | None, request: PageRequest, *, actor: Actor, begin: Begin, clock: Clock
) -> Page[UserSession]:
    """Return people's living sessions, by key: of one person, or of all in the caller's part of the tree.

    Refuses with: NotAllowed.
    """
    async with begin(actor) as unit:
        return await unit.sign_ins.page(request, user=user, living_at=clock.now())


@operation(Action.MANAGE_USERS)
async def end_sessions(user: UserId, *, actor: Actor, begin: Begin, clock: Clock) -> int:
    """End all sessions of a person, and return how many; their tokens are refused within seconds.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        await unit.users.get(user)
        ended = await unit.sign_ins.end(user, at=clock.now(), why="ended by an administrator")
        await unit.audit.write("end_sessions", f"user:{user}", {"ended": ended})
    return ended


def _person(actor: Actor) -> UserId:
    if actor.user is None or actor.session is None:
        raise NotAllowed("only somebody who has signed in has sessions")
    return actor.user
