"""The GraphQL schema: views over domain objects, and the use cases behind its fields."""

from __future__ import annotations

from functools import cache
from typing import Any

import strawberry
from strawberry.extensions import MaxTokensLimiter
from strawberry.schema.config import StrawberryConfig
from strawberry.types import get_object_definition

from api.graphql.access import AccessMutation, AccessQuery
from api.graphql.accounting import AccountingMutation, AccountingQuery
from api.graphql.agencies import AgencyMutation, AgencyQuery
from api.graphql.agreements import AgreementMutation, AgreementQuery
from api.graphql.alarms import AlarmMutation, AlarmQuery, AlarmSubscription, AlarmType
from api.graphql.allowances import AllowanceQuery, GroupMutation
from api.graphql.approvals import ApprovalMutation, ApprovalQuery
from api.graphql.authorising import AuthorisingQuery, ReservationMutation, ReservationQuery
from api.graphql.bank_orders import BankOrderMutation, BankOrderQuery
from api.graphql.basis import BasisMutation, BasisQuery
from api.graphql.billing import BillingMutation, BillingQuery, BillingSubscription
from api.graphql.branding import BrandMutation, BrandQuery
from api.graphql.bulk import BulkMutation, BulkQuery
from api.graphql.clients import ClientMutation, ClientQuery
from api.graphql.collecting import CollectingMutation, CollectingQuery
from api.graphql.collection_cases import CollectionCaseMutation, CollectionCaseQuery
from api.graphql.collection_rules import CollectionRuleMutation, CollectionRuleQuery
from api.graphql.commissions import CommissionMutation, CommissionQuery
from api.graphql.credit_limits import CreditLimitMutation, CreditLimitQuery
from api.graphql.crediting import CreditingMutation, CreditingQuery
from api.graphql.customer_life import CustomerLifeMutation, CustomerLifeQuery
from api.graphql.debit_schedules import DebitScheduleMutation, DebitScheduleQuery
from api.graphql.deliveries import ChannelType, DeliveryMutation, DeliveryQuery, DispatchType, PrintBatchType
from api.graphql.documents import Documents, Prepared
from api.graphql.drafts import DraftMutation, DraftQuery, DraftType
from api.graphql.elements import ElementMutation, ElementQuery, NetworkElementType
from api.graphql.exchange_rates import ExchangeMutation, ExchangeQuery
from api.graphql.explanations import ExplanationQuery
from api.graphql.feeds import FeedMutation, FeedQuery, FeedType
from api.graphql.fraud import FraudMutation, FraudQuery
from api.graphql.gatekeeping import GateMutation, GateQuery
from api.graphql.instalments import InstalmentMutation, InstalmentQuery
from api.graphql.intake import FileType, IntakeMutation, IntakeQuery, SourceType, SuspendedType
from api.graphql.invoices import InvoiceMutation, InvoiceQuery, InvoiceType
from api.graphql.jobs import JobMutation, JobQuery, JobType
from api.graphql.ledger import LedgerMutation, LedgerQuery
from api.graphql.legal_limits import LegalLimitMutation, LegalLimitQuery
from api.graphql.levels import LevelMutation, LevelQuery
from api.graphql.limits import TOKENS_MAX, Limits
from api.graphql.lines import LineMutation
from api.graphql.mandates import MandateMutation, MandateQuery
from api.graphql.margin_updates import MarginSubscription
from api.graphql.margins import MarginQuery
from api.graphql.mediation import MediationMutation, MediationQuery
from api.graphql.myself import MyselfMutation, MyselfQuery
from api.graphql.node_query import NodeQuery
from api.graphql.number_orders import NumberOrderMutation, NumberOrderQuery, PortOrderType, PreselectionOrderType
from api.graphql.numbers import NumberMutation, NumberQuery, NumberSeriesType
from api.graphql.once import extend
from api.graphql.operators import OperatorMutation, OperatorQuery
from api.graphql.orders import OrderMutation, OrderQuery, OrderSubscription, OrderType
from api.graphql.own_fields import OwnFieldMutation, OwnFieldQuery
from api.graphql.parties import ContractType, CustomerType, OperatorType, ResellerType, ServiceType, SubscriptionType
from api.graphql.party_changes import PartyMutation
from api.graphql.party_queries import PartyQuery
from api.graphql.payment_rules import PaymentRulesMutation, PaymentRulesQuery
from api.graphql.payment_targets import PaymentTargetMutation, PaymentTargetQuery
from api.graphql.payment_work import PaymentWorkMutation, PaymentWorkQuery
from api.graphql.payments import PaymentMutation, PaymentQuery, PaymentType
from api.graphql.plans import PlanMutation, PlanQuery
from api.graphql.price_lists import CatalogueMutation, CatalogueQuery, PriceListType
from api.graphql.progress import ProgressSubscription
from api.graphql.quotes import QuoteMutation, QuoteQuery, QuoteType
from api.graphql.refunds import RefundMutation, RefundQuery
from api.graphql.refusals import HANDLERS, Errors
from api.graphql.reratings import ReratingMutation, ReratingQuery, ReratingType
from api.graphql.resellers import ResellerMutation, ResellerQuery
from api.graphql.scalars import SCALARS
from api.graphql.self_billing import SelfBillingMutation, SelfBillingQuery
from api.graphql.settlements import SettlementMutation, SettlementQuery
from api.graphql.signing_in import SigningInMutation
from api.graphql.simulations import SimulationQuery, SimulationType
from api.graphql.taxes import TaxMutation, TaxQuery
from api.graphql.trail import TrailQuery
from api.graphql.usage import UsageQuery, UsageType
from api.graphql.users import UserMutation, UserQuery, UserType
from api.graphql.webhooks import EventQuery, EventSubscription, EventType, WebhookMutation, WebhookType
from api.graphql.wholesale import WholesaleMutation, WholesaleQuery


@strawberry.type(description="What can be asked.")
class Query(
    NodeQuery,
    PartyQuery,
    AgreementQuery,
    QuoteQuery,
    CustomerLifeQuery,
    OwnFieldQuery,
    CatalogueQuery,
    DraftQuery,
    UsageQuery,
    ExplanationQuery,
    InvoiceQuery,
    BillingQuery,
    CreditingQuery,
    DeliveryQuery,
    BrandQuery,
    TaxQuery,
    AccountingQuery,
    PaymentQuery,
    LedgerQuery,
    CollectionRuleQuery,
    LegalLimitQuery,
    AgencyQuery,
    CollectingQuery,
    CollectionCaseQuery,
    AuthorisingQuery,
    CreditLimitQuery,
    FraudQuery,
    ReservationQuery,
    MandateQuery,
    BankOrderQuery,
    RefundQuery,
    SettlementQuery,
    InstalmentQuery,
    PaymentWorkQuery,
    PaymentTargetQuery,
    DebitScheduleQuery,
    PaymentRulesQuery,
    IntakeQuery,
    MediationQuery,
    ReratingQuery,
    SimulationQuery,
    ClientQuery,
    AccessQuery,
    JobQuery,
    FeedQuery,
    AlarmQuery,
    MarginQuery,
    ExchangeQuery,
    OperatorQuery,
    ResellerQuery,
    WholesaleQuery,
    CommissionQuery,
    SelfBillingQuery,
    BasisQuery,
    AllowanceQuery,
    PlanQuery,
    NumberQuery,
    NumberOrderQuery,
    OrderQuery,
    ElementQuery,
    EventQuery,
    UserQuery,
    LevelQuery,
    ApprovalQuery,
    MyselfQuery,
    BulkQuery,
    TrailQuery,
    GateQuery,
):
    """Every query."""


@strawberry.type(description="What can be done. Each answers with what it made or changed, or with a Refusal.")
class Mutation(
    PartyMutation,
    AgreementMutation,
    QuoteMutation,
    CustomerLifeMutation,
    OwnFieldMutation,
    CatalogueMutation,
    DraftMutation,
    IntakeMutation,
    MediationMutation,
    ReratingMutation,
    InvoiceMutation,
    BillingMutation,
    CreditingMutation,
    DeliveryMutation,
    BrandMutation,
    TaxMutation,
    AccountingMutation,
    PaymentMutation,
    LedgerMutation,
    CollectionRuleMutation,
    LegalLimitMutation,
    AgencyMutation,
    CollectingMutation,
    CollectionCaseMutation,
    CreditLimitMutation,
    ReservationMutation,
    FraudMutation,
    MandateMutation,
    BankOrderMutation,
    SettlementMutation,
    RefundMutation,
    InstalmentMutation,
    PaymentWorkMutation,
    PaymentTargetMutation,
    DebitScheduleMutation,
    PaymentRulesMutation,
    ClientMutation,
    AccessMutation,
    JobMutation,
    FeedMutation,
    AlarmMutation,
    ExchangeMutation,
    OperatorMutation,
    ResellerMutation,
    WholesaleMutation,
    CommissionMutation,
    SelfBillingMutation,
    BasisMutation,
    GroupMutation,
    PlanMutation,
    LineMutation,
    NumberMutation,
    NumberOrderMutation,
    OrderMutation,
    ElementMutation,
    WebhookMutation,
    UserMutation,
    LevelMutation,
    ApprovalMutation,
    MyselfMutation,
    SigningInMutation,
    BulkMutation,
    GateMutation,
):
    """Every mutation."""


extend(get_object_definition(Mutation, strict=True).fields)


# Not "Subscription": in this schema that is a line in the network.
@strawberry.type(description="What is told as it happens, over a WebSocket.")
class Live(
    ProgressSubscription,
    BillingSubscription,
    AlarmSubscription,
    MarginSubscription,
    OrderSubscription,
    EventSubscription,
):
    """Every subscription."""


class QuietSchema(strawberry.Schema):
    """A schema whose errors are logged by ``refusals.Errors`` alone."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Leave the logging to the extension, which tells refusals from faults."""


@cache
def make_schema() -> strawberry.Schema:
    """Return the schema: made once in a process, since that takes a second and it knows no installation."""
    documents = Documents()
    return QuietSchema(
        Query,
        Mutation,
        Live,
        types=[
            OperatorType,
            CustomerType,
            ContractType,
            SubscriptionType,
            ServiceType,
            QuoteType,
            ResellerType,
            PriceListType,
            DraftType,
            UsageType,
            InvoiceType,
            PaymentType,
            FileType,
            FeedType,
            SourceType,
            SuspendedType,
            ReratingType,
            SimulationType,
            JobType,
            AlarmType,
            ChannelType,
            DispatchType,
            PrintBatchType,
            NumberSeriesType,
            PortOrderType,
            PreselectionOrderType,
            OrderType,
            NetworkElementType,
            EventType,
            WebhookType,
            UserType,
        ],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        exception_handlers=HANDLERS,
        extensions=[
            lambda: MaxTokensLimiter(TOKENS_MAX),
            lambda: Prepared(documents),
            Limits,
            Errors,
        ],
    )
