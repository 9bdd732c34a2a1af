"""Load many things by their keys at once, as a batch of one request asks for them. What may not be seen is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.catalogue.tariff import PriceList, Rate
from domain.contracts.contract import Contract
from domain.contracts.service import Service
from domain.contracts.subscription import Subscription
from domain.customers.customer import Customer
from domain.customers.place import Place
from domain.ids import ContractId, CustomerId, ResellerId, ServiceId, SubscriptionId
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.resellers.reseller import Reseller
from domain.usecases.list_rates import shown_to


@operation(Action.READ_CUSTOMERS)
async def customers_by_ids(keys: Sequence[CustomerId], *, actor: Actor, begin: Begin) -> Mapping[CustomerId, Customer]:
    """Return the customers that exist and may be seen. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.customers.many(keys)


@operation(Action.READ_CUSTOMERS)
async def children_of_customers(
    keys: Sequence[CustomerId], *, actor: Actor, begin: Begin
) -> Mapping[CustomerId, Sequence[Customer]]:
    """Return the direct sub-customers of each. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.customers.children(keys)


@operation(Action.READ_CUSTOMERS)
async def places_of_customers(
    keys: Sequence[CustomerId], *, actor: Actor, begin: Begin
) -> Mapping[CustomerId, Sequence[Place]]:
    """Return the dated places of each that was ever moved. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.places.of(keys)


@operation(Action.READ_CUSTOMERS)
async def resellers_by_ids(keys: Sequence[ResellerId], *, actor: Actor, begin: Begin) -> Mapping[ResellerId, Reseller]:
    """Return the resellers that exist and may be seen. Refuses with: NotAllowed."""
    wanted = set(keys)
    async with begin(actor) as unit:
        return {key: one for key, one in (await unit.resellers.tree()).items() if key in wanted}


@operation(Action.READ_CONTRACTS)
async def contracts_by_ids(keys: Sequence[ContractId], *, actor: Actor, begin: Begin) -> Mapping[ContractId, Contract]:
    """Return the contracts that exist and may be seen. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.contracts.many(keys)


@operation(Action.READ_CONTRACTS)
async def contracts_of_customers(
    keys: Sequence[CustomerId], *, actor: Actor, begin: Begin
) -> Mapping[CustomerId, Sequence[Contract]]:
    """Return the contracts of each customer, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.contracts.of_customers(keys)


@operation(Action.READ_CONTRACTS)
async def services_by_ids(keys: Sequence[ServiceId], *, actor: Actor, begin: Begin) -> Mapping[ServiceId, Service]:
    """Return the services that exist. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.services.many(keys)


@operation(Action.READ_CONTRACTS)
async def subscriptions_by_ids(
    keys: Sequence[SubscriptionId], *, actor: Actor, begin: Begin
) -> Mapping[SubscriptionId, Subscription]:
    """Return the subscriptions that exist and may be seen. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.subscriptions.many(keys)


@operation(Action.READ_CONTRACTS)
async def subscriptions_of_contracts(
    keys: Sequence[ContractId], *, actor: Actor, begin: Begin
) -> Mapping[ContractId, Sequence[Subscription]]:
    """Return the subscriptions of each contract with their numbers, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.subscriptions.of_contracts(keys)


@operation(Action.READ_PRICES)
async def price_lists_by_names(names: Sequence[str], *, actor: Actor, begin: Begin) -> Mapping[str, PriceList]:
    """Return the price lists that exist and may be seen, without their rates. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.catalogue.lists_by_name(names)


@operation(Action.READ_PRICES)
async def rates_of_lists(names: Sequence[str], *, actor: Actor, begin: Begin, first: int) -> Mapping[str, Page[Rate]]:
    """Return the first page of the present rates of each list. Refuses with: NotAllowed, BadValue (first)."""
    PageRequest(first)
    async with begin(actor) as unit:
        return await shown_to(actor, unit, await unit.catalogue.rates_of(names, first=first))
