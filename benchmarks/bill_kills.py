"""Kill bill runs at seeded moments, go on, and compare the books with a run that nothing disturbed.

    python -m benchmarks.bill_kills [--seeds N] [--first SEED]

Each seed: one or two workers bill the same month of a small operator at once, each in a process of its own. At random
moments one of them gets SIGKILL, or PostgreSQL ends all their connections; then others go on, until the run is done.
Runs, invoices, lines, ledger, marks, parked and carried payers must then be those of an undisturbed run byte for byte,
but for keys and times: no gap, nothing twice, the same number for the same payer. A difference is printed with its
seed, which brings it back. The database is copied for each seed, and the workers are forked from one process that has
loaded everything, so that a seed takes a second or two.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import asyncpg

from api.settings import Settings
from api.wiring import on_database
from benchmarks.billing import MONTH, PAYERS, USAGE, WORLD, make_operator
from domain.access.actor import system
from domain.ids import OperatorId
from domain.ports.page import PageRequest
from domain.usecases import run_bills as bills
from domain.usecases.create_service import CreateService, create_service
from persistence.embedded import start
from persistence.engine import OWNER, Database
from persistence.migrate import migrate

CUSTOMERS: Final = 36
PER_PAGE: Final = 3
EVENTS: Final = 6
SECONDS_MAX: Final = 120.0
TOLD_EVERY: Final = 100
# A run is known by its place among the runs: a killed beginning has used up a key.
_PLACE: Final = "(select count(*) from bill_run r where r.id <= {run}) as run"
# What must be the same; keys of rows and times are not.
BOOKS: Final = {
    "runs": "select state, payers, invoices, parked, nothing, carried, position, net::text, vat::text, total::text"
    " from bill_run order by id",
    "invoices": f"select c.number as payer, i.kind, i.number, {_PLACE.format(run='i.run')}, i.period_start::text,"
    " i.period_end::text,"
    " i.issued_on::text, i.due_on::text, i.reference, i.net::text, i.vat::text, i.rounding::text, i.total::text,"
    " i.horizon, i.usage_until::text, i.document::text from invoice i join customer c using (operator)"
    " where c.id = i.customer order by i.kind, i.number",
    "lines": "select i.number, to_jsonb(l) - 'invoice' from invoice_line l join invoice i using (operator, customer)"
    " where i.id = l.invoice order by i.kind, i.number, l.position",
    "ledger": "select e.key, e.booked_on::text, e.text, e.customer, p.position, p.account, p.currency, p.amount_minor"
    " from ledger_entry e join ledger_posting p using (operator) where p.entry = e.id order by e.key, p.position",
    "marks": f"select customer, {_PLACE.format(run='run')}, since::text, period_end::text, horizon, superseded_by"
    " from billed_through order by 1, 2, 4",
    "parked": f"select customer, {_PLACE.format(run='run')}, reason, detail, settled_by from bill_parked order by 1, 2",
    "carried": f"select customer, {_PLACE.format(run='run')}, since::text, amount::text from bill_carried order by 1",
    "left": "select (select count(*) from bill_run_page) as pages, (select count(*) from bill_run_usage) as usage,"
    " (select count(*) from bill_run_unpriced) as unpriced",
    "series": "select name, next from series order by name",
    "promised": "select count(*), sum(jsonb_array_length(payload -> 'invoices')) from outbox"
    " where kind = 'invoice.issued'",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A server with the operator's database as a template."""

    url: str
    operator: int
    folder: Path

    def named(self, name: str) -> str:
        """Return the address of a database."""
        return self.url.rpartition("/")[0] + f"/{name}"


async def template(url: str, folder: Path) -> int:
    """Make the operator: payers, some of whom are parked, below the minimum, or have nothing to bill."""
    async with await Database.open(url) as database:
        await migrate(database)
        wiring = on_database(database, Settings(data_dir=folder))
        actor = await make_operator(wiring)
        await create_service(
            CreateService(code="mobile", name="Mobil", periodic_fee=Decimal(199)), actor=actor, begin=wiring.begin
        )
        async with database.transaction(role=OWNER, statement_seconds=0) as unit:
            run = unit.connection.execute
            await run(PAYERS, actor.operator, CUSTOMERS)
            for statement in WORLD:
                await run(statement, actor.operator)
            await run(USAGE, actor.operator, 1, EVENTS, timedelta(hours=7))
            await run("update customer set street = '' where operator = $1 and id % 9 = 4", actor.operator)
            await run("update contract set state = 'draft' where operator = $1 and id % 11 = 5", actor.operator)
            await run("delete from usage where operator = $1 and customer % 7 = 1", actor.operator)
            await run(
                "insert into billing_rules (operator, member_group, minimum, carry_months, zero_invoices, unpriced,"
                " form) values ($1, '', 252, 3, false, 'park', 'invoice')",
                actor.operator,
            )
    return int(actor.operator)


async def bill(url: str, operator: int, folder: Path) -> None:
    """Bill the month: what a worker does."""
    bills.PAYERS_PER_PAGE = PER_PAGE  # type: ignore[misc]  # many pages of few payers
    async with await Database.open(url, connections_max=4) as database:
        wiring = on_database(database, Settings(data_dir=folder))
        async with wiring.begin(system(OperatorId(operator), "kills")) as unit:
            done = [one for one in (await unit.bill_runs.page(PageRequest(first=5))).items if one.state == "done"]
        if not done:
            cmd = bills.RunBills(period=MONTH, issued_on=date(2026, 11, 2))
            await bills.run_bills(
                cmd, actor=system(OperatorId(operator), "kills"), begin=wiring.begin, clock=wiring.clock
            )


def fork(place: Place, name: str) -> int:
    """Start a worker and return its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with (place.folder / "errors").open("a") as errors:
            os.dup2(errors.fileno(), 2)
            asyncio.run(bill(place.named(name), place.operator, place.folder))
        code = 0
    except BaseException as wrong:  # noqa: BLE001  (it is another process; the parent judges by the code)
        print(f"{type(wrong).__name__}: {wrong}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def wait(children: list[int], seconds: float) -> dict[int, int]:
    """Wait until all have ended, or so long; return the codes of those that have."""
    ended: dict[int, int] = {}
    until = time.monotonic() + seconds
    while len(ended) < len(children):
        for child in children:
            if child not in ended:
                found, status = os.waitpid(child, os.WNOHANG)
                if found:
                    ended[child] = os.waitstatus_to_exitcode(status)
        if len(ended) == len(children) or time.monotonic() > until:
            break
        time.sleep(0.003)
    return ended


async def admin(place: Place, *statements: str) -> None:
    """Run statements outside of the copies."""
    connection = await asyncpg.connect(place.named("postgres"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def ends_of(name: str) -> str:
    """Return the statement that ends every connection to a database."""
    return f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"


async def books(url: str) -> dict[str, Any]:
    """Return what must be the same."""
    connection = await asyncpg.connect(url)
    try:
        return {name: [list(row) for row in await connection.fetch(question)] for name, question in BOOKS.items()}
    finally:
        await connection.close()


def finish(place: Place, name: str) -> float:
    """Bill without being disturbed, by one worker; return the seconds."""
    began = time.monotonic()
    codes = wait([fork(place, name)], SECONDS_MAX)
    if list(codes.values()) != [0]:
        raise SystemExit(f"the run failed: {(place.folder / 'errors').read_text()[-2000:]}")
    return time.monotonic() - began


def trial(place: Place, seed: int, expected: dict[str, Any], seconds: float) -> list[str]:
    """Disturb one run and return what differs."""
    dice = random.Random(seed)
    name, told = f"trial_{seed}", []
    asyncio.run(admin(place, f"create database {name} template base strategy file_copy"))
    try:
        for _ in range(dice.randint(1, 4)):
            workers = [fork(place, name) for _ in range(dice.choice((1, 2, 2)))]
            moment = dice.uniform(0.02, seconds)
            ended = wait(workers, moment)
            if dice.random() < 0.2:
                asyncio.run(admin(place, ends_of(name)))
                told.append(f"connections at {moment:.3f} s")
            else:
                for worker in workers:
                    if worker not in ended:
                        os.kill(worker, signal.SIGKILL)
                told.append(f"{len(workers)} workers at {moment:.3f} s")
            left = [worker for worker in workers if worker not in ended]
            if len(wait(left, SECONDS_MAX)) != len(left):
                raise SystemExit(f"seed {seed}: a worker did not end")
        finish(place, name)
        found = asyncio.run(books(place.named(name)))
    finally:
        asyncio.run(admin(place, ends_of(name), f"drop database {name}"))
    wrong = [f"{what}: {_first(found[what], expected[what])}" for what in expected if found[what] != expected[what]]
    if wrong:
        print(json.dumps({"seed": seed, "kills": told, "differs": wrong}), flush=True)
    return wrong


def _first(found: list[Any], expected: list[Any]) -> str:
    """Return the first row that differs."""
    for one, other in zip(found, expected, strict=False):
        if one != other:
            return f"{one} is not {other}"
    return f"{len(found)} rows, not {len(expected)}"


def storm(first: int, seeds: int) -> list[int]:
    """Run seeds; return those that differ."""
    with tempfile.TemporaryDirectory(prefix="tollwright-bill-kills-") as path:
        folder = Path(path)
        folder.chmod(0o755)
        # What is killed are the workers, never the server: its files need not be on the disk.
        with start(folder / "server", durable=False, settings={"autovacuum": "off"}) as server:
            operator = asyncio.run(template(server.url, folder))
            place = Place(server.url, operator, folder)
            mine = server.url.rpartition("/")[2]
            asyncio.run(admin(place, ends_of(mine), f"alter database {mine} rename to base"))
            asyncio.run(admin(place, "create database calm template base"))
            finish(place, "calm")
            expected = asyncio.run(books(place.named("calm")))
            asyncio.run(admin(place, "create database calmer template base"))
            seconds = finish(place, "calmer")
            if asyncio.run(books(place.named("calmer"))) != expected:
                raise SystemExit("two undisturbed runs differ")
            shown = {"seconds": round(seconds, 2), "runs": expected["runs"], "invoices": len(expected["invoices"])}
            print(json.dumps(shown), flush=True)
            differing = []
            for done, seed in enumerate(range(first, first + seeds), 1):
                if trial(place, seed, expected, seconds):
                    differing.append(seed)
                if done % TOLD_EVERY == 0:
                    print(json.dumps({"done": done, "differing": differing}), flush=True)
            return differing


def main() -> int:
    """Run the seeds; exit 1 when any differs."""
    parser = argparse.ArgumentParser(description="Kill bill runs at random moments and compare the books.")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1)
    chosen = parser.parse_args()
    began = time.monotonic()
    differing = storm(chosen.first, chosen.seeds)
    seconds = round(time.monotonic() - began)
    print(json.dumps({"seeds": chosen.seeds, "seconds": seconds, "differing": differing}))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
