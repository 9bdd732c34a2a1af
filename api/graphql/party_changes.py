"""Mutations of customers, contracts, services and subscriptions."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.agreed import (
    BundlePartInput,
    CountryTaxInput,
    DiscountInput,
    ServicePriceInput,
    TermsInput,
)
from api.graphql.context import Info
from api.graphql.ids import key_of
from api.graphql.inputs import AddressInput, command, given
from api.graphql.once import kept_key
from api.graphql.particulars import ContactInput, OwnFieldInput, RecipientInput
from api.graphql.parties import ContractType, CustomerType, ServiceType, SubscriptionType
from api.graphql.refusals import outcome
from domain.contracts.contract import ContractService, ContractState
from domain.contracts.identifiers import IdentifierKind
from domain.contracts.subscription import NumberAssignment, SubscriptionKind
from domain.customers.customer import CallSpecification, CustomerKind, Delivery
from domain.ids import SubscriptionId
from domain.usecases.add_subscription import AddSubscription, add_subscription
from domain.usecases.assign_numbers import AssignNumbers, assign_numbers
from domain.usecases.change_contract import ChangeContract, change_contract
from domain.usecases.change_customer import ChangeCustomer, change_customer
from domain.usecases.create_contract import CreateContract, create_contract
from domain.usecases.create_customer import CreateCustomer, create_customer
from domain.usecases.create_service import CreateService, create_service
from domain.usecases.release_numbers import ReleaseNumbers, release_numbers

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")


@strawberry.input
class CreateCustomerInput:
    """``CreateCustomer``."""

    name: str
    kind: CustomerKind
    address: AddressInput
    number: str | None = None
    identity_number: str | None = None
    vat_id: str | None = None
    parent: ID | None = None
    through_parent: bool | None = None
    reseller: ID | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    payment_terms_days: int | None = None
    delivery: Delivery | None = None
    endpoint: str | None = None
    call_specification: CallSpecification | None = None
    mask_digits: int | None = None
    price_list: str | None = None
    billed_through: ID | None = None
    recipient: RecipientInput | None = None
    contacts: list[ContactInput] | None = None
    credit_limit: Decimal | None = None
    buyer_reference: str | None = None
    order_reference: str | None = None
    cost_centre: str | None = None
    billing_day: int | None = None
    direct_debit: bool = False
    fields: list[OwnFieldInput] | None = None
    idempotency_key: str | None = strawberry.field(default=None, description="Sent again, the same answer again.")


@strawberry.input
class ChangeCustomerInput:
    """``ChangeCustomer``."""

    customer: ID
    version: int
    name: strawberry.Maybe[str]
    kind: strawberry.Maybe[CustomerKind]
    number: strawberry.Maybe[str]
    address: strawberry.Maybe[AddressInput]
    identity_number: strawberry.Maybe[str | None]
    vat_id: strawberry.Maybe[str | None]
    parent: strawberry.Maybe[ID | None]
    through_parent: strawberry.Maybe[bool]
    email: strawberry.Maybe[str | None]
    phone: strawberry.Maybe[str | None]
    language: strawberry.Maybe[str]
    payment_terms_days: strawberry.Maybe[int | None]
    delivery: strawberry.Maybe[Delivery]
    endpoint: strawberry.Maybe[str | None]
    call_specification: strawberry.Maybe[CallSpecification]
    mask_digits: strawberry.Maybe[int]
    price_list: strawberry.Maybe[str | None]
    billed_through: strawberry.Maybe[ID | None]
    recipient: strawberry.Maybe[RecipientInput | None]
    contacts: strawberry.Maybe[list[ContactInput]]
    credit_limit: strawberry.Maybe[Decimal | None]
    buyer_reference: strawberry.Maybe[str | None]
    order_reference: strawberry.Maybe[str | None]
    cost_centre: strawberry.Maybe[str | None]
    billing_day: strawberry.Maybe[int | None]
    direct_debit: strawberry.Maybe[bool]
    fields: strawberry.Maybe[list[OwnFieldInput]]
    idempotency_key: str | None = kept_key()


@strawberry.input
class ContractServiceInput:
    """``ContractService``; fees left out are the service's own."""

    service: ID
    start: date
    end: date | None = None
    quantity: int | None = None
    one_time_fee: Decimal | None = None
    periodic_fee: Decimal | None = None
    subscription: ID | None = strawberry.field(default=None, description="Its fees run only while this is active.")
    bundle: ID | None = strawberry.field(default=None, description="As it was read; its bundle brings it anew.")

    def domain(self) -> ContractService:
        """Return it as the domain's."""
        ids = {"service": "Service", "subscription": "Subscription", "bundle": "Service"}
        return command(ContractService, self, ids)


@strawberry.input
class CreateContractInput:
    """``CreateContract``."""

    customer: ID
    start: date
    end: date | None = None
    number: str | None = None
    state: ContractState | None = None
    price_list: str | None = None
    services: list[ContractServiceInput] | None = None
    terms: TermsInput | None = None
    discounts: list[DiscountInput] | None = None
    fields: list[OwnFieldInput] | None = None
    idempotency_key: str | None = strawberry.field(default=None, description="Sent again, the same answer again.")


@strawberry.input
class ChangeContractInput:
    """``ChangeContract``; services, terms and discounts replace all that there are."""

    contract: ID
    version: int
    state: strawberry.Maybe[ContractState]
    start: strawberry.Maybe[date]
    end: strawberry.Maybe[date | None]
    price_list: strawberry.Maybe[str | None]
    services: strawberry.Maybe[list[ContractServiceInput]]
    terms: strawberry.Maybe[TermsInput]
    discounts: strawberry.Maybe[list[DiscountInput]]
    idempotency_key: str | None = kept_key()


@strawberry.input
class CreateServiceInput:
    """``CreateService``."""

    code: str
    name: str
    one_time_fee: Decimal | None = None
    periodic_fee: Decimal | None = None
    in_advance: bool | None = None
    interval_months: int | None = None
    vat_percent: Decimal | None = None
    account: str | None = None
    product_group: str | None = None
    anniversary: bool | None = None
    price_list: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    prices: list[ServicePriceInput] | None = None
    countries: list[CountryTaxInput] | None = None
    parts: list[BundlePartInput] | None = None
    needs: list[ID] | None = None
    excludes: list[ID] | None = None
    fields: list[OwnFieldInput] | None = None
    idempotency_key: str | None = strawberry.field(default=None, description="Sent again, the same answer again.")


@strawberry.input
class NumberAssignmentInput:
    """``NumberAssignment``."""

    number: str
    valid_from: datetime
    valid_to: datetime | None = None
    kind: IdentifierKind | None = None


@strawberry.input
class AddSubscriptionInput:
    """``AddSubscription``."""

    contract: ID
    kind: SubscriptionKind
    label: str | None = None
    numbers: list[NumberAssignmentInput] | None = None
    pending: bool | None = None
    fields: list[OwnFieldInput] | None = None
    idempotency_key: str | None = strawberry.field(default=None, description="Sent again, the same answer again.")


@strawberry.input
class AssignNumbersInput:
    """``AssignNumbers``."""

    subscription: ID
    numbers: list[NumberAssignmentInput]
    version: int | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input
class ReleaseNumbersInput:
    """``ReleaseNumbers``."""

    subscription: ID
    numbers: list[str]
    at: datetime
    version: int | None = None
    idempotency_key: str | None = kept_key()


async def _create_customer(info: Info, asked: Annotated[CreateCustomerInput, _AS_INPUT]) -> Any:
    ids = {"parent": "Customer", "reseller": "Reseller", "billed_through": "Customer"}
    return await info.context.ask(create_customer, command(CreateCustomer, asked, ids))


async def _change_customer(info: Info, asked: Annotated[ChangeCustomerInput, _AS_INPUT]) -> Any:
    ids = {"customer": "Customer", "parent": "Customer", "billed_through": "Customer"}
    return await info.context.ask(change_customer, command(ChangeCustomer, asked, ids))


async def _create_contract(info: Info, asked: Annotated[CreateContractInput, _AS_INPUT]) -> Any:
    cmd = command(CreateContract, asked, {"customer": "Customer"})
    return await info.context.ask(create_contract, cmd, clock=info.context.wiring.clock)


async def _change_contract(info: Info, asked: Annotated[ChangeContractInput, _AS_INPUT]) -> Any:
    cmd = command(ChangeContract, asked, {"contract": "Contract"})
    return await info.context.ask(change_contract, cmd, clock=info.context.wiring.clock)


async def _create_service(info: Info, asked: Annotated[CreateServiceInput, _AS_INPUT]) -> Any:
    return await info.context.ask(create_service, command(CreateService, asked, **related(asked)))


async def _add_subscription(info: Info, asked: Annotated[AddSubscriptionInput, _AS_INPUT]) -> Any:
    numbers = _numbers(asked.numbers or [])
    return await info.context.ask(
        add_subscription,
        command(AddSubscription, asked, {"contract": "Contract"}, numbers=numbers),
        clock=info.context.wiring.clock,
    )


async def _assign_numbers(info: Info, asked: Annotated[AssignNumbersInput, _AS_INPUT]) -> Any:
    key = SubscriptionId(key_of(asked.subscription, "Subscription", "subscription"))
    cmd = AssignNumbers(subscription=key, numbers=_numbers(asked.numbers), version=asked.version)
    return await info.context.ask(assign_numbers, cmd, clock=info.context.wiring.clock)


async def _release_numbers(info: Info, asked: Annotated[ReleaseNumbersInput, _AS_INPUT]) -> Any:
    key = SubscriptionId(key_of(asked.subscription, "Subscription", "subscription"))
    cmd = ReleaseNumbers(subscription=key, numbers=tuple(asked.numbers), at=asked.at, version=asked.version)
    return await info.context.ask(release_numbers, cmd)


def related(asked: Any) -> dict[str, Any]:
    """Return the services that another needs and excludes, where they are given."""
    found = {}
    for name in ("needs", "excludes"):
        given_here = getattr(asked, name)
        keys = given_here.value if isinstance(given_here, strawberry.Some) else given_here
        if keys is not None:
            found[name] = tuple(key_of(key, "Service", f"{name}.{place}") for place, key in enumerate(keys))
    return found


def _numbers(numbers: list[NumberAssignmentInput]) -> tuple[NumberAssignment, ...]:
    return tuple(NumberAssignment(**given(one)) for one in numbers)


@strawberry.type
class PartyMutation:
    """Who buys and what was agreed."""

    create_customer = strawberry.mutation(
        resolver=_create_customer, graphql_type=outcome("CreateCustomerResult", CustomerType)
    )
    change_customer = strawberry.mutation(
        resolver=_change_customer, graphql_type=outcome("ChangeCustomerResult", CustomerType)
    )
    create_contract = strawberry.mutation(
        resolver=_create_contract, graphql_type=outcome("CreateContractResult", ContractType)
    )
    change_contract = strawberry.mutation(
        resolver=_change_contract, graphql_type=outcome("ChangeContractResult", ContractType)
    )
    create_service = strawberry.mutation(
        resolver=_create_service, graphql_type=outcome("CreateServiceResult", ServiceType)
    )
    add_subscription = strawberry.mutation(
        resolver=_add_subscription, graphql_type=outcome("AddSubscriptionResult", SubscriptionType)
    )
    assign_numbers = strawberry.mutation(
        resolver=_assign_numbers, graphql_type=outcome("AssignNumbersResult", SubscriptionType)
    )
    release_numbers = strawberry.mutation(
        resolver=_release_numbers, graphql_type=outcome("ReleaseNumbersResult", SubscriptionType)
    )
