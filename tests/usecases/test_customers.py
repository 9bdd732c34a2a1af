"""Customers: what the use cases promise, for each who may call."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from domain.access.actor import Action
from domain.customers.customer import TREE_DEPTH_MAX, CustomerKind
from domain.ids import CustomerId, ResellerId
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound, Refusal, Stale
from domain.usecases.change_customer import ChangeCustomer, change_customer
from domain.usecases.create_customer import CreateCustomer, create_customer
from domain.usecases.get_customer import get_customer
from domain.usecases.list_customers import ListCustomers, list_customers
from domain.usecases.load_batches import children_of_customers, customers_by_ids
from tests.stores.worlds import PLACE, World, customer
from tests.usecases.trail import trail


def new(**fields: object) -> CreateCustomer:
    values: dict[str, object] = {"name": "Anna Ek", "kind": CustomerKind.PERSON, "address": PLACE}
    return CreateCustomer(**(values | fields))  # type: ignore[arg-type]  # a table of fields


async def test_a_created_customer_has_a_number_compact_identities_and_a_line_of_audit(world: World) -> None:
    cmd = new(
        name=" Åsö AB ",
        kind=CustomerKind.ORGANISATION,
        identity_number="556703-7485",
        vat_id="SE 556703-7485 01",
    )
    kept = await create_customer(cmd, actor=world.operator, begin=world.begin)
    assert (kept.name, kept.identity_number, kept.vat_id) == ("Åsö AB", "5567037485", "SE556703748501")
    assert (kept.number, kept.version) == ("100001", 1)
    assert await get_customer(kept.id, actor=world.operator, begin=world.begin) == kept
    assert await get_customer("100001", actor=world.operator, begin=world.begin) == kept
    lines = await trail(world)
    assert lines[-1] == ("boss", "create_customer", f"customer:{kept.id}")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "A\x00B"}, "name"),
        ({"name": "A\ud800"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"number": ""}, "number"),
        ({"email": "not one"}, "email"),
        ({"identity_number": "811218-9877"}, "identityNumber"),
        ({"vat_id": "SE123"}, "vatId"),
        ({"vat_id": "\u00e5\u00e5123"}, "vatId"),
        ({"endpoint": "5567037485"}, "endpoint"),
        ({"endpoint": "0007:å"}, "endpoint"),
        ({"language": "Swedish"}, "language"),
        ({"mask_digits": 5}, "maskDigits"),
        ({"payment_terms_days": 366}, "paymentTermsDays"),
        ({"through_parent": True}, "throughParent"),
        ({"address": replace(PLACE, country="se")}, "address.country"),
        ({"address": replace(PLACE, street="a\nb")}, "address.street"),
        ({"parent": CustomerId(4711)}, "parent"),
        ({"parent": CustomerId(2**70)}, "parent"),
        ({"reseller": ResellerId(4711)}, "reseller"),
        ({"price_list": "none such"}, "priceList"),
        ({"idempotency_key": "x" * 65}, "idempotencyKey"),
        ({"idempotency_key": ""}, "idempotencyKey"),
        ({"idempotency_key": "a b"}, "idempotencyKey"),
    ],
)
async def test_a_bad_field_is_refused_by_its_name(world: World, fields: dict[str, object], field: str) -> None:
    before = len(await trail(world))
    with pytest.raises((BadValue, NotFound)) as no:
        await create_customer(new(**fields), actor=world.operator, begin=world.begin)
    assert no.value.field == field
    assert len(await trail(world)) == before


async def test_a_change_touches_what_is_given_and_nothing_else(world: World) -> None:
    kept = await create_customer(new(email="a@b.se", language="en"), actor=world.operator, begin=world.begin)
    cmd = ChangeCustomer(customer=kept.id, version=1, name="Anna Berg", email=None)
    changed = await change_customer(cmd, actor=world.operator, begin=world.begin)
    assert changed == replace(kept, name="Anna Berg", email=None, version=2)
    assert (await trail(world))[-1] == ("boss", "change_customer", f"customer:{kept.id}")
    with pytest.raises(Stale):
        await change_customer(cmd, actor=world.operator, begin=world.begin)
    count = len(await trail(world))
    same = replace(cmd, version=2)
    assert await change_customer(same, actor=world.operator, begin=world.begin) == changed
    assert len(await trail(world)) == count


async def test_of_two_changes_at_once_one_is_stale(world: World) -> None:
    kept = await create_customer(new(), actor=world.operator, begin=world.begin)

    async def change(name: str) -> object:
        cmd = ChangeCustomer(customer=kept.id, version=1, name=name)
        return await change_customer(cmd, actor=world.operator, begin=world.begin)

    done = await asyncio.gather(change("A"), change("B"), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Customer", "Stale"]


async def test_the_tree_of_customers_stays_a_tree(world: World) -> None:
    async def child(parent: CustomerId | None) -> CustomerId:
        return (await create_customer(new(parent=parent), actor=world.operator, begin=world.begin)).id

    top = await child(None)
    middle = await child(top)
    leaf = await child(middle)
    for parent in (top, middle, leaf):
        cmd = ChangeCustomer(customer=top, version=1, parent=parent)
        with pytest.raises(BadValue) as no:
            await change_customer(cmd, actor=world.operator, begin=world.begin)
        assert no.value.field == "parent"
    children = await children_of_customers([top, leaf], actor=world.operator, begin=world.begin)
    assert {key: [one.id for one in below] for key, below in children.items()} == {top: [middle], leaf: []}


async def test_two_moves_at_once_make_no_cycle(world: World) -> None:
    one = await create_customer(new(), actor=world.operator, begin=world.begin)
    two = await create_customer(new(), actor=world.operator, begin=world.begin)

    async def move(customer: CustomerId, under: CustomerId) -> object:
        cmd = ChangeCustomer(customer=customer, version=1, parent=under)
        return await change_customer(cmd, actor=world.operator, begin=world.begin)

    done = await asyncio.gather(move(one.id, two.id), move(two.id, one.id), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["BadValue", "Customer"]


async def test_a_tree_has_a_greatest_depth(world: World) -> None:
    parent: CustomerId | None = None
    async with world.begin(world.operator) as unit:
        for _ in range(TREE_DEPTH_MAX):
            parent = (await unit.customers.add(customer(world.operator, parent=parent))).id
    with pytest.raises(BadValue, match="deep"):
        await create_customer(new(parent=parent), actor=world.operator, begin=world.begin)
    over = await create_customer(new(), actor=world.operator, begin=world.begin)
    top = (await list_customers(ListCustomers(), actor=world.operator, begin=world.begin)).items[0]
    cmd = ChangeCustomer(customer=top.id, version=1, parent=over.id)
    with pytest.raises(BadValue, match="deep"):
        await change_customer(cmd, actor=world.operator, begin=world.begin)


async def test_the_same_key_gives_the_same_answer(world: World) -> None:
    cmd = new(idempotency_key="k-1")
    first = await create_customer(cmd, actor=world.operator, begin=world.begin)
    assert await create_customer(cmd, actor=world.operator, begin=world.begin) == first
    with pytest.raises(Conflict) as other:
        await create_customer(replace(cmd, name="Bo Ek"), actor=world.operator, begin=world.begin)
    assert other.value.field == "idempotencyKey"
    # Another client's key, and another operator's, is another key.
    assert (await create_customer(cmd, actor=world.north, begin=world.begin)).id != first.id
    assert (await create_customer(cmd, actor=world.other_operator, begin=world.begin)).id != first.id


async def test_a_refused_command_leaves_its_key_free(world: World) -> None:
    with pytest.raises(NotFound):
        await create_customer(new(idempotency_key="k", parent=CustomerId(9)), actor=world.operator, begin=world.begin)
    await create_customer(new(idempotency_key="k"), actor=world.operator, begin=world.begin)


async def test_the_same_key_at_the_same_moment_gives_one_customer(world: World) -> None:
    cmd = new(idempotency_key="rush")
    calls = [create_customer(cmd, actor=world.operator, begin=world.begin) for _ in range(8)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    made = [one for one in answers if not isinstance(one, Conflict)]
    assert len({one.id for one in made}) == 1  # type: ignore[union-attr]  # what is no refusal is a customer
    assert all(one.field == "idempotencyKey" for one in answers if isinstance(one, Conflict))
    page = await list_customers(ListCustomers(), actor=world.operator, begin=world.begin)
    assert len(page.items) == 1


async def test_who_sends_a_key_while_it_is_being_answered_is_refused_and_does_not_wait(world: World) -> None:
    """B7: the same in memory as on a database."""
    claimed, go = asyncio.Event(), asyncio.Event()

    async def first() -> int | None:
        async with world.begin(world.operator) as unit:
            assert await unit.answers.claim("k", bytes(32)) is None
            claimed.set()
            await go.wait()
            await unit.answers.keep("k", 7)
        return 7

    async def second() -> int | None:
        async with world.begin(world.operator) as unit:
            return await unit.answers.claim("k", bytes(32))

    running = asyncio.create_task(first())
    await claimed.wait()
    late = asyncio.create_task(second())
    await asyncio.sleep(0.05)
    go.set()
    with pytest.raises(Conflict):
        await late
    assert await running == 7
    assert await second() == 7


async def test_customers_created_at_once_have_numbers_of_their_own(world: World) -> None:
    calls = [create_customer(new(), actor=actor, begin=world.begin) for actor in (world.operator, world.north) * 5]
    numbers = [one.number for one in await asyncio.gather(*calls)]
    assert sorted(numbers) == [str(number) for number in range(100001, 100011)]


async def test_without_the_permission_nothing_happens(world: World) -> None:
    bare = replace(world.operator, scopes=frozenset(Action) - {Action.READ_CUSTOMERS, Action.WRITE_CUSTOMERS})
    calls = [
        create_customer(new(), actor=bare, begin=world.begin),
        change_customer(ChangeCustomer(customer=CustomerId(1), version=1), actor=bare, begin=world.begin),
        get_customer(CustomerId(1), actor=bare, begin=world.begin),
        list_customers(ListCustomers(), actor=bare, begin=world.begin),
        customers_by_ids([CustomerId(1)], actor=bare, begin=world.begin),
        children_of_customers([CustomerId(1)], actor=bare, begin=world.begin),
    ]
    for call in calls:
        with pytest.raises(NotAllowed):
            await call


async def test_four_callers(world: World) -> None:
    """The operator's own customer is the operator's; north's is north's and the operator's; nobody else's."""
    direct = await create_customer(new(), actor=world.operator, begin=world.begin)
    norths = await create_customer(new(), actor=world.north, begin=world.begin)
    assert norths.reseller == world.north.reseller
    given = await create_customer(new(reseller=world.north.reseller), actor=world.operator, begin=world.begin)
    easts = await create_customer(new(reseller=world.north_east.reseller), actor=world.north, begin=world.begin)
    may = {
        "operator": {direct, norths, given, easts},
        "own": {norths, given, easts},
        "sibling": set(),
        "other_operator": set(),
    }
    for name, caller in world.callers.items():
        seen = {one.id for one in may[name]}
        page = await list_customers(ListCustomers(page=PageRequest(100)), actor=caller, begin=world.begin)
        assert {one.id for one in page.items} == seen, name
        every = [direct.id, norths.id, given.id, easts.id]
        assert set(await customers_by_ids(every, actor=caller, begin=world.begin)) == seen, name
        for one in (direct, norths, given, easts):
            if one.id in seen:
                assert await get_customer(one.id, actor=caller, begin=world.begin) == one
                continue
            refusals = []
            for key in (one.id, one.number, CustomerId(10**9)):
                with pytest.raises(NotFound) as no:
                    await get_customer(key, actor=caller, begin=world.begin)
                refusals.append(type(no.value))
            cmd = ChangeCustomer(customer=one.id, version=1, name="mine now")
            with pytest.raises(NotFound):
                await change_customer(cmd, actor=caller, begin=world.begin)
            with pytest.raises(NotFound) as unseen:
                await create_customer(new(parent=one.id), actor=caller, begin=world.begin)
            assert unseen.value.field == "parent"


@pytest.mark.parametrize("whose", ["sibling", "upwards"])
async def test_a_resellers_caller_does_not_reach_sideways_or_up(world: World, whose: str) -> None:
    target = {"sibling": world.south.reseller, "upwards": world.north.reseller}[whose]
    with pytest.raises(Refusal) as no:
        await create_customer(new(reseller=target), actor=world.north_east, begin=world.begin)
    assert isinstance(no.value, NotFound)
    assert no.value.field == "reseller"
