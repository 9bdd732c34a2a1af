"""Every CDR format there is, plain or packed, as the import pipeline asks for them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from domain.mediation.checking import Suggestion
from domain.mediation.profile import Profile
from domain.ports.reader import Reader
from integrations.cdr import advice, containers, registry


class ShippedFormats:
    """Keeps ``domain.ports.intake.Formats``: the shipped readers and those of installed entry points."""

    def profile(self, name_or_text: str) -> Profile:
        """Return a shipped profile by name, or the one a TOML text describes. Refuses with: BadValue, NotFound."""
        return registry.profile(name_or_text)

    def reader(self, profile: Profile) -> Reader:
        """Return the reader of a profile's format. Refuses with: NotFound."""
        return registry.reader(profile)

    def packed(self, head: bytes) -> bool:
        """Tell whether a file that begins with these bytes is packed."""
        return containers.kind(io.BytesIO(head)) is not None

    def check(self, file: BinaryIO) -> None:
        """Read a packed file through once. Refuses with: Unreadable (cut, damaged), LimitExceeded (a bomb)."""
        containers.check(file)

    def blocks(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield a seekable file's bytes from its beginning, unpacked. Refuses with: Unreadable, LimitExceeded."""
        return containers.blocks(file)

    def advise(self, head: bytes, profile: Profile) -> Sequence[Suggestion]:
        """Return what to change so that the profile reads a file that begins with ``head``."""
        return [Suggestion(key=one.key, value=one.value, because=one.because) for one in advice.advise(head, profile)]

    def names(self) -> Sequence[str]:
        """Return the names of the shipped profiles, and of those that installed packages bring."""
        return registry.names()
