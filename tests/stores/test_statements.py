"""How many statements a batch takes: as many for one thing as for many."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from domain.access.actor import Actor
from domain.catalogue.tariff import PriceList
from domain.contracts.contract import ContractService
from domain.ports.page import PageRequest
from domain.ports.unit import Begin
from domain.usecases.list_contracts import ListContracts, list_contracts
from domain.usecases.list_customers import ListCustomers, list_customers
from domain.usecases.list_subscriptions import ListSubscriptions, list_subscriptions
from domain.usecases.load_batches import (
    children_of_customers,
    contracts_by_ids,
    contracts_of_customers,
    customers_by_ids,
    rates_of_lists,
    resellers_by_ids,
    services_by_ids,
    subscriptions_by_ids,
    subscriptions_of_contracts,
)
from persistence.engine import Database
from persistence.statements import counted
from persistence.units import StoredUnits
from tests.stores.test_contracts import number
from tests.stores.worlds import NOON, World, build, contract, customer, service, subscription

Keys = dict[str, list[Any]]


@pytest.fixture
async def filled(stores_database: Database) -> tuple[World, Keys]:
    """Ten customers with a contract each, of two services, and two lines with a number each."""
    world = await build(StoredUnits(stores_database), stores_database)
    keys: Keys = {"customers": [], "contracts": [], "subscriptions": []}
    async with world.begin(world.operator) as unit:
        sold = [await unit.services.add(service(world.operator)) for _ in range(2)]
        lines = tuple(ContractService(service=one.id, start=NOON.date()) for one in sold)
        keys["services"] = [one.id for one in sold]
        keys["resellers"] = list(await unit.resellers.tree())
        for index in range(10):
            owner = await unit.customers.add(customer(world.operator))
            one = await unit.contracts.add(contract(owner, services=lines))
            keys["customers"].append(owner.id)
            keys["contracts"].append(one.id)
            for line in range(2):
                kept = await unit.subscriptions.add(subscription(one, numbers=(number(f"{index}-{line}"),)))
                keys["subscriptions"].append(kept.id)
    return world, keys


BATCHES: list[tuple[Callable[..., Awaitable[Any]], str, int]] = [
    (customers_by_ids, "customers", 1),
    (children_of_customers, "customers", 1),
    (contracts_by_ids, "contracts", 2),
    (contracts_of_customers, "customers", 2),
    (services_by_ids, "services", 1),
    (subscriptions_by_ids, "subscriptions", 2),
    (subscriptions_of_contracts, "contracts", 2),
    (resellers_by_ids, "resellers", 1),
]


@pytest.mark.parametrize(("load", "of", "statements"), BATCHES, ids=lambda one: getattr(one, "__name__", None))
async def test_a_batch_takes_the_same_statements_for_one_and_for_all(
    filled: tuple[World, Keys], load: Callable[..., Awaitable[Any]], of: str, statements: int
) -> None:
    world, keys = filled
    for chosen in (keys[of][:1], keys[of]):
        with counted() as taken:
            assert len(await load(chosen, actor=world.operator, begin=world.begin)) == len(chosen)
        assert len(taken) == statements, taken.texts


async def test_the_rates_of_many_lists_take_two_statements(filled: tuple[World, Keys]) -> None:
    world, _ = filled
    async with world.begin(world.operator) as unit:
        for name in ("a", "b", "c"):
            await unit.catalogue.add_list(PriceList(name=name, currency="SEK", rates=()), recorded_at=NOON)
    for names in (["a"], ["a", "b", "c"]):
        with counted() as taken:
            pages = await rates_of_lists(names, actor=world.operator, begin=world.begin, first=10)
        assert (list(pages), len(taken)) == (names, 2), taken.texts


async def test_a_page_takes_the_same_statements_for_one_and_for_all(filled: tuple[World, Keys]) -> None:
    world, _ = filled

    async def customers(first: int, actor: Actor, begin: Begin) -> Sequence[Any]:
        query = ListCustomers(page=PageRequest(first))
        return (await list_customers(query, actor=actor, begin=begin)).items

    async def contracts(first: int, actor: Actor, begin: Begin) -> Sequence[Any]:
        query = ListContracts(page=PageRequest(first))
        return (await list_contracts(query, actor=actor, begin=begin)).items

    async def subscriptions(first: int, actor: Actor, begin: Begin) -> Sequence[Any]:
        query = ListSubscriptions(page=PageRequest(first))
        return (await list_subscriptions(query, actor=actor, begin=begin)).items

    for listed, statements in ((customers, 1), (contracts, 2), (subscriptions, 2)):
        for first in (1, 10):
            with counted() as taken:
                assert len(await listed(first, world.operator, world.begin)) == first
            assert len(taken) == statements, taken.texts
