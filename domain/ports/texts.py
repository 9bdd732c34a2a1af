"""Text messages (SMS) that go out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


class TextFault(Exception):  # noqa: N818  (it names what happened at the other side, and is always caught)
    """It was not taken. ``lasting``: trying again does not help until somebody has mended something."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.lasting = lasting


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One message to one number (E.164 digits without plus). ``key`` is the same each time it is sent again."""

    to: str
    text: str = field(repr=False)
    sender: str = ""
    key: str = ""


class Texter(Protocol):
    """Hands messages to a gateway."""

    async def send(self, text: Text) -> None:
        """Send. Raises TextFault."""
        ...
