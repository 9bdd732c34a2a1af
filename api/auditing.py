"""The trail beside the requests: the journal is written, lines are chained, chains anchored, old lines let go."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

from api.anchors import hand_out, signing
from api.auth.tokens import make_key
from api.wiring import Wiring
from domain.access.chain import LineKind
from persistence.away import DatabaseAway

LOG: Final = logging.getLogger("tollwright.trail")
FLUSH_SECONDS: Final = 0.25
CHAIN_SECONDS: Final = 0.5
LOOK_SECONDS: Final = 60.0
AWAY_SECONDS: Final = 5.0


class Keeper:
    """Flushes, chains, anchors and lets go until it is cancelled."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._journal = wiring.journal
        self._looked = 0.0

    async def run(self) -> None:
        """Keep the trail until cancelled. A database that is away is waited for."""
        chained = time.monotonic()
        while True:
            try:
                await self._journal.flush()
                if time.monotonic() - chained >= CHAIN_SECONDS:
                    chained = time.monotonic()
                    while await self._wiring.trail.chain():
                        pass
                    await self._look()
            except (DatabaseAway, OSError) as trouble:
                LOG.warning("%s; looking again in %.0f s", trouble, AWAY_SECONDS)
                await asyncio.sleep(AWAY_SECONDS)
            except Exception:
                LOG.exception("the trail could not be kept; trying again in %.0f s", AWAY_SECONDS)
                await asyncio.sleep(AWAY_SECONDS)
            await asyncio.sleep(FLUSH_SECONDS)

    async def close(self) -> None:
        """Write what waits still."""
        with suppress(DatabaseAway, OSError):
            await self._journal.flush()
            await self._wiring.trail.chain()

    async def _look(self) -> None:
        """Anchor what has grown, and let go what has been kept long enough; now and then."""
        if time.monotonic() - self._looked < LOOK_SECONDS and self._looked:
            return
        self._looked = time.monotonic()
        await anchor(self._wiring)
        await let_go(self._wiring)


async def anchor(wiring: Wiring, *, now: bool = False) -> int:
    """Anchor every chain that was not within ``audit_anchor_hours`` (``now``: at once); return how many."""
    at = wiring.clock.now()
    stored = await wiring.credentials.keys(lambda: make_key(at))
    since = at if now else at - timedelta(hours=wiring.settings.audit_anchor_hours)
    made = await wiring.trail.anchor(signing(stored, wiring.settings.address), at=at, since=since)
    if made and (path := wiring.settings.audit_anchor_file) is not None:
        hand_out(made, path)
    return len(made)


async def let_go(wiring: Wiring) -> int:
    """Remove lines whose time to be kept is over; return how many."""
    settings, at, count = wiring.settings, wiring.clock.now(), 0
    days = {
        LineKind.READ: settings.audit_reads_days,
        LineKind.REFUSED: settings.audit_refused_days,
        LineKind.SIGN_IN: settings.audit_sign_in_days,
        LineKind.CHANGE: settings.audit_days,
    }
    for head in await wiring.trail.heads():
        for kind, kept in days.items():
            while kept and (
                gone := await wiring.trail.let_go(head.operator, kind.value, before=at - timedelta(days=kept))
            ):
                count += gone
    return count


@asynccontextmanager
async def auditing(wiring: Wiring) -> AsyncIterator[None]:
    """Keep the trail meanwhile."""
    keeper = Keeper(wiring)
    doing = asyncio.create_task(keeper.run())
    try:
        yield
    finally:
        doing.cancel()
        with suppress(asyncio.CancelledError):
            await doing
        await keeper.close()
