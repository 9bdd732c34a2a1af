"""A process that bills pages of a run beside the one that began it: ``python -m api.bill_hand``, by ``api.hands`` only.

When its standard input ends, whoever began it is gone, and so is it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from dataclasses import replace
from typing import BinaryIO

from api.clock import SystemClock
from api.garbage import collecting_seldom
from api.hands import Errand, hear, tell
from domain.intake.raters import Raters
from domain.usecases.bill_elsewhere import Elsewhere
from domain.usecases.bill_pages import LANES, bill_pages
from domain.usecases.make_bills import PageDone
from persistence.engine import Database
from persistence.units import StoredUnits


def main() -> None:
    """Do the errand on standard input."""
    errand: Errand = hear(sys.stdin.buffer)
    threading.Thread(target=_end_with, args=(sys.stdin.buffer,), daemon=True).start()
    asyncio.run(_work(errand, sys.stdout.buffer))
    os._exit(0)  # the thread still reads, and the interpreter would wait for its lock


def _end_with(stream: BinaryIO) -> None:
    """End this process at once when whoever began it has; its connections close, and what was open is undone."""
    stream.read()
    os._exit(1)


async def _work(errand: Errand, out: BinaryIO) -> None:
    async with await Database.open(errand.url, connections_max=LANES + 1) as database:
        with collecting_seldom():
            await bill_pages(
                errand.run,
                errand.total,
                actor=errand.actor,
                begin=StoredUnits(database),
                clock=SystemClock(),
                raters=Raters(),
                done=lambda page: tell(out, brief(page)),
            )


def brief(page: PageDone) -> PageDone:
    """Return what is told of a page: its invoices without their lines, and what another system is to be given."""
    heads = [replace(invoice, lines=()) for invoice in page.invoices]
    return replace(page, invoices=heads, billed_customers=(), bought={}, elsewhere=Elsewhere(fees=page.elsewhere.fees))


if __name__ == "__main__":
    main()
