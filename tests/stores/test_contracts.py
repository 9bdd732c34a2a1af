"""Services, contracts, subscriptions and numbers, as their ports promise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.subscription import NumberAssignment, Subscription, SubscriptionKind
from domain.ids import ContractId, CustomerId, ServiceId, SubscriptionId
from domain.ports.page import PageRequest
from domain.refusal import Conflict, NotFound, Overlap, Stale
from tests.stores.worlds import World, contract, customer, service, subscription

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
MAY = datetime(2026, 5, 1, tzinfo=UTC)


def number(text: str, start: datetime = MARCH, end: datetime | None = None) -> NumberAssignment:
    return NumberAssignment(number=text, valid_from=start, valid_to=end)


async def a_contract(world: World, **fields: object) -> Contract:
    async with world.begin(world.operator) as unit:
        owner = await unit.customers.add(customer(world.operator))
        return await unit.contracts.add(contract(owner, **fields))


async def a_line(world: World, *numbers: NumberAssignment, of: Contract | None = None) -> Subscription:
    owner = of or await a_contract(world)
    async with world.begin(world.operator) as unit:
        return await unit.subscriptions.add(subscription(owner, numbers=numbers))


async def test_a_service_comes_back_as_it_was_kept(world: World) -> None:
    whole = service(
        world.operator,
        one_time_fee=Decimal("99.50"),
        periodic_fee=Decimal("0.000001"),
        in_advance=False,
        interval_months=12,
        vat_percent=Decimal(6),
        account="3051",
        product_group="Broadband",
    )
    async with world.begin(world.operator) as unit:
        kept = await unit.services.add(whole)
        other = await unit.services.add(service(world.operator))
    assert kept == replace(whole, id=kept.id)
    async with world.begin(world.operator) as unit:
        assert await unit.services.many([kept.id, ServiceId(2**70), ServiceId(-1)]) == {kept.id: kept}
        assert await unit.services.by_code(whole.code) == kept
        assert list((await unit.services.page(PageRequest())).items) == [kept, other]
        assert list((await unit.services.page(PageRequest(1, kept.id))).items) == [other]
        with pytest.raises(NotFound):
            await unit.services.by_code("none")
    async with world.begin(world.other_operator) as unit:
        assert await unit.services.many([kept.id]) == {}
    with pytest.raises(Conflict):
        async with world.begin(world.operator) as unit:
            await unit.services.add(service(world.operator, code=whole.code))


async def test_a_contract_comes_back_with_its_services_in_their_order(world: World) -> None:
    async with world.begin(world.operator) as unit:
        first = await unit.services.add(service(world.operator))
        second = await unit.services.add(service(world.operator))
    lines = (
        ContractService(service=second.id, start=date(2026, 2, 1), quantity=3, periodic_fee=Decimal("12.30")),
        ContractService(service=first.id, start=date(2026, 1, 1), end=date(2026, 2, 1), one_time_fee=Decimal(0)),
        ContractService(service=second.id, start=date(2026, 1, 1)),
    )
    kept = await a_contract(world, services=lines, end=date(2027, 1, 1), state=ContractState.ACTIVE, price_list="gold")
    assert kept.services == lines
    async with world.begin(world.operator) as unit:
        assert await unit.contracts.get(kept.id) == kept
        assert await unit.contracts.by_number(kept.number) == kept
        assert await unit.contracts.many([kept.id, ContractId(2**70)]) == {kept.id: kept}
        assert await unit.contracts.of_customers([kept.customer, CustomerId(4711)]) == {
            kept.customer: [kept],
            CustomerId(4711): [],
        }


async def test_a_changed_contract_has_other_services_and_the_next_version(world: World) -> None:
    async with world.begin(world.operator) as unit:
        one = await unit.services.add(service(world.operator))
    line = ContractService(service=one.id, start=date(2026, 1, 1))
    kept = await a_contract(world, services=(line, line))
    async with world.begin(world.operator) as unit:
        claimed = await unit.contracts.claim(kept.id)
        changed = await unit.contracts.keep(
            replace(claimed, services=(replace(line, quantity=2),), state=ContractState.ACTIVE)
        )
    assert (changed.version, changed.services) == (2, (replace(line, quantity=2),))
    async with world.begin(world.operator) as unit:
        assert await unit.contracts.get(kept.id) == changed
    with pytest.raises(Stale):
        async with world.begin(world.operator) as unit:
            await unit.contracts.keep(kept)


async def test_a_contract_names_what_exists(world: World) -> None:
    async with world.begin(world.operator) as unit:
        owner = await unit.customers.add(customer(world.operator))
    line = ContractService(service=ServiceId(4711), start=date(2026, 1, 1))
    for bad in (replace(contract(owner), customer=CustomerId(4711)), contract(owner, services=(line,))):
        with pytest.raises(NotFound):
            async with world.begin(world.operator) as unit:
                await unit.contracts.add(bad)
    kept = await a_contract(world)
    with pytest.raises(Conflict):
        await a_contract(world, number=kept.number)
    async with world.begin(world.operator) as unit:
        for key in (ContractId(4711), ContractId(2**70)):
            with pytest.raises(NotFound):
                await unit.contracts.get(key)
            with pytest.raises(NotFound):
                await unit.contracts.claim(key)
        with pytest.raises(NotFound):
            await unit.contracts.by_number("none")


async def test_contracts_are_listed_by_key_and_by_customer(world: World) -> None:
    kept = [await a_contract(world) for _ in range(3)]
    async with world.begin(world.operator) as unit:
        assert list((await unit.contracts.page(PageRequest())).items) == kept
        page = await unit.contracts.page(PageRequest(1, kept[0].id))
        assert (list(page.items), page.more) == ([kept[1]], True)
        own = await unit.contracts.page(PageRequest(), customer=kept[2].customer)
        assert list(own.items) == [kept[2]]
        assert not (await unit.contracts.page(PageRequest(), customer=CustomerId(2**70))).items
        assert int(await unit.contracts.next_number()) + 1 == int(await unit.contracts.next_number())


async def test_a_subscription_comes_back_with_its_numbers(world: World) -> None:
    numbers = (number("46701234567"), number("46701234568", MARCH, APRIL))
    kept = await a_line(world, *numbers)
    async with world.begin(world.operator) as unit:
        assert await unit.subscriptions.many([kept.id, SubscriptionId(2**70)]) == {kept.id: kept}
        assert await unit.subscriptions.of_contracts([kept.contract, ContractId(4711)]) == {
            kept.contract: [kept],
            ContractId(4711): [],
        }
        assert await unit.subscriptions.claim(kept.id) == kept
        for query in ({}, {"customer": kept.customer}, {"contract": kept.contract}):
            assert list((await unit.subscriptions.page(PageRequest(), **query)).items) == [kept]
        for query in ({"customer": CustomerId(2**70)}, {"contract": ContractId(4711)}):
            assert not (await unit.subscriptions.page(PageRequest(), **query)).items
        with pytest.raises(NotFound):
            await unit.subscriptions.claim(SubscriptionId(2**70))


async def test_a_number_has_one_owner_at_a_time(world: World) -> None:
    first = await a_line(world, number("46700000001", MARCH, APRIL))
    second = await a_line(world, number("46700000001", APRIL, MAY))
    overlapping = [
        (number("46700000001", MARCH, APRIL),),
        (number("46700000001", datetime(2026, 3, 31, 23, 59, tzinfo=UTC), APRIL),),
        (number("46700000001", MARCH),),
        (number("1", MARCH, MAY), number("1", APRIL)),
        (number("1", MARCH), number("1", MARCH)),
    ]
    for numbers in overlapping:
        with pytest.raises(Overlap):
            await a_line(world, *numbers)
    async with world.begin(world.operator) as unit:
        assert (await unit.subscriptions.owner_of("46700000001", MARCH)).id == first.id
        assert (await unit.subscriptions.owner_of("46700000001", APRIL)).id == second.id
        for text, at in (("46700000001", MAY), ("46700000002", MARCH)):
            with pytest.raises(NotFound):
                await unit.subscriptions.owner_of(text, at)
    async with world.begin(world.other_operator) as unit:
        with pytest.raises(NotFound):
            await unit.subscriptions.owner_of("46700000001", MARCH)


async def test_a_changed_subscription_has_other_numbers_and_the_next_version(world: World) -> None:
    kept = await a_line(world, number("1"), number("2"))
    taken = await a_line(world, number("3"))
    async with world.begin(world.operator) as unit:
        claimed = await unit.subscriptions.claim(kept.id)
        changed = await unit.subscriptions.keep(
            replace(claimed, numbers=(number("1", MARCH, APRIL), number("4")), kind=SubscriptionKind.SIP, label="x")
        )
    async with world.begin(world.operator) as unit:
        assert await unit.subscriptions.claim(kept.id) == changed
        assert changed.version == 2
    with pytest.raises(Stale):
        async with world.begin(world.operator) as unit:
            await unit.subscriptions.keep(kept)
    with pytest.raises(Overlap):
        async with world.begin(world.operator) as unit:
            await unit.subscriptions.keep(replace(changed, numbers=taken.numbers))
    with pytest.raises(NotFound):
        await a_line(world, of=replace(await a_contract(world), id=ContractId(4711)))


async def test_each_sees_his_own_contracts_and_lines(world: World) -> None:
    kept = {}
    for name in ("operator", "north", "north_east", "south"):
        actor = getattr(world, name)
        async with world.begin(actor) as unit:
            owner = await unit.customers.add(customer(actor))
            one = await unit.contracts.add(contract(owner))
            line = await unit.subscriptions.add(subscription(one, numbers=(number(f"n-{name}"),)))
        kept[name] = (one, line)
    sees = {
        "operator": list(kept),
        "north": ["north", "north_east"],
        "north_east": ["north_east"],
        "south": ["south"],
        "other_operator": [],
    }
    for name, expected in sees.items():
        async with world.begin(getattr(world, name)) as unit:
            contracts = [kept[one][0] for one in expected]
            lines = [kept[one][1] for one in expected]
            every = list(kept.values())
            assert list((await unit.contracts.page(PageRequest())).items) == contracts, name
            assert list((await unit.contracts.many([one.id for one, _ in every])).values()) == contracts, name
            assert list((await unit.subscriptions.page(PageRequest())).items) == lines, name
            assert list((await unit.subscriptions.many([line.id for _, line in every])).values()) == lines, name
            of_customers = await unit.contracts.of_customers([one.customer for one, _ in every])
            assert [one for found in of_customers.values() for one in found] == contracts, name
            of_contracts = await unit.subscriptions.of_contracts([one.id for one, _ in every])
            assert [one for found in of_contracts.values() for one in found] == lines, name
            for other in set(kept) - set(expected):
                with pytest.raises(NotFound):
                    await unit.subscriptions.owner_of(f"n-{other}", MARCH)
                with pytest.raises(NotFound):
                    await unit.contracts.claim(kept[other][0].id)


async def test_nobody_writes_for_another_reseller(world: World) -> None:
    async with world.begin(world.south) as unit:
        owner = await unit.customers.add(customer(world.south))
        one = await unit.contracts.add(contract(owner))
    for bad in (contract(owner), contract(replace(owner, reseller=None))):
        with pytest.raises(NotFound):
            async with world.begin(world.north) as unit:
                await unit.contracts.add(bad)
    with pytest.raises(NotFound):
        async with world.begin(world.north) as unit:
            await unit.subscriptions.add(subscription(one))
