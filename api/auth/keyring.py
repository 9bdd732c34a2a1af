"""Signing keys over time: a new one is published, signs a while later, and the old one is retired when nobody needs it.

Every process looks at the stored keys once a minute, so that a key which was published ``LEAD`` before it signs is
known everywhere by then, also to who keeps our JWKS for some minutes. A key that is old is followed by itself: of
several processes one makes the next.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from api.auth.tokens import LIFETIME, Tokens, make_key
from domain.ports.credentials import Credentials, SigningKey

LEAD: Final = timedelta(minutes=10)
SKEW: Final = timedelta(minutes=5)
FRESH_SECONDS: Final = 60.0
UNKNOWN_SECONDS: Final = 5.0  # the least between two looks because of a key that is not known
LOOKS_PER_SWEEP: Final = 30
SESSIONS_KEPT: Final = timedelta(days=90)

log = logging.getLogger("tollwright.keys")


def retire_before(now: datetime) -> datetime:
    """Return since when a key's follower must have signed, so that no token of the key itself is left."""
    return now - LIFETIME - SKEW


def follow(keys: Sequence[SigningKey], now: datetime, lead: timedelta) -> SigningKey | None:
    """Return the key that follows these, or None where one is on its way already."""
    if keys and keys[0].begins > now:
        return None
    return make_key(now, now + lead)


class KeyRing:
    """Keeps the keys of ``tokens`` as they are stored. ``days``: how old a key gets; 0: a person changes it."""

    def __init__(
        self,
        tokens: Tokens,
        credentials: Credentials,
        *,
        days: int = 0,
        changed: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tokens = tokens
        self._credentials = credentials
        self._days = days
        self._changed = changed
        self._monotonic = monotonic
        self._looked = monotonic()
        self._looks = 0

    async def fresh(self) -> None:
        """Look at the stored keys, where that is a minute ago."""
        if self._monotonic() - self._looked >= FRESH_SECONDS:
            await self._look()

    async def unknown(self) -> bool:
        """Look at them because somebody names one that is not here; tell whether they were looked at."""
        if self._monotonic() - self._looked < UNKNOWN_SECONDS:
            return False
        await self._look()
        return True

    async def _look(self) -> None:
        self._looked = self._monotonic()  # first, so that one request looks and the others go on
        now = self._tokens.clock.now()

        def due(keys: Sequence[SigningKey]) -> SigningKey | None:
            aged = self._days and keys and keys[0].begins + timedelta(days=self._days) <= now
            made = follow(keys, now, LEAD) if aged else None
            if made is not None:
                log.info("the signing key %s follows at %s", made.kid, made.begins.isoformat())
            return made

        stored = await self._credentials.keys(lambda: make_key(now))
        before = retire_before(now)
        if due_now(stored, now, self._days, before):
            stored = await self._credentials.add_key(due, retire_before=before)
        self._looks += 1
        if self._looks % LOOKS_PER_SWEEP == 0:
            await self._credentials.sweep(now=now, ended_before=now - SESSIONS_KEPT)
        if self._tokens.take(stored):
            self._changed()


def due_now(keys: Sequence[SigningKey], now: datetime, days: int, before: datetime) -> bool:
    """Tell whether anything is to be made or retired."""
    aged = bool(days) and keys[0].begins + timedelta(days=days) <= now
    return aged or any(newer.begins <= before and older.retired_at is None for newer, older in pairwise(keys))
