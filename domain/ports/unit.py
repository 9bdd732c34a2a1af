"""One unit of work: a transaction with every store in it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from domain.access.actor import Actor
from domain.ports.access import Answers, Audit, Clients, Operators, Outbox
from domain.ports.accounts import AccountRules
from domain.ports.alarms import Alarms
from domain.ports.approvals import Approvals
from domain.ports.basis import BasisStore
from domain.ports.billing import BillSchedules, Charges, RulesOfBilling
from domain.ports.brands import Brands
from domain.ports.bulk import Bulk
from domain.ports.catalogue import Catalogue
from domain.ports.collection import Collection
from domain.ports.commissions import Commissions
from domain.ports.contract_changes import ContractChanges, Quotes
from domain.ports.contracts import Contracts, Services, Subscriptions
from domain.ports.credit import Credit
from domain.ports.customers import Customers, Resellers
from domain.ports.delivery import Channels, Dispatches
from domain.ports.disputes import Disputes, InvoiceBatches
from domain.ports.drafts import Drafts
from domain.ports.draws import Draws
from domain.ports.exchange import ExchangeRates
from domain.ports.feeds import Feeds
from domain.ports.field_definitions import FieldDefinitions
from domain.ports.files import Files, Sources, Suspense
from domain.ports.fraud import Fraud
from domain.ports.giro import Giro
from domain.ports.grants import Grants, Plans
from domain.ports.groups import Groups
from domain.ports.intake import Intake
from domain.ports.invoices import BillRuns, Invoices
from domain.ports.jobs import Jobs
from domain.ports.keeping import Keeping
from domain.ports.ledger import Ledger
from domain.ports.levels import Levels
from domain.ports.limiting import RateLimits
from domain.ports.margins import Margins
from domain.ports.metering import Meter
from domain.ports.numbers import NumberOrders, Numbers
from domain.ports.payments import Payments
from domain.ports.persons import Persons
from domain.ports.places import Notes, Places
from domain.ports.provisioning import Elements, Orders
from domain.ports.receivables import Receivables
from domain.ports.registered import RegisteredDocuments
from domain.ports.rerating import Reratings
from domain.ports.self_billing import SelfBilling
from domain.ports.sessions import Sessions
from domain.ports.sign_ins import ApiKeys, IdentityProviders, SignIns
from domain.ports.simulations import Simulations
from domain.ports.suspense import SuspenseDesk
from domain.ports.taxes import TaxStore
from domain.ports.usage import UsageStore
from domain.ports.users import ProofStore, Users
from domain.ports.versions import Versions
from domain.ports.webhooks import Events, Webhooks
from domain.ports.wholesale import Wholesale
from domain.ports.withdrawals import Withdrawals


class Unit(Protocol):
    """Everything a use case can read and write, in one transaction of one actor."""

    def attempt(self) -> AbstractAsyncContextManager[None]:
        """Do a part that is undone alone where it raises; what came before it stays."""
        ...

    @property
    def operators(self) -> Operators: ...  # noqa: D102  (each store's own docstring says what it is)
    @property
    def clients(self) -> Clients: ...  # noqa: D102
    @property
    def audit(self) -> Audit: ...  # noqa: D102
    @property
    def outbox(self) -> Outbox: ...  # noqa: D102
    @property
    def users(self) -> Users: ...  # noqa: D102
    @property
    def proofs(self) -> ProofStore: ...  # noqa: D102
    @property
    def answers(self) -> Answers: ...  # noqa: D102
    @property
    def kept(self) -> Keeping: ...  # noqa: D102
    @property
    def versions(self) -> Versions: ...  # noqa: D102
    @property
    def customers(self) -> Customers: ...  # noqa: D102
    @property
    def resellers(self) -> Resellers: ...  # noqa: D102
    @property
    def services(self) -> Services: ...  # noqa: D102
    @property
    def contracts(self) -> Contracts: ...  # noqa: D102
    @property
    def contract_changes(self) -> ContractChanges: ...  # noqa: D102
    @property
    def quotes(self) -> Quotes: ...  # noqa: D102
    @property
    def subscriptions(self) -> Subscriptions: ...  # noqa: D102
    @property
    def numbers(self) -> Numbers: ...  # noqa: D102
    @property
    def number_orders(self) -> NumberOrders: ...  # noqa: D102
    @property
    def catalogue(self) -> Catalogue: ...  # noqa: D102
    @property
    def drafts(self) -> Drafts: ...  # noqa: D102
    @property
    def sources(self) -> Sources: ...  # noqa: D102
    @property
    def files(self) -> Files: ...  # noqa: D102
    @property
    def usage(self) -> UsageStore: ...  # noqa: D102
    @property
    def intake(self) -> Intake: ...  # noqa: D102
    @property
    def suspense(self) -> Suspense: ...  # noqa: D102
    @property
    def desk(self) -> SuspenseDesk: ...  # noqa: D102
    @property
    def sessions(self) -> Sessions: ...  # noqa: D102
    @property
    def withdrawals(self) -> Withdrawals: ...  # noqa: D102
    @property
    def invoices(self) -> Invoices: ...  # noqa: D102
    @property
    def bill_runs(self) -> BillRuns: ...  # noqa: D102
    @property
    def charges(self) -> Charges: ...  # noqa: D102
    @property
    def billing_rules(self) -> RulesOfBilling: ...  # noqa: D102
    @property
    def bill_schedules(self) -> BillSchedules: ...  # noqa: D102
    @property
    def brands(self) -> Brands: ...  # noqa: D102
    @property
    def dispatches(self) -> Dispatches: ...  # noqa: D102
    @property
    def channels(self) -> Channels: ...  # noqa: D102
    @property
    def disputes(self) -> Disputes: ...  # noqa: D102
    @property
    def account_rules(self) -> AccountRules: ...  # noqa: D102
    @property
    def self_billing(self) -> SelfBilling: ...  # noqa: D102
    @property
    def taxes(self) -> TaxStore: ...  # noqa: D102
    @property
    def invoice_batches(self) -> InvoiceBatches: ...  # noqa: D102
    @property
    def ledger(self) -> Ledger: ...  # noqa: D102
    @property
    def payments(self) -> Payments: ...  # noqa: D102
    @property
    def giro(self) -> Giro: ...  # noqa: D102
    @property
    def credit(self) -> Credit: ...  # noqa: D102
    @property
    def fraud(self) -> Fraud: ...  # noqa: D102
    @property
    def collection(self) -> Collection: ...  # noqa: D102
    @property
    def receivables(self) -> Receivables: ...  # noqa: D102
    @property
    def reratings(self) -> Reratings: ...  # noqa: D102
    @property
    def simulations(self) -> Simulations: ...  # noqa: D102
    @property
    def groups(self) -> Groups: ...  # noqa: D102
    @property
    def places(self) -> Places: ...  # noqa: D102
    @property
    def notes(self) -> Notes: ...  # noqa: D102
    @property
    def persons(self) -> Persons: ...  # noqa: D102
    @property
    def field_definitions(self) -> FieldDefinitions: ...  # noqa: D102
    @property
    def draws(self) -> Draws: ...  # noqa: D102
    @property
    def grants(self) -> Grants: ...  # noqa: D102
    @property
    def plans(self) -> Plans: ...  # noqa: D102
    @property
    def alarms(self) -> Alarms: ...  # noqa: D102
    @property
    def exchange(self) -> ExchangeRates: ...  # noqa: D102
    @property
    def margins(self) -> Margins: ...  # noqa: D102
    @property
    def meter(self) -> Meter: ...  # noqa: D102
    @property
    def commissions(self) -> Commissions: ...  # noqa: D102
    @property
    def basis(self) -> BasisStore: ...  # noqa: D102
    @property
    def wholesale(self) -> Wholesale: ...  # noqa: D102
    @property
    def jobs(self) -> Jobs: ...  # noqa: D102
    @property
    def feeds(self) -> Feeds: ...  # noqa: D102
    @property
    def elements(self) -> Elements: ...  # noqa: D102
    @property
    def orders(self) -> Orders: ...  # noqa: D102
    @property
    def events(self) -> Events: ...  # noqa: D102
    @property
    def webhooks(self) -> Webhooks: ...  # noqa: D102
    @property
    def sign_ins(self) -> SignIns: ...  # noqa: D102
    @property
    def api_keys(self) -> ApiKeys: ...  # noqa: D102
    @property
    def identity_providers(self) -> IdentityProviders: ...  # noqa: D102
    @property
    def levels(self) -> Levels: ...  # noqa: D102
    @property
    def approvals(self) -> Approvals: ...  # noqa: D102
    @property
    def bulk(self) -> Bulk: ...  # noqa: D102
    @property
    def rate_limits(self) -> RateLimits: ...  # noqa: D102
    @property
    def registered(self) -> RegisteredDocuments: ...  # noqa: D102


class Begin(Protocol):
    """Begins a unit, ``async with begin(actor) as unit``: leaving commits, an error rolls back, nesting is a bug."""

    def __call__(self, actor: Actor, *, bulk: bool = False) -> AbstractAsyncContextManager[Unit]:
        """Begin. ``bulk`` is the ingest worker's: it may COPY, and row-level security does not watch it."""
        ...
