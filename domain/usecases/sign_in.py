"""Sign in with e-mail address and password: the first step, and for whom it is enough the only one.

Whoever is unknown, shut out, locked or mistyped is answered alike, after the same work (attack P2). An attempt is
counted before it is looked at (T2). Where somebody has signed in from before, others' attempts from elsewhere do not
lock him out (P1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.access.actor import Actor
from domain.access.chain import LineKind
from domain.access.client import ApiClient
from domain.access.password import PASSWORD_MAX
from domain.access.proof import (
    ATTEMPTS_FREE,
    CHALLENGE_LIFETIME,
    PLACE_LIFETIME,
    Challenge,
    Done,
    Proofs,
    Step,
    Waiting,
    digest,
    make_token,
)
from domain.access.user import EMAIL_MAX, SignedIn, User, UserState, key_of
from domain.ids import OperatorId, UserId
from domain.ports.clock import Clock
from domain.ports.passwords import Passwords
from domain.ports.unit import Begin, Unit
from domain.refusal import LimitExceeded, NotAllowed
from domain.resellers.reseller import tiers

PASSWORD = "password"  # noqa: S105  (the factor's name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Who he says he is. ``request`` is what the portal wants answered in the end; ``address`` where he calls from."""

    email: str
    password: str = field(repr=False)
    request: Mapping[str, str | None] = field(default_factory=dict)
    address: str | None = None


@dataclass(frozen=True, slots=True)
class _Tried:
    """An attempt that is counted: of whom, how many in a row (None: he is locked), and where it counts."""

    user: User | None = None
    proofs: Proofs = field(default_factory=Proofs)
    attempts: int | None = None
    place: str = ""


async def sign_in(
    cmd: SignIn,
    *,
    portal: ApiClient,
    begin: Begin,
    clock: Clock,
    passwords: Passwords,
    draw: Callable[[int], str],
) -> Done | Waiting:
    """Sign somebody in through a portal, or ask for his second factor; lead him to enrol one where his level wants it.

    Refuses with: NotAllowed (whatever is wrong), LimitExceeded (a password that is none; too many at this moment).
    """
    if len(cmd.password) > PASSWORD_MAX:
        raise LimitExceeded("a password has at most {most} characters", most=PASSWORD_MAX, field="password")
    guest = visitor(portal.operator, client=portal.client_id, address=cmd.address)
    now = clock.now()
    async with begin(guest) as unit:
        tried = await _try(unit, cmd, portal, now)
    kept = tried.proofs.password if tried.attempts is not None else None
    if not await passwords.matches(kept, cmd.password) or tried.user is None or kept is None:
        async with begin(guest) as unit:
            await note_miss(unit, tried.user, Step.PASSWORD, tried.attempts)
        raise wrong()
    renewed = await passwords.hash(cmd.password) if passwords.outdated(kept) else None
    user = tried.user
    async with begin(guest) as unit:
        if renewed is not None:
            await unit.proofs.swap_hash(user.id, kept, renewed)
        await unit.proofs.succeed(user.id, Step.PASSWORD, tried.place)
        level = (await unit.levels.many([user.level])).get(user.level)
        must = level is not None and level.requires_second_factor
        factors = tried.proofs.factors
        if factors or must:
            token = make_token(guest.operator, draw)
            challenge = Challenge(
                sha256=digest(token),
                person=user.id,
                first=PASSWORD,
                request=cmd.request,
                expires_at=now + CHALLENGE_LIFETIME,
            )
            await unit.proofs.add_challenge(challenge)
            return Waiting(token=token, factors=factors, must_enrol=not factors, expires_at=challenge.expires_at)
    return await finish(user, PASSWORD, cmd.request, guest=guest, begin=begin, clock=clock)


async def _try(unit: Unit, cmd: SignIn, portal: ApiClient, now: datetime) -> _Tried:
    """Find somebody and count his attempt; an unknown person is nobody."""
    if len(cmd.email) > EMAIL_MAX:
        return _Tried()
    user = await unit.users.by_email(key_of(cmd.email.strip()))
    if user is None or user.state is not UserState.ACTIVE or not await _comes_through(unit, user, portal):
        return _Tried()
    place = await place_of(unit, user.id, cmd.address, now)
    attempts = await unit.proofs.attempt(user.id, Step.PASSWORD, place, now)
    return _Tried(user, await unit.proofs.of(user.id), attempts, place)


async def _comes_through(unit: Unit, user: User, portal: ApiClient) -> bool:
    """Tell whether somebody may sign in at a portal: at a reseller's only people of his part of the tree."""
    if portal.reseller is None:
        return True
    tree = await unit.resellers.tree()
    return user.reseller in tree and any(one.id == portal.reseller for one in tiers(user.reseller, tree))


async def place_of(unit: Unit, person: UserId, address: str | None, now: datetime) -> str:
    """Return where attempts count: at an address he has signed in from, or anywhere else."""
    known = address is not None and await unit.proofs.knows_place(person, address, now - PLACE_LIFETIME)
    return address or "" if known else ""


async def finish(
    user: User,
    factor: str,
    request: Mapping[str, str | None],
    *,
    guest: Actor,
    begin: Begin,
    clock: Clock,
    recovery: tuple[str, ...] = (),
) -> Done:
    """Write down that somebody has proved who he is. Refuses with: NotAllowed (he was shut out meanwhile)."""
    now = clock.now()
    himself = replace(guest, user=user.id, factor=factor, language=user.language)
    async with begin(himself) as unit:
        present = await unit.users.claim(user.id)
        if present.state is not UserState.ACTIVE:
            raise wrong()
        await unit.users.signed_in(user.id, now)
        if guest.address is not None:
            await unit.proofs.keep_place(user.id, guest.address, now)
        await unit.audit.write("sign_in", f"user:{user.id}", {"factor": factor}, kind=LineKind.SIGN_IN)
    return Done(
        signed_in=SignedIn(user=user.id, operator=user.operator, factor=factor), request=request, recovery=recovery
    )


async def note_miss(unit: Unit, user: User | None, step: Step, attempts: int | None) -> None:
    """Write down a wrong attempt; what somebody typed who is not known is kept nowhere."""
    target = f"user:{user.id if user else 0}"
    await unit.audit.write(
        "miss_sign_in",
        target,
        {"step": step.value, "attempts": attempts, "locked": attempts is None},
        kind=LineKind.SIGN_IN,
        outcome="refused",
    )
    if user is not None and attempts == ATTEMPTS_FREE:
        await unit.audit.write("lock_user", target, {"step": step.value}, kind=LineKind.SIGN_IN)


def visitor(operator: OperatorId, *, client: str = "sign-in", address: str | None = None) -> Actor:
    """Return the actor of who has not signed in yet: he may nothing."""
    return Actor(operator=operator, client=client, scopes=frozenset(), address=address)


def wrong() -> NotAllowed:
    """Return the one answer to whatever is wrong."""
    return NotAllowed(
        "the e-mail address or the password is wrong, or there were too many attempts: wait a while, or ask for a new"
        " password"
    )
