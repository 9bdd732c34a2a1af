"""Queries of the operator, customers, contracts, services, subscriptions and resellers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.parties import ContractType, CustomerType, OperatorType, ResellerType, ServiceType, SubscriptionType
from domain.ids import ContractId, CustomerId, SubscriptionId
from domain.refusal import BadValue
from domain.usecases.get_contract import get_contract
from domain.usecases.get_customer import get_customer
from domain.usecases.get_operator import get_operator
from domain.usecases.get_subscription import get_subscription
from domain.usecases.list_contracts import ListContracts, list_contracts
from domain.usecases.list_customers import ListCustomers, list_customers
from domain.usecases.list_resellers import list_resellers
from domain.usecases.list_services import list_services
from domain.usecases.list_subscriptions import ListSubscriptions, list_subscriptions

ID = strawberry.ID


def _one_of(key: ID | None, number: str | None, kind: str) -> int | str:
    """Return the key or the number, of which one is given. Refuses with: BadValue, NotFound."""
    if (key is None) == (number is None):
        raise BadValue("give either id or number", field="id")
    return key_of(key, kind, "id") if key is not None else str(number)


async def _operator(info: Info) -> Any:
    return await info.context.ask(get_operator)


async def _customer(info: Info, id: ID | None = None, number: str | None = None) -> Any:
    return await info.context.ask(get_customer, _one_of(id, number, "Customer"))


async def _customers(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    text: str | None = None,
    parent: ID | None = None,
) -> Any:
    above = None if parent is None else CustomerId(key_of(parent, "Customer", "parent"))
    query = ListCustomers(page=request(first, read_number(after, "Customer")), text=text, parent=above)
    return connect(await info.context.ask(list_customers, query), "Customer", after=after)


async def _contract(
    info: Info,
    id: ID | None = None,
    number: str | None = None,
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> Any:
    key = _one_of(id, number, "Contract")
    return await info.context.ask(get_contract, key, as_of=as_of, known_at=known_at)


async def _contracts(
    info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None
) -> Any:
    owner = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    query = ListContracts(page=request(first, read_number(after, "Contract")), customer=owner)
    return connect(await info.context.ask(list_contracts, query), "Contract", after=after)


async def _services(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    page = await info.context.ask(list_services, request(first, read_number(after, "Service")))
    return connect(page, "Service", after=after)


async def _subscription(info: Info, id: ID) -> Any:
    return await info.context.ask(get_subscription, SubscriptionId(key_of(id, "Subscription", "id")))


async def _subscriptions(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    customer: ID | None = None,
    contract: ID | None = None,
    number: str | None = None,
) -> Any:
    query = ListSubscriptions(
        page=request(first, read_number(after, "Subscription")),
        customer=None if customer is None else CustomerId(key_of(customer, "Customer", "customer")),
        contract=None if contract is None else ContractId(key_of(contract, "Contract", "contract")),
        number=number,
    )
    return connect(await info.context.ask(list_subscriptions, query), "Subscription", after=after)


async def _resellers(info: Info) -> Any:
    return await info.context.ask(list_resellers)


@strawberry.type
class PartyQuery:
    """Who buys and what was agreed."""

    operator: OperatorType = strawberry.field(resolver=_operator, description="The operator the caller works for.")
    customer: CustomerType | None = strawberry.field(resolver=_customer)
    customers: Connection[CustomerType] = strawberry.field(
        resolver=_customers,
        description="text: the beginnings of words, as one types, of names, addresses and every number.",
    )
    contract: ContractType | None = strawberry.field(
        resolver=_contract,
        description="asOf: as it looked or will look on a day; knownAt: as it had been recorded by an instant.",
    )
    contracts: Connection[ContractType] = strawberry.field(resolver=_contracts)
    services: Connection[ServiceType] = strawberry.field(resolver=_services)
    subscription: SubscriptionType | None = strawberry.field(resolver=_subscription)
    subscriptions: Connection[SubscriptionType] = strawberry.field(
        resolver=_subscriptions, description="number: those that have or had it, or are known by it."
    )
    resellers: list[ResellerType] = strawberry.field(resolver=_resellers, description="Those the caller may see.")
