"""People who sign in: of the operator, or of a reseller, each at one level."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.ids import LevelId, OperatorId, ResellerId, UserId
from domain.refusal import BadValue
from domain.telling.language import language

NAME_MAX = 200
EMAIL_MAX = 254  # RFC 5321 § 4.5.3.1.3
# As HTML's field for it takes: nothing that could be two addresses, or a name beside one, in a header.
_EMAIL: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


class UserState(StrEnum):
    """Whether somebody can sign in: who is invited has no password yet, who is disabled is let in no more."""

    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. ``reseller`` is None for the operator's own people; ``email`` is who he signs in as.

    ``second_factor``: he has one at least, confirmed. Of who is erased nothing is left but the key, which the audit
    trail names.
    """

    id: UserId
    operator: OperatorId
    reseller: ResellerId | None = None
    email: str
    name: str
    language: str
    level: LevelId
    state: UserState = UserState.INVITED
    second_factor: bool = False
    created_at: datetime
    signed_in_at: datetime | None = None
    erased_at: datetime | None = None
    version: int = 1

    @property
    def email_key(self) -> str:
        """What the address is found by, however its letters are written."""
        return key_of(self.email)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Somebody has proved who he is, by a ``factor`` such as ``password``, ``password+totp`` or ``idp``."""

    user: UserId
    operator: OperatorId
    factor: str


def key_of(email: str) -> str:
    """Return what an address is found by.

    >>> key_of("Anna.Berg@Example.SE")
    'anna.berg@example.se'
    """
    return email.casefold()


def check(user: User) -> User:
    """Check the fields. Refuses with: BadValue."""
    if len(user.email) > EMAIL_MAX or not _EMAIL.fullmatch(user.email):
        raise BadValue("{value} is not an e-mail address", value=repr(user.email[:80]), field="email")
    if not user.name.strip() or len(user.name) > NAME_MAX:
        raise BadValue("a name has 1 to {most} characters", most=NAME_MAX, field="name")
    if language(user.language).code != user.language:
        raise BadValue("a language is its two letters, such as {example}", example="sv", field="language")
    return user
