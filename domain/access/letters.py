"""The mails that people get about their own signing in. They are told in each one's language when they are sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.access.proof import LIFETIMES, Purpose
from domain.access.user import User
from domain.ports.mail import Letter
from domain.saying import Said

LINK_JOB: Final = "mail_link"
NOTICE_JOB: Final = "mail_notice"
JOB_ATTEMPTS: Final = 12  # the last some hours after the first

# From a sentence to the sentence in a language.
Tell = Callable[[Said, str], str]


class Notice(StrEnum):
    """What somebody is told that he may not have done himself."""

    PASSWORD = "password"  # noqa: S105  (what changed)
    FACTOR = "factor"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who writes: the operator's name, and where his people sign in."""

    name: str
    portal: str


PATHS: Final = {Purpose.INVITATION: "accept-invitation", Purpose.RESET: "reset-password"}


def link_letter(user: User, purpose: Purpose, token: str, sender: Sender, tell: Tell) -> Letter:
    """Write the letter with a single-use link. What the link holds stands behind ``#``, so that no server logs it."""
    link = f"{sender.portal}/{PATHS[purpose]}#token={token}"
    hours = int(LIFETIMES[purpose].total_seconds() // 3600)
    if purpose is Purpose.INVITATION:
        subject = Said("You are invited to {operator}", operator=sender.name)
        said = Said(
            "Hello {name},\n\n"
            "you have been given access to {operator}. Choose a password here to begin:\n\n{link}\n\n"
            "The link works once, within {hours} hours. Ask for another one if it is too old.",
            name=user.name,
            operator=sender.name,
            link=link,
            hours=hours,
        )
    else:
        subject = Said("A new password at {operator}", operator=sender.name)
        said = Said(
            "Hello {name},\n\n"
            "somebody asked for a new password for you at {operator}. Choose it here:\n\n{link}\n\n"
            "The link works once, within {hours} hours. If it was not you, do nothing: your password stays.",
            name=user.name,
            operator=sender.name,
            link=link,
            hours=hours,
        )
    return _letter(user, subject, said, tell)


def notice_letter(user: User, notice: Notice, sender: Sender, tell: Tell, *, to: str | None = None) -> Letter:
    """Write the letter that says what was changed; ``to``: the address before, where that was it."""
    subject = Said("Your access to {operator} was changed", operator=sender.name)
    words = {"name": user.name, "operator": sender.name}
    match notice:
        case Notice.PASSWORD:
            said = Said(
                "Hello {name},\n\n"
                "your password at {operator} was changed, and you were signed out everywhere else. If it was not you,"
                " ask for a new one at once and tell your administrator.",
                **words,
            )
        case Notice.FACTOR:
            said = Said(
                "Hello {name},\n\n"
                "the second step of your signing in at {operator} was changed. If it was not you, tell your"
                " administrator at once.",
                **words,
            )
        case Notice.ADDRESS:
            said = Said(
                "Hello {name},\n\n"
                "the e-mail address that you sign in with at {operator} was changed to another one. If you did not"
                " expect it, tell your administrator at once.",
                **words,
            )
    return _letter(user, subject, said, tell, to=to)


def _letter(user: User, subject: Said, said: Said, tell: Tell, *, to: str | None = None) -> Letter:
    told = tell(said, user.language)
    return Letter(
        to=to or user.email,
        name=user.name,
        subject=tell(subject, user.language),
        text=f"{told}\n",
        language=user.language,
    )
