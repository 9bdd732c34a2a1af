"""What people prove themselves by, as far as it is kept, and how often they may try."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.access.user import SignedIn, User
from domain.ids import OperatorId, UserId
from domain.refusal import BadValue, NotAllowed

TOKEN_BYTES: Final = 32
CHALLENGE_LIFETIME: Final = timedelta(minutes=10)
INVITATION_LIFETIME: Final = timedelta(days=7)
RESET_LIFETIME: Final = timedelta(hours=1)
# After so many attempts in a row each further one waits for twice as long as the one before, and never for longer than
# the longest: somebody who guesses is stopped, and nobody is shut out for ever (NIST SP 800-63B § 5.2.2).
ATTEMPTS_FREE: Final = 5
LOCK_FIRST: Final = timedelta(seconds=30)
LOCK_MAX: Final = timedelta(minutes=15)
ATTEMPTS_FORGOTTEN: Final = timedelta(hours=24)
PLACE_LIFETIME: Final = timedelta(days=90)
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10
KEYS_MAX: Final = 10
KEY_NAME_MAX: Final = 100
_TOKEN: Final = re.compile(r"([1-9][0-9]{0,9})-([A-Za-z0-9_-]{40,100})", re.ASCII)
_RECOVERY: Final = re.compile(r"[a-z2-7]{16}", re.ASCII)


class Step(StrEnum):
    """What is tried."""

    PASSWORD = "password"  # noqa: S105  (the step's name)
    FACTOR = "factor"


class Purpose(StrEnum):
    """What a link that was mailed is for."""

    INVITATION = "invitation"
    RESET = "reset"


class Factor(StrEnum):
    """A second factor."""

    TOTP = "totp"
    WEBAUTHN = "webauthn"
    RECOVERY = "recovery"


# How long the link before holds against who asks for another and has not said who he is.
PAUSES: Final = {Purpose.INVITATION: timedelta(hours=1), Purpose.RESET: timedelta(minutes=1)}
LIFETIMES: Final = {Purpose.INVITATION: INVITATION_LIFETIME, Purpose.RESET: RESET_LIFETIME}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What is kept of one user. ``password`` is argon2id's text, ``totp`` sealed; ``recovery`` counts unused codes."""

    password: str | None = field(default=None, repr=False)
    password_at: datetime | None = None
    totp: bytes | None = field(default=None, repr=False)
    totp_new: bytes | None = field(default=None, repr=False)
    keys: Sequence[SecurityKey] = ()
    recovery: int = 0

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The second factors that he can be asked for."""
        found = [Factor.TOTP] if self.totp is not None else []
        found += [Factor.WEBAUTHN] if self.keys else []
        return (*found, Factor.RECOVERY) if found and self.recovery else tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityKey:
    """A WebAuthn credential. ``rp`` is the host that it answers to; ``sign_count`` what it had counted last."""

    id: int = 0
    rp: str
    credential: bytes
    public_key: bytes
    sign_count: int
    name: str
    created_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A right password that waits for its second factor. It opens nothing but that.

    ``request`` is what the portal asked for, answered in the end; ``asked`` what a security key is to sign.
    """

    sha256: bytes
    person: UserId
    first: str
    request: Mapping[str, str | None]
    asked: bytes | None = None
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What the portal is told: the half-login's ``token``, what may follow, and whether a factor must be enrolled."""

    token: str = field(repr=False)
    factors: tuple[Factor, ...]
    must_enrol: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Somebody is signed in, by what the portal asked for; ``recovery`` are codes that he has just been given."""

    signed_in: SignedIn
    request: Mapping[str, str | None]
    recovery: tuple[str, ...] = field(default=(), repr=False)


def make_token(operator: OperatorId, draw: Callable[[int], str]) -> str:
    """Return a token of 256 random bits that says whose it is, so that it can be looked up."""
    return f"{operator}-{draw(TOKEN_BYTES)}"


def operator_of(token: str) -> OperatorId:
    """Return the operator in a token. Refuses with: NotAllowed, as for one that is not known."""
    found = _TOKEN.fullmatch(token)
    if found is None or int(found[1]) > 2**31 - 1:
        raise not_valid()
    return OperatorId(int(found[1]))


def digest(secret: str) -> bytes:
    """Return what is kept of a random secret."""
    return hashlib.sha256(secret.encode()).digest()


def not_valid() -> NotAllowed:
    """Return the refusal of a link or a half-login that is not, or no longer, valid; why is not told."""
    return NotAllowed("this is used, too old or unknown: begin again")


def make_recovery_codes(draw: Callable[[int], bytes]) -> tuple[str, ...]:
    """Return codes of 80 random bits, in base32 and four groups, as they are written down."""
    found = []
    for _ in range(RECOVERY_CODES):
        number = int.from_bytes(draw(_RECOVERY_BYTES))
        text = "".join("abcdefghijklmnopqrstuvwxyz234567"[number >> 5 * place & 31] for place in range(16))
        found.append("-".join(text[place : place + 4] for place in range(0, 16, 4)))
    return tuple(found)


def read_recovery_code(text: str) -> str | None:
    """Return a code as it is hashed, however it was typed; None for what is none.

    >>> read_recovery_code(" ABCD efgh-ijkl mnop"), read_recovery_code("abc")
    ('abcdefghijklmnop', None)
    """
    plain = re.sub(r"[\s-]", "", text[:100]).casefold()
    return plain if _RECOVERY.fullmatch(plain) else None


def about_totp(user: User) -> str:
    """Return what a sealed seed is bound to."""
    return f"totp of user {user.operator}:{user.id}"


def key_name(text: str) -> str:
    """Return the name that somebody gives a security key. Refuses with: BadValue."""
    name = text.strip()
    if not name or len(name) > KEY_NAME_MAX or not name.isprintable():
        raise BadValue("a name has 1 to {most} characters", most=KEY_NAME_MAX, field="name")
    return name
