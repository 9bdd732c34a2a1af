"""Who buys and what was agreed, as GraphQL shows it: customers, resellers, contracts, subscriptions, services."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry

from api.graphql.agreed import ContractCourse, ServiceRules
from api.graphql.context import Info
from api.graphql.nodes import Node
from api.graphql.particulars import ContactType, OwnFieldType, PlaceType, RecipientType, own_fields
from api.graphql.showing import shows
from domain.access.editions import Edition
from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.identifiers import IdentifierKind
from domain.contracts.service import Service
from domain.contracts.stepping import dated
from domain.contracts.subscription import Subscription, SubscriptionKind, SubscriptionState
from domain.customers.customer import CallSpecification, Customer, CustomerKind, Delivery
from domain.customers.place import own_place
from domain.operators import Operator
from domain.resellers.reseller import Reseller

for _enum in (
    CustomerKind,
    Delivery,
    CallSpecification,
    ContractState,
    SubscriptionKind,
    SubscriptionState,
    IdentifierKind,
):
    strawberry.enum(_enum, description=(_enum.__doc__ or "").strip())


@strawberry.type(name="Address", description="A postal address; the country is ISO 3166-1 alpha-2.")
class AddressType:
    """``domain.operators.Address``."""

    street: str
    street2: str | None
    postcode: str
    city: str
    country: str


@strawberry.type(name="VatId", description="A VAT id and the country it is of.")
class VatIdType:
    """One entry of ``Operator.vat_ids``."""

    country: str
    vat_id: str


@strawberry.type(name="NumberPlan", description="How numbers are dialled; null: as the country has it.")
class NumberPlanType:
    """``domain.operators.NumberPlan``."""

    national_prefix: str | None
    international_prefix: str | None
    short: list[str] | None


def _vat_ids(root: strawberry.Parent[Operator]) -> list[VatIdType]:
    return [VatIdType(country=country, vat_id=vat_id) for country, vat_id in sorted(root.vat_ids.items())]


@strawberry.type(name="Operator", description="The tenant: the seller on its invoices.")
class OperatorType(Node):
    """``domain.operators.Operator``."""

    code: str
    name: str
    organisation_number: str
    vat_id: str
    address: AddressType
    zone: str
    currency: str
    country: str
    language: str
    languages: list[str]
    payment_terms_days: int
    edition: Edition
    vat_ids: list[VatIdType] = strawberry.field(resolver=_vat_ids, description="In other countries.")
    number_plan: NumberPlanType
    bankgiro: str | None
    iban: str | None
    email: str | None
    phone: str | None
    endpoint: str | None
    rounds_to_krona: bool
    ocr_level: str
    version: int = strawberry.field(description="Give it back with a change, so that nobody's change is overwritten.")

    is_type_of = shows(Operator)


@strawberry.type(name="Seller", description="Who sells on documents, how he is paid, and how they look.")
class SellerType:
    """``domain.resellers.reseller.Seller``."""

    name: str
    organisation_number: str
    vat_id: str
    address: AddressType
    bankgiro: str | None
    iban: str | None
    email: str | None
    phone: str | None
    endpoint: str | None
    ocr_level: str
    payment_terms_days: int | None
    accent: str | None
    logo: str | None
    note: str | None


async def _above(root: strawberry.Parent[Reseller], info: Info) -> Any:
    return await info.context.load.resellers.load(root.parent) if root.parent is not None else None


async def _terms_version(root: strawberry.Parent[Reseller], info: Info) -> int:
    return int(await info.context.load.terms_versions.load(root.id))


@strawberry.type(name="Reseller", description="One tier of the reseller tree.")
class ResellerType(Node):
    """``domain.resellers.reseller.Reseller``."""

    code: str
    name: str
    parent: ResellerType | None = strawberry.field(resolver=_above, description="null: he buys of the operator.")
    price_list: str | None = strawberry.field(description="What he buys at.")
    seller: SellerType | None = strawberry.field(description="Who sells on his documents; null: who is above.")
    version: int = strawberry.field(description="Give it back with a change, so that nobody's change is overwritten.")
    terms_version: int = strawberry.field(
        resolver=_terms_version, description="Give it back when you change his terms."
    )
    fields: list[OwnFieldType] = own_fields()

    is_type_of = shows(Reseller)


async def _parent(root: strawberry.Parent[Customer], info: Info) -> Any:
    return await info.context.load.customers.load(root.parent) if root.parent is not None else None


async def _children(root: strawberry.Parent[Customer], info: Info) -> Any:
    return await info.context.load.children.load(root.id)


async def _contracts(root: strawberry.Parent[Customer], info: Info) -> Any:
    return await info.context.load.contracts_of.load(root.id)


async def _reseller(root: strawberry.Parent[Customer], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller) if root.reseller is not None else None


async def _billed_through(root: strawberry.Parent[Customer], info: Info) -> Any:
    return await info.context.load.customers.load(root.billed_through) if root.billed_through is not None else None


async def _merged_into(root: strawberry.Parent[Customer], info: Info) -> Any:
    return await info.context.load.customers.load(root.merged_into) if root.merged_into is not None else None


async def _groups_version(root: strawberry.Parent[Customer], info: Info) -> int:
    return int(await info.context.load.groups_versions.load(root.id))


async def _places(root: strawberry.Parent[Customer], info: Info) -> Any:
    return await info.context.load.places_of.load(root.id) or [own_place(root)]


@strawberry.type(name="Customer", description="A customer: a person or an organisation that buys, or pays, or both.")
class CustomerType(Node):
    """``domain.customers.customer.Customer``."""

    number: str = strawberry.field(description="The operator's own number of the customer.")
    kind: CustomerKind
    name: str
    address: AddressType
    identity_number: str | None
    vat_id: str | None
    parent: CustomerType | None = strawberry.field(resolver=_parent)
    children: list[CustomerType] = strawberry.field(resolver=_children, description="Direct sub-customers.")
    through_parent: bool = strawberry.field(description="Whether its invoice goes to the parent's payer.")
    reseller: ResellerType | None = strawberry.field(resolver=_reseller)
    email: str | None
    phone: str | None
    language: str
    payment_terms_days: int | None
    delivery: Delivery
    endpoint: str | None = strawberry.field(description="The Peppol participant, scheme:id.")
    call_specification: CallSpecification
    mask_digits: int
    price_list: str | None = strawberry.field(description="The default price list of its contracts.")
    version: int = strawberry.field(description="Give it back with a change, so that nobody's change is overwritten.")
    contracts: list[ContractType] = strawberry.field(resolver=_contracts)
    billed_through: CustomerType | None = strawberry.field(
        resolver=_billed_through, description="The one above, any number of levels, to whose payer its invoice goes."
    )
    recipient: RecipientType | None = strawberry.field(description="Who gets the invoices instead of itself.")
    contacts: list[ContactType]
    credit_limit: Decimal | None = strawberry.field(description="In the operator's currency.")
    buyer_reference: str | None = strawberry.field(description="BT-10 of an e-invoice.")
    order_reference: str | None = strawberry.field(description="BT-13 of an e-invoice.")
    cost_centre: str | None = strawberry.field(description="BT-19 of an e-invoice.")
    billing_day: int | None = strawberry.field(description="The day of the month its periods begin on; null: the 1st.")
    direct_debit: bool = strawberry.field(description="Pays by direct debit; without a mandate its bills are parked.")
    fields: list[OwnFieldType] = own_fields()
    places: list[PlaceType] = strawberry.field(
        resolver=_places, description="Where it stood, stands and will stand in the tree, in order."
    )
    merged_into: CustomerType | None = strawberry.field(
        resolver=_merged_into, description="It was a double of this one, which goes on in its place."
    )
    closed_at: datetime | None
    erased_at: datetime | None
    groups_version: int = strawberry.field(
        resolver=_groups_version, description="Of its groups: give it back when it joins or leaves one."
    )

    is_type_of = shows(Customer)


@strawberry.type(name="Service", description="Something sold, with its fees, without VAT.")
class ServiceType(ServiceRules, Node):
    """``domain.contracts.service.Service``."""

    code: str
    name: str
    one_time_fee: Decimal
    periodic_fee: Decimal
    in_advance: bool
    interval_months: int
    vat_percent: Decimal
    account: str
    product_group: str | None
    fields: list[OwnFieldType] = own_fields()

    is_type_of = shows(Service)


async def _service(root: strawberry.Parent[ContractService], info: Info) -> Any:
    return await info.context.load.services.load(root.service)


async def _line(root: strawberry.Parent[ContractService], info: Info) -> Any:
    return await info.context.load.subscriptions.load(root.subscription) if root.subscription is not None else None


async def _bundle(root: strawberry.Parent[ContractService], info: Info) -> Any:
    return await info.context.load.services.load(root.bundle) if root.bundle is not None else None


@strawberry.type(name="ContractService", description="A service on a contract from start until end, end not included.")
class ContractServiceType:
    """``domain.contracts.contract.ContractService``."""

    service: ServiceType = strawberry.field(resolver=_service)
    start: date
    end: date | None
    quantity: int
    one_time_fee: Decimal | None = strawberry.field(description="null: the service's own.")
    periodic_fee: Decimal | None = strawberry.field(description="null: the service's own.")
    subscription: SubscriptionType | None = strawberry.field(
        resolver=_line, description="Its fees run only while this is active."
    )
    bundle: ServiceType | None = strawberry.field(resolver=_bundle, description="The bundle that brought it.")


async def _customer(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.customers.load(root.customer)


async def _subscriptions(root: strawberry.Parent[Contract], info: Info) -> Any:
    return await info.context.load.subscriptions_of.load(root.id)


@strawberry.type(name="Contract", description="A contract with its services, from start until end.")
class ContractType(ContractCourse, Node):
    """``domain.contracts.contract.Contract``."""

    number: str
    customer: CustomerType = strawberry.field(resolver=_customer)
    start: date
    end: date | None
    state: ContractState
    price_list: str | None
    services: list[ContractServiceType]
    subscriptions: list[SubscriptionType] = strawberry.field(resolver=_subscriptions)
    version: int = strawberry.field(description="Give it back with a change, so that nobody's change is overwritten.")
    fields: list[OwnFieldType] = own_fields()

    is_type_of = shows(Contract)


@strawberry.type(name="NumberAssignment", description="A number from validFrom until validTo.")
class NumberAssignmentType:
    """``domain.contracts.subscription.NumberAssignment``."""

    number: str = strawberry.field(description="E.164 digits without plus, or a switch's own word.")
    valid_from: datetime
    valid_to: datetime | None
    kind: IdentifierKind


@strawberry.type(name="SubscriptionStateChange", description="The subscription is in the state from since on.")
class StateChangeType:
    """``domain.contracts.subscription.StateChange``."""

    state: SubscriptionState
    since: datetime
    reason: str | None
    recorded_at: datetime | None
    client: str | None


async def _history(root: strawberry.Parent[Subscription], info: Info) -> Any:
    return dated(await info.context.load.histories.load(root.id))


def _state(root: strawberry.Parent[Subscription], info: Info) -> SubscriptionState:
    return root.state_at(info.context.wiring.clock.now())


async def _contract(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.contracts.load(root.contract)


@strawberry.type(name="Subscription", description="A line in the network under a contract.")
class SubscriptionType(Node):
    """``domain.contracts.subscription.Subscription``."""

    kind: SubscriptionKind
    label: str
    contract: ContractType = strawberry.field(resolver=_contract)
    customer: CustomerType = strawberry.field(resolver=_customer)
    numbers: list[NumberAssignmentType]
    state: SubscriptionState = strawberry.field(resolver=_state)
    activated_at: datetime | None
    ended_at: datetime | None = strawberry.field(description="It may lie ahead.")
    history: list[StateChangeType] = strawberry.field(
        resolver=_history, description="Its states in the order of time: how it was on any day."
    )
    version: int
    fields: list[OwnFieldType] = own_fields()

    is_type_of = shows(Subscription)
