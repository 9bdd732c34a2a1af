"""What is done to a whole person, in PostgreSQL: merging doubles, telling everything, erasing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from domain.access.actor import Actor
from domain.customers.customer import TREE_DEPTH_MAX
from domain.ids import CustomerId
from domain.ports.persons import Open, Retention, Trail
from persistence.engine import Transaction
from persistence.violations import possible

BLOCK: Final = 1000
BEGINNING: Final = datetime(1900, 1, 1, tzinfo=UTC)

_USAGE: Final = """
select u.start, u.source, u.key, u.version, u.mode, case u.direction when 0 then 'out' else 'in' end as direction, u.a,
       u.b, u.visited, coalesce(d.name, '') as destination, u.used, u.billed, u.retail_micro
  from usage u left join destination d on d.operator = u.operator and d.id = u.destination
 where u.operator = $1 and u.customer = $2 and (u.start, u.source, u.key, u.version) > ($3, $4, $5, $6)
 order by u.start, u.source, u.key, u.version limit $7
"""
# What no run has billed of what may still be billed: the same that a run would collect.
_UNBILLED: Final = """
select exists (select from usage u where u.operator = $1 and u.customer = $2 and u.retail_micro <> 0
    and not exists (select from billed_through b where b.operator = u.operator and b.customer = u.customer
        and b.superseded_by is null and u.start < b.period_end and u.chunk <= b.horizon
        and (b.since is null or u.start >= b.since))
    -- What another system was given is not billed here.
    and not exists (select from basis_stay s where s.operator = u.operator and s.customer = u.customer
        and u.chunk <= coalesce(s.until, (select max(b.horizon) from basis_batch b where b.operator = u.operator)))
    and not exists (select from basis_batch b where b.operator = u.operator and b.everybody and u.chunk <= b.horizon))
"""


class PersonStore:
    """Keeps ``domain.ports.persons.Persons``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def hand_over(self, double: CustomerId, survivor: CustomerId, *, at: datetime) -> Mapping[str, int]:
        """Give what goes on (``persistence.merging``) from a customer to another."""
        counts = await self._connection.fetchval("select hand_over_customer($1, $2, $3)", double, survivor, at)
        await self._connection.execute("select hand_over_standing($1, $2)", double, survivor)
        found: dict[str, int] = json.loads(counts)
        return found

    async def doubles(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[CustomerId]]:
        """Return which customers were merged into each, also over several steps."""
        found: dict[CustomerId, list[CustomerId]] = {key: [] for key in keys}
        rows = await self._connection.fetch(
            """with recursive merged as (
                   select c.merged_into as survivor, c.id, 1 as depth from customer c
                    where c.operator = $1 and c.merged_into = any ($2::bigint[])
                   union all
                   select m.survivor, c.id, m.depth + 1 from merged m
                     join customer c on c.operator = $1 and c.merged_into = m.id where m.depth < $3)
               select survivor, id from merged order by survivor, id""",
            *(self._operator, possible(keys), TREE_DEPTH_MAX),
        )
        for row in rows:
            found[row["survivor"]].append(row["id"])
        return found

    async def trail(self, targets: Sequence[str]) -> AsyncIterator[Sequence[Trail]]:
        """Yield the lines of audit about things in blocks, by time."""
        after = 0
        while True:
            rows = await self._connection.fetch(
                "select id, at, client, action, target, detail from audit where operator = $1"
                " and target = any ($2::text[]) and id > $3 order by id limit $4",
                *(self._operator, list(targets), after, BLOCK),
            )
            if not rows:
                return
            after = rows[-1]["id"]
            yield [
                Trail(
                    at=row["at"],
                    client=row["client"],
                    action=row["action"],
                    target=row["target"],
                    detail=None if row["detail"] is None else json.loads(row["detail"]),
                )
                for row in rows
            ]

    async def usage(self, customer: CustomerId) -> AsyncIterator[Sequence[Mapping[str, object]]]:
        """Yield a customer's rated events in blocks, by time."""
        place: tuple[Any, ...] = (BEGINNING, 0, -(2**63), 0)
        while True:
            rows = await self._connection.fetch(_USAGE, self._operator, customer, *place, BLOCK)
            if not rows:
                return
            last = rows[-1]
            place = (last["start"], last["source"], last["key"], last["version"])
            yield [event_shown(row) for row in rows]

    async def payments(self, customer: CustomerId) -> Sequence[Mapping[str, object]]:
        """Return the payments that were booked for a customer."""
        rows = await self._connection.fetch(
            "select id, booked_on, amount_minor, currency, state, record from payment where operator = $1"
            " and customer = $2 order by id",
            *(self._operator, customer),
        )
        return [dict(row) | {"record": json.loads(row["record"])} for row in rows]

    async def still_open(self, customer: CustomerId, *, at: datetime) -> Open:
        """Return what is not finished."""
        row = await self._connection.fetchrow(
            """select (select count(*) from contract where operator = $1 and customer = $2
                           and state in ('active', 'suspended')) as contracts,
                      (select count(*) from number_assignment where operator = $1 and customer = $2
                           and (valid_to is null or valid_to > $3)) as numbers""",
            *(self._operator, customer, at),
        )
        unbilled = await self._connection.fetchval(_UNBILLED, self._operator, customer)
        return Open(contracts=row["contracts"], numbers=row["numbers"], unbilled_events=unbilled)

    async def retention(self, country: str, on: date) -> Retention:
        """Return the rule of a country on a day; that for all others where it has none."""
        row = await self._connection.fetchrow(
            "select years, source from retention_rule where country in ($1, '**') and valid_from <= $2"
            " order by country = '**', valid_from desc limit 1",
            *(country, on),
        )
        return Retention(years=row["years"], source=row["source"])

    async def erase(self, customer: CustomerId, *, name: str, at: datetime) -> Mapping[str, int]:
        """Anonymise a person in place and return how many rows of each kind were changed."""
        counts = await self._connection.fetchval("select erase_customer($1, $2, $3)", customer, name, at)
        await self._connection.execute("select erase_written($1)", customer)
        found: dict[str, int] = json.loads(counts)
        return found


def event_shown(row: Mapping[str, Any]) -> dict[str, object]:
    """Return what a person may know of an event: everything but what others pay for it."""
    same = ("mode", "direction", "a", "b", "visited", "destination", "used", "billed", "version")
    charge = format(Decimal(row["retail_micro"]).scaleb(-6), "f")
    return {"start": row["start"], **{name: row[name] for name in same}, "charge": charge}
