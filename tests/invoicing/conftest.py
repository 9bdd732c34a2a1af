"""Bill runs are tested on the memory twin and on PostgreSQL with the same events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.service import Service
from domain.contracts.subscription import Subscription
from domain.customers.customer import Customer
from domain.ids import ChunkId, FileId, SourceId
from domain.invoicing.bill_run import BillRun
from domain.money import Amount
from domain.period import Period
from domain.ports.unit import Begin
from domain.rating.rated_event import Charge, EventRef, RatedEvent
from domain.usecases.make_bills import PageDone
from domain.usecases.run_bills import RunBills, run_bills
from persistence.engine import INGEST, Database
from persistence.memory import MemoryDatabase
from persistence.memory_invoices import UsageRow
from persistence.units import MemoryUnits, StoredUnits
from tests.stores import worlds
from tests.stores.worlds import World, build

OCTOBER = Period(date(2026, 10, 1), date(2026, 11, 1))
NOVEMBER = Period(date(2026, 11, 1), date(2026, 12, 1))


@dataclass
class Office:
    """An operator with customers, and a way to make rated events appear, chunk by chunk."""

    world: World
    services: dict[str, Service]
    pages: list[PageDone] = field(default_factory=list)
    keys: int = 0
    chunks: int = 0

    @property
    def actor(self):
        return self.world.operator

    def begin(self, *, bulk: bool = False):
        return self.world.begin(self.actor, bulk=bulk)

    async def customer(self, **fields: Any) -> tuple[Customer, Contract, Subscription]:
        """Add a customer with one contract since 1 October, and one line."""
        start = fields.pop("start", date(2026, 10, 1))
        service = self.services[fields.pop("service", "mobile")]
        async with self.begin() as unit:
            one = await unit.customers.add(worlds.customer(self.actor, **fields))
            line = ContractService(service=service.id, start=start)
            agreed = await unit.contracts.add(
                worlds.contract(one, start=start, state=ContractState.ACTIVE, services=(line,))
            )
            lines = await unit.subscriptions.add(worlds.subscription(agreed, label="+46701740605"))
        return one, agreed, lines

    async def use(self, of: Subscription, *amounts: int, day: date = date(2026, 10, 7)) -> None:
        """Let one chunk arrive with an event of each amount (in micro-units) on a day."""
        self.chunks += 1
        events = []
        for amount in amounts:
            self.keys += 1
            start = datetime(day.year, day.month, day.day, 12, 0, self.keys % 60, self.keys, tzinfo=UTC)
            events.append(event(of, start, self.keys, self.chunks, amount))
        await self._keep(of, events)

    async def _keep(self, of: Subscription, events: Sequence[RatedEvent]) -> None:
        database = self.world.database
        if isinstance(database, MemoryDatabase):
            rows = database.state.tables.setdefault("usage", {})
            rows.update({each.ref: UsageRow(of.operator, each, "Sverige mobil") for each in events})
            return
        assert isinstance(database, Database)
        async with database.transaction(role=INGEST, operator=of.operator) as unit:
            await _insert(unit.connection, of, events)

    async def bill(self, period: Period = OCTOBER, **more: Any) -> BillRun:
        self.pages.clear()
        cmd = RunBills(period=period, issued_on=period.end, **more)
        return await run_bills(
            cmd, actor=self.actor, begin=self.world.begin, clock=self.world.clock, done=self.pages.append
        )

    @property
    def invoices(self) -> list:
        return [invoice for page in self.pages for invoice in page.invoices]


def event(of: Subscription, start: datetime, key: int, chunk: int, amount: int) -> RatedEvent:
    return RatedEvent(
        ref=EventRef(int(start.timestamp() * 1_000_000), SourceId(1), key),
        version=1,
        chunk=ChunkId(chunk),
        file=FileId(1),
        record=key,
        reference=str(key),
        leg="",
        customer=of.customer,
        contract=of.contract,
        subscription=of.id,
        reseller=of.reseller,
        mode="voice",
        direction="out",
        a="46701740605",
        b="46701740999",
        destination="SE-mobile",
        start=start,
        used=61,
        billed=120,
        offset=0,
        trunk=None,
        cause=None,
        visited=None,
        retail=Charge(amount=Amount.of_micro(amount, "SEK"), price_list="list", rate=1),
        tiers=(),
        wholesale=(),
        cost=None,
    )


async def _insert(connection: Any, of: Subscription, events: Sequence[RatedEvent]) -> None:
    """Write what the import pipeline writes: a source, a file, a chunk under its lock, and usage rows."""
    operator = of.operator
    found = await connection.fetchval("select id from source where operator = $1", operator)
    if found is None:
        await connection.execute(
            "insert into source (operator, id, name, profile) values ($1, 1, 'pbx', 'asterisk')", operator
        )
        await connection.execute(
            "insert into cdr_file (operator, id, source, name, sha256, size, state, received_at)"
            " values ($1, 1, 1, 'f', sha256('x'), 1, 'done', now())",
            operator,
        )
        await connection.execute(
            "insert into pricing (operator, id, retail, tiers, wholesale) values ($1, 1, 'list', '{}', '{}')", operator
        )
        await connection.execute(
            "insert into price_list (operator, name, currency, zone, band_policy, decimals, rounding, recorded_at)"
            " values ($1, 'list', 'SEK', 'Europe/Stockholm', 'at_start', 2, 'half_up', now())",
            operator,
        )
        await connection.execute(
            "insert into rate (operator, id, price_list, to_name, mode, direction, steps, recorded_at)"
            " values ($1, 1, 'list', '*', 'voice', 'out', '[]', now())",
            operator,
        )
        await connection.execute(
            "insert into destination (operator, id, name, groups, recorded_at)"
            " values ($1, 1, 'SE-mobile', '{Sverige mobil,Norden}', now())",
            operator,
        )
    chunk = events[0].chunk
    await connection.execute(
        "insert into chunk (operator, id, source, file, number, position, rated, unrated, believed_at)"
        " values ($1, $2, 1, 1, $3, 1, $4, 0, now())",
        *(operator, chunk, int(chunk), len(events)),
    )
    for each in events:
        await connection.execute("select usage_partition($1)", each.start.date())
        await connection.execute(
            "insert into usage (operator, start, source, key, version, chunk, record, customer, contract, subscription,"
            ' pricing, mode, direction, destination, used, billed, "offset", retail_micro, retail_rate, content,'
            " reference, leg, a, b) values ($1, $2, 1, $3, 1, $4, 1, $5, $6, $7, 1, $8, 0, 1, $9, $10, 0, $11, 1, 1,"
            " $12, '', $13, $14)",
            *(operator, each.start, each.ref.key, chunk, each.customer, each.contract, each.subscription, each.mode),
            *(each.used, each.billed, int(each.retail.amount.value.scaleb(6)), each.reference, each.a, each.b),
        )


@pytest.fixture(params=["memory", "postgresql"])
def backing(request: pytest.FixtureRequest) -> MemoryDatabase | Database:
    return MemoryDatabase() if request.param == "memory" else request.getfixturevalue("database")


@pytest.fixture
async def office(backing: MemoryDatabase | Database) -> Office:
    units = MemoryUnits(backing) if isinstance(backing, MemoryDatabase) else StoredUnits(backing)
    return await make_office(units, backing)


async def make_office(begin: Begin, backing: MemoryDatabase | Database) -> Office:
    world = await build(begin, backing)
    services = {}
    async with world.begin(world.operator) as unit:
        for code, advance in (("mobile", True), ("switchboard", False)):
            fee = Decimal("199.00")
            made = worlds.service(world.operator, code=code, name=code.title(), periodic_fee=fee, in_advance=advance)
            services[code] = await unit.services.add(made)
    return Office(world, services)
