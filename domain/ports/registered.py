"""The documents of GraphQL that the unit's operator has registered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.access.document import RegisteredDocument


class RegisteredDocuments(Protocol):
    """Known by their SHA-256; registering one again changes its name alone."""

    async def put(self, document: RegisteredDocument) -> RegisteredDocument:
        """Keep one."""
        ...

    async def find(self, sha256: bytes) -> RegisteredDocument | None:
        """Return one; None where it is not registered."""
        ...

    async def all(self) -> Sequence[RegisteredDocument]:
        """Return them by name."""
        ...

    async def remove(self, sha256: bytes) -> RegisteredDocument:
        """Forget one. Refuses with: NotFound."""
        ...
