"""What resellers pay for services, and what they were charged, in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from domain.access.actor import Actor
from domain.contracts.changes import projected
from domain.contracts.contract import Contract
from domain.ids import ContractId, CustomerId, ResellerId
from domain.invoicing.bill_run import BilledFee, BilledPart, FeeKey
from domain.invoicing.fees import FeeCharge
from domain.invoicing.invoice import Invoice
from domain.period import Period
from domain.ports.wholesale import SoldPage
from domain.refusal import Conflict, NotFound, Stale
from domain.resellers.buying import WholesalePrice
from persistence.contract_changes import ContractChangeStore
from persistence.contracts import ContractStore
from persistence.engine import Transaction
from persistence.services import ServiceStore
from persistence.subscriptions import SubscriptionStore
from persistence.violations import possible, refusing

_PRICE: Final = "id, operator, reseller, service, valid_from, percent, one_time_fee, periodic_fee, version"
_CHARGED: Final = (
    "operator", "customer", "invoice", "buyer", "contract", "service", "held_from", "fee_start", "one_time",
    "subscription", "period_start", "period_end", "net",
)  # fmt: skip


class WholesaleStore:
    """Keeps ``domain.ports.wholesale.Wholesale``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def prices(self, reseller: ResellerId | None = None) -> Sequence[WholesalePrice]:
        """Return the prices that may be seen, of one reseller or of all, by reseller, service and day."""
        rows = await self._connection.fetch(
            f"select {_PRICE} from reseller_service_price where operator = $1"  # noqa: S608  (our own words)
            " and ($2::bigint is null or reseller = $2) order by reseller, service nulls first, valid_from",
            *(self._operator, reseller),
        )
        return [WholesalePrice(**dict(row)) for row in rows]

    async def put(self, price: WholesalePrice) -> WholesalePrice:
        """Keep a new one, or a changed one where the stored version is its own."""
        rules = {
            "reseller_service_price_day": Conflict(
                "there is a price from {day} on already; change it, with its version",
                day=price.valid_from,
                field="validFrom",
            ),
            "reseller_service_price_operator_reseller_fkey": NotFound(
                "no reseller {key}", key=price.reseller, field="reseller"
            ),
            "reseller_service_price_operator_service_fkey": NotFound(
                "no service {key}", key=price.service, field="service"
            ),
        }
        fees = (price.percent, price.one_time_fee, price.periodic_fee)
        with refusing(rules):
            if price.id:
                kept = replace(price, version=price.version + 1)
                done = await self._connection.fetchval(
                    "update reseller_service_price set percent = $4, one_time_fee = $5, periodic_fee = $6,"
                    " version = version + 1 where operator = $1 and id = $2 and version = $3 returning id",
                    *(self._operator, price.id, price.version, *fees),
                )
                if done is None:
                    raise Stale("this was changed by somebody else; read it again", field="version")
                return kept
            key = await self._connection.fetchval(
                "insert into reseller_service_price (operator, reseller, service, valid_from, percent, one_time_fee,"
                " periodic_fee) values ($1, $2, $3, $4, $5, $6, $7) returning id",
                *(self._operator, price.reseller, price.service, price.valid_from, *fees),
            )
        return replace(price, id=key)

    async def sold(
        self, resellers: Collection[ResellerId], buyer: CustomerId, *, after: int, first: int, until: date, since: date
    ) -> SoldPage:
        """Return the next contracts of resellers' customers by key, as planned before ``until``."""
        rows = await self._connection.fetch(
            "select id, customer from contract where operator = $1 and reseller = any ($2::bigint[]) and id > $3"
            " order by id limit $4",
            *(self._operator, sorted(resellers), after, first + 1),
        )
        chosen = rows[:first]
        unit = (self._transaction, self._actor)
        held = await ContractStore(*unit).many([row["id"] for row in chosen])
        owners = sorted({row["customer"] for row in chosen})
        planned = await ContractChangeStore(*unit).planned(owners, before=until)
        billed = await self._billed(buyer, sorted(held), since)
        wanted = {line.service for one in held.values() for line in one.services}
        wanted |= {each.new.service for key in held for each in planned.get(key, ()) if each.new is not None}
        wanted |= {key.service for fees in billed.values() for key in fees}
        services = await ServiceStore(*unit).related(sorted(wanted))
        contracts: list[Contract] = [
            projected(held[key], planned.get(key, ()), services, until) for key in sorted(held)
        ]
        lines = {line.subscription for one in contracts for line in one.services if line.subscription is not None}
        return SoldPage(
            contracts=contracts,
            services=services,
            subscriptions=await SubscriptionStore(*unit).many(sorted(lines)),
            billed=billed,
            more=len(rows) > first,
        )

    async def _billed(
        self, buyer: CustomerId, contracts: Sequence[ContractId], since: date
    ) -> dict[ContractId, dict[FeeKey, BilledFee]]:
        rows = await self._connection.fetch(
            "select w.contract, w.service, w.held_from, w.fee_start, w.one_time, w.subscription, w.period_start,"
            " w.period_end, w.net, i.number from wholesale_fee w join invoice i on i.operator = w.operator"
            " and i.customer = w.customer and i.id = w.invoice where w.operator = $1 and w.buyer = $2"
            " and w.contract = any ($3::bigint[]) and w.fee_start >= $4 order by w.invoice",
            *(self._operator, buyer, possible(contracts), since),
        )
        found: dict[ContractId, dict[FeeKey, BilledFee]] = defaultdict(dict)
        for contract, service, held_from, fee_start, one_time, line, start, end, net, number in rows:
            key = FeeKey(contract, service, held_from, fee_start, one_time, line)
            before = found[contract].get(key)
            parts = (*(before.parts if before else ()), BilledPart(Period(start, end), net))
            found[contract][key] = BilledFee((before.net if before else 0) + net, number, parts)
        return found

    async def charged(self, invoice: Invoice, buyer: CustomerId, fees: Sequence[FeeCharge]) -> None:
        """Keep what the lines of an issued invoice add up."""
        records = [
            (
                self._operator, invoice.customer, invoice.id, buyer, one.key.contract, one.key.service,
                one.key.held_from, one.key.fee_start, one.key.one_time, one.key.subscription, one.period.start,
                one.period.end, one.amount,
            )
            for one in fees
        ]  # fmt: skip
        await self._connection.copy_records_to_table("wholesale_fee", records=records, columns=list(_CHARGED))
