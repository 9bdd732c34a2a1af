"""A sheet of subscriptions, each with a number of its own, from its bytes to committed lines."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from api.bulk import import_sheet
from api.settings import Settings
from api.wiring import on_database
from benchmarks.billing import make_operator
from domain.bulk.run import BulkMode
from domain.bulk.sheet import SheetKind
from domain.usecases.import_bulk import TakeSheet, take_sheet
from persistence.embedded import start
from persistence.engine import Database
from persistence.migrate import migrate

LINES: Final = 100_000
LINES_OF_CONTRACT: Final = 50


def run(out: Callable[[str], object] = print, *, lines: int = LINES) -> dict[str, float]:
    """Measure and tell ``out``, line by line; return the figures by name."""
    with tempfile.TemporaryDirectory(prefix="tollwright-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)  # the server may run as another user, who must get here
        with start(place / "server") as server:
            return asyncio.run(_sheets(server.url, place, out, lines))


def _sheet(kind: SheetKind, lines: int) -> bytes:
    contracts = (lines + LINES_OF_CONTRACT - 1) // LINES_OF_CONTRACT
    if kind is SheetKind.CUSTOMERS:
        head = "externalId,name,kind,street,postcode,city,country"
        rows = [f"c{n},Kund {n} AB,organisation,Storgatan {n},111 22,Stockholm,SE" for n in range(contracts)]
    elif kind is SheetKind.CONTRACTS:
        head = "externalId,customer,start"
        rows = [f"k{n},c{n},2026-01-01" for n in range(contracts)]
    else:
        head = "externalId,contract,kind,label,numbers,validFrom"
        rows = [f"l{n},k{n // LINES_OF_CONTRACT},mobile,Bil {n},46{701_000_000 + n},2026-01-01" for n in range(lines)]
    return "\n".join([head, *rows]).encode()


async def _sheets(url: str, place: Path, out: Callable[[str], object], lines: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    async with await Database.open(url) as database:
        await migrate(database)
        wiring = on_database(database, Settings(data_dir=place))
        actor = await make_operator(wiring)
        for kind in (SheetKind.CUSTOMERS, SheetKind.CONTRACTS, SheetKind.SUBSCRIPTIONS):
            content = _sheet(kind, lines)
            for again in (False, True):
                began = time.perf_counter()
                cmd = TakeSheet(kind=kind, name="bench.csv", content=content, mode=BulkMode.VALID)
                kept = await take_sheet(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, promise=False)
                done = await import_sheet(wiring, actor, kept.id)
                seconds = time.perf_counter() - began
                assert done.rows is not None
                assert (done.unchanged if again else done.created) == done.rows
                word = "the same again" if again else kind.value
                out(f"  {word}: {done.rows:,} rows in {seconds:.1f} s ({done.rows / seconds:,.0f} a second)")
                if not again:
                    figures[f"{kind.value}_seconds"] = seconds
    return figures
