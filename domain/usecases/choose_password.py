"""Choose a password: by an invitation, by a reset, or with the one before."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from domain.access.actor import Actor
from domain.access.letters import Notice
from domain.access.password import check_form, check_words, words_of
from domain.access.proof import Purpose, digest, not_valid, operator_of
from domain.access.user import NAME_MAX, User, UserState, check, key_of
from domain.commands import check_texts
from domain.ids import UserId
from domain.ports.clock import Clock
from domain.ports.passwords import Passwords
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue
from domain.usecases.change_user import promise_notice
from domain.usecases.enrol_factor import Himself, himself_proved
from domain.usecases.invite_user import promise_link
from domain.usecases.sign_in import visitor


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoosePassword:
    """By whose link; ``name`` and ``language`` are what an invited person says of himself."""

    token: str = field(repr=False)
    password: str = field(repr=False)
    name: str | None = None
    language: str | None = None
    address: str | None = None


async def accept_invitation(cmd: ChoosePassword, *, begin: Begin, clock: Clock, passwords: Passwords) -> User:
    """Choose the first password; then he signs in with it.

    Refuses with: NotAllowed (the link was used, is too old or unknown), BadValue, LimitExceeded.
    """
    return await _by_link(cmd, Purpose.INVITATION, begin=begin, clock=clock, passwords=passwords)


async def reset_password(cmd: ChoosePassword, *, begin: Begin, clock: Clock, passwords: Passwords) -> User:
    """Choose a new password; sessions end everywhere, and the second factor stays.

    Refuses with: NotAllowed (the link was used, is too old or unknown), BadValue, LimitExceeded.
    """
    return await _by_link(cmd, Purpose.RESET, begin=begin, clock=clock, passwords=passwords)


async def _by_link(cmd: ChoosePassword, purpose: Purpose, *, begin: Begin, clock: Clock, passwords: Passwords) -> User:
    check_form(cmd.password, field="password")
    check_texts(replace(cmd, password="", token=""))
    if cmd.name is not None and len(cmd.name) > NAME_MAX:
        raise BadValue("a name has 1 to {most} characters", most=NAME_MAX, field="name")
    sha256, now = digest(cmd.token), clock.now()
    guest = visitor(operator_of(cmd.token), address=cmd.address)
    async with begin(guest) as unit:
        found = await unit.proofs.linked(sha256, purpose, now)
        if found is None:
            raise not_valid()
        user = _said(await unit.users.get(found), cmd)
        words = await _words(unit, user)
    kept = await _hashed(cmd.password, words, passwords)
    async with begin(guest) as unit:
        if await unit.proofs.use_link(sha256, purpose, now) != found:
            raise not_valid()
        user = await unit.users.claim(found)
        if user.state is not (UserState.INVITED if purpose is Purpose.INVITATION else UserState.ACTIVE):
            raise not_valid()
        if purpose is Purpose.INVITATION:
            user = await unit.users.keep(replace(_said(user, cmd), state=UserState.ACTIVE))
        await _chosen(unit, user.id, kept, clock)
        if purpose is Purpose.RESET:
            await promise_notice(unit, user, Notice.PASSWORD)
        action = "accept_invitation" if purpose is Purpose.INVITATION else "change_password"
        await unit.audit.write(action, f"user:{user.id}", {"version": user.version, "by": "link"})
    return user


async def request_reset(email: str, *, operator: Actor, begin: Begin) -> None:
    """Let a link be mailed to who signs in with this address; whether there is somebody, is not told."""
    async with begin(operator) as unit:
        user = await unit.users.by_email(key_of(email.strip()[:300]))
        known = user is not None and user.state is not UserState.DISABLED
        purpose = Purpose.INVITATION if user is not None and user.state is UserState.INVITED else Purpose.RESET
        # A job is promised for nobody too, so that both take the same work.
        await promise_link(unit, user.id if known and user is not None else 0, purpose, asked=True)


async def change_password(old: str, new: str, *, me: Actor, begin: Begin, clock: Clock, passwords: Passwords) -> User:
    """Change one's own password; one's other sessions end.

    Refuses with: NotAllowed (the old one is wrong; nobody has signed in), BadValue, LimitExceeded.
    """
    check_form(new, field="newPassword")
    me = await himself_proved(Himself(actor=me, password=old), begin=begin, clock=clock, passwords=passwords)
    assert me.user is not None
    async with begin(me) as unit:
        words = await _words(unit, await unit.users.get(me.user))
    if new == old:
        raise BadValue("this is the password that you have", field="newPassword")
    kept = await _hashed(new, words, passwords, field="newPassword")
    async with begin(me) as unit:
        user = await unit.users.claim(me.user)
        if user.state is not UserState.ACTIVE:
            raise not_valid()
        await _chosen(unit, user.id, kept, clock, except_sid=me.session)
        await promise_notice(unit, user, Notice.PASSWORD)
        await unit.audit.write("change_password", f"user:{user.id}", {"by": "password"})
    return user


async def put_first_password(
    user: UserId, password: str, *, machine: Actor, begin: Begin, clock: Clock, passwords: Passwords
) -> User:
    """Give an invited user a password that was typed at the machine itself: the first administrator's.

    Refuses with: NotFound, NotAllowed (he has come already), BadValue, LimitExceeded.
    """
    check_form(password, field="password")
    async with begin(machine) as unit:
        known = await unit.users.get(user)
        words = await _words(unit, known)
    kept = await _hashed(password, words, passwords)
    async with begin(machine) as unit:
        known = await unit.users.claim(user)
        if known.state is not UserState.INVITED:
            raise not_valid()
        changed = await unit.users.keep(replace(known, state=UserState.ACTIVE))
        await _chosen(unit, changed.id, kept, clock)
        await unit.audit.write("accept_invitation", f"user:{changed.id}", {"version": changed.version})
    return changed


def _said(user: User, cmd: ChoosePassword) -> User:
    """Return who he is, as he says himself. Refuses with: BadValue."""
    name = user.name if cmd.name is None else cmd.name.strip()
    return check(replace(user, name=name, language=cmd.language or user.language))


async def _words(unit: Unit, user: User) -> tuple[str, ...]:
    operator = await unit.operators.own()
    return words_of(operator.name, str(operator.code), user.name, user.email)


async def _hashed(password: str, words: tuple[str, ...], passwords: Passwords, *, field: str = "password") -> str:
    """Return what is kept of a new password. Refuses with: BadValue, LimitExceeded."""
    check_words(password, words, field=field)
    if await passwords.guessable(password, words):
        raise BadValue("this password is among those that are guessed first; take several words", field=field)
    return await passwords.hash(password)


async def _chosen(unit: Unit, person: UserId, kept: str, clock: Clock, *, except_sid: str | None = None) -> None:
    """Keep a password, and end all that was opened with the one before."""
    now = clock.now()
    await unit.proofs.put_password(person, kept, now)
    await unit.proofs.unlock(person)
    await unit.proofs.end_openings(person)
    await unit.sign_ins.end(person, at=now, why="password", except_sid=except_sid)
