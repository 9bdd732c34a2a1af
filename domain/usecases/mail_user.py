"""What a worker mails to people about their signing in; a link is made when it is sent, and its secret kept nowhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.access.actor import Actor
from domain.access.letters import Notice, Sender, Tell, link_letter, notice_letter
from domain.access.proof import LIFETIMES, PAUSES, Purpose, digest, make_token
from domain.access.user import User, UserState
from domain.ids import UserId
from domain.ports.clock import Clock
from domain.ports.mail import Mailer
from domain.ports.unit import Begin, Unit
from domain.refusal import NotFound

_STATES: Final = {Purpose.INVITATION: UserState.INVITED, Purpose.RESET: UserState.ACTIVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """How mails go out: ``portal`` gives the address of the pages for an operator's code, ``draw`` random texts."""

    mailer: Mailer
    portal: Callable[[str], str]
    tell: Tell
    draw: Callable[[int], str]


async def mail_link(payload: Mapping[str, object], *, machine: Actor, begin: Begin, clock: Clock, post: Post) -> bool:
    """Mail a single-use link; tell whether there was anybody to mail it to. Raises MailFault.

    The first link within a minute holds, of an invitation that anybody asked for again within an hour: who asks again
    and again gets one letter, and ends no link that lies in a mailbox.
    """
    purpose, now = Purpose(str(payload["purpose"])), clock.now()
    async with begin(machine) as unit:
        user = await _whom(unit, payload, purpose)
        pause = PAUSES[purpose] if payload.get("asked", purpose is Purpose.RESET) else None
        if user is None or (pause is not None and await _just(unit, user.id, purpose, now - pause)):
            return False
        sender = await _sender(unit, post)
    token = make_token(user.operator, post.draw)
    await post.mailer.send(link_letter(user, purpose, token, sender, post.tell))
    # Kept when the server has taken it: a letter that does not go out ends no link that somebody has already.
    async with begin(machine) as unit:
        await unit.proofs.put_link(user.id, purpose, digest(token), now, now + LIFETIMES[purpose])
    return True


async def make_link(user: UserId, *, machine: Actor, begin: Begin, clock: Clock, post: Post) -> str:
    """Return an invitation's link, to be handed over at the operator's own machine where there is no mail yet.

    Refuses with: NotFound (nobody is invited by this key).
    """
    now = clock.now()
    async with begin(machine) as unit:
        known = await _whom(unit, {"user": user}, Purpose.INVITATION)
        if known is None:
            raise NotFound("nobody who is invited", field="user")
        token = make_token(known.operator, post.draw)
        await unit.proofs.put_link(
            known.id, Purpose.INVITATION, digest(token), now, now + LIFETIMES[Purpose.INVITATION]
        )
        sender = await _sender(unit, post)
    return f"{sender.portal}/accept-invitation#token={token}"


async def mail_notice(payload: Mapping[str, object], *, machine: Actor, begin: Begin, post: Post) -> bool:
    """Mail what was changed. Raises MailFault."""
    async with begin(machine) as unit:
        try:
            user = await unit.users.get(UserId(int(str(payload["user"]))))
        except NotFound:
            return False
        if user.erased_at is not None:
            return False
        sender = await _sender(unit, post)
    to = payload.get("to")
    notice = Notice(str(payload["notice"]))
    await post.mailer.send(notice_letter(user, notice, sender, post.tell, to=None if to is None else str(to)))
    return True


async def _whom(unit: Unit, payload: Mapping[str, object], purpose: Purpose) -> User | None:
    """Return who is written to; None where he is no more, or in another state by now."""
    key = int(str(payload["user"]))
    try:
        user = await unit.users.get(UserId(key)) if key else None
    except NotFound:
        return None
    return user if user is not None and user.state is _STATES[purpose] and user.erased_at is None else None


async def _just(unit: Unit, person: UserId, purpose: Purpose, since: datetime) -> bool:
    made = await unit.proofs.linked_at(person, purpose)
    return made is not None and made > since


async def _sender(unit: Unit, post: Post) -> Sender:
    own = await unit.operators.own()
    return Sender(name=own.name, portal=post.portal(str(own.code)))
