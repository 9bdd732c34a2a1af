"""A unit of work with its stores: on PostgreSQL, and on its twin in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Generic, TypeVar

from domain.access.actor import Actor, check_reach
from domain.ports.unit import Unit
from persistence.access import AnswerStore, ClientStore, OperatorStore, OutboxStore
from persistence.account_rules import AccountRuleStore, MemoryAccountRules
from persistence.alarms import AlarmStore
from persistence.approvals import ApprovalStore, MemoryApprovals
from persistence.basis import MemoryBasis, StoredBasis
from persistence.basis_fees import BasisFeeStore, MemoryBasisFees
from persistence.bill_runs import BillRunStore
from persistence.billing_rules import BillingRulesStore, BillScheduleStore, MemoryBillingRules, MemoryBillSchedules
from persistence.brands import BrandStore, MemoryBrands
from persistence.bulk import BulkStore
from persistence.catalogue import CatalogueStore
from persistence.charges import ChargeStore, MemoryCharges
from persistence.collection import CollectionStore, MemoryCollection
from persistence.commissions import CommissionStore
from persistence.contract_changes import ContractChangeStore
from persistence.contracts import ContractStore
from persistence.credit import CreditStore
from persistence.customers import CustomerStore
from persistence.delivery import ChannelStore, DispatchStore
from persistence.disputes import DisputeStore, MemoryDisputes
from persistence.drafts import DraftStore
from persistence.draws import DrawStore
from persistence.engine import APP, INGEST, Database, Role, Transaction
from persistence.exchange import ExchangeStore
from persistence.feeds import FeedStore
from persistence.field_definitions import FieldDefinitionStore, MemoryFieldDefinitions
from persistence.files import FileStore, SourceStore, SuspenseStore
from persistence.fraud import FraudStore
from persistence.giro import GiroStore, MemoryGiro
from persistence.grants import GrantStore
from persistence.groups import GroupStore, MemoryGroups
from persistence.identity_providers import IdentityProviderStore
from persistence.intake import IntakeStore
from persistence.invoice_batches import InvoiceBatchStore, MemoryInvoiceBatches
from persistence.invoices import InvoiceStore
from persistence.jobs import JobStore
from persistence.keeping import KeepingStore, MemoryKeeping
from persistence.ledger import LedgerStore
from persistence.levels import LevelStore
from persistence.limiting import MemoryRateLimits, RateLimitStore
from persistence.margins import MarginStore
from persistence.memory import Draft, MemoryDatabase
from persistence.memory_access import MemoryAnswers, MemoryAudit, MemoryClients, MemoryOperators, MemoryOutbox
from persistence.memory_alarms import MemoryAlarms
from persistence.memory_bill_runs import MemoryBillRuns
from persistence.memory_bulk import MemoryBulk
from persistence.memory_catalogue import MemoryCatalogue
from persistence.memory_commissions import MemoryCommissions
from persistence.memory_contract_changes import MemoryContractChanges, MemoryQuotes
from persistence.memory_contracts import MemoryContracts, MemoryServices, MemorySubscriptions
from persistence.memory_credit import MemoryCredit
from persistence.memory_customers import MemoryCustomers, MemoryResellers
from persistence.memory_delivery import MemoryChannels, MemoryDispatches
from persistence.memory_drafts import MemoryDrafts
from persistence.memory_draws import MemoryDraws
from persistence.memory_feeds import MemoryFeeds
from persistence.memory_files import MemoryFiles, MemorySources, MemorySuspense
from persistence.memory_fraud import MemoryFraud
from persistence.memory_grants import MemoryGrants
from persistence.memory_intake import MemoryIntake, MemoryUsage
from persistence.memory_invoices import MemoryInvoices
from persistence.memory_jobs import MemoryJobs
from persistence.memory_ledger import MemoryLedger
from persistence.memory_levels import MemoryLevels
from persistence.memory_margins import MemoryExchange, MemoryMargins
from persistence.memory_numbers import MemoryNumberOrders, MemoryNumbers
from persistence.memory_payments import MemoryPayments
from persistence.memory_persons import MemoryPersons
from persistence.memory_places import MemoryNotes, MemoryPlaces
from persistence.memory_provisioning import MemoryElements, MemoryOrders
from persistence.memory_receivables import MemoryReceivables
from persistence.memory_rerating import MemoryReratings
from persistence.memory_sessions import MemorySessions
from persistence.memory_sign_ins import MemoryApiKeys, MemoryIdentityProviders, MemorySignIns
from persistence.memory_suspense import MemorySuspenseDesk
from persistence.memory_users import MemoryProofs, MemoryUsers
from persistence.memory_webhooks import MemoryEvents, MemoryWebhooks
from persistence.memory_wholesale import MemoryWholesale
from persistence.memory_withdrawals import MemoryWithdrawals
from persistence.metering import MemoryMeter, MeterStore
from persistence.number_orders import NumberOrderStore
from persistence.numbers import NumberStore
from persistence.payments import PaymentStore
from persistence.persons import PersonStore
from persistence.places import NoteStore, PlaceStore
from persistence.plans import MemoryPlans, PlanStore
from persistence.proofs import StoredProofs
from persistence.provisioning import ElementStore, OrderStore
from persistence.quotes import QuoteStore
from persistence.receivables import ReceivableStore
from persistence.registered import MemoryRegistered, RegisteredStore
from persistence.rerating import ReratingStore
from persistence.resellers import ResellerStore
from persistence.self_billing import MemorySelfBilling, SelfBillingStore
from persistence.services import ServiceStore
from persistence.sessions import SessionStore
from persistence.shelf import MemoryShelf, ShelfStore
from persistence.sign_ins import ApiKeyStore, SignInStore
from persistence.simulations import MemorySimulations, SimulationStore
from persistence.statements import noting
from persistence.subscriptions import SubscriptionStore
from persistence.suspense import SuspenseDeskStore
from persistence.taxes import MemoryTaxes, TaxRows
from persistence.trail import AuditTrail
from persistence.usage import UsageRows
from persistence.users import UserStore
from persistence.versions import MemoryVersions, VersionStore
from persistence.watching import watched, watching
from persistence.webhooks import EventLog, WebhookStore
from persistence.wholesale import WholesaleStore
from persistence.withdrawals import WithdrawalStore

S = TypeVar("S")


class _Store(Generic[S]):
    """A store of a unit, made when it is first asked for: a unit asks one or two of them."""

    def __init__(self, store: Callable[..., S]) -> None:
        self._store = store

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, unit: StoredUnit | MemoryUnit, owner: type) -> S:
        made = unit.make(self._store)
        vars(unit)[self._name] = made
        return made


class StoredUnit:
    """The stores over one transaction of PostgreSQL."""

    operators = _Store(OperatorStore)
    clients = _Store(ClientStore)
    users = _Store(UserStore)
    proofs = _Store(StoredProofs)
    audit = _Store(AuditTrail)
    outbox = _Store(OutboxStore)
    answers = _Store(AnswerStore)
    kept = _Store(KeepingStore)
    versions = _Store(VersionStore)
    customers = _Store(CustomerStore)
    resellers = _Store(ResellerStore)
    services = _Store(ServiceStore)
    contracts = _Store(ContractStore)
    contract_changes = _Store(ContractChangeStore)
    quotes = _Store(QuoteStore)
    subscriptions = _Store(SubscriptionStore)
    numbers = _Store(NumberStore)
    number_orders = _Store(NumberOrderStore)
    catalogue = _Store(CatalogueStore)
    drafts = _Store(DraftStore)
    sources = _Store(SourceStore)
    files = _Store(FileStore)
    intake = _Store(IntakeStore)
    usage = _Store(UsageRows)
    suspense = _Store(SuspenseStore)
    desk = _Store(SuspenseDeskStore)
    sessions = _Store(SessionStore)
    withdrawals = _Store(WithdrawalStore)
    invoices = _Store(InvoiceStore)
    disputes = _Store(DisputeStore)
    taxes = _Store(TaxRows)
    account_rules = _Store(AccountRuleStore)
    self_billing = _Store(SelfBillingStore)
    dispatches = _Store(DispatchStore)
    brands = _Store(BrandStore)
    channels = _Store(ChannelStore)
    invoice_batches = _Store(InvoiceBatchStore)
    bill_runs = _Store(BillRunStore)
    charges = _Store(ChargeStore)
    billing_rules = _Store(BillingRulesStore)
    bill_schedules = _Store(BillScheduleStore)
    ledger = _Store(LedgerStore)
    payments = _Store(PaymentStore)
    giro = _Store(GiroStore)
    credit = _Store(CreditStore)
    fraud = _Store(FraudStore)
    collection = _Store(CollectionStore)
    receivables = _Store(ReceivableStore)
    reratings = _Store(ReratingStore)
    draws = _Store(DrawStore)
    grants = _Store(GrantStore)
    plans = _Store(PlanStore)
    groups = _Store(GroupStore)
    places = _Store(PlaceStore)
    notes = _Store(NoteStore)
    persons = _Store(PersonStore)
    field_definitions = _Store(FieldDefinitionStore)
    alarms = _Store(AlarmStore)
    exchange = _Store(ExchangeStore)
    simulations = _Store(SimulationStore)
    margins = _Store(MarginStore)
    meter = _Store(MeterStore)
    commissions = _Store(CommissionStore)
    wholesale = _Store(WholesaleStore)
    basis = _Store(StoredBasis)
    basis_fees = _Store(BasisFeeStore)
    jobs = _Store(JobStore)
    feeds = _Store(FeedStore)
    elements = _Store(ElementStore)
    orders = _Store(OrderStore)
    events = _Store(EventLog)
    webhooks = _Store(WebhookStore)
    bulk = _Store(BulkStore)
    rate_limits = _Store(RateLimitStore)
    registered = _Store(RegisteredStore)
    levels = _Store(LevelStore)
    approvals = _Store(ApprovalStore)
    sign_ins = _Store(SignInStore)
    api_keys = _Store(ApiKeyStore)
    identity_providers = _Store(IdentityProviderStore)

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor

    def make(self, store: Callable[[Transaction, Actor], S]) -> S:
        """Make a store of the unit."""
        return store(self._transaction, self._actor)

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """Do a part that is undone alone where it raises; what came before it stays."""
        async with self._transaction.connection.transaction():
            yield


class MemoryUnit:
    """The stores over one draft of the memory's state."""

    operators = _Store(MemoryOperators)
    clients = _Store(MemoryClients)
    users = _Store(MemoryUsers)
    proofs = _Store(MemoryProofs)
    audit = _Store(MemoryAudit)
    outbox = _Store(MemoryOutbox)
    answers = _Store(MemoryAnswers)
    kept = _Store(MemoryKeeping)
    versions = _Store(MemoryVersions)
    customers = _Store(MemoryCustomers)
    resellers = _Store(MemoryResellers)
    services = _Store(MemoryServices)
    contracts = _Store(MemoryContracts)
    contract_changes = _Store(MemoryContractChanges)
    quotes = _Store(MemoryQuotes)
    subscriptions = _Store(MemorySubscriptions)
    numbers = _Store(MemoryNumbers)
    number_orders = _Store(MemoryNumberOrders)
    catalogue = _Store(MemoryCatalogue)
    drafts = _Store(MemoryDrafts)
    sources = _Store(MemorySources)
    files = _Store(MemoryFiles)
    intake = _Store(MemoryIntake)
    usage = _Store(MemoryUsage)
    suspense = _Store(MemorySuspense)
    desk = _Store(MemorySuspenseDesk)
    sessions = _Store(MemorySessions)
    withdrawals = _Store(MemoryWithdrawals)
    invoices = _Store(MemoryInvoices)
    disputes = _Store(MemoryDisputes)
    taxes = _Store(MemoryTaxes)
    account_rules = _Store(MemoryAccountRules)
    self_billing = _Store(MemorySelfBilling)
    dispatches = _Store(MemoryDispatches)
    brands = _Store(MemoryBrands)
    channels = _Store(MemoryChannels)
    invoice_batches = _Store(MemoryInvoiceBatches)
    bill_runs = _Store(MemoryBillRuns)
    charges = _Store(MemoryCharges)
    billing_rules = _Store(MemoryBillingRules)
    bill_schedules = _Store(MemoryBillSchedules)
    ledger = _Store(MemoryLedger)
    payments = _Store(MemoryPayments)
    giro = _Store(MemoryGiro)
    credit = _Store(MemoryCredit)
    fraud = _Store(MemoryFraud)
    collection = _Store(MemoryCollection)
    receivables = _Store(MemoryReceivables)
    reratings = _Store(MemoryReratings)
    draws = _Store(MemoryDraws)
    grants = _Store(MemoryGrants)
    plans = _Store(MemoryPlans)
    groups = _Store(MemoryGroups)
    places = _Store(MemoryPlaces)
    notes = _Store(MemoryNotes)
    persons = _Store(MemoryPersons)
    field_definitions = _Store(MemoryFieldDefinitions)
    alarms = _Store(MemoryAlarms)
    exchange = _Store(MemoryExchange)
    simulations = _Store(MemorySimulations)
    margins = _Store(MemoryMargins)
    meter = _Store(MemoryMeter)
    commissions = _Store(MemoryCommissions)
    wholesale = _Store(MemoryWholesale)
    basis = _Store(MemoryBasis)
    basis_fees = _Store(MemoryBasisFees)
    jobs = _Store(MemoryJobs)
    feeds = _Store(MemoryFeeds)
    elements = _Store(MemoryElements)
    orders = _Store(MemoryOrders)
    events = _Store(MemoryEvents)
    webhooks = _Store(MemoryWebhooks)
    bulk = _Store(MemoryBulk)
    rate_limits = _Store(MemoryRateLimits)
    registered = _Store(MemoryRegistered)
    levels = _Store(MemoryLevels)
    approvals = _Store(MemoryApprovals)
    sign_ins = _Store(MemorySignIns)
    api_keys = _Store(MemoryApiKeys)
    identity_providers = _Store(MemoryIdentityProviders)

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def make(self, store: Callable[[Draft], S]) -> S:
        """Make a store of the unit."""
        return store(self._draft)

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """Do a part that is undone alone where it raises; what came before it stays."""
        before = self._draft.state.copy()
        try:
            yield
        except BaseException:
            self._draft.state = before
            raise


class StoredUnits:
    """Keeps ``domain.ports.unit.Begin`` on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, actor: Actor, *, bulk: bool = False) -> AbstractAsyncContextManager[Unit]:
        """Begin a unit: a transaction under the actor's row-level security, or past it for bulk work."""
        return self._unit(actor, bulk)

    @asynccontextmanager
    async def _unit(self, actor: Actor, bulk: bool) -> AsyncIterator[Unit]:
        resellers = None if actor.reseller is None else actor.resellers
        role: Role = INGEST if bulk else APP
        check_reach(actor, bulk=bulk)
        async with self._database.transaction(
            role=role, operator=actor.operator, resellers=resellers, groups=actor.limits.groups
        ) as transaction:
            with noting(transaction.connection), watching():
                yield StoredUnit(transaction, actor)


class MemoryUnits:
    """Keeps ``domain.ports.unit.Begin`` in memory."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def __call__(self, actor: Actor, *, bulk: bool = False) -> AbstractAsyncContextManager[Unit]:
        """Begin a unit."""
        return self._unit(actor, bulk)

    @asynccontextmanager
    async def _unit(self, actor: Actor, bulk: bool) -> AsyncIterator[Unit]:
        check_reach(actor, bulk=bulk)
        draft = await self._database.enter(actor, bulk=bulk)
        done = False
        try:
            with watching():
                yield MemoryUnit(draft)
            done = True
        finally:
            self._database.leave(draft, commit=done)


def _watch_stores() -> None:
    """Watch every store there is but those of bulk work and of the frame, so that none can be forgotten."""
    apart = {AuditTrail, MemoryAudit, OutboxStore, MemoryOutbox, AnswerStore, MemoryAnswers, JobStore, MemoryJobs}
    bulk = {IntakeStore, MemoryIntake, DrawStore, MemoryDraws, BillRunStore, MemoryBillRuns}
    units = {StoredUnit, MemoryUnit, StoredUnits, MemoryUnits, StoredProofs, MemoryProofs}  # proofs: nobody's to read
    # These stand within others, or write what they are given by another name.
    for one in (ShelfStore, MemoryShelf, ChannelStore, MemoryChannels):
        watched(one, keeps="put")
    for one in [*globals().values()]:
        if isinstance(one, type) and one.__module__.startswith("persistence.") and one not in apart | bulk | units:
            watched(one)


_watch_stores()
