"""A large catalogue: 400,000 prefixes imported, read back and compiled; a draft of one list published beside them.

The physical limit beside it is a bare COPY of as many prefixes and prices into tables of the same columns. The document
is parsed from its text, as ``tollwright import tariff`` does; the peak of memory is this process's, without the server.
"""

from __future__ import annotations

import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from api.settings import Settings
from api.wiring import Wiring, on_database
from domain.access.actor import Actor, system
from domain.catalogue.document import parse_json
from domain.ids import OperatorId
from domain.operators import Address, Operator
from domain.rating.book import compile_book
from domain.usecases.create_operator import create_operator
from domain.usecases.import_tariff import ImportTariff, import_tariff
from domain.usecases.publish_draft import PublishDraft, publish_draft
from domain.usecases.put_draft import PutDraft, put_draft
from domain.usecases.read_rate_sheet import ReadRateSheet, read_rate_sheet
from persistence.embedded import start
from persistence.engine import OWNER, Database
from persistence.migrate import migrate

PREFIXES: Final = 400_000
DESTINATIONS: Final = 20_000
RETAIL_LISTS: Final = 20
OWN_RATES: Final = 1_000
CHANGED: Final = 100


def run(out: Callable[[str], object] = print) -> dict[str, float]:
    """Measure and tell ``out``, line by line; return the figures by name."""
    with tempfile.TemporaryDirectory(prefix="tollwright-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)  # the server may run as another user, who must get here
        with start(place / "server") as server:
            return asyncio.run(_measure(server.url, place, out))


async def _measure(url: str, place: Path, out: Callable[[str], object]) -> dict[str, float]:
    async with await Database.open(url) as database:
        await migrate(database)
        wiring = on_database(database, Settings(data_dir=place))
        made = await create_operator(_operator(), begin=wiring.begin)
        actor = system(made.id, "bench")
        out(f"catalogue: {PREFIXES:,} prefixes, {DESTINATIONS:,} destinations, {RETAIL_LISTS + 2} lists")
        figures = await _large(wiring, actor, place, out)
        figures |= await _draft(wiring, actor, out)
        figures |= await _sheet(wiring, actor, out)
        figures["raw_seconds"] = await _raw(database)
        out(f"  bare COPY of as many prefixes and prices: {figures['raw_seconds']:.2f} s")
        return figures


async def _large(wiring: Wiring, actor: Actor, place: Path, out: Callable[[str], object]) -> dict[str, float]:
    path = place / "tariff.json"
    path.write_text(json.dumps(_document()), encoding="utf-8")
    began = time.perf_counter()
    cmd = ImportTariff(document=parse_json(path.read_bytes()))
    done = await import_tariff(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
    assert done.prefixes == PREFIXES, done
    del cmd
    imported = time.perf_counter()
    async with wiring.begin(actor) as unit:
        tariff = await unit.catalogue.tariff()
    read = time.perf_counter()
    book = compile_book(tariff)
    compiled = time.perf_counter()
    assert len(book.destinations) == DESTINATIONS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {
        "import_seconds": imported - began,
        "read_seconds": read - imported,
        "compile_seconds": compiled - read,
        "peak_mb": peak,
    }
    out(
        f"  document to published {figures['import_seconds']:.1f} s, read back {figures['read_seconds']:.1f} s, "
        f"compiled {figures['compile_seconds']:.1f} s; together {compiled - began:.1f} s, peak {peak:.0f} MB"
    )
    return figures


async def _draft(wiring: Wiring, actor: Actor, out: Callable[[str], object]) -> dict[str, float]:
    change = [_rate(f"D{number}", "0.77") for number in range(CHANGED)]
    changes: dict[str, Any] = {"price_lists": {"retail-7": {"change": change}}}
    await put_draft(PutDraft(name="bench", changes=changes), actor=actor, begin=wiring.begin, clock=wiring.clock)
    began = time.perf_counter()
    cmd = PublishDraft(name="bench", accept_warnings=True)
    done = await publish_draft(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
    seconds = time.perf_counter() - began
    assert done.began >= CHANGED, done
    out(f"  a draft of {CHANGED} prices of one list, compared with cost and published: {seconds:.2f} s")
    return {"publish_seconds": seconds}


async def _sheet(wiring: Wiring, actor: Actor, out: Callable[[str], object]) -> dict[str, float]:
    each = PREFIXES // DESTINATIONS
    lines = (f"{1_000_000 + n},D{n // each},0.{10 + n // each % 80}\n" for n in range(PREFIXES))
    content = ("Prefix,Destination,Rate\n" + "".join(lines)).encode()
    began = time.perf_counter()
    cmd = ReadRateSheet(content=content, price_list="supplier-b", currency="SEK", draft="sheet")
    done = await read_rate_sheet(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, sheets=wiring.sheets)
    assert done.counts["new"] == DESTINATIONS, done.counts
    read = time.perf_counter()
    publish = PublishDraft(name="sheet", accept_warnings=True)
    await publish_draft(publish, actor=actor, begin=wiring.begin, clock=wiring.clock)
    figures = {"sheet_seconds": read - began, "sheet_publish_seconds": time.perf_counter() - read}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out(
        f"  a rate sheet of {PREFIXES:,} rows compared and drafted {figures['sheet_seconds']:.1f} s, "
        f"published {figures['sheet_publish_seconds']:.1f} s, peak {peak:.0f} MB"
    )
    return figures


async def _raw(database: Database) -> float:
    prefixes = [(1, number % DESTINATIONS, f"{number + 1:07d}") for number in range(PREFIXES)]
    rates = [(1, "list", f"D{number}", "voice", 490_000_000) for number in range(2 * DESTINATIONS)]
    async with database.transaction(role=OWNER) as transaction:
        connection = transaction.connection
        await connection.execute("create table raw_prefix (operator int, destination int, prefix text)")
        await connection.execute(
            "create table raw_rate (operator int, price_list text, to_name text, mode text, price bigint)"
        )
        began = time.perf_counter()
        await connection.copy_records_to_table("raw_prefix", records=prefixes)
        await connection.copy_records_to_table("raw_rate", records=rates)
        return time.perf_counter() - began


def _document() -> dict[str, Any]:
    """Return a tariff: a master and a supplier's list with every destination, and lists that deviate."""
    each = PREFIXES // DESTINATIONS
    destinations = {
        f"D{number}": {
            "prefixes": [f"{1_000_000 + number * each + nth}" for nth in range(each)],
            "groups": [f"G{number % 200}"],
        }
        for number in range(DESTINATIONS)
    }
    everywhere = [_rate(f"D{number}", f"0.{10 + number % 80}") for number in range(DESTINATIONS)]
    lists: dict[str, Any] = {
        "master": {"currency": "SEK", "zone": "Europe/Stockholm", "rates": everywhere},
        "supplier": {"currency": "SEK", "rates": [one | {"first": 1} for one in everywhere]},
    }
    for number in range(RETAIL_LISTS):
        own = [
            {"to": f"D{place}", "mode": "voice", "adjust": {"percent": f"-{1 + number}"}}
            for place in range(number, DESTINATIONS, DESTINATIONS // OWN_RATES)
        ]
        lists[f"retail-{number}"] = {"parent": "master", "rates": own}
    return {"destinations": destinations, "price_lists": lists, "trunks": {"T1": {"cost": "supplier"}}}


def _rate(to: str, price: str) -> dict[str, Any]:
    return {"to": to, "mode": "voice", "first": 60, "steps": [{"price": price, "next": 60, "per": 60}]}


def _operator() -> Operator:
    return Operator(
        id=OperatorId(0),
        code="bench",
        name="Bench AB",
        organisation_number="5567037485",
        vat_id="SE556703748501",
        address=Address("Storgatan 1", "111 22", "Stockholm", "SE"),
    )


if __name__ == "__main__":
    run()
