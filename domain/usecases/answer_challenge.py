"""The second step of signing in: a one-time code, a security key, or a recovery code, once each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.access.proof import (
    Challenge,
    Done,
    Factor,
    Proofs,
    SecurityKey,
    Step,
    about_totp,
    digest,
    not_valid,
    operator_of,
    read_recovery_code,
)
from domain.access.user import User, UserState
from domain.ids import UserId
from domain.ports.clock import Clock
from domain.ports.factors import Factors, KeyRefused
from domain.ports.transports import Unopenable, Vault
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotAllowed, WrongState
from domain.usecases.sign_in import finish, note_miss, visitor


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerChallenge:
    """An answer: exactly one of ``code`` (of an app), ``recovery_code``, ``key`` (what the browser returned, as JSON).

    ``origins``: where a security key may have been asked, as the portal's are.
    """

    token: str = field(repr=False)
    code: str | None = field(default=None, repr=False)
    recovery_code: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    origins: Sequence[str] = ()
    address: str | None = None


async def answer_challenge(cmd: AnswerChallenge, *, begin: Begin, clock: Clock, factors: Factors, vault: Vault) -> Done:
    """Finish a sign-in with its second factor.

    Refuses with: NotAllowed (the half-login is over; the answer is wrong or was used; too many attempts), BadValue,
    WrongState (the seed of his codes cannot be opened).
    """
    answers = [one for one in (cmd.code, cmd.recovery_code, cmd.key) if one is not None]
    if len(answers) != 1:
        raise BadValue("answer by one of code, recoveryCode and key", field="code")
    operator, sha256, now = operator_of(cmd.token), digest(cmd.token), clock.now()
    guest = visitor(operator, address=cmd.address)
    async with begin(guest) as unit:
        half = await opened(unit, sha256, now)
        user = half.user
        attempts = await unit.proofs.attempt(user.id, Step.FACTOR, "", now)
    found = None if attempts is None else _look(cmd, half, factors, vault, now)
    async with begin(guest) as unit:
        right = found is not None and await _use(unit, cmd, user.id, found, now)
        if right:
            await unit.proofs.succeed(user.id, Step.FACTOR, "")
            if not await unit.proofs.end_challenge(sha256):
                raise not_valid()
        else:
            await note_miss(unit, user, Step.FACTOR, attempts)
    if not right:
        raise wrong_factor()
    by = Factor.TOTP if cmd.code is not None else Factor.RECOVERY if cmd.recovery_code is not None else Factor.WEBAUTHN
    return await finish(
        user, f"{half.challenge.first}+{by.value}", half.challenge.request, guest=guest, begin=begin, clock=clock
    )


async def challenge_of(token: str, *, begin: Begin, clock: Clock) -> Challenge:
    """Return a half-login, for what the portal asked. Refuses with: NotAllowed."""
    async with begin(visitor(operator_of(token))) as unit:
        return (await opened(unit, digest(token), clock.now())).challenge


async def ask_security_key(token: str, *, rp: str, begin: Begin, clock: Clock, factors: Factors) -> str:
    """Return what the browser hands to a security key of this half-login, as JSON.

    Refuses with: NotAllowed (the half-login is over, or he has no key for this host).
    """
    sha256 = digest(token)
    async with begin(visitor(operator_of(token))) as unit:
        half = await opened(unit, sha256, clock.now())
        known = [one for one in half.proofs.keys if one.rp == rp]
        if not known:
            raise not_valid()
        asked = factors.keys.request(rp=rp, known=known)
        await unit.proofs.ask_challenge(sha256, asked.challenge)
    return asked.options


@dataclass(frozen=True, slots=True)
class Half:
    """A half-login, with whose it is."""

    challenge: Challenge
    user: User
    proofs: Proofs


async def opened(unit: Unit, sha256: bytes, now: datetime) -> Half:
    """Return a half-login that lasts. Refuses with: NotAllowed."""
    challenge = await unit.proofs.challenge(sha256, now)
    if challenge is None:
        raise not_valid()
    user = await unit.users.get(challenge.person)
    if user.state is not UserState.ACTIVE:
        raise not_valid()
    return Half(challenge, user, await unit.proofs.of(user.id))


@dataclass(frozen=True, slots=True)
class _Found:
    """An answer that fits, and what is used up by it."""

    step: int = 0
    recovery: bytes = b""
    key: SecurityKey | None = None
    count: int = 0


def _look(cmd: AnswerChallenge, half: Half, factors: Factors, vault: Vault, now: datetime) -> _Found | None:
    """Look at an answer; None where it does not fit."""
    if cmd.code is not None:
        if half.proofs.totp is None:
            return None
        try:
            seed = vault.open(half.proofs.totp, about=about_totp(half.user))
        except Unopenable:
            raise WrongState(
                "codes cannot be checked since a backup came back without its master key: use a recovery code or a"
                " security key, or let an administrator reset your second factor",
                field="code",
            ) from None
        step = factors.codes.step_of(seed, cmd.code, now)
        return None if step is None else _Found(step=step)
    if cmd.recovery_code is not None:
        plain = read_recovery_code(cmd.recovery_code)
        return None if plain is None else _Found(recovery=digest(plain))
    assert cmd.key is not None
    if half.challenge.asked is None:
        return None
    try:
        credential = factors.keys.credential(cmd.key)
        for key in half.proofs.keys:
            if key.credential == credential:
                count = factors.keys.check(cmd.key, challenge=half.challenge.asked, origins=cmd.origins, key=key)
                return _Found(key=key, count=count)
    except KeyRefused:
        pass
    return None


async def _use(unit: Unit, cmd: AnswerChallenge, person: UserId, found: _Found, now: datetime) -> bool:
    """Use an answer up; False where it was used before, or at this moment by another."""
    if cmd.code is not None:
        return await unit.proofs.take_step(person, found.step)
    if cmd.recovery_code is not None:
        return await unit.proofs.use_recovery(person, found.recovery, now)
    assert found.key is not None
    return await unit.proofs.use_key(person, found.key.id, found.key.sign_count, found.count, now)


def wrong_factor() -> NotAllowed:
    """Return the one answer to a second factor that is not accepted."""
    return NotAllowed("this is wrong, was used already, or there were too many attempts: wait a while, or take another")
