"""Passwords: what is kept of them, and whether one is easy to guess. Costly; done apart from the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Passwords(Protocol):
    """Hashes passwords, a few at a time. Refuses with: LimitExceeded where too many wait already."""

    async def hash(self, password: str) -> str:
        """Return what is kept."""
        ...

    async def matches(self, kept: str | None, password: str) -> bool:
        """Compare; without anything kept, or with something that is no password, in the same time: False."""
        ...

    def outdated(self, kept: str) -> bool:
        """Tell whether it was hashed with other parameters than are set now."""
        ...

    async def guessable(self, password: str, words: Sequence[str]) -> bool:
        """Tell whether it is known from breaches, or found soon by somebody who knows the ``words``."""
        ...
