"""Stores of people who sign in, and of what they prove themselves by."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from domain.access.proof import Challenge, Proofs, Purpose, SecurityKey, Step
from domain.access.user import User, UserState
from domain.ids import LevelId, ResellerId, UserId
from domain.ports.page import Page, PageRequest


class Users(Protocol):
    """People of the operator, as far as the actor reaches. Who is erased is found by key alone."""

    async def add(self, user: User) -> User:
        """Keep a new one. Refuses with: Conflict (e-mail address), NotFound (level, reseller)."""
        ...

    async def get(self, key: UserId) -> User:
        """Return one. Refuses with: NotFound."""
        ...

    async def claim(self, key: UserId) -> User:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def by_email(self, email_key: str) -> User | None:
        """Return who signs in as this."""
        ...

    async def keep(self, user: User) -> User:
        """Write a changed one; return it with its next version. Refuses with: Stale, Conflict, NotFound."""
        ...

    async def signed_in(self, key: UserId, at: datetime) -> None:
        """Write when he signed in last; his version stays."""
        ...

    async def page(
        self,
        request: PageRequest,
        *,
        text: str | None = None,
        state: UserState | None = None,
        level: LevelId | None = None,
        reseller: ResellerId | None = None,
    ) -> Page[User]:
        """List by key; ``text`` is a part of the name or the address."""
        ...

    async def by_ids(self, keys: Collection[UserId]) -> Sequence[User]:
        """Return those of the keys that there are."""
        ...


class ProofStore(Protocol):
    """What the users of the unit prove themselves by."""

    async def of(self, person: UserId) -> Proofs:
        """Return what is kept of one."""
        ...

    async def put_password(self, person: UserId, password: str, at: datetime) -> None:
        """Keep a hash in the place of the one before."""
        ...

    async def swap_hash(self, person: UserId, before: str, password: str) -> None:
        """Keep another hash of the same password, unless it was changed meanwhile."""
        ...

    async def start_totp(self, person: UserId, sealed: bytes) -> None:
        """Keep a seed that is not confirmed yet."""
        ...

    async def confirm_totp(self, person: UserId, sealed: bytes, step: int) -> bool:
        """Let this new seed hold, and its step be used; False where another was begun meanwhile."""
        ...

    async def take_step(self, person: UserId, step: int) -> bool:
        """Use a time step up; False where it, or a later one, was used before."""
        ...

    async def drop_totp(self, person: UserId) -> None:
        """Forget the seed."""
        ...

    async def put_recovery(self, person: UserId, hashes: Sequence[bytes]) -> None:
        """Keep new recovery codes in the place of all before."""
        ...

    async def use_recovery(self, person: UserId, sha256: bytes, at: datetime) -> bool:
        """Use a code up; False where there is none, or it was used before."""
        ...

    async def ask_key(self, person: UserId, asked: bytes, rp: str, until: datetime) -> None:
        """Remember what a new security key is to sign."""
        ...

    async def asked_key(self, person: UserId, at: datetime) -> tuple[bytes, str] | None:
        """Take back what a new key was asked, and for which host, once."""
        ...

    async def add_key(self, person: UserId, key: SecurityKey) -> SecurityKey:
        """Keep a security key. Refuses with: Conflict (it is registered already)."""
        ...

    async def use_key(self, person: UserId, key: int, before: int, count: int, at: datetime) -> bool:
        """Write a key's counter; False where it was used meanwhile."""
        ...

    async def remove_key(self, person: UserId, key: int) -> SecurityKey:
        """Forget a key. Refuses with: NotFound."""
        ...

    async def put_link(self, person: UserId, purpose: Purpose, sha256: bytes, at: datetime, until: datetime) -> None:
        """Keep a link in the place of the one before of its purpose."""
        ...

    async def linked_at(self, person: UserId, purpose: Purpose) -> datetime | None:
        """Return when the link was made that is there."""
        ...

    async def linked(self, sha256: bytes, purpose: Purpose, at: datetime) -> UserId | None:
        """Return whose link it is, while it holds."""
        ...

    async def use_link(self, sha256: bytes, purpose: Purpose, at: datetime) -> UserId | None:
        """Use a link up and return whose it is; None where it is none, or was used, or is too old."""
        ...

    async def add_challenge(self, challenge: Challenge) -> None:
        """Keep a half-login."""
        ...

    async def challenge(self, sha256: bytes, at: datetime) -> Challenge | None:
        """Return a half-login, while it lasts."""
        ...

    async def ask_challenge(self, sha256: bytes, asked: bytes) -> None:
        """Remember what a security key is to sign."""
        ...

    async def end_challenge(self, sha256: bytes) -> bool:
        """Use a half-login up; False where another was quicker."""
        ...

    async def attempt(self, person: UserId, step: Step, place: str, at: datetime) -> int | None:
        """Count an attempt before it is looked at; return how many in a row, None while he is locked."""
        ...

    async def succeed(self, person: UserId, step: Step, place: str) -> None:
        """Forget the attempts."""
        ...

    async def unlock(self, person: UserId) -> None:
        """Forget the attempts everywhere."""
        ...

    async def knows_place(self, person: UserId, address: str, since: datetime) -> bool:
        """Tell whether he has signed in from there since."""
        ...

    async def keep_place(self, person: UserId, address: str, at: datetime) -> None:
        """Remember that he signed in from there."""
        ...

    async def drop_factors(self, person: UserId) -> None:
        """Forget seeds, security keys and recovery codes."""
        ...

    async def end_openings(self, person: UserId) -> None:
        """End links and half-logins."""
        ...

    async def forget(self, person: UserId) -> None:
        """Forget everything."""
        ...
