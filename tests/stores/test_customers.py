"""Customers and resellers, as their port promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.customers.customer import CallSpecification, CustomerKind, Delivery
from domain.ids import CustomerId, ResellerId
from domain.operators import Address
from domain.ports.page import PageRequest
from domain.refusal import Conflict, NotFound, Stale
from tests.stores.worlds import World, customer, reseller


async def test_a_customer_comes_back_as_it_was_kept(world: World) -> None:
    whole = customer(
        world.operator,
        kind=CustomerKind.PERSON,
        address=Address("Gränd 2", "222 33", "Lund", "SE", "c/o Öberg"),
        identity_number="198112189876",
        vat_id="SE556036079301",
        email="a@b.se",
        phone="+4670",
        language="en",
        payment_terms_days=10,
        delivery=Delivery.PEPPOL,
        endpoint="0007:5560360793",
        call_specification=CallSpecification.SUMMARY,
        mask_digits=3,
        price_list="gold",
        reseller=world.north.reseller,
    )
    async with world.begin(world.operator) as unit:
        parent = await unit.customers.add(customer(world.operator))
        kept = await unit.customers.add(replace(whole, parent=parent.id, through_parent=True))
    async with world.begin(world.operator) as unit:
        assert await unit.customers.get(kept.id) == kept
        assert await unit.customers.by_number(whole.number) == kept
        assert await unit.customers.many([kept.id, CustomerId(-1), CustomerId(2**70)]) == {kept.id: kept}
        assert await unit.customers.children([parent.id, kept.id]) == {parent.id: [kept], kept.id: []}
        assert await unit.customers.above(kept.id) == [kept, parent]
    assert kept == replace(whole, id=kept.id, parent=parent.id, through_parent=True)


async def test_what_is_not_there_is_not_found(world: World) -> None:
    async with world.begin(world.operator) as unit:
        for key in (CustomerId(4711), CustomerId(0), CustomerId(2**70)):
            with pytest.raises(NotFound):
                await unit.customers.get(key)
            with pytest.raises(NotFound):
                await unit.customers.claim(key)
        with pytest.raises(NotFound):
            await unit.customers.by_number("nobody")
        assert await unit.customers.many([]) == {}


async def test_a_number_is_taken_once_per_operator(world: World) -> None:
    async with world.begin(world.operator) as unit:
        first = await unit.customers.add(customer(world.operator, number="1"))
    async with world.begin(world.other_operator) as unit:
        await unit.customers.add(customer(world.other_operator, number="1"))
    with pytest.raises(Conflict) as taken:
        async with world.begin(world.operator) as unit:
            await unit.customers.add(customer(world.operator, number="1"))
    assert taken.value.field == "number"
    async with world.begin(world.operator) as unit:
        second = await unit.customers.add(customer(world.operator, number="2"))
    with pytest.raises(Conflict):
        async with world.begin(world.operator) as unit:
            await unit.customers.keep(replace(second, number=first.number))


async def test_a_change_raises_the_version_and_an_old_version_is_stale(world: World) -> None:
    async with world.begin(world.operator) as unit:
        one = await unit.customers.add(customer(world.operator))
    async with world.begin(world.operator) as unit:
        claimed = await unit.customers.claim(one.id)
        changed = await unit.customers.keep(replace(claimed, name="Other"))
    assert changed == replace(one, name="Other", version=2)
    with pytest.raises(Stale):
        async with world.begin(world.operator) as unit:
            await unit.customers.keep(replace(one, name="Late"))
    async with world.begin(world.operator) as unit:
        assert await unit.customers.get(one.id) == changed


async def test_an_error_undoes_the_unit(world: World) -> None:
    async def work() -> None:
        async with world.begin(world.operator) as unit:
            await unit.customers.add(customer(world.operator, number="gone"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    async with world.begin(world.operator) as unit:
        with pytest.raises(NotFound):
            await unit.customers.by_number("gone")


async def test_a_unit_inside_a_unit_is_a_bug(world: World) -> None:
    async with world.begin(world.operator):
        with pytest.raises(RuntimeError):
            async with world.begin(world.operator):
                pass


async def test_pages_follow_the_key_and_search_the_starts_of_words(world: World) -> None:
    names = ["Åsa Berg", "Bo Åsberg", "Cia 100%", "Eva_Q Ek", "Lasse"]
    async with world.begin(world.operator) as unit:
        kept = [
            await unit.customers.add(customer(world.operator, name=name, number=f"N{index}", email=f"m{index}@x.se"))
            for index, name in enumerate(names)
        ]

        async def found(text: str | None, first: int = 50, after: int | None = None) -> list[str]:
            page = await unit.customers.page(PageRequest(first, after), text=text)
            return [one.name for one in page.items]

        assert await found(None) == names
        assert await found(None, 2, kept[1].id) == names[2:4]
        assert (await unit.customers.page(PageRequest(4))).more
        assert not (await unit.customers.page(PageRequest(5))).more
        assert await found("ås") == ["Åsa Berg", "Bo Åsberg"]
        assert await found("BERG åsa") == ["Åsa Berg"]
        assert await found("sberg") == []
        assert await found("100%") == ["Cia 100%"]
        assert await found("%") == []
        assert await found("evaxq") == []
        assert await found("n4") == ["Lasse"]
        assert await found("m2@") == ["Cia 100%"]
        assert await found("' or 1=1 --") == []


async def test_the_series_skips_numbers_chosen_by_hand(world: World) -> None:
    async with world.begin(world.operator) as unit:
        first = await unit.customers.next_number()
        await unit.customers.add(customer(world.operator, number=str(int(first) + 1)))
    async with world.begin(world.north) as unit:
        # He does not see the operator's own customer, but must not be given its number.
        assert await unit.customers.next_number() == str(int(first) + 2)
    async with world.begin(world.other_operator) as unit:
        assert await unit.customers.next_number() == first


async def test_each_sees_his_own(world: World) -> None:
    async with world.begin(world.operator) as unit:
        direct = await unit.customers.add(customer(world.operator))
    kept = {}
    for name in ("north", "north_east", "south"):
        actor = getattr(world, name)
        async with world.begin(actor) as unit:
            kept[name] = await unit.customers.add(customer(actor))
    sees = {
        "operator": [direct, kept["north"], kept["north_east"], kept["south"]],
        "north": [kept["north"], kept["north_east"]],
        "north_east": [kept["north_east"]],
        "south": [kept["south"]],
        "other_operator": [],
    }
    everything = [direct, *kept.values()]
    for name, expected in sees.items():
        async with world.begin(getattr(world, name)) as unit:
            assert list((await unit.customers.page(PageRequest())).items) == expected, name
            many = await unit.customers.many([one.id for one in everything])
            assert list(many.values()) == expected, name
            for one in everything:
                if one not in expected:
                    with pytest.raises(NotFound):
                        await unit.customers.claim(one.id)
                    with pytest.raises(NotFound):
                        await unit.customers.by_number(one.number)


@pytest.mark.parametrize("whose", ["sibling", "operator's own", "upwards"])
async def test_nobody_writes_for_another_reseller(world: World, whose: str) -> None:
    target = {"sibling": world.south.reseller, "operator's own": None, "upwards": world.north.reseller}[whose]
    with pytest.raises(NotFound):
        async with world.begin(world.north_east) as unit:
            await unit.customers.add(customer(world.north_east, reseller=target))


async def test_the_parent_of_a_customer_exists(world: World) -> None:
    with pytest.raises(NotFound) as missing:
        async with world.begin(world.operator) as unit:
            await unit.customers.add(customer(world.operator, parent=CustomerId(4711)))
    assert missing.value.field == "parent"


async def test_resellers_are_a_tree_and_each_sees_from_himself_down(world: World) -> None:
    def codes(tree: dict[ResellerId, object]) -> list[str]:
        return [one.code for one in tree.values()]  # type: ignore[attr-defined]  # resellers

    async with world.begin(world.operator) as unit:
        tree = await unit.resellers.tree()
        assert codes(dict(tree)) == ["north", "south", "north-east"]
    async with world.begin(world.north_east) as unit:
        below = await unit.resellers.tree()
        assert codes(dict(below)) == ["north-east"]
        assert [one.parent for one in below.values()] == [None]  # whom he buys from is not his to know
    async with world.begin(world.north) as unit:
        assert [one.parent for one in (await unit.resellers.tree()).values()] == [None, world.north.reseller]
    async with world.begin(world.other_operator) as unit:
        assert await unit.resellers.tree() == {}
    with pytest.raises(Conflict):
        async with world.begin(world.operator) as unit:
            await unit.resellers.add(reseller(world.operator.operator, "north"))
    with pytest.raises(NotFound):
        async with world.begin(world.operator) as unit:
            await unit.resellers.add(reseller(world.operator.operator, "new", parent=ResellerId(4711)))
    async with world.begin(world.north) as unit:
        mine = await unit.resellers.add(reseller(world.operator.operator, "mine", parent=world.north.reseller))
        assert mine.id in await unit.resellers.tree()
    for caller, parent in ((world.north, world.south.reseller), (world.north, None), (world.other_operator, None)):
        with pytest.raises(NotFound):
            async with world.begin(caller) as unit:
                await unit.resellers.add(reseller(world.operator.operator, "other", parent=parent))
