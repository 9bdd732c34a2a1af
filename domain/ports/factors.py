"""Second factors: one-time codes and security keys, and the pictures that phones read them from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.access.proof import SecurityKey


class KeyRefused(Exception):  # noqa: N818  (an answer about what was sent, always caught)
    """What a security key sent does not hold; why is for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a browser hands to a security key: the ``options`` as JSON, with the random ``challenge`` in them."""

    challenge: bytes
    options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A security key that has shown itself."""

    credential: bytes
    public_key: bytes
    sign_count: int


class OneTimeCodes(Protocol):
    """Time-based one-time passwords (RFC 6238): SHA-1, six digits, thirty seconds, as every app knows them."""

    def make_seed(self) -> str:
        """Return a random seed in base32."""
        ...

    def uri(self, seed: str, *, account: str, issuer: str) -> str:
        """Return the ``otpauth://`` address that an app reads."""
        ...

    def step_of(self, seed: str, code: str, at: datetime) -> int | None:
        """Return the time step that a code is of, the one before and the one behind included; None: of none."""
        ...


class Pictures(Protocol):
    """QR codes."""

    def svg(self, text: str) -> str:
        """Return one as SVG."""
        ...

    def png(self, text: str) -> bytes:
        """Return one as PNG."""
        ...


class SecurityKeys(Protocol):
    """WebAuthn Level 2. Raises KeyRefused where what a browser sent does not hold."""

    def registration(self, *, rp: str, title: str, person: bytes, account: str, known: Sequence[SecurityKey]) -> Asked:
        """Ask for a new key, none of the ``known``."""
        ...

    def register(self, sent: str, *, challenge: bytes, rp: str, origins: Sequence[str]) -> Registered:
        """Look at what a browser answered."""
        ...

    def request(self, *, rp: str, known: Sequence[SecurityKey]) -> Asked:
        """Ask for a signature by one of the ``known``."""
        ...

    def credential(self, sent: str) -> bytes:
        """Return which key an answer is by."""
        ...

    def check(self, sent: str, *, challenge: bytes, origins: Sequence[str], key: SecurityKey) -> int:
        """Look at a signature; return the key's counter."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """All of them."""

    codes: OneTimeCodes
    keys: SecurityKeys
    pictures: Pictures
