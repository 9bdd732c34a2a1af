"""Passwords by argon2id (RFC 9106), with OWASP's parameters; hashed a few at a time, in threads of their own.

A hash costs 19 MiB and some 30 ms of a core, so that no more are computed at once than there are threads, and no more
wait than ``WAITING_MAX``: who comes then is told to come again, and the server goes on with everything else.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from argon2.low_level import Type

from domain.refusal import LimitExceeded
from integrations.access.guessing import KnownPasswords

T = TypeVar("T")

MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1
WAITING_MAX: Final = 200


class Argon2Passwords:
    """Keeps ``domain.ports.passwords.Passwords``."""

    def __init__(
        self,
        known: KnownPasswords,
        *,
        memory_kib: int = MEMORY_KIB,
        passes: int = PASSES,
        lanes: int = LANES,
        threads: int | None = None,
    ) -> None:
        self._known = known
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes, type=Type.ID)
        self._threads = threads or max(1, min(4, (os.cpu_count() or 2) - 1))
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = 0
        self._nobody: str | None = None

    async def _apart(self, work: Callable[[], T]) -> T:
        """Compute in a thread. Refuses with: LimitExceeded."""
        if self._waiting >= WAITING_MAX:
            raise LimitExceeded("too many people sign in at this moment; try again in a minute")
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="password")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1

    async def hash(self, password: str) -> str:
        """Return what is kept. Refuses with: LimitExceeded."""
        return await self._apart(lambda: self._hasher.hash(password.encode()))

    async def matches(self, kept: str | None, password: str) -> bool:
        """Compare; without anything kept in the same time, with what nobody knows. Refuses with: LimitExceeded."""

        def compare() -> bool:
            if self._nobody is None:
                self._nobody = self._hasher.hash(os.urandom(32))
            try:
                same = self._hasher.verify(kept or self._nobody, password.encode())
            except (VerifyMismatchError, VerificationError, InvalidHashError):
                return False
            return same and kept is not None

        return await self._apart(compare)

    def outdated(self, kept: str) -> bool:
        """Tell whether it was hashed with other parameters than are set now."""
        return self._hasher.check_needs_rehash(kept)

    async def guessable(self, password: str, words: Sequence[str]) -> bool:
        """Tell whether it is known from breaches, or found soon by somebody who knows the ``words``."""
        return await self._apart(lambda: self._known.guessable(password, words))
