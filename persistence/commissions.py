"""Salespersons, commission rules and statements in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from domain.access.actor import Actor
from domain.commissions.commission import (
    PEOPLE_MAX,
    RULES_MAX,
    Base,
    CommissionLine,
    CommissionOn,
    Rule,
    Salesperson,
    Statement,
)
from domain.ids import ContractId
from domain.period import Period
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound, Overlap, Stale
from persistence.engine import Transaction
from persistence.violations import possible, refusing

_PERSON: Final = ("code", "name", "team", "reseller")
_RULE: Final = ("name", "basis", "percent", "amount", "salesperson", "team", "reseller", "valid_from", "valid_to")
_LINE: Final = ("reseller", "salesperson", "team", "rule", "basis", "count", "base", "rate", "commission")
_LOCK: Final = 0x636F6D6D
_ZERO: Final = Decimal(0)

# Terms change by the day, and with them who sells: the earliest that held beyond a day, else those of now.
_THEN: Final = """
  left join lateral (
    select true as changed, p -> 'terms' ->> 'seller' as seller from jsonb_array_elements(c.course -> 'past') p
     where (p ->> 'until')::date > {day} order by (p ->> 'until')::date limit 1) t on true
"""
_SELLER: Final = "coalesce(case when t.changed then t.seller else c.seller end, '')"
_INVOICED: Final = f"""
select i.issued_on as day, {_SELLER} as salesperson, c.reseller, l.service is not null as fee,
       count(*) as count, sum(l.net) as amount
  from invoice i
  join invoice_line l on l.operator = i.operator and l.customer = i.customer and l.invoice = i.id
  join contract c on c.operator = l.operator and c.id = l.contract {_THEN.format(day="i.issued_on")}
 where i.operator = $1 and i.issued_on >= $2 and i.issued_on < $3
 group by 1, 2, 3, 4
"""  # noqa: S608  (our own words)
_BEGUN: Final = f"""
select c.start as day, {_SELLER} as salesperson, c.reseller, count(*) as count from contract c
  {_THEN.format(day="c.start")}
 where c.operator = $1 and c.start >= $2 and c.start < $3 and c.state <> 'draft' group by 1, 2, 3
"""  # noqa: S608  (our own words)
_SELLERS: Final = f"""
select c.id, {_SELLER} as seller, coalesce(c.reseller, 0) as reseller from contract c {_THEN.format(day="$3::date")}
 where c.operator = $1 and c.id = any ($2::bigint[])
"""  # noqa: S608  (our own words)


class CommissionStore:
    """Keeps ``domain.ports.commissions.Commissions``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = actor.operator

    async def people(self) -> Sequence[Salesperson]:
        """Return the salespersons that may be seen, by code."""
        rows = await self._connection.fetch(
            "select * from salesperson where operator = $1 order by code limit $2", self._operator, PEOPLE_MAX
        )
        return [Salesperson(**dict(row)) for row in rows]

    async def put_person(self, one: Salesperson) -> Salesperson:
        """Keep a new one, or a changed one where the stored version is its own."""
        rules = {
            "salesperson_operator_code_key": Conflict("the code {code} is taken", code=one.code, field="code"),
            "salesperson_operator_reseller_fkey": NotFound("no reseller {key}", key=one.reseller, field="reseller"),
        }
        with refusing(rules):
            row = await self._put("salesperson", one.id, one.version, _PERSON, [getattr(one, name) for name in _PERSON])
        return replace(one, id=row["id"], version=row["version"])

    async def rules(self) -> Sequence[Rule]:
        """Return every rule, by name."""
        rows = await self._connection.fetch(
            "select * from commission_rule where operator = $1 order by name limit $2", self._operator, RULES_MAX
        )
        return [Rule(**dict(row) | {"basis": CommissionOn(row["basis"])}) for row in rows]

    async def put_rule(self, rule: Rule) -> Rule:
        """Keep a new one, or a changed one where the stored version is its own."""
        rules = {
            "commission_rule_operator_name_key": Conflict("the name {name} is taken", name=rule.name, field="name"),
            "commission_rule_operator_reseller_fkey": NotFound(
                "no reseller {key}", key=rule.reseller, field="reseller"
            ),
        }
        values = [getattr(rule, name) for name in _RULE]
        values[1] = rule.basis.value
        with refusing(rules):
            row = await self._put("commission_rule", rule.id, rule.version, _RULE, values)
        return replace(rule, id=row["id"], version=row["version"])

    async def _put(self, table: str, key: int, version: int, names: Sequence[str], values: Sequence[Any]) -> Any:
        columns = ", ".join(names)
        if not key:
            places = ", ".join(f"${index}" for index in range(2, len(names) + 2))
            return await self._connection.fetchrow(
                f"insert into {table} (operator, {columns}) values ($1, {places}) returning id, version",  # noqa: S608  (our own words)
                self._operator,
                *values,
            )
        sets = ", ".join(f"{name} = ${index}" for index, name in enumerate(names, 4))
        row = await self._connection.fetchrow(
            f"update {table} set version = version + 1, {sets} where operator = $1 and id = $2 and version = $3"  # noqa: S608  (our own words)
            " returning id, version",
            *(self._operator, key, version, *values),
        )
        if row is None:
            raise Stale("this was changed by somebody else; read it again", field="version")
        return row

    async def horizon(self) -> int:
        """Return the last chunk of usage there is."""
        found = await self._connection.fetchval(
            "select coalesce(max(id), 0) from chunk where operator = $1", self._operator
        )
        return int(found)

    async def invoiced(self, period: Period) -> Sequence[Base]:
        """Return fees and usage on documents issued in a period, by day, salesperson and reseller."""
        rows = await self._connection.fetch(_INVOICED, self._operator, period.start, period.end)
        return [
            Base(
                on=CommissionOn.FEES if row["fee"] else CommissionOn.USAGE,
                **{name: row[name] for name in ("day", "salesperson", "reseller", "count", "amount")},
            )
            for row in rows
        ]

    async def begun(self, period: Period) -> Sequence[Base]:
        """Return contracts that are no drafts and begin in a period, by day, salesperson and reseller."""
        rows = await self._connection.fetch(_BEGUN, self._operator, period.start, period.end)
        return [Base(on=CommissionOn.CONTRACT, amount=row["count"] * _ZERO, **dict(row)) for row in rows]

    async def sellers(self, keys: Sequence[ContractId], *, on: date) -> Mapping[ContractId, tuple[str, int]]:
        """Return the salesperson on a day (empty: nobody) and the reseller (0: the operator) of contracts."""
        rows = await self._connection.fetch(_SELLERS, self._operator, possible(keys), on)
        return {row["id"]: (row["seller"], row["reseller"]) for row in rows}

    async def claim_period(self, period: Period) -> Statement | None:
        """Return a period's statement; None where there is none, and nobody else makes it until the unit ends."""
        await self._connection.execute("select pg_advisory_xact_lock($1, $2)", _LOCK, int(self._operator))
        rows = await self._connection.fetch(
            "select id, period_start, period_end from commission_statement"
            " where operator = $1 and period_start < $3 and period_end > $2",
            *(self._operator, period.start, period.end),
        )
        for row in rows:
            if (row["period_start"], row["period_end"]) != (period.start, period.end):
                other = Period(row["period_start"], row["period_end"])
                raise Overlap("there is a statement of {period}", period=other, field="period")
        return await self.statement(rows[0]["id"]) if rows else None

    async def add(self, statement: Statement) -> Statement:
        """Keep a new one with its lines."""
        key = await self._connection.fetchval(
            "insert into commission_statement (operator, period_start, period_end, currency, made_at, client, horizon,"
            " total) values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
            *(self._operator, statement.period.start, statement.period.end, statement.currency, statement.made_at),
            *(statement.client, statement.horizon, statement.total),
        )
        places = ", ".join(f"${index}" for index in range(4, len(_LINE) + 4))
        await self._connection.executemany(
            f"insert into commission_line (operator, statement, position, {', '.join(_LINE)})"  # noqa: S608  (our own words)
            f" values ($1, $2, $3, {places})",
            [
                (self._operator, key, position, *(getattr(line, name) for name in _LINE))
                for position, line in enumerate(statement.lines, 1)
            ],
        )
        return replace(statement, id=key)

    async def statement(self, key: int) -> Statement:
        """Return one with the lines that may be seen. Refuses with: NotFound."""
        found = await self._read("id = any ($2::bigint[]) order by id", possible([key]))
        if not found:
            raise NotFound("no statement {key}", key=key, field="id")
        return found[0]

    async def page(self, request: PageRequest) -> Page[Statement]:
        """List by key, with the lines that may be seen."""
        found = await self._read("id > $2 order by id limit $3", request.after or 0, request.first + 1)
        return Page.of(found, request)

    async def _read(self, condition: str, *arguments: Any) -> list[Statement]:
        rows = await self._connection.fetch(
            f"select * from commission_statement where operator = $1 and {condition}",  # noqa: S608  (our own words)
            *(self._operator, *arguments),
        )
        lines: dict[int, list[CommissionLine]] = defaultdict(list)
        for line in await self._connection.fetch(
            "select * from commission_line where operator = $1 and statement = any ($2::bigint[])"
            " order by statement, position",
            *(self._operator, [row["id"] for row in rows]),
        ):
            fields = {name: line[name] for name in _LINE} | {"basis": CommissionOn(line["basis"])}
            lines[line["statement"]].append(CommissionLine(**fields))
        same = ("id", "operator", "currency", "made_at", "client", "horizon")
        return [
            Statement(
                period=Period(row["period_start"], row["period_end"]),
                lines=tuple(lines[row["id"]]),
                **{name: row[name] for name in same},
            )
            for row in rows
        ]
