"""Files that lie elsewhere: listing, fetching, putting away, delivering. Which files they are is not asked here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from domain.transports.place import Place


class TransportFault(Exception):  # noqa: N818  (it names what happened at the other side, and is always caught)
    """The other side is away, cut the connection or said no; the sentence says what, and never holds a secret.

    ``lasting``: trying again does not help until a person has mended something (a login, a host key, an address).
    """

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.lasting = lasting


class Unreached(TransportFault):
    """Nothing could be sent: no address, or nobody listens there. What was to be done is certainly not done."""


class Unopenable(TransportFault):
    """A sealed secret that no key of this installation opens, as behind a backup that came back without master.key."""

    def __init__(self, about: str) -> None:
        """``about``: what it was bound to, which tells its kind."""
        super().__init__(
            next((told for begins, told in _UNOPENABLE.items() if about.startswith(begins)), None)
            or (_OF_ELEMENT if ":network:" in about else _OF_FEED),
            lasting=True,
        )


# What to do about a secret that cannot be opened, by how what it is bound to begins.
_UNOPENABLE: Final[Mapping[str, str]] = {
    "webhook:": "this webhook's secret cannot be opened with the master key of this installation: rotate it",
    "totp of user ": "this user's authenticator cannot be checked with the master key of this installation: let his"
    " second factor be reset",
    "secret of client ": "this client's secret cannot be opened with the master key of this installation: renew it",
    "secret of identity provider ": "this identity provider's secret cannot be opened with the master key of this"
    " installation: give it again",
    "signing_key:": "this signing key cannot be opened with the master key of this installation: another takes its"
    " place",
    "verifier of ": "this sign-in was begun under another master key: begin it again",
}
_OF_ELEMENT: Final = (
    "a secret of this network element cannot be opened with the master key of this installation: give it again"
)
_OF_FEED: Final = "a secret of this feed cannot be opened with the master key of this installation: give it again"


class Missing(TransportFault):
    """The file is not there, or not there any more."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file in a listing. ``token`` is whatever else tells one state of it from another (inode, ETag, date text)."""

    name: str
    size: int | None
    modified: datetime | None = None
    token: str = ""


class Transport(Protocol):
    """One folder of a place, opened. Every method raises ``TransportFault``."""

    def listing(self) -> AsyncIterator[Found]:
        """Yield the regular files of the folder itself, as the other side tells them: names may be anything."""
        ...

    def fetch(self, name: str, *, offset: int = 0) -> AsyncIterator[bytes]:
        """Yield a file's bytes from an offset; ends where the file ended, raises where the connection was cut."""
        ...

    async def move(self, name: str, folder: str, names: Sequence[str]) -> str:
        """Move into a folder below this one, made where it is not there, under the first free name; return it.

        The last of ``names`` replaces what has it.
        """
        ...

    async def delete(self, name: str) -> None:
        """Remove a file; one that is gone is removed."""
        ...

    async def put(self, name: str, blocks: AsyncIterator[bytes]) -> int:
        """Deliver a file: whole under its name or not at all (written under another name, then renamed)."""
        ...


class Transports(Protocol):
    """Every protocol there is."""

    async def check(self, place: Place, *, operator: int | None = None) -> None:
        """Look at an operator's address before it is kept. Refuses with: BadValue (it may not be reached from here)."""
        ...

    def open(
        self, place: Place, credentials: Mapping[str, str], *, operator: int | None = None
    ) -> AbstractAsyncContextManager[Transport]:
        """Connect, as an operator. Raises ``TransportFault``."""
        ...


class Vault(Protocol):
    """Keeps secrets so that the database alone does not tell them. ``about`` binds a sealed one to its use."""

    def seal(self, secret: str, *, about: str) -> bytes:
        """Encrypt."""
        ...

    def open(self, sealed: bytes, *, about: str) -> str:
        """Decrypt. Raises ``Unopenable``: sealed by another key, or for another use."""
        ...

    def check_reference(self, reference: str, *, operator: int) -> None:
        """Look at an operator's ``env:NAME`` or ``file:NAME`` before it is kept. Refuses with: BadValue."""
        ...

    def refer(self, reference: str, *, operator: int) -> str:
        """Return what an operator's reference stands for. Raises ``TransportFault``, lasting."""
        ...
