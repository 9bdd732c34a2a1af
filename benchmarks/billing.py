"""A month to issued and booked invoices, beside a bare COPY of the same rows; and documents per second.

An operator with many customers and a month of rated usage is made in a database of its own, with durability on. The
bill run is measured from its start to its last commit; then the very rows of invoices, lines, entries and postings are
copied into identical empty tables: the physical limit of this machine. PDF, e-invoice and its check are measured on one
of the invoices, in one process.
"""

from __future__ import annotations

import asyncio
import io
import os
import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from api.garbage import collecting_seldom
from api.settings import Settings
from api.wiring import Wiring, on_database
from domain.access.actor import Actor, system
from domain.customers.customer import Delivery
from domain.ids import CustomerId, OperatorId, SubscriptionId
from domain.invoicing.invoice import CallRow, Invoice
from domain.operators import Address, Operator
from domain.period import Period
from domain.ports.page import PageRequest
from domain.usecases.create_operator import create_operator
from domain.usecases.create_service import CreateService, create_service
from domain.usecases.list_invoices import ListInvoices, list_invoices
from domain.usecases.run_bills import RunBills, run_bills
from integrations.einvoice.rules import Checker
from integrations.printing.documents import InvoiceDocuments
from persistence.embedded import start
from persistence.engine import OWNER, Database
from persistence.migrate import migrate

CUSTOMERS: Final = 5_000
EVENTS_EACH: Final = 40
EVENTS_PER_STATEMENT: Final = 2_000_000
GROUPS: Final = 8
CALLS: Final = 100
DOCUMENTS: Final = 40
MONTH: Final = Period(date(2026, 10, 1), date(2026, 11, 1))
TABLES: Final = ("invoice", "invoice_line", "ledger_entry", "ledger_posting")

# By SQL, since they are not what is measured. $1 is the operator, $2 how many.
PAYERS: Final = """insert into customer (operator, number, kind, name, street, postcode, city, country, language,
   delivery, call_specification)
   select $1, 'K' || n, 'person', 'Kund ' || n, 'Storgatan 1', '11122', 'Stockholm', 'SE', 'sv', 'pdf',
    'itemised' from generate_series(1, $2::int) n"""
WORLD: Final = (
    """insert into contract (operator, customer, number, start, state)
       select $1, id, 'A' || number, '2026-10-01', 'active' from customer where operator = $1""",
    """insert into contract_service (operator, customer, contract, position, service, start, quantity)
       select $1, customer, id, 1, (select min(id) from service where operator = $1), '2026-10-01', 1 from contract
       where operator = $1""",
    """insert into subscription (operator, customer, contract, kind, label)
       select $1, customer, id, 'mobile', '+46' || id from contract where operator = $1""",
    "insert into source (operator, id, name, profile) values ($1, 1, 'switch', 'asterisk')",
    """insert into cdr_file (operator, id, source, name, sha256, size, state, received_at)
       values ($1, 1, 1, 'month', sha256('month'), 1, 'done', now())""",
    """insert into chunk (operator, id, source, file, number, position, rated, unrated, believed_at)
       values ($1, 1, 1, 1, 0, 1, 0, 0, now())""",
    "insert into pricing (operator, id, retail, tiers, wholesale) values ($1, 1, 'retail', '{}', '{}')",
    """insert into price_list (operator, name, currency, zone, band_policy, decimals, rounding, recorded_at)
       values ($1, 'retail', 'SEK', 'Europe/Stockholm', 'at_start', 6, 'half_up', now())""",
    """insert into rate (operator, id, price_list, to_name, mode, direction, steps, recorded_at)
       values ($1, 1, 'retail', '*', 'voice', 'out', '[]', now())""",
    f"""insert into destination (operator, id, name, groups, recorded_at)
       select $1, n, 'D' || n, array['Grupp ' || n], now() from generate_series(1, {GROUPS}) n""",
    "select usage_partition('2026-10-01') where $1 > 0",
)
# $2 to $3: which events of each line, so that a statement writes so many at most. They lie in the month in any number.
USAGE: Final = f"""insert into usage (operator, start, source, key, version, chunk, record, customer, contract,
   subscription, pricing, mode, direction, destination, used, billed, "offset", retail_micro, retail_rate,
   content, reference, leg, a, b)
   select $1, '2026-10-02Z'::timestamptz + n * $4::interval, 1, n * 10000000::bigint + s.id, 1, 1, 1,
   s.customer, s.contract, s.id, 1, 'voice', 0, n % {GROUPS} + 1, 61, 120, 0, 690000 + n, 1, 1, n::text, '',
   '46', '467' from generate_series($2::int, $3::int) n, subscription s where s.operator = $1"""


def run(
    out: Callable[[str], object] = print, *, customers: int = CUSTOMERS, events: int = EVENTS_EACH
) -> dict[str, float]:
    """Measure and tell ``out``, line by line; return the figures by name. ``events``: of each customer."""
    with tempfile.TemporaryDirectory(prefix="tollwright-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)  # the server may run as another user, who must get here
        with start(place / "server") as server:
            figures, sample = asyncio.run(_bills(server.url, place, out, customers, events))
        return figures | _documents(sample, out)


async def _bills(
    url: str, place: Path, out: Callable[[str], object], customers: int, events: int
) -> tuple[dict[str, float], Invoice]:
    async with await Database.open(url) as database:
        await migrate(database)
        wiring = on_database(database, Settings(data_dir=place))
        actor = await _make(wiring, database, customers, events)
        out(f"billing: {customers:,} customers, {customers * events:,} rated events in {GROUPS} groups")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        worked, began, beside = _our_seconds(), time.perf_counter(), _servers_seconds()
        with collecting_seldom():
            done = await run_bills(
                RunBills(period=MONTH), actor=actor, begin=wiring.begin, clock=wiring.clock, hands=wiring.hands
            )
        seconds = time.perf_counter() - began
        worked, beside = _our_seconds() - worked, _servers_seconds() - beside
        assert done.invoices == customers, done
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        figures = {
            "invoices_per_second": done.invoices / seconds,
            "cpu_ms_per_invoice": (worked + beside) / customers * 1000,
            "grown_mb": grown,
        }
        out(f"  issued and booked: {figures['invoices_per_second']:,.0f} invoices/s ({seconds:.2f} s)")
        out(
            f"  of the processors: {figures['cpu_ms_per_invoice']:.2f} ms an invoice,"
            f" {worked / customers * 1000:.2f} of it here and {beside / customers * 1000:.2f} in PostgreSQL"
        )
        raw = await _raw(database)
        figures["raw_invoices_per_second"] = customers / raw
        out(f"  bare COPY of the same rows into the same tables: {customers / raw:,.0f} invoices/s ({raw:.2f} s)")
        out(f"  memory grown by {grown:.0f} MB")
        began = time.perf_counter()
        again = await run_bills(RunBills(period=MONTH), actor=actor, begin=wiring.begin, clock=wiring.clock)
        assert again.invoices == 0
        figures["again_seconds"] = time.perf_counter() - began
        out(f"  the same run again, with nothing new: {figures['again_seconds']:.2f} s")
        page = await list_invoices(ListInvoices(page=PageRequest(first=1)), actor=actor, begin=wiring.begin)
        return figures, page.items[0]


def _our_seconds() -> float:
    """Return the processor seconds of this process, and of those beside it that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def _servers_seconds() -> float:
    """Return the processor seconds of every process below this one, those that have ended among them."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(fields[1])
            ticks[int(path.parent.name)] = sum(map(int, fields[11:15]))
    below = {os.getpid()}
    while more := {one for one, parent in parents.items() if parent in below} - below:
        below |= more
    return sum(ticks.get(one, 0) for one in below - {os.getpid()}) / 100  # USER_HZ, which Linux tells everybody


async def make_operator(wiring: Wiring) -> Actor:
    """Make the operator whose customers the benchmarks add by SQL."""
    operator = await create_operator(
        Operator(
            id=OperatorId(0),
            code="bench",
            name="Bench Telekom AB",
            organisation_number="5560747551",
            vat_id="SE556074755101",
            address=Address("Storgatan 1", "111 22", "Stockholm", "SE"),
            bankgiro="50501055",
            endpoint="0007:5560747551",
        ),
        begin=wiring.begin,
    )
    return system(operator.id, "bench")


async def _make(wiring: Wiring, database: Database, customers: int, events: int) -> Actor:
    actor = await make_operator(wiring)
    cmd = CreateService(code="mobile", name="Mobil", periodic_fee=Decimal("199.00"))
    await create_service(cmd, actor=actor, begin=wiring.begin)
    async with database.transaction(role=OWNER, statement_seconds=0) as unit:
        await unit.connection.execute(PAYERS, actor.operator, customers)
        for statement in WORLD:
            await unit.connection.execute(statement, actor.operator)
    apart = min(timedelta(minutes=17), timedelta(days=28) / events)
    each = max(1, EVENTS_PER_STATEMENT // customers)
    for first in range(1, events + 1, each):
        async with database.transaction(role=OWNER, statement_seconds=0) as unit:
            await unit.connection.execute(USAGE, actor.operator, first, min(first + each - 1, events), apart)
    # A month that was imported day by day has been vacuumed by the server itself long before it is billed.
    connection = await database.apart("bench")
    try:
        await connection.execute("vacuum (analyze)")
    finally:
        await connection.close()
    return actor


async def _raw(database: Database) -> float:
    """Return the seconds that a bare COPY of what was issued takes, into tables with the same indexes and keys."""
    async with database.transaction(role=OWNER, statement_seconds=0) as unit:
        rows = {}
        for table in TABLES:
            await unit.connection.execute(f"create table bare_{table} (like {table} including all)")
            buffer = io.BytesIO()
            await unit.connection.copy_from_table(table, output=buffer, format="binary")
            rows[table] = buffer.getvalue()
    began = time.perf_counter()
    async with database.transaction(role=OWNER, statement_seconds=0) as unit:
        for table in TABLES:
            await unit.connection.copy_to_table(f"bare_{table}", source=io.BytesIO(rows[table]), format="binary")
    return time.perf_counter() - began


def _documents(invoice: Invoice, out: Callable[[str], object]) -> dict[str, float]:
    made = InvoiceDocuments()
    payer = replace(invoice.payer, endpoint="0007:5567037485", identity_number=None)
    sample = replace(invoice, payer=payer, delivery=Delivery.PEPPOL)
    calls = [_call(sample, index) for index in range(CALLS)]
    figures = {
        "pdf_per_second": _rate(lambda: made.pdf(sample, [calls], zone="Europe/Stockholm")),
        "ubl_per_second": _rate(lambda: made.einvoice(sample)),
    }
    document = made.einvoice(sample)
    with Checker() as checker:
        assert checker.check(document, rules_may_miss=True) == []  # and the rules are compiled
        figures["checks_per_second"] = _rate(lambda: checker.check(document, rules_may_miss=True))
    out(f"documents: an invoice of {len(sample.lines)} lines and {CALLS} calls, one process")
    out(f"  PDF/A-3 with the e-invoice inside: {figures['pdf_per_second']:,.0f} documents of 3 pages a second")
    out(f"  e-invoices written: {figures['ubl_per_second']:,.0f} a second")
    out(f"  e-invoices checked by XSD, EN 16931 and our own rules: {figures['checks_per_second']:,.0f} a second")
    return figures


def _rate(work: Callable[[], object]) -> float:
    work()
    began = time.perf_counter()
    for _ in range(DOCUMENTS):
        work()
    return DOCUMENTS / (time.perf_counter() - began)


def _call(invoice: Invoice, index: int) -> CallRow:
    return CallRow(
        customer=CustomerId(invoice.customer),
        subscription=SubscriptionId(1),
        label="+46701740605",
        start=datetime(2026, 10, 2, tzinfo=UTC) + timedelta(minutes=17 * index),
        mode="voice",
        direction="out",
        number=f"4670174{index:04d}",
        destination=f"Grupp {index % GROUPS}",
        used=61 + index,
        amount_micro=690_000 + index,
    )


if __name__ == "__main__":
    run()
