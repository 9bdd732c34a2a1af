"""What the bills of payers are made of, in PostgreSQL: who pays for whom, contracts, usage, and fees billed before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from domain.access.actor import Actor
from domain.contracts.changes import projected
from domain.contracts.contract import Contract
from domain.contracts.service import Service
from domain.customers.customer import TREE_DEPTH_MAX, Customer
from domain.ids import ContractId, CustomerId, ServiceId, SubscriptionId
from domain.invoicing.bill_run import BilledFee, BilledPart, BillRun, FeeKey, RunPage, UsageTotal
from domain.invoicing.fees import LOOKBACK_MONTHS
from domain.period import Period
from domain.ports.invoices import PayerPage
from persistence.bill_run_statements import BILLED, MEMBERS, PAYERS, PAYERS_OF
from persistence.contract_changes import ContractChangeStore
from persistence.contracts import ContractStore
from persistence.customers import from_row as customer_from_row
from persistence.engine import Transaction
from persistence.services import ServiceStore
from persistence.stays import stays_of
from persistence.subscriptions import SubscriptionStore

# The columns are named as the fields of ``UsageTotal``.
_USAGE: Final = """
select customer, contract, subscription, mode, case direction when 0 then 'out' else 'in' end as direction,
       group_name as "group", currency, late, first, events, used, amount_micro, corrects, wholesale, payer
  from bill_run_usage where operator = $1 and run = $2 and customer = any ($3::bigint[])
 order by customer, subscription, mode, bill_run_usage.direction, group_name, late, corrects, payer
"""


async def selected(connection: Any, run: BillRun, after: int) -> list[CustomerId]:
    """Return the payers of a run behind a customer, by key."""
    chosen = None if run.customers is None else await _payers_of(connection, run, run.customers)
    rows = await connection.fetch(PAYERS, run.operator, after, chosen, _tree_day(run), run.id)
    return [row["id"] for row in rows]


async def members_of(
    connection: Any, run: BillRun, payers: Sequence[CustomerId]
) -> dict[CustomerId, Sequence[Customer]]:
    """Return for each payer whom he pays for in a run, himself first."""
    asked = (run.operator, list(payers), TREE_DEPTH_MAX, _tree_day(run), run.id)
    found: dict[CustomerId, list[Customer]] = {key: [] for key in payers}
    for row in await connection.fetch(MEMBERS, *asked):
        found[row["payer"]].append(customer_from_row(row))
    return dict(found)


async def payer_page(transaction: Transaction, actor: Actor, run: BillRun, page: RunPage) -> PayerPage:
    """Return a page's payers with everything their bills are made of."""
    connection, payers = transaction.connection, list(page.payers)
    members = await members_of(connection, run, payers)
    customers = [member.id for group in members.values() for member in group]
    contracts, services = await _agreed(transaction, actor, customers, until=max(run.fees_until, run.period.end))
    usage: defaultdict[CustomerId, list[UsageTotal]] = defaultdict(list)
    for row in await connection.fetch(_USAGE, run.operator, run.id, customers):
        usage[row["customer"]].append(UsageTotal(**row))
    lines = {SubscriptionId(total.subscription) for each in usage.values() for total in each}
    agreed = [contract for each in contracts.values() for contract in each]
    lines |= {line.subscription for one in agreed for line in one.services if line.subscription is not None}
    return PayerPage(
        payers=payers,
        members=members,
        contracts=contracts,
        services=services,
        subscriptions=await SubscriptionStore(transaction, actor).many(sorted(lines)),
        usage=usage,
        billed=await _billed(connection, run, [contract.id for contract in agreed]),
        paid=await stays_of(connection, run.operator, run.id, payers),
    )


async def _payers_of(connection: Any, run: BillRun, customers: Sequence[CustomerId]) -> list[int]:
    """Return who pays for these customers in a run."""
    asked = (run.operator, list(customers))
    rows = await connection.fetch(PAYERS_OF, *asked, TREE_DEPTH_MAX, _tree_day(run))
    stays = await connection.fetch(
        "select payer from bill_run_stay where operator = $1 and customer = any ($2::bigint[]) and run = $3",
        *(*asked, run.id),
    )
    return sorted({row["id"] for row in rows} | {row["payer"] for row in stays})


async def _agreed(
    transaction: Transaction, actor: Actor, customers: Sequence[CustomerId], *, until: date
) -> tuple[dict[CustomerId, Sequence[Contract]], Mapping[ServiceId, Service]]:
    """Return the contracts of the customers, with what is planned for them before a day, and their services."""
    contracts = await ContractStore(transaction, actor).of_customers(customers)
    planned = await ContractChangeStore(transaction, actor).planned(customers, before=until)
    wanted = {line.service for each in contracts.values() for contract in each for line in contract.services}
    wanted |= {change.new.service for each in planned.values() for change in each if change.new is not None}
    services = await ServiceStore(transaction, actor).related(sorted(wanted))
    found: dict[CustomerId, Sequence[Contract]] = {
        key: [projected(one, planned[one.id], services, until) if one.id in planned else one for one in each]
        for key, each in contracts.items()
    }
    return found, services


async def _billed(
    connection: Any, run: BillRun, contracts: Sequence[ContractId]
) -> dict[ContractId, dict[FeeKey, BilledFee]]:
    """Return what fees of contracts were billed before, as far back as changes are looked for."""
    months = run.period.start.year * 12 + run.period.start.month - 1 - LOOKBACK_MONTHS - 12  # a year's fee in front
    rows = await connection.fetch(BILLED, run.operator, list(contracts), date(months // 12, months % 12 + 1, 1))
    found: dict[ContractId, dict[FeeKey, BilledFee]] = defaultdict(dict)
    for row in rows:
        started = (row["fee_held_from"], row["fee_start"])
        key = FeeKey(row["contract"], row["service"], *started, row["fee_one_time"], row["subscription"] or 0)
        lines = zip(row["starts"], row["ends"], row["nets"], row["numbers"], strict=True)
        parts = tuple(BilledPart(Period(start, end), net, number) for start, end, net, number in lines)
        found[key.contract][key] = BilledFee(row["net"], row["number"], parts)
    return found


def _tree_day(run: BillRun) -> date:
    """Return the day whose tree tells who pays: the last of the period."""
    return run.period.end - timedelta(days=1)
