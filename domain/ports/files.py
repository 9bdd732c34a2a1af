"""Stores of sources, CDR files and records in suspense, and the keeper of the files' bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from domain.ids import FileId, SourceId, SuspenseId
from domain.mediation.files import CdrFile, Source, SourceBalance, SourceVersion, Suspended
from domain.ports.page import Page, PageRequest


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes kept once: their SHA-256, their number, and whether they were new."""

    sha256: bytes
    size: int
    new: bool


class Arrival(Protocol):
    """Bytes that have come, in full, and are not on disk for good yet."""

    @property
    def kept(self) -> Kept:
        """What they are; it holds once ``keep`` has returned."""
        ...

    async def keep(self) -> None:
        """Put them on disk for good."""
        ...

    def open(self) -> BinaryIO:
        """Return them as a file that can seek, kept already or not; the caller closes it."""
        ...


class Blobs(Protocol):
    """Keeps bytes once by their SHA-256. What ``keep`` returned is on disk for good."""

    def receive(self, blocks: AsyncIterator[bytes], *, size_max: int) -> AbstractAsyncContextManager[Arrival]:
        """Take a stream in, to be kept or, where the context ends before, forgotten. Refuses with: LimitExceeded."""
        ...

    async def keep(self, blocks: AsyncIterator[bytes], *, size_max: int) -> Kept:
        """Keep a stream. Refuses with: LimitExceeded; nothing is left behind then."""
        ...

    async def open(self, sha256: bytes) -> BinaryIO:
        """Return the bytes as a file that can seek; the caller closes it. Refuses with: NotFound."""
        ...


class Sources(Protocol):
    """The operator's sources."""

    async def by_name(self, name: str) -> Source:
        """Return one. Refuses with: NotFound."""
        ...

    async def all(self) -> Sequence[Source]:
        """Return them by name."""
        ...

    async def many(self, keys: Sequence[SourceId]) -> Mapping[SourceId, Source]:
        """Return those that exist."""
        ...

    async def put(self, source: Source, *, note: str | None = None) -> Source:
        """Keep a new one, or a new version of the one with this name where the profile differs."""
        ...

    async def versions(self, key: SourceId) -> Sequence[SourceVersion]:
        """Return every profile that a source had, the latest first."""
        ...

    async def balances(self) -> Sequence[SourceBalance]:
        """Add up the files of each source, by its name."""
        ...


class Files(Protocol):
    """CDR files taken in."""

    async def get(self, key: FileId) -> CdrFile:
        """Return one. Refuses with: NotFound."""
        ...

    async def many(self, keys: Sequence[FileId]) -> Mapping[FileId, CdrFile]:
        """Return those that exist."""
        ...

    async def page(self, request: PageRequest) -> Page[CdrFile]:
        """List by key."""
        ...

    async def claim_content(self, file: CdrFile) -> CdrFile:
        """Return the file of this source with this content, locked; the given one, kept as new, where there is none."""
        ...

    async def charged_elsewhere(self, file: CdrFile) -> CdrFile | None:
        """Return a file of another source with the same content of which something is rated."""
        ...

    async def claim(self, key: FileId) -> CdrFile:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep(self, file: CdrFile) -> None:
        """Write the counts, position and state."""
        ...


class Suspense(Protocol):
    """Records that are not rated."""

    async def get(self, key: SuspenseId) -> Suspended:
        """Return an open one. Refuses with: NotFound."""
        ...

    async def named(self, start_us: int, keys: Sequence[int]) -> Suspended | None:
        """Return the open unrated event of any source that starts then and has one of these keys."""
        ...

    async def page(
        self, request: PageRequest, *, reason: str | None = None, file: FileId | None = None
    ) -> Page[Suspended]:
        """List the open ones by key."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """Return how many are open per reason."""
        ...
