"""Services, contracts, subscriptions and numbers: what the use cases promise, for each who may call."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from domain.access.actor import Action, Actor
from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.service import Service
from domain.contracts.subscription import NumberAssignment, Subscription, SubscriptionKind
from domain.customers.customer import Customer
from domain.ids import ContractId, CustomerId, ServiceId, SubscriptionId
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound, Overlap, Stale, WrongState
from domain.usecases.add_subscription import AddSubscription, add_subscription
from domain.usecases.assign_numbers import AssignNumbers, assign_numbers
from domain.usecases.change_contract import ChangeContract, change_contract
from domain.usecases.create_contract import CreateContract, create_contract
from domain.usecases.create_customer import create_customer
from domain.usecases.create_service import CreateService, create_service
from domain.usecases.get_contract import get_contract
from domain.usecases.get_subscription import get_subscription
from domain.usecases.list_contracts import ListContracts, list_contracts
from domain.usecases.list_services import list_services
from domain.usecases.list_subscriptions import ListSubscriptions, list_subscriptions
from domain.usecases.load_batches import (
    contracts_by_ids,
    contracts_of_customers,
    services_by_ids,
    subscriptions_by_ids,
    subscriptions_of_contracts,
)
from domain.usecases.release_numbers import ReleaseNumbers, release_numbers
from tests.stores.worlds import World
from tests.usecases.test_customers import new as new_customer
from tests.usecases.test_prices import load
from tests.usecases.trail import trail

START = date(2026, 1, 1)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
MAY = datetime(2026, 5, 1, tzinfo=UTC)


async def a_service(world: World, **fields: object) -> Service:
    cmd = CreateService(**({"code": "mobile", "name": "Mobile"} | fields))  # type: ignore[arg-type]  # a table of fields
    return await create_service(cmd, actor=world.operator, begin=world.begin)


async def a_customer(world: World, actor: Actor | None = None) -> Customer:
    return await create_customer(new_customer(), actor=actor or world.operator, begin=world.begin)


async def a_contract(world: World, actor: Actor | None = None, **fields: object) -> Contract:
    caller = actor or world.operator
    if "customer" not in fields:
        fields["customer"] = (await a_customer(world, caller)).id
    cmd = CreateContract(**({"start": START} | fields))  # type: ignore[arg-type]  # a table of fields
    return await create_contract(cmd, actor=caller, begin=world.begin, clock=world.clock)


async def change(world: World, of: Contract, **fields: object) -> Contract:
    cmd = ChangeContract(**({"contract": of.id, "version": of.version} | fields))  # type: ignore[arg-type]  # a table of fields
    return await change_contract(cmd, actor=world.operator, begin=world.begin, clock=world.clock)


def number(text: str, start: datetime = MARCH, end: datetime | None = None) -> NumberAssignment:
    return NumberAssignment(number=text, valid_from=start, valid_to=end)


async def a_line(world: World, *numbers: NumberAssignment, **fields: object) -> Subscription:
    if "contract" not in fields:
        fields["contract"] = (await a_contract(world)).id
    cmd = AddSubscription(**({"kind": SubscriptionKind.MOBILE, "numbers": numbers} | fields))  # type: ignore[arg-type]  # a table of fields
    return await add_subscription(cmd, actor=world.operator, begin=world.begin, clock=world.clock)


async def test_a_service_is_created_once(world: World) -> None:
    made = await a_service(world, periodic_fee=Decimal("99.00"), idempotency_key="k")
    assert await a_service(world, periodic_fee=Decimal(99), idempotency_key="k") == made
    page = await list_services(PageRequest(), actor=world.operator, begin=world.begin)
    assert list(page.items) == [made]
    assert await services_by_ids([made.id], actor=world.operator, begin=world.begin) == {made.id: made}
    with pytest.raises(Conflict) as taken:
        await a_service(world)
    assert taken.value.field == "code"
    assert (await trail(world))[-1] == ("boss", "create_service", f"service:{made.id}")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"code": ""}, "code"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\tb"}, "name"),
        ({"periodic_fee": Decimal(-1)}, "periodicFee"),
        ({"periodic_fee": Decimal("NaN")}, "periodicFee"),
        ({"one_time_fee": Decimal("Infinity")}, "oneTimeFee"),
        ({"one_time_fee": Decimal("0.0000001")}, "oneTimeFee"),
        ({"interval_months": 5}, "intervalMonths"),
        ({"vat_percent": Decimal(101)}, "vatPercent"),
        ({"vat_percent": Decimal("NaN")}, "vatPercent"),
        ({"account": ""}, "account"),
    ],
)
async def test_a_bad_service_is_refused_by_the_field(world: World, fields: dict[str, object], field: str) -> None:
    with pytest.raises(BadValue) as no:
        await a_service(world, **fields)
    assert no.value.field == field


async def test_a_contract_is_created_with_its_services(world: World) -> None:
    service = await a_service(world)
    line = ContractService(service=service.id, start=START, quantity=2, periodic_fee=Decimal("10.50"))
    made = await a_contract(world, services=(line,), state=ContractState.ACTIVE, idempotency_key="k")
    assert (made.number, made.version, made.services) == ("200001", 1, (line,))
    assert await get_contract(made.id, actor=world.operator, begin=world.begin) == made
    assert await get_contract("200001", actor=world.operator, begin=world.begin) == made
    again = await a_contract(
        world, customer=made.customer, services=(line,), state=ContractState.ACTIVE, idempotency_key="k"
    )
    assert again == made
    page = await list_contracts(ListContracts(customer=made.customer), actor=world.operator, begin=world.begin)
    assert list(page.items) == [made]
    assert (await trail(world))[-1] == ("boss", "create_contract", f"contract:{made.id}")


async def test_a_contract_of_a_resellers_customer_is_the_resellers(world: World) -> None:
    owner = await a_customer(world, world.north)
    made = await a_contract(world, customer=owner.id)
    line = await a_line(world, contract=made.id)
    assert made.reseller == line.reseller == world.north.reseller


@pytest.mark.parametrize(
    ("fields", "kind", "field"),
    [
        ({"customer": CustomerId(4711)}, NotFound, "customer"),
        ({"customer": CustomerId(2**70)}, NotFound, "customer"),
        ({"number": " "}, BadValue, "number"),
        ({"end": START}, BadValue, "end"),
        ({"state": ContractState.ENDED}, WrongState, "state"),
        ({"state": ContractState.SUSPENDED}, WrongState, "state"),
        ({"price_list": "none"}, NotFound, "priceList"),
        ({"services": (ContractService(service=ServiceId(4711), start=START),)}, NotFound, "services.0.service"),
    ],
)
async def test_a_bad_contract_is_refused_by_the_field(
    world: World, fields: dict[str, object], kind: type[Exception], field: str
) -> None:
    with pytest.raises(kind) as no:
        await a_contract(world, **fields)
    assert getattr(no.value, "field", None) == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quantity": 0}, "services.1.quantity"),
        ({"end": START}, "services.1.end"),
        ({"periodic_fee": Decimal("NaN")}, "services.1.periodicFee"),
        ({"one_time_fee": Decimal(-1)}, "services.1.oneTimeFee"),
    ],
)
async def test_a_bad_line_is_refused_by_its_place(world: World, changes: dict[str, object], field: str) -> None:
    line = ContractService(service=(await a_service(world)).id, start=START)
    with pytest.raises(BadValue) as no:
        await a_contract(world, services=(line, replace(line, **changes)))  # type: ignore[arg-type]  # a table of fields
    assert no.value.field == field


async def test_a_contract_changes_step_by_step(world: World) -> None:
    await load(world)
    made = await a_contract(world, price_list="gold")
    active = await change(world, made, state=ContractState.ACTIVE)
    assert active == replace(made, state=ContractState.ACTIVE, version=2)
    line = ContractService(service=(await a_service(world)).id, start=START)
    other = await change(world, active, services=(line,), price_list=None)
    assert (other.services, other.price_list, other.version) == ((line,), None, 3)
    assert await change(world, other) == other
    assert await change(world, other, services=(line,)) == other
    with pytest.raises(Stale):
        await change(world, active, price_list="gold")
    with pytest.raises(WrongState):
        await change(world, other, state=ContractState.DRAFT)
    with pytest.raises(BadValue) as no:
        await change(world, other, state=ContractState.ENDED)
    assert no.value.field == "end"
    ended = await change(world, other, state=ContractState.ENDED, end=date(2026, 6, 1))
    with pytest.raises(WrongState):
        await change(world, ended, state=ContractState.ACTIVE)
    with pytest.raises(WrongState):
        await a_line(world, contract=ended.id)
    for bad, field in (({"price_list": "none"}, "priceList"), ({"end": START}, "end")):
        with pytest.raises((BadValue, NotFound)) as refused:
            await change(world, ended, **bad)
        assert refused.value.field == field


async def test_of_two_changes_at_once_one_is_stale(world: World) -> None:
    made = await a_contract(world)
    calls = (change(world, made, state=ContractState.ACTIVE), change(world, made, end=date(2027, 1, 1)))
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Contract", "Stale"]


async def test_a_line_keeps_numbers_as_digits_and_other_names_as_they_are(world: World) -> None:
    made = await a_line(world, number("+46 70-123 45 67"), number("sip-user"), label="Anna", idempotency_key="k")
    assert [one.number for one in made.numbers] == ["46701234567", "sip-user"]
    assert await get_subscription(made.id, actor=world.operator, begin=world.begin) == made
    again = await a_line(
        world,
        number("+46 70-123 45 67"),
        number("sip-user"),
        label="Anna",
        idempotency_key="k",
        contract=made.contract,
    )
    assert again == made
    for query in (ListSubscriptions(contract=made.contract), ListSubscriptions(customer=made.customer)):
        page = await list_subscriptions(query, actor=world.operator, begin=world.begin)
        assert list(page.items) == [made]
    for same in ("46701234567", "070-123 45 67", "0046701234567"):
        with pytest.raises(Overlap):
            await a_line(world, number(same, APRIL, MAY))
    caller = {"actor": world.operator, "begin": world.begin}
    left = await release_numbers(ReleaseNumbers(subscription=made.id, numbers=("070-123 45 67",), at=APRIL), **caller)
    assert left.numbers[0] == number("46701234567", MARCH, APRIL)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (number(""), "numbers.1.number"),
        (number("x" * 65), "numbers.1.number"),
        (number("a\x00"), "numbers.1.number"),
        (number("1", MARCH.replace(tzinfo=None)), "numbers.1.validFrom"),
        (number("1", MARCH, MARCH), "numbers.1.validTo"),
        (number("1", datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))), "numbers.1.validFrom"),
        (number("1", MARCH, datetime.max.replace(tzinfo=UTC)), "numbers.1.validTo"),
    ],
)
async def test_a_bad_number_is_refused_by_its_place(world: World, bad: NumberAssignment, field: str) -> None:
    with pytest.raises(BadValue) as no:
        await a_line(world, number("46700000000"), bad)
    assert no.value.field == field


async def test_numbers_come_and_go_by_the_day(world: World) -> None:
    made = await a_line(world, number("1"))
    caller = {"actor": world.operator, "begin": world.begin}
    more = await assign_numbers(
        AssignNumbers(subscription=made.id, numbers=(number("2", APRIL),)), **caller, clock=world.clock
    )
    assert [(one.number, one.valid_from) for one in more.numbers] == [("1", MARCH), ("2", APRIL)]
    again = await assign_numbers(
        AssignNumbers(subscription=made.id, numbers=(number("2", APRIL),)), **caller, clock=world.clock
    )
    assert again == more
    with pytest.raises(Overlap):
        await assign_numbers(
            AssignNumbers(subscription=made.id, numbers=(number("1", MAY),)), **caller, clock=world.clock
        )

    left = await release_numbers(ReleaseNumbers(subscription=made.id, numbers=("1", "2"), at=APRIL), **caller)
    assert left.numbers == (number("1", MARCH, APRIL),)
    with pytest.raises(NotFound) as no:
        await release_numbers(ReleaseNumbers(subscription=made.id, numbers=("1",), at=APRIL), **caller)
    assert no.value.field == "numbers.0"
    # It is free from then on, and another's before then no more than it was.
    other = await a_line(world, number("1", APRIL))
    assert other.numbers == (number("1", APRIL),)
    naive = ReleaseNumbers(subscription=made.id, numbers=("1",), at=APRIL.replace(tzinfo=None))
    with pytest.raises(BadValue):
        await release_numbers(naive, **caller)


async def test_of_two_who_want_a_number_at_once_one_gets_it(world: World) -> None:
    one, other = await a_contract(world), await a_contract(world)
    calls = (a_line(world, number("7"), contract=one.id), a_line(world, number("7"), contract=other.id))
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Overlap", "Subscription"]


async def test_four_callers(world: World) -> None:
    service = await a_service(world)
    made = {}
    for name, actor in (("operator", world.operator), ("north", world.north), ("east", world.north_east)):
        contract = await a_contract(world, actor)
        made[name] = (contract, await a_line(world, number(f"n-{name}"), contract=contract.id))
    may = {"operator": ["operator", "north", "east"], "own": ["north", "east"], "sibling": [], "other_operator": []}
    every = list(made.values())
    for name, caller in world.callers.items():
        contracts = [made[one][0] for one in may[name]]
        lines = [made[one][1] for one in may[name]]
        by = {"actor": caller, "begin": world.begin}
        assert list((await list_contracts(ListContracts(), **by)).items) == contracts, name
        assert list((await contracts_by_ids([one.id for one, _ in every], **by)).values()) == contracts, name
        assert list((await subscriptions_by_ids([one.id for _, one in every], **by)).values()) == lines, name
        assert list((await list_subscriptions(ListSubscriptions(), **by)).items) == lines, name
        owned = await contracts_of_customers([one.customer for one, _ in every], **by)
        assert [one for found in owned.values() for one in found] == contracts, name
        under = await subscriptions_of_contracts([one.id for one, _ in every], **by)
        assert [one for found in under.values() for one in found] == lines, name
        page = await list_services(PageRequest(), **by)
        assert [one.id for one in page.items] == ([] if name == "other_operator" else [service.id]), name
        known = await services_by_ids([service.id], **by)
        assert set(known) == (set() if name == "other_operator" else {service.id}), name
        for one in set(made) - set(may[name]):
            contract, line = made[one]
            refused = (
                get_contract(contract.id, **by),
                get_contract(contract.number, **by),
                change_contract(
                    ChangeContract(contract=contract.id, version=1, end=date(2030, 1, 1)), **by, clock=world.clock
                ),
                create_contract(CreateContract(customer=contract.customer, start=START), **by, clock=world.clock),
                add_subscription(
                    AddSubscription(contract=contract.id, kind=SubscriptionKind.SIP), **by, clock=world.clock
                ),
                get_subscription(line.id, **by),
                assign_numbers(AssignNumbers(subscription=line.id, numbers=(number("9"),)), **by, clock=world.clock),
                release_numbers(ReleaseNumbers(subscription=line.id, numbers=(f"n-{one}",), at=MAY), **by),
            )
            for call in refused:
                with pytest.raises(NotFound):
                    await call
    for caller in (world.north, world.south):
        with pytest.raises(NotAllowed):
            await create_service(CreateService(code="x", name="X"), actor=caller, begin=world.begin)


async def test_without_the_permission_nothing_happens(world: World) -> None:
    bare = replace(world.operator, scopes=frozenset(Action) - {Action.READ_CONTRACTS, Action.WRITE_CONTRACTS})
    by = {"actor": bare, "begin": world.begin}
    calls = (
        create_service(CreateService(code="x", name="X"), **by),
        list_services(PageRequest(), **by),
        create_contract(CreateContract(customer=CustomerId(1), start=START), **by, clock=world.clock),
        change_contract(ChangeContract(contract=ContractId(1), version=1), **by, clock=world.clock),
        get_contract(ContractId(1), **by),
        list_contracts(ListContracts(), **by),
        add_subscription(AddSubscription(contract=ContractId(1), kind=SubscriptionKind.SIP), **by, clock=world.clock),
        assign_numbers(AssignNumbers(subscription=SubscriptionId(1), numbers=()), **by, clock=world.clock),
        release_numbers(ReleaseNumbers(subscription=SubscriptionId(1), numbers=(), at=MAY), **by),
        get_subscription(SubscriptionId(1), **by),
        list_subscriptions(ListSubscriptions(), **by),
        contracts_by_ids([], **by),
        contracts_of_customers([], **by),
        services_by_ids([], **by),
        subscriptions_by_ids([], **by),
        subscriptions_of_contracts([], **by),
    )
    for call in calls:
        with pytest.raises(NotAllowed):
            await call
