"""What keeps the trail of every operator: chaining, anchoring, letting go, and what is read to see whether it holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.access.chain import Anchor, Fault, Line, Link

# Signs (operator, seq, hash, when) and returns the key's id and the token.
Sign = Callable[[int, int, bytes, datetime], tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line that no unit of work writes: something read, or something refused. ``operator`` None: of nobody known."""

    at: datetime
    operator: int | None
    client: str
    kind: str
    action: str
    target: str
    outcome: str = "done"
    user: int | None = None
    factor: str = ""
    behalf: str | None = None
    reseller: int | None = None
    address: str | None = None
    request: str | None = None
    seen: tuple[int, ...] | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of an operator's chain; operator 0 is the installation itself."""

    operator: int
    seq: int
    hash: bytes


class TrailKeeper(Protocol):
    """Sees every operator's trail. Only the process that serves or works, and the command line, hold this."""

    async def record(self, entries: Sequence[Entry]) -> None:
        """Write lines, all in one transaction."""
        ...

    async def chain(self) -> int:
        """Link what has been committed and is not linked yet, a block of it; return how many lines.

        One process at a time does it; another returns 0 at once.
        """
        ...

    async def heads(self) -> Sequence[Head]:
        """Return the ends of all chains, by operator."""
        ...

    async def anchor(self, sign: Sign, *, at: datetime, since: datetime) -> Sequence[Anchor]:
        """Anchor each chain that has grown and was not anchored ``since``, and promise the event that tells of it."""
        ...

    async def anchors(self, operator: int) -> Sequence[Anchor]:
        """Return a chain's anchors, the oldest first."""
        ...

    def walk(self, operator: int) -> AsyncIterator[Sequence[tuple[Link, Line | None]]]:
        """Yield a chain's links with their lines, in blocks."""
        ...

    async def strays(self, operator: int) -> Fault | None:
        """Return the first line that should be linked and is not: written past the database's own order."""
        ...

    async def let_go(self, operator: int, kind: str, *, before: datetime) -> int:
        """Remove lines of a kind that are older, say so in a line of its own, and return how many they were."""
        ...
