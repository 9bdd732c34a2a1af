"""Mail that goes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


class MailFault(Exception):  # noqa: N818  (it names what happened at the other side, and is always caught)
    """It was not taken. ``lasting``: trying again does not help until somebody has mended something.

    ``uncertain``: it broke off before the server said whether it had taken it. ``absent``: there is no server.
    """

    def __init__(self, message: str, *, lasting: bool = False, uncertain: bool = False, absent: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.lasting = lasting
        self.uncertain = uncertain
        self.absent = absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A file that a letter brings. ``media`` is its media type, such as application/pdf."""

    name: str
    media: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail to one person, as plain text. ``text`` may hold a link that opens something, and is never logged.

    ``key`` is the same however often this letter is tried, so that its readers' programs know it again.
    """

    to: str
    name: str
    subject: str
    text: str = field(repr=False)
    language: str = "en"
    attachments: tuple[Attached, ...] = ()
    key: str | None = None


class Mailer(Protocol):
    """Hands mail to a server."""

    async def send(self, letter: Letter) -> None:
        """Send. Raises MailFault."""
        ...
