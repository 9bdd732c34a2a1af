"""The store of what resellers pay for services, and of what they were charged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from domain.contracts.contract import Contract
from domain.contracts.service import Service
from domain.contracts.subscription import Subscription
from domain.ids import ContractId, CustomerId, ResellerId, ServiceId, SubscriptionId
from domain.invoicing.bill_run import BilledFees
from domain.invoicing.fees import FeeCharge
from domain.invoicing.invoice import Invoice
from domain.resellers.buying import WholesalePrice


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldPage:
    """Contracts of resellers' customers, with what is planned for them, and what a buyer was charged for them."""

    contracts: Sequence[Contract]
    services: Mapping[ServiceId, Service]
    subscriptions: Mapping[SubscriptionId, Subscription]
    billed: Mapping[ContractId, BilledFees]
    more: bool


class Wholesale(Protocol):
    """What resellers pay. A reseller's actor sees the prices of his own part of the tree."""

    async def prices(self, reseller: ResellerId | None = None) -> Sequence[WholesalePrice]:
        """Return the prices that may be seen, of one reseller or of all, by reseller, service and day."""
        ...

    async def put(self, price: WholesalePrice) -> WholesalePrice:
        """Keep a new one (``id`` 0), or a changed one where the stored version is its own.

        Refuses with: Conflict (there is one of that day), Stale, NotFound (reseller, service).
        """
        ...

    async def sold(
        self, resellers: Collection[ResellerId], buyer: CustomerId, *, after: int, first: int, until: date, since: date
    ) -> SoldPage:
        """Return the next contracts of resellers' customers by key, as planned before ``until``.

        ``billed`` are the fees since a day that ``buyer`` was charged for. A unit for it begins with ``bulk=True``.
        """
        ...

    async def charged(self, invoice: Invoice, buyer: CustomerId, fees: Sequence[FeeCharge]) -> None:
        """Keep what the lines of an issued invoice add up."""
        ...
