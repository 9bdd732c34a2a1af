"""What resellers pay for services, and what they were charged, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from domain.contracts.changes import projected
from domain.contracts.contract import Contract
from domain.ids import ContractId, CustomerId, OperatorId, ResellerId
from domain.invoicing.bill_run import BilledFee, BilledPart, FeeKey
from domain.invoicing.fees import FeeCharge
from domain.invoicing.invoice import Invoice
from domain.ports.wholesale import SoldPage
from domain.refusal import Conflict, NotFound, Stale
from domain.resellers.buying import WholesalePrice
from persistence.memory import Draft
from persistence.memory_contract_changes import MemoryContractChanges
from persistence.memory_contracts import MemoryServices, MemorySubscriptions
from persistence.memory_customers import exists


@dataclass(frozen=True, slots=True)
class ChargedRow:
    """A fee that a buyer was charged for on an invoice."""

    operator: OperatorId
    number: str
    buyer: CustomerId
    fee: FeeCharge


class MemoryWholesale:
    """Keeps ``domain.ports.wholesale.Wholesale``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def prices(self, reseller: ResellerId | None = None) -> Sequence[WholesalePrice]:
        """Return the prices that may be seen, of one reseller or of all, by reseller, service and day."""
        rows: list[WholesalePrice] = self._draft.seen("reseller_service_price")
        rows = [one for one in rows if reseller in {None, one.reseller}]
        return sorted(rows, key=lambda one: (one.reseller, one.service or 0, one.valid_from))

    async def put(self, price: WholesalePrice) -> WholesalePrice:
        """Keep a new one, or a changed one where the stored version is its own."""
        rows = self._draft.table("reseller_service_price")
        if not exists(self._draft, "reseller", price.reseller, price.operator) or not self._draft.sees(price):
            raise NotFound("no reseller {key}", key=price.reseller, field="reseller")
        if price.service is not None and not exists(self._draft, "service", price.service, price.operator):
            raise NotFound("no service {key}", key=price.service, field="service")
        if price.id:
            if price.id not in rows or rows[price.id].version != price.version:
                raise Stale("this was changed by somebody else; read it again", field="version")
            kept = replace(price, version=price.version + 1)
        else:
            place = (price.operator, price.reseller, price.service, price.valid_from)
            if any((one.operator, one.reseller, one.service, one.valid_from) == place for one in rows.values()):
                raise Conflict(
                    "there is a price from {day} on already; change it, with its version",
                    day=price.valid_from,
                    field="validFrom",
                )
            kept = replace(price, id=self._draft.draw("reseller_service_price"))
        rows[kept.id] = kept
        return kept

    async def sold(
        self, resellers: Collection[ResellerId], buyer: CustomerId, *, after: int, first: int, until: date, since: date
    ) -> SoldPage:
        """Return the next contracts of resellers' customers by key, as planned before ``until``."""
        rows: list[Contract] = [
            one for one in self._draft.seen("contract", lambda one: one.reseller in resellers) if one.id > after
        ]
        held = {one.id: one for one in rows[:first]}
        owners = sorted({one.customer for one in held.values()})
        planned = await MemoryContractChanges(self._draft).planned(owners, before=until)
        billed = self._billed(buyer, held.keys(), since)
        wanted = {line.service for one in held.values() for line in one.services}
        wanted |= {each.new.service for key in held for each in planned.get(key, ()) if each.new is not None}
        wanted |= {key.service for fees in billed.values() for key in fees}
        services = await MemoryServices(self._draft).related(sorted(wanted))
        contracts = [projected(one, planned.get(key, ()), services, until) for key, one in held.items()]
        lines = {line.subscription for one in contracts for line in one.services if line.subscription is not None}
        return SoldPage(
            contracts=contracts,
            services=services,
            subscriptions=await MemorySubscriptions(self._draft).many(sorted(lines)),
            billed=billed,
            more=len(rows) > first,
        )

    def _billed(
        self, buyer: CustomerId, contracts: Collection[ContractId], since: date
    ) -> dict[ContractId, dict[FeeKey, BilledFee]]:
        found: dict[ContractId, dict[FeeKey, BilledFee]] = defaultdict(dict)
        for key in sorted(self._draft.table("wholesale_fee")):
            row: ChargedRow = self._draft.table("wholesale_fee")[key]
            fee = row.fee
            if row.buyer != buyer or fee.key.contract not in contracts or fee.key.fee_start < since:
                continue
            before = found[fee.key.contract].get(fee.key, BilledFee(Decimal(0), ""))
            parts = (*before.parts, BilledPart(fee.period, fee.amount))
            found[fee.key.contract][fee.key] = BilledFee(before.net + fee.amount, row.number, parts)
        return found

    async def charged(self, invoice: Invoice, buyer: CustomerId, fees: Sequence[FeeCharge]) -> None:
        """Keep what the lines of an issued invoice add up."""
        rows = self._draft.table("wholesale_fee")
        for one in fees:
            rows[self._draft.draw("wholesale_fee")] = ChargedRow(invoice.operator, invoice.number, buyer, one)
