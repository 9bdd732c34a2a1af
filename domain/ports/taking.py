"""What a feed hands its files to, and how packed files that hold several are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A file that is committed: its SHA-256, whether its content was here before, the numbers of a counting column.

    ``remark`` is what somebody should know though the file is in.
    """

    sha256: bytes
    again: bool
    numbers: Sequence[int] = ()
    remark: str | None = None


class Take(Protocol):
    """Takes a file in; when it returns, what the file holds is committed."""

    async def __call__(
        self, source: str, name: str, content: AsyncIterator[bytes], *, column: str | None = None
    ) -> TakenFile:
        """Take a file of a source. Refuses with what is wrong with it; WrongState: not now."""
        ...


class Archives(Protocol):
    """Packed files that hold several files."""

    def parts(self, file: BinaryIO) -> Sequence[str] | None:
        """Return the names of the files in an archive; None where it is none, or holds one file.

        Refuses with: Unreadable (damaged, a name that leads out of it), LimitExceeded (too many, too large).
        """
        ...

    def part(self, file: BinaryIO, name: str) -> Iterator[bytes]:
        """Yield one of them. Refuses with: Unreadable, LimitExceeded."""
        ...
