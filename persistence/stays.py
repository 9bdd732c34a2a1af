"""Who pays for whom in a bill run, where that has changed: found once when the run begins, in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from domain.customers.customer import TREE_DEPTH_MAX
from domain.customers.place import Place
from domain.customers.staying import Days, split, stays
from domain.ids import BillRunId, CustomerId
from persistence.inserting import insert_rows
from persistence.places import EVER

# Everybody whose payer may have changed by a day: who was moved, and whoever has ever paid through one of them.
_TOUCHED: Final = """
with recursive touched as (
    select distinct p.customer as id, 0 as depth from customer_place p
     where p.operator = $1 and p.valid_from > '-infinity' and p.valid_from < $2
    union
    select u.id, t.depth + 1 from touched t cross join lateral (
        select c.id from customer c where c.operator = $1 and c.pays_through = t.id
        union all
        select p.customer from customer_place p where p.operator = $1 and p.pays_through = t.id) u
     where t.depth < $3)
select distinct id from touched
"""
# The places of customers and of everybody above that they have ever paid through; one who was never moved has one.
_PLACES: Final = """
with recursive above as (
    select unnest($2::bigint[]) as id, 0 as depth
    union
    select u.id, a.depth + 1 from above a cross join lateral (
        select c.pays_through as id from customer c where c.operator = $1 and c.id = a.id
        union all
        select p.pays_through from customer_place p where p.operator = $1 and p.customer = a.id) u
     where u.id is not null and a.depth < $3)
select c.operator, c.id as customer, p.valid_from, p.valid_to,
       case when p.customer is null then c.parent else p.parent end as parent,
       case when p.customer is null then c.through_parent else p.through_parent end as through_parent,
       case when p.customer is null then c.billed_through else p.billed_through end as billed_through
  from (select distinct id from above) a join customer c on c.operator = $1 and c.id = a.id
  left join customer_place p on p.operator = c.operator and p.customer = c.id
 order by c.id, p.valid_from
"""
_COLUMNS: Final = ("operator", "run", "customer", "payer", "since", "until")


async def keep_stays(connection: Any, operator: int, run: BillRunId, until: date) -> None:
    """Write down who pays for whom in a run, of those whose payer has changed before a day."""
    rows = await connection.fetch(_TOUCHED, operator, until, TREE_DEPTH_MAX)
    if not rows:
        return
    touched = [row["id"] for row in rows]
    places: dict[CustomerId, list[Place]] = defaultdict(list)
    for row in await connection.fetch(_PLACES, operator, touched, TREE_DEPTH_MAX):
        since = None if row["valid_from"] == EVER else row["valid_from"]
        places[row["customer"]].append(Place(**(dict(row) | {"valid_from": since})))
    found = split([one for key in touched for one in stays(key, places)])
    records = [(operator, run, one.customer, one.payer, one.since, one.until) for one in found]
    await insert_rows(connection, "bill_run_stay", _COLUMNS, records)


async def stays_of(
    connection: Any, operator: int, run: BillRunId, payers: Sequence[CustomerId]
) -> Mapping[CustomerId, Mapping[CustomerId, Sequence[Days]]]:
    """Return the days that payers pay for, of the customers for whom others pay in a run, too."""
    found: dict[CustomerId, dict[CustomerId, list[Days]]] = defaultdict(lambda: defaultdict(list))
    rows = await connection.fetch(
        "select payer, customer, since, until from bill_run_stay where operator = $1 and run = $2"
        " and payer = any ($3::bigint[]) order by payer, customer, since nulls first",
        *(operator, run, list(payers)),
    )
    for payer, customer, since, until in rows:
        found[payer][customer].append((since, until))
    return {payer: dict(each) for payer, each in found.items()}
