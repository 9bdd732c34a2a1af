"""Everything that one payer's invoice is made of, and the doubt that parks him."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from domain.buckets.grant import Grant
from domain.buckets.statement import BucketEntry
from domain.contracts.contract import Contract
from domain.contracts.service import Service
from domain.contracts.subscription import Subscription
from domain.customers.customer import Customer
from domain.customers.staying import Days, holds
from domain.ids import ChargeId, ContractId, CustomerId, ResellerId, ServiceId, SubscriptionId
from domain.invoicing.bill_run import BilledFees, BillRun, UsageTotal
from domain.invoicing.billing_rules import USUAL, BillingRules
from domain.invoicing.charge import Charge
from domain.invoicing.fees import FeeCharge, Window
from domain.invoicing.invoice import Invoice, Look
from domain.invoicing.lefts import Left
from domain.invoicing.tax_rules import USUAL as TAXED
from domain.invoicing.tax_rules import Taxes
from domain.ledger.accounts import AccountRule
from domain.operators import Operator


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Everything one payer's invoice is made of; ``members`` are the customers billed to him, himself first.

    ``operator`` is who sells: himself, or with ``sold_by`` a reseller in his own name. ``bought``: the fees of the
    services that a reseller's customers hold, by the customer as whom he is invoiced.
    ``charged``: the first days of what was billed of each charge. ``unpriced``: of whom how many events have no price.
    ``mandated``: he has agreed to be debited, where that is how he pays; None: he pays in another way.
    ``corrected``: the invoices, by number, by whose VAT lines that correct them are taxed; ``lefts``: what is left of
    those of which some was credited.
    ``paid``: the days that this payer pays for, of members for whom others have paid, too.
    """

    operator: Operator
    run: BillRun
    window: Window
    payer: Customer
    members: Sequence[Customer]
    contracts: Mapping[CustomerId, Sequence[Contract]]
    services: Mapping[ServiceId, Service]
    subscriptions: Mapping[SubscriptionId, Subscription]
    usage: Mapping[CustomerId, Sequence[UsageTotal]]
    billed: Mapping[ContractId, BilledFees]
    granted: Mapping[ContractId, Sequence[Grant]] = field(default_factory=dict)
    buckets: Mapping[CustomerId, Sequence[BucketEntry]] = field(default_factory=dict)
    bought: Mapping[CustomerId, Sequence[FeeCharge]] = field(default_factory=dict)
    paid: Mapping[CustomerId, Sequence[Days]] = field(default_factory=dict)
    charges: Mapping[CustomerId, Sequence[Charge]] = field(default_factory=dict)
    charged: Mapping[ChargeId, Collection[date]] = field(default_factory=dict)
    unpriced: Mapping[CustomerId, int] = field(default_factory=dict)
    rules: BillingRules = USUAL
    taxes: Taxes = TAXED
    accounts: Sequence[AccountRule] = ()
    mandated: bool | None = None
    sold_by: ResellerId | None = None
    look: Look | None = None
    corrected: Mapping[str, Invoice] = field(default_factory=dict)
    lefts: Mapping[str, Left] = field(default_factory=dict)

    def pays_last(self, customer: CustomerId) -> bool:
        """Tell whether this payer pays for the last day of the run's period; what has no day of its own is his."""
        paid = self.paid.get(customer)
        return paid is None or holds(paid, date.fromordinal(self.run.period.end.toordinal() - 1))


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a payer is parked: a stable reason, and a sentence that says what to do."""

    reason: str
    detail: str
