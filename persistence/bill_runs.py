"""Bill runs in PostgreSQL. Usage is added up by one statement per run, and the rest is read page by page of payers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.ids import BillRunId, CustomerId, ResellerId
from domain.invoicing.bill_run import (
    BillKind,
    BillRun,
    BillRunState,
    Carried,
    Parked,
    RunPage,
)
from domain.period import Period
from domain.ports.invoices import PayerPage
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound, WrongState
from persistence.bill_run_statements import (
    CHOSEN,
    COLLECT_WHOLESALE,
    DIVIDE,
    IN_ONE_PASS,
    MARK,
    SUPERSEDE,
    UNPRICED,
    collecting,
)
from persistence.engine import Transaction
from persistence.locks import BILLS, CHUNKS
from persistence.payer_pages import members_of, payer_page, selected
from persistence.stays import keep_stays
from persistence.usage import currencies_of
from persistence.violations import possible

PARKED_MAX: Final = 100_000
COLLECT_SECONDS: Final = 3600
COLLECT_MEGABYTES: Final = 256
CHUNK_SECONDS: Final = 600
_PARKED: Final = (
    "select p.run, p.customer, c.number as customer_number, p.reason, p.detail, p.settled_by from bill_parked p"
    " join customer c on c.operator = p.operator and c.id = p.customer"
)
# Below zero, and of the transaction's own number, so that rehearsals at the same moment do not meet.
_REHEARSED: Final = (
    "select -10 * pg_current_xact_id()::text::bigint - (select count(*) from bill_run where operator = $1 and id < 0)"
)
_COLUMNS: Final = (
    "operator", "period_start", "period_end", "fees_until", "issued_on", "horizon", "state", "client", "created_at",
    "kind", "cycle", "member_group", "reseller", "again", "customers", "finished_at", "collected", "position", "payers",
    "invoices", "parked", "nothing", "net", "vat", "total", "divided", "carried",
)  # fmt: skip


class BillRunStore:
    """Keeps ``domain.ports.invoices.BillRuns``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def start(self, run: BillRun) -> BillRun:
        """Keep a new run and fix its horizon. Refuses with: WrongState where another run is not finished."""
        if (unfinished := await self.unfinished()) is not None:
            if unfinished.asked == run.asked:
                return unfinished
            raise WrongState(
                "bill run {id} of {period} is not finished; run the same again to continue it, or abandon it",
                id=unfinished.id,
                period=unfinished.period,
            )
        # Everybody who commits a chunk holds this lock shared, from before its id is drawn. A chunk takes seconds.
        await self._connection.execute(f"set local lock_timeout = '{CHUNK_SECONDS}s'")
        await self._connection.execute("select pg_advisory_xact_lock($1, $2)", CHUNKS, self._operator)
        return await self._begun(run)

    async def unfinished(self) -> BillRun | None:
        """Return the run that is not finished; until the unit ends, none begins."""
        await self._connection.execute("select pg_advisory_xact_lock($1, $2)", BILLS, self._operator)
        row = await self._connection.fetchrow(
            "select * from bill_run where operator = $1 and state = 'running' order by id limit 1", self._operator
        )
        return None if row is None else _run_of(row)

    async def rehearse(self, run: BillRun) -> BillRun:
        """Keep a new run without waiting for anybody, under a key that no run has; the unit is rolled back."""
        return await self._begun(run, await self._connection.fetchval(_REHEARSED, self._operator))

    async def _begun(self, run: BillRun, key: int | None = None) -> BillRun:
        """Keep a new run, under the next key if none is given, with the horizon of this moment."""
        horizon = await self._connection.fetchval(
            "select coalesce(max(id), 0) from chunk where operator = $1", self._operator
        )
        begun = replace(run, horizon=horizon)
        columns, values = (_COLUMNS, _row_of(begun)) if key is None else (("id", *_COLUMNS), (key, *_row_of(begun)))
        places = ", ".join(f"${index}" for index in range(1, len(columns) + 1))
        key = await self._connection.fetchval(
            f"insert into bill_run ({', '.join(columns)}) values ({places}) returning id",  # noqa: S608  (our own words)
            *values,
        )
        begun = replace(begun, id=BillRunId(key))
        await keep_stays(self._connection, self._operator, begun.id, max(run.fees_until, run.period.end))
        return begun

    async def collect(self, run: BillRun, *, since: datetime, until: datetime, zone: str) -> BillRun:
        """Add up the usage before ``until`` that nobody has billed; what lies before ``since`` is late."""
        if run.collected:
            return run
        await self._connection.execute(f"set local statement_timeout = '{COLLECT_SECONDS}s'")
        # Sums of a month's events fit into it, which spares sorting the events.
        await self._connection.execute(f"set local work_mem = '{COLLECT_MEGABYTES}MB'")
        currencies = await currencies_of(self._connection, self._operator)
        customers = await self.covered(run)
        asked = (
            self._operator, run.id, since, until, run.horizon, zone, list(currencies), list(currencies.values()),
            customers,
        )  # fmt: skip
        await self._add_up(run, asked)
        if await self._connection.fetchval(
            "select exists (select from reseller_term where operator = $1 and customer is not null)", self._operator
        ):
            await self._connection.execute(COLLECT_WHOLESALE, *asked)
        await self._connection.execute(UNPRICED, self._operator, run.id, until)
        collected = replace(run, collected=True)
        await self.keep(collected)
        return collected

    async def _add_up(self, run: BillRun, asked: Sequence[Any]) -> None:
        connection = self._connection
        stays, billed = await connection.fetchrow(
            "select exists (select from bill_run_stay where operator = $1 and run = $2),"
            " exists (select from billed_through where operator = $1)",
            *(self._operator, run.id),
        )
        planned = IN_ONE_PASS if run.customers is None else ()
        for name in planned:
            await connection.execute(f"set local {name} = off")
        await connection.execute(collecting(stays=stays, billed=billed), *asked)
        for name in planned:
            await connection.execute(f"set local {name} = on")

    async def covered(self, run: BillRun) -> Sequence[CustomerId] | None:
        """Return the customers whose usage a run may bill, with those its payers pay for; None: everybody's."""
        if run.customers is None:
            return None
        members = await members_of(self._connection, run, await selected(self._connection, run, 0))
        return [member.id for group in members.values() for member in group]

    async def get(self, key: BillRunId) -> BillRun:
        """Return one. Refuses with: NotFound."""
        return await self._one("select * from bill_run where operator = $1 and id = $2", key)

    async def claim(self, key: BillRunId) -> BillRun:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        return await self._one("select * from bill_run where operator = $1 and id = $2 for update", key)

    async def _one(self, query: str, key: BillRunId) -> BillRun:
        row = await self._connection.fetchrow(query, self._operator, key) if possible([key]) else None
        if row is None:
            raise NotFound("no bill run {key}", key=key)
        return _run_of(row)

    async def page(self, request: PageRequest) -> Page[BillRun]:
        """List by key."""
        rows = await self._connection.fetch(
            "select * from bill_run where operator = $1 and id > $2 order by id limit $3",
            *(self._operator, request.after or 0, request.first + 1),
        )
        return Page.of([_run_of(row) for row in rows], request)

    async def first_billed(self) -> date | None:
        """Return the first day of the earliest period ever billed, of named customers only where of no others."""
        found = await self._connection.fetchval(
            "select coalesce(min(period_start) filter (where kind = 'regular' and (customers is null"
            " or cycle is not null or member_group is not null or reseller is not null)), min(period_start))"
            " from bill_run where operator = $1",
            self._operator,
        )
        return found if isinstance(found, date) else None

    async def divide(self, run: BillRun, *, size: int) -> BillRun:
        """Divide the run's payers into pages of ``size``, once."""
        if run.divided:
            return run
        payers = await selected(self._connection, run, run.position)
        await self._connection.execute(DIVIDE, self._operator, run.id, size, payers)
        divided = replace(run, divided=True)
        await self.keep(divided)
        return divided

    async def count_payers(self, run: BillRun) -> int:
        """Return how many payers the run has left."""
        found = await self._connection.fetchval(
            "select coalesce(sum(cardinality(payers)), 0) from bill_run_page where operator = $1 and run = $2",
            *(self._operator, run.id),
        )
        return int(found)

    async def claim_page(self, run: BillRun) -> RunPage | None:
        """Return the first page that nobody does, held until the unit ends; None: none is left, or the run was ended.

        Where others do all that is left, wait for what becomes of them.
        """
        await self._patiently()
        while True:
            for skipping in (" skip locked", ""):
                row = await self._connection.fetchrow(
                    "select p.last, p.payers from bill_run_page p join bill_run r on r.operator = p.operator"  # noqa: S608  (our own words)
                    " and r.id = p.run and r.state = 'running' where p.operator = $1 and p.run = $2"
                    f" order by p.last limit 1 for update of p{skipping}",
                    *(self._operator, run.id),
                )
                if row is not None:
                    return RunPage(CustomerId(row["last"]), tuple(map(CustomerId, row["payers"])))
            # Whoever held the one that was waited for has done it; there may be others behind it.
            if not await self._left(run):
                return None

    async def turn(self, run: BillRun, page: RunPage) -> bool:
        """Wait until the pages before a claimed one are done; False: one of them was given up, and is to be done."""
        await self._patiently()
        before = (self._operator, run.id, page.last)
        while await self._connection.fetchval(
            "select exists (select from bill_run_page where operator = $1 and run = $2 and last < $3)", *before
        ):
            given_up = await self._connection.fetchrow(
                "select last from bill_run_page where operator = $1 and run = $2 and last < $3 order by last limit 1"
                " for update",
                *before,
            )
            if given_up is not None:
                return False
        return True

    async def finish_page(self, run: BillRun, page: RunPage) -> bool:
        """Let a page be done with the unit; tell whether any is left."""
        await self._connection.execute(
            "delete from bill_run_page where operator = $1 and run = $2 and last = $3",
            *(self._operator, run.id, page.last),
        )
        return await self._left(run)

    async def _left(self, run: BillRun) -> bool:
        found = await self._connection.fetchval(
            "select exists (select from bill_run_page p join bill_run r on r.operator = p.operator and r.id = p.run"
            " and r.state = 'running' where p.operator = $1 and p.run = $2)",
            *(self._operator, run.id),
        )
        return bool(found)

    async def _patiently(self) -> None:
        """Wait for other workers of the run, who may take their time."""
        for name in ("lock_timeout", "statement_timeout"):
            await self._connection.execute(f"set local {name} = '{CHUNK_SECONDS}s'")

    async def chosen(
        self,
        *,
        cycle: int | None,
        group: str | None,
        resellers: Sequence[ResellerId] | None,
        at: datetime,
        on: date,
    ) -> Sequence[CustomerId]:
        """Return who pays himself on a day, has the billing day, is in the group at an instant, and a reseller's."""
        rows = await self._connection.fetch(CHOSEN, self._operator, cycle, group, resellers, at, on)
        return [row["id"] for row in rows]

    async def payers(self, run: BillRun, page: RunPage) -> PayerPage:
        """Return a page's payers with everything their bills are made of."""
        return await payer_page(self._transaction, self._actor, run, page)

    async def park(self, parked: Sequence[Parked]) -> None:
        """Keep who was parked and why."""
        await self._connection.executemany(
            "insert into bill_parked (operator, run, customer, reason, detail) values ($1, $2, $3, $4, $5)",
            [(self._operator, each.run, each.customer, each.reason, each.detail) for each in parked],
        )

    async def parked(self, key: BillRunId) -> Sequence[Parked]:
        """Return whom a run parked, by customer number."""
        rows = await self._connection.fetch(
            f"{_PARKED} where p.operator = $1 and p.run = $2 order by c.number limit $3",
            *(self._operator, key, PARKED_MAX),
        )
        return [Parked(**dict(row)) for row in rows]

    async def waiting(self, request: PageRequest) -> Page[Parked]:
        """List who is parked and was not billed since, by customer."""
        rows = await self._connection.fetch(
            f"{_PARKED} where p.operator = $1 and p.settled_by is null and p.customer > $2"
            " order by p.customer limit $3",
            *(self._operator, request.after or 0, request.first + 1),
        )
        return Page.of([Parked(**dict(row)) for row in rows], request)

    async def unpark(self, run: BillRun, payers: Sequence[CustomerId]) -> None:
        """Note that a run has come to payers: whatever parked them before is settled by it."""
        await self._connection.execute(
            "update bill_parked set settled_by = $2 where operator = $1 and customer = any ($3::bigint[])"
            " and settled_by is null and run <> $2",
            *(self._operator, run.id, list(payers)),
        )

    async def carried(self, payers: Sequence[CustomerId]) -> Mapping[CustomerId, Carried]:
        """Return whose invoices were below the minimum."""
        rows = await self._connection.fetch(
            "select customer, run, since, amount from bill_carried"
            " where operator = $1 and customer = any ($2::bigint[])",
            *(self._operator, list(payers)),
        )
        return {row["customer"]: Carried(**dict(row)) for row in rows}

    async def carry(self, carried: Sequence[Carried], billed: Sequence[CustomerId]) -> None:
        """Keep whose are now, and forget whose were and have been billed."""
        if billed:
            await self._connection.execute(
                "delete from bill_carried where operator = $1 and customer = any ($2::bigint[])",
                *(self._operator, list(billed)),
            )
        await self._connection.executemany(
            "insert into bill_carried (operator, customer, run, since, amount) values ($1, $2, $3, $4, $5)"
            " on conflict (operator, customer) do update set run = excluded.run, amount = excluded.amount",
            [(self._operator, one.customer, one.run, one.since, one.amount) for one in carried],
        )

    async def unpriced(self, run: BillRun, customers: Sequence[CustomerId]) -> Mapping[CustomerId, int]:
        """Return of whom how many events before the end of the period wait for a price."""
        rows = await self._connection.fetch(
            "select customer, events from bill_run_unpriced where operator = $1 and run = $2"
            " and customer = any ($3::bigint[])",
            *(self._operator, run.id, list(customers)),
        )
        return {row["customer"]: row["events"] for row in rows}

    async def mark(self, run: BillRun, billed: Sequence[tuple[CustomerId, CustomerId]]) -> None:
        """Record that usage is billed through the run's period and horizon: that of customers, each to a payer."""
        arguments = (self._operator, [payer for payer, _ in billed], [customer for _, customer in billed], run.id)
        await self._connection.execute(SUPERSEDE, *arguments)
        await self._connection.execute(MARK, *arguments)
        # Whoever is moved below another payer before the run ends has nothing left to bill there.
        await self._connection.execute(
            # By their keys: joined, all that the run has added up would be gone through for every page.
            "delete from bill_run_usage where operator = $1 and run = $4 and customer = any ($3::bigint[])"
            " and (payer is null or (payer, customer) in (select * from unnest($2::bigint[], $3::bigint[])))",
            *arguments,
        )

    async def keep(self, run: BillRun) -> None:
        """Write position, counts and state; a finished run's working rows are cleared away."""
        changing = _COLUMNS[_COLUMNS.index("finished_at") :]
        values = dict(zip(_COLUMNS, _row_of(run), strict=True))
        sets = ", ".join(f"{name} = ${index}" for index, name in enumerate(("state", *changing), 3))
        await self._connection.execute(
            f"update bill_run set {sets} where operator = $1 and id = $2",  # noqa: S608  (our own words)
            *(self._operator, run.id, *(values[name] for name in ("state", *changing))),
        )
        if run.state is BillRunState.DONE:
            for table in ("bill_run_usage", "bill_run_unpriced"):
                await self._connection.execute(
                    f"delete from {table} where operator = $1 and run = $2",  # noqa: S608  (our own words)
                    *(self._operator, run.id),
                )
            # A page that a worker still holds is let be: he finds the run ended, and nobody looks at it again.
            await self._connection.execute(
                "delete from bill_run_page p using (select last from bill_run_page where operator = $1 and run = $2"
                " for update skip locked) d where p.operator = $1 and p.run = $2 and p.last = d.last",
                *(self._operator, run.id),
            )


def _row_of(run: BillRun) -> tuple[Any, ...]:
    return (
        run.operator, run.period.start, run.period.end, run.fees_until, run.issued_on, run.horizon, run.state.value,
        run.client, run.created_at, run.kind.value, run.cycle, run.group, run.reseller, run.again, run.customers,
        run.finished_at, run.collected, run.position, run.payers, run.invoices, run.parked, run.nothing, run.net,
        run.vat, run.total, run.divided, run.carried,
    )  # fmt: skip


def _run_of(row: Mapping[str, Any]) -> BillRun:
    same = set(_COLUMNS) - {"period_start", "period_end", "state", "customers", "kind", "member_group"}
    return BillRun(
        id=BillRunId(row["id"]),
        period=Period(row["period_start"], row["period_end"]),
        state=BillRunState(row["state"]),
        kind=BillKind(row["kind"]),
        group=row["member_group"],
        customers=None if row["customers"] is None else tuple(map(CustomerId, row["customers"])),
        **{name: row[name] for name in same},
    )
