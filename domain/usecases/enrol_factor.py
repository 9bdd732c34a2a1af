"""Enrol second factors: by somebody who is signed in, or who is led to it by his half-login.

Who is signed in shows his password again, so that a machine left alone gives nobody a lasting key. A half-login enrols
only where there is no factor yet: otherwise it would go round the second step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from domain.access.actor import Actor
from domain.access.letters import Notice
from domain.access.level import as_himself
from domain.access.proof import (
    KEYS_MAX,
    Done,
    Factor,
    Proofs,
    SecurityKey,
    Step,
    about_totp,
    digest,
    key_name,
    make_recovery_codes,
    not_valid,
    operator_of,
    read_recovery_code,
)
from domain.access.user import User, UserState
from domain.ids import OperatorId
from domain.ports.clock import Clock
from domain.ports.factors import Factors, KeyRefused
from domain.ports.passwords import Passwords
from domain.ports.transports import Unopenable, Vault
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, LimitExceeded, NotAllowed, WrongState
from domain.usecases.answer_challenge import opened, wrong_factor
from domain.usecases.change_user import promise_notice
from domain.usecases.sign_in import finish, note_miss, place_of, visitor, wrong

KEY_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Himself:
    """Who enrols: by the ``token`` of a half-login, or the ``actor`` who is signed in and gives his ``password``."""

    token: str | None = field(default=None, repr=False)
    actor: Actor | None = None
    password: str | None = field(default=None, repr=False)
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A new seed, as an app reads it: its address, and that as pictures."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    svg: str = field(repr=False)
    png: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A factor holds. ``recovery`` are codes, told this once; ``done``: a half-login is finished by it."""

    user: User
    recovery: tuple[str, ...] = field(default=(), repr=False)
    done: Done | None = None


async def enrol_totp(
    himself: Himself, *, begin: Begin, clock: Clock, passwords: Passwords, factors: Factors, vault: Vault
) -> Seed:
    """Make a seed for an app; it holds when a code of it was shown.

    Refuses with: NotAllowed (the half-login is over, or has factors; the password is wrong).
    """
    me = await himself_proved(himself, begin=begin, clock=clock, passwords=passwords)
    seed = factors.codes.make_seed()
    async with begin(me) as unit:
        user = await person_of(unit, himself, me, clock)
        await unit.proofs.start_totp(user.id, vault.seal(seed, about=about_totp(user)))
        issuer = (await unit.operators.own()).name
    uri = factors.codes.uri(seed, account=user.email, issuer=issuer)
    return Seed(secret=seed, uri=uri, svg=factors.pictures.svg(uri), png=factors.pictures.png(uri))


async def confirm_totp(
    code: str,
    himself: Himself,
    *,
    begin: Begin,
    clock: Clock,
    factors: Factors,
    vault: Vault,
    draw: Callable[[int], bytes],
) -> Enrolled:
    """Let the new seed hold, shown by a first code of it; the first factor comes with recovery codes.

    Refuses with: NotAllowed (the half-login is over; the code is wrong; too many attempts), WrongState (no seed).
    """
    me, now = _caller(himself), clock.now()
    async with begin(me) as unit:
        user = await person_of(unit, himself, me, clock)
        proofs = await unit.proofs.of(user.id)
        if proofs.totp_new is None:
            raise WrongState("begin with enrolTotp", field="code")
        attempts = await unit.proofs.attempt(user.id, Step.FACTOR, "", now)
    step = None
    if attempts is not None:
        try:
            seed = vault.open(proofs.totp_new, about=about_totp(user))
        except Unopenable:
            raise WrongState("begin with enrolTotp", field="code") from None
        step = factors.codes.step_of(seed, code, now)
    async with begin(me) as unit:
        held = step is not None and await unit.proofs.confirm_totp(user.id, proofs.totp_new, step)
        if held:
            enrolled = await _held(unit, user, proofs, Factor.TOTP, me=me, clock=clock, draw=draw)
        else:
            await note_miss(unit, user, Step.FACTOR, attempts)
    if not held:
        raise wrong_factor()
    return await _finished(enrolled, himself, Factor.TOTP, begin=begin, clock=clock)


async def enrol_security_key(
    himself: Himself, *, rp: str, begin: Begin, clock: Clock, passwords: Passwords, factors: Factors
) -> str:
    """Return what the browser hands to a new security key for a host, as JSON.

    Refuses with: NotAllowed (as for a seed), LimitExceeded (too many keys).
    """
    me = await himself_proved(himself, begin=begin, clock=clock, passwords=passwords)
    async with begin(me) as unit:
        user = await person_of(unit, himself, me, clock)
        known = (await unit.proofs.of(user.id)).keys
        if len(known) >= KEYS_MAX:
            raise LimitExceeded("somebody has at most {most} security keys", most=KEYS_MAX)
        asked = factors.keys.registration(
            rp=rp,
            title=(await unit.operators.own()).name,
            person=f"{user.operator}:{user.id}".encode(),
            account=user.email,
            known=[one for one in known if one.rp == rp],
        )
        await unit.proofs.ask_key(user.id, asked.challenge, rp, clock.now() + KEY_LIFETIME)
    return asked.options


async def confirm_security_key(
    name: str,
    sent: str,
    himself: Himself,
    *,
    origins: Sequence[str],
    begin: Begin,
    clock: Clock,
    factors: Factors,
    draw: Callable[[int], bytes],
) -> Enrolled:
    """Keep a security key under a name, by what the browser returned.

    Refuses with: NotAllowed (the half-login is over; the answer does not hold), BadValue (name), Conflict (known).
    """
    me, named = _caller(himself), key_name(name)
    async with begin(me) as unit:
        user = await person_of(unit, himself, me, clock)
        asked = await unit.proofs.asked_key(user.id, clock.now())
    if asked is None:
        raise wrong_factor()
    try:
        shown = factors.keys.register(sent, challenge=asked[0], rp=asked[1], origins=origins)
    except KeyRefused:
        raise wrong_factor() from None
    async with begin(me) as unit:
        user = await person_of(unit, himself, me, clock)
        proofs = await unit.proofs.of(user.id)
        made = SecurityKey(
            rp=asked[1],
            credential=shown.credential,
            public_key=shown.public_key,
            sign_count=shown.sign_count,
            name=named,
            created_at=clock.now(),
        )
        await unit.proofs.add_key(user.id, made)
        enrolled = await _held(unit, user, proofs, Factor.WEBAUTHN, me=me, clock=clock, draw=draw)
    return await _finished(enrolled, himself, Factor.WEBAUTHN, begin=begin, clock=clock)


async def remove_factor(
    factor: Factor, key: int | None, himself: Himself, *, begin: Begin, clock: Clock, passwords: Passwords
) -> User:
    """Take a factor away from oneself: the app's seed, or one security ``key``.

    Refuses with: NotAllowed, NotFound, BadValue, WrongState (his level asks for one, and it is the last).
    """
    me = await himself_proved(himself, begin=begin, clock=clock, passwords=passwords)
    async with begin(me) as unit:
        user = await person_of(unit, himself, me, clock)
        before = await unit.proofs.of(user.id)
        if factor is Factor.TOTP and before.totp is not None:
            await unit.proofs.drop_totp(user.id)
        elif factor is Factor.WEBAUTHN and key is not None:
            await unit.proofs.remove_key(user.id, key)
        else:
            raise BadValue("he has no such second factor", field="factor")
        if not (await unit.proofs.of(user.id)).factors:
            level = (await unit.levels.many([user.level])).get(user.level)
            if level is None or level.requires_second_factor:  # one that he does not see is the operator's
                raise WrongState("his level asks for a second factor; enrol another one first", field="factor")
            await unit.proofs.drop_factors(user.id)
            user = await unit.users.keep(replace(user, second_factor=False))
        await _told(unit, user, me, clock)
        await unit.audit.write("change_factors", f"user:{user.id}", {"factor": factor.value, "version": user.version})
    return user


async def renew_recovery_codes(
    himself: Himself, *, begin: Begin, clock: Clock, passwords: Passwords, draw: Callable[[int], bytes]
) -> tuple[str, ...]:
    """Give oneself new recovery codes; those before are dead. Refuses with: NotAllowed, WrongState (no factor)."""
    me = await himself_proved(himself, begin=begin, clock=clock, passwords=passwords)
    async with begin(me) as unit:
        user = await person_of(unit, himself, me, clock)
        if not (await unit.proofs.of(user.id)).factors:
            raise WrongState("recovery codes stand in for a second factor; enrol one first")
        codes = await _recovery(unit, user, draw)
        await unit.audit.write("change_factors", f"user:{user.id}", {"recovery": "renewed"})
    return codes


async def himself_proved(himself: Himself, *, begin: Begin, clock: Clock, passwords: Passwords) -> Actor:
    """Return who he is: by his half-login, or by his password, once more. Refuses with: NotAllowed."""
    me = _caller(himself)
    if himself.actor is None:
        return me
    assert me.user is not None
    now, password = clock.now(), himself.password or ""
    async with begin(me) as unit:
        user = await unit.users.get(me.user)
        place = await place_of(unit, user.id, me.address, now)
        attempts = await unit.proofs.attempt(user.id, Step.PASSWORD, place, now)
        kept = (await unit.proofs.of(user.id)).password
    if not await passwords.matches(kept if attempts is not None else None, password[:2000]):
        async with begin(me) as unit:
            await note_miss(unit, user, Step.PASSWORD, attempts)
        raise wrong()
    async with begin(me) as unit:
        await unit.proofs.succeed(user.id, Step.PASSWORD, place)
    return me


def _caller(himself: Himself) -> Actor:
    """Return who acts. Refuses with: NotAllowed (neither a half-login nor a person who is signed in)."""
    if himself.token is not None:
        return visitor(_operator(himself.token), address=himself.address)
    if himself.actor is None or himself.actor.user is None:
        raise NotAllowed("this is done by people who have signed in")
    return as_himself(himself.actor)


def _operator(token: str) -> OperatorId:
    return operator_of(token)


async def person_of(unit: Unit, himself: Himself, me: Actor, clock: Clock) -> User:
    """Return whose factors they are, locked. Refuses with: NotAllowed."""
    if himself.token is not None:
        half = await opened(unit, digest(himself.token), clock.now())
        if half.proofs.factors:
            raise not_valid()
        return await unit.users.claim(half.user.id)
    assert me.user is not None
    user = await unit.users.claim(me.user)
    if user.state is not UserState.ACTIVE:
        raise not_valid()
    return user


async def _held(
    unit: Unit, user: User, before: Proofs, factor: Factor, *, me: Actor, clock: Clock, draw: Callable[[int], bytes]
) -> Enrolled:
    """Write down that a factor holds."""
    await unit.proofs.succeed(user.id, Step.FACTOR, "")
    codes = () if before.factors else await _recovery(unit, user, draw)
    kept = user if user.second_factor else await unit.users.keep(replace(user, second_factor=True))
    await _told(unit, kept, me, clock)
    author = {"factor": factor.value, "version": kept.version}
    await unit.audit.write("enrol_factor", f"user:{kept.id}", author)
    return Enrolled(user=kept, recovery=codes)


async def _finished(enrolled: Enrolled, himself: Himself, factor: Factor, *, begin: Begin, clock: Clock) -> Enrolled:
    """Finish the half-login, where it was one that led here. Refuses with: NotAllowed (another was quicker)."""
    if himself.token is None:
        return enrolled
    sha256, guest = digest(himself.token), visitor(enrolled.user.operator, address=himself.address)
    async with begin(guest) as unit:
        challenge = await unit.proofs.challenge(sha256, clock.now())
        if challenge is None or not await unit.proofs.end_challenge(sha256):
            raise not_valid()
    done = await finish(
        enrolled.user,
        f"{challenge.first}+{factor.value}",
        challenge.request,
        guest=guest,
        begin=begin,
        clock=clock,
        recovery=enrolled.recovery,
    )
    return replace(enrolled, done=done)


async def _recovery(unit: Unit, user: User, draw: Callable[[int], bytes]) -> tuple[str, ...]:
    codes = make_recovery_codes(draw)
    plain = [read_recovery_code(code) for code in codes]
    await unit.proofs.put_recovery(user.id, [digest(one) for one in plain if one is not None])
    return codes


async def _told(unit: Unit, user: User, me: Actor, clock: Clock) -> None:
    """Tell him, and end what others may have open."""
    await promise_notice(unit, user, Notice.FACTOR)
    await unit.sign_ins.end(user.id, at=clock.now(), why="factor", except_sid=me.session)
