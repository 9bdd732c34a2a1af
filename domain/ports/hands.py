"""Other processes of this machine that bill pages of a run beside the one that began it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, Protocol

from domain.access.actor import Actor
from domain.invoicing.bill_run import BillRun


class Hands(Protocol):
    """They share nothing but the database: one that dies has given its page up, and another process does it."""

    def beside(
        self, run: BillRun, actor: Actor, total: int, done: Callable[[Any], None]
    ) -> AbstractAsyncContextManager[None]:
        """Let them do pages of a run of ``total`` payers until the context ends.

        ``done`` hears of their pages, in any order, before it has ended; of the invoices without their lines.
        """
        ...


class NoHands:
    """One process does it all."""

    @asynccontextmanager
    async def beside(self, run: BillRun, actor: Actor, total: int, done: Callable[[Any], None]) -> AsyncIterator[None]:
        """Do nothing."""
        del self, run, actor, total, done
        yield


NO_HANDS: Final = NoHands()
