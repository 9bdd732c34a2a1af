"""The dated tree of customers and notes about them, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from domain.access.actor import Actor
from domain.customers.customer import TREE_DEPTH_MAX
from domain.customers.note import Note
from domain.customers.place import Place
from domain.ids import CustomerId
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound
from persistence.engine import Transaction
from persistence.violations import beyond, possible, refusing

EVER: Final = date.min  # asyncpg's -infinity
DAYS_MAX: Final = 1000

# Who stands where on a day: the dated place, or what the customer's own row says where it was never moved.
_ABOVE: Final = """
with recursive above as (
    select $2::bigint as id, 0 as depth
    union all
    select t.parent, a.depth + 1 from above a cross join lateral (
        select case when p.customer is null then c.parent else p.parent end as parent
          from customer c left join customer_place p on p.operator = c.operator and p.customer = c.id
           and p.valid_from <= $3 and (p.valid_to is null or p.valid_to > $3)
         where c.operator = $1 and c.id = a.id) t
     where t.parent is not null and a.depth < $4)
select a.id from above a join customer c on c.operator = $1 and c.id = a.id order by a.depth
"""
_BELOW: Final = """
with recursive below as (
    select $2::bigint as id, 0 as depth, null::bigint as through
    union all
    select t.id, b.depth + 1, t.through from below b cross join lateral (
        select c.id, c.billed_through as through from customer c where c.operator = $1 and c.parent = b.id
           and not exists (select from customer_place p where p.operator = c.operator and p.customer = c.id)
        union all
        select p.customer, p.billed_through from customer_place p where p.operator = $1 and p.parent = b.id
           and p.valid_from <= $3 and (p.valid_to is null or p.valid_to > $3)) t
     where b.depth < $4)
select id, depth, through from below order by depth, id
"""


class PlaceStore:
    """Keeps ``domain.ports.places.Places``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def of(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Place]]:
        """Return the dated places of each in order."""
        found: dict[CustomerId, list[Place]] = {key: [] for key in keys}
        rows = await self._connection.fetch(
            "select operator, customer, valid_from, valid_to, parent, through_parent, billed_through"
            " from customer_place where operator = $1 and customer = any ($2::bigint[]) order by customer, valid_from",
            *(self._operator, possible(keys)),
        )
        for row in rows:
            since = None if row["valid_from"] == EVER else row["valid_from"]
            found[row["customer"]].append(Place(**(dict(row) | {"valid_from": since})))
        return found

    async def put(self, customer: CustomerId, places: Sequence[Place]) -> None:
        """Write all places of a customer in the place of those there are."""
        await self._connection.execute(
            "delete from customer_place where operator = $1 and customer = $2", self._operator, customer
        )
        last = places[-1] if places else None
        rules = {
            "customer_place_operator_parent_fkey": NotFound(
                "no customer {parent}", parent=last and last.parent, field="parent"
            ),
            "customer_place_operator_billed_through_fkey": NotFound(
                "no customer {billed_through}", billed_through=last and last.billed_through, field="billedThrough"
            ),
        }
        with refusing(rules):
            await self._connection.executemany(
                "insert into customer_place (operator, customer, valid_from, valid_to, parent, through_parent,"
                " billed_through) values ($1, $2, $3, $4, $5, $6, $7)",
                [
                    (
                        *(self._operator, customer, one.valid_from or EVER, one.valid_to),
                        *(one.parent, one.through_parent, one.billed_through),
                    )
                    for one in places
                ],
            )

    async def above(self, key: CustomerId, on: date) -> Sequence[CustomerId]:
        """Return the customer and those above it on a day, nearest first."""
        if not possible([key]):
            return []
        rows = await self._connection.fetch(_ABOVE, self._operator, key, on, TREE_DEPTH_MAX)
        return [row["id"] for row in rows]

    async def below(self, key: CustomerId, on: date) -> Mapping[CustomerId, tuple[int, CustomerId | None]]:
        """Return everybody below a customer on a day, with how many levels and through whom it is billed."""
        rows = await self._connection.fetch(_BELOW, self._operator, key, on, TREE_DEPTH_MAX)
        return {row["id"]: (row["depth"], row["through"]) for row in rows}

    async def days(self, since: date) -> Sequence[date]:
        """Return the days after one on which anybody is moved."""
        rows = await self._connection.fetch(
            "select distinct valid_from from customer_place where operator = $1 and valid_from > $2"
            " order by valid_from limit $3",
            *(self._operator, since, DAYS_MAX),
        )
        return [row["valid_from"] for row in rows]

    async def due(self, on: date, *, first: int) -> Sequence[CustomerId]:
        """Return customers whose own row does not say what holds on a day."""
        rows = await self._connection.fetch(
            "select c.id from customer_place p join customer c on c.operator = p.operator and c.id = p.customer"
            " where p.operator = $1 and p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2)"
            " and (c.parent, c.through_parent, c.billed_through)"
            " is distinct from (p.parent, p.through_parent, p.billed_through) order by c.id limit $3",
            *(self._operator, on, first),
        )
        return [row["id"] for row in rows]

    async def invoiced_until(self, key: CustomerId) -> date | None:
        """Return the end of the last period that was billed to the customer or for it."""
        found: date | None = await self._connection.fetchval(
            """select max(until) from (
                   select max(r.period_end) as until from billed_through b
                     join bill_run r on r.operator = b.operator and r.id = b.run
                    where b.operator = $1 and b.customer = $2
                   union all select max(period_end) from invoice where operator = $1 and customer = $2
                   union all select max(i.period_end) from contract c
                     join invoice_line l on l.operator = c.operator and l.contract = c.id and l.fee_start is not null
                     join invoice i on i.operator = l.operator and i.customer = l.customer and i.id = l.invoice
                    where c.operator = $1 and c.customer = $2) as each""",
            *(self._operator, key),
        )
        return found


class NoteStore:
    """Keeps ``domain.ports.places.Notes``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    async def page(self, customer: CustomerId, request: PageRequest) -> Page[Note]:
        """List a customer's by key."""
        rows = await self._transaction.connection.fetch(
            "select id, operator, customer, at, author, text from customer_note"
            " where operator = $1 and customer = any ($2::bigint[]) and id > $3 order by id limit $4",
            *(self._operator, possible([customer]), beyond(request.after), request.first + 1),
        )
        return Page.of([Note(**row) for row in rows], request)

    async def add(self, note: Note) -> Note:
        """Keep a new one."""
        key = await self._transaction.connection.fetchval(
            "insert into customer_note (operator, customer, at, author, text) values ($1, $2, $3, $4, $5) returning id",
            *(self._operator, note.customer, note.at, note.author, note.text),
        )
        return replace(note, id=key)
