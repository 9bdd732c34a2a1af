"""A document of GraphQL that an operator has registered: it may be asked for by its SHA-256 instead of being sent."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.ids import OperatorId
from domain.refusal import BadValue

DOCUMENT_MAX: Final = 200_000
NAME_MAX: Final = 200
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredDocument:
    """One of them. Refuses with: BadValue."""

    operator: OperatorId
    name: str
    document: str
    registered_at: datetime

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= NAME_MAX:
            raise BadValue("a name has 1 to {most} characters", most=NAME_MAX, field="name")
        if not 1 <= len(self.document) <= DOCUMENT_MAX or "\0" in self.document:
            raise BadValue("a document has 1 to {most} characters", most=DOCUMENT_MAX, field="document")

    @property
    def sha256(self) -> bytes:
        """What it is asked for by."""
        return digest(self.document)

    @property
    def sha256_hex(self) -> str:
        """The same, as requests write it."""
        return self.sha256.hex()


def digest(document: str) -> bytes:
    """Return what a document is known by."""
    return hashlib.sha256(document.encode("utf-8", "surrogatepass")).digest()


def read_sha256(text: str, *, field: str = "sha256") -> bytes:
    """Read 64 hexadecimal digits. Refuses with: BadValue."""
    if not _SHA256.fullmatch(text.lower()):
        raise BadValue("a SHA-256 is 64 hexadecimal digits", field=field)
    return bytes.fromhex(text)
