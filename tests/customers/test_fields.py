"""Fields of the operator's own: typed, validated, required, ended, found; the same on every aggregate."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.access.actor import Actor
from domain.contracts.subscription import SubscriptionKind
from domain.customers.customer import Customer, CustomerKind
from domain.fields.definition import Aggregate, FieldDefinition, FieldKind, canonical
from domain.ids import OperatorId
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound, Stale
from domain.usecases.add_subscription import AddSubscription, add_subscription
from domain.usecases.change_customer import ChangeCustomer, change_customer
from domain.usecases.create_contract import CreateContract, create_contract
from domain.usecases.create_customer import CreateCustomer, create_customer
from domain.usecases.create_reseller import CreateReseller, create_reseller
from domain.usecases.create_service import CreateService, create_service
from domain.usecases.define_fields import (
    ChangeField,
    DefineField,
    FindByField,
    change_field,
    define_field,
    find_by_field,
    list_fields,
)
from domain.usecases.set_fields import SetFields, set_fields
from tests.stores.worlds import PLACE, World

KINDS = {
    FieldKind.TEXT: {"  Ek ": "Ek"},
    FieldKind.INTEGER: {"+07": "7", "-3": "-3", "9223372036854775807": "9223372036854775807"},
    FieldKind.DECIMAL: {"12.50": "12.5", "-0.0": "0", "100": "100", "+1": "1", "0.10": "0.1"},
    FieldKind.DATE: {"2026-02-28": "2026-02-28"},
    FieldKind.BOOLEAN: {"True": "true", "0": "false"},
    FieldKind.CHOICE: {"red": "red"},
}
WRONG = {
    FieldKind.TEXT: ["x" * 1001],
    FieldKind.INTEGER: ["1.0", "x", "9223372036854775808", "\u0661", "1_000"],
    FieldKind.DECIMAL: ["1e3", "NaN", "1,5", "Infinity", "1" * 31],
    FieldKind.DATE: ["2026-02-29", "28/2", "2026-2-1"],
    FieldKind.BOOLEAN: ["yes", "2"],
    FieldKind.CHOICE: ["Red", "blue"],
}


def definition(kind: FieldKind) -> FieldDefinition:
    choices = ("red", "green") if kind is FieldKind.CHOICE else ()
    return FieldDefinition(operator=OperatorId(1), aggregate=Aggregate.CUSTOMER, name="f", kind=kind, choices=choices)


@pytest.mark.parametrize("kind", FieldKind)
def test_a_value_has_the_one_form_of_its_kind(kind: FieldKind) -> None:
    for written, kept in KINDS[kind].items():
        assert canonical(definition(kind), written) == kept
        assert canonical(definition(kind), kept) == kept
    for wrong in WRONG[kind]:
        with pytest.raises(BadValue) as no:
            canonical(definition(kind), wrong)
        assert no.value.field == "fields.f"


async def define(world: World, aggregate: Aggregate, name: str, **more: Any) -> FieldDefinition:
    cmd = DefineField(aggregate=aggregate, name=name, **({"kind": FieldKind.TEXT} | more))
    return await define_field(cmd, actor=world.operator, begin=world.begin)


async def person(world: World, actor: Actor | None = None, **more: Any) -> Customer:
    cmd = CreateCustomer(name="Anna", kind=CustomerKind.PERSON, address=PLACE, **more)
    return await create_customer(cmd, actor=actor or world.operator, begin=world.begin)


async def everything(world: World, fields: tuple[tuple[str, str | None], ...]) -> dict[Aggregate, Any]:
    """One of each aggregate with these fields."""
    who: dict[str, Any] = {"actor": world.operator, "begin": world.begin}
    customer = await person(world, fields=fields)
    service = await create_service(CreateService(code="S", name="S", fields=fields), **who)
    contract = await create_contract(
        CreateContract(customer=customer.id, start=date(2026, 1, 1), fields=fields), **who, clock=world.clock
    )
    line = await add_subscription(
        AddSubscription(contract=contract.id, kind=SubscriptionKind.MOBILE, fields=fields), **who, clock=world.clock
    )
    reseller = await create_reseller(CreateReseller(code="R", name="R", fields=fields), **who)
    return {
        Aggregate.CUSTOMER: customer,
        Aggregate.SERVICE: service,
        Aggregate.CONTRACT: contract,
        Aggregate.SUBSCRIPTION: line,
        Aggregate.RESELLER: reseller,
    }


async def test_every_aggregate_has_them_from_its_creation_and_by_a_change(world: World) -> None:
    for aggregate in Aggregate:
        await define(world, aggregate, "code", searchable=True)
        await define(world, aggregate, "seats", kind=FieldKind.INTEGER, searchable=True)
    made = await everything(world, (("code", "Abc"), ("seats", "07")))
    for aggregate, one in made.items():
        assert one.fields == (("code", "Abc"), ("seats", "7")), aggregate
        cmd = SetFields(aggregate=aggregate, id=one.id, version=one.version, fields=(("seats", None), ("code", "Xyz")))
        changed = await set_fields(cmd, actor=world.operator, begin=world.begin)
        assert (changed.fields, changed.version) == ((("code", "Xyz"),), one.version + 1), aggregate
        with pytest.raises(Stale):
            await set_fields(cmd, actor=world.operator, begin=world.begin)
        for value, keys in (("xy", [one.id]), ("abc", []), ("yz", [])):
            query = FindByField(aggregate=aggregate, name="code", value=value)
            page = await find_by_field(query, actor=world.operator, begin=world.begin)
            assert list(page.items) == keys, (aggregate, value)
        query = FindByField(aggregate=aggregate, name="seats", value="7")
        assert (await find_by_field(query, actor=world.operator, begin=world.begin)).items == []


async def test_a_required_field_must_be_filled_in_on_every_aggregate(world: World) -> None:
    for aggregate in Aggregate:
        await define(world, aggregate, "must", required=True)
    who: dict[str, Any] = {"actor": world.operator, "begin": world.begin}
    ready = await everything(world, (("must", "x"),))
    contract = CreateContract(customer=ready[Aggregate.CUSTOMER].id, start=date(2026, 1, 1))
    line = AddSubscription(contract=ready[Aggregate.CONTRACT].id, kind=SubscriptionKind.MOBILE)
    for attempt in (
        person(world),
        person(world, fields=(("must", " "),)),
        create_service(CreateService(code="T", name="T"), **who),
        create_contract(contract, **who, clock=world.clock),
        add_subscription(line, **who, clock=world.clock),
        create_reseller(CreateReseller(code="Q", name="Q"), **who),
    ):
        with pytest.raises(BadValue) as no:
            await attempt
        assert no.value.field == "fields.must"
    for aggregate, one in ready.items():
        cmd = SetFields(aggregate=aggregate, id=one.id, version=one.version, fields=(("must", None),))
        with pytest.raises(BadValue):
            await set_fields(cmd, actor=world.operator, begin=world.begin)


async def test_what_is_not_defined_or_has_ended_takes_no_value_and_what_it_had_stays(world: World) -> None:
    with pytest.raises(BadValue) as no:
        await person(world, fields=(("unknown", "1"),))
    assert no.value.field == "fields.unknown"
    one = await define(world, Aggregate.CUSTOMER, "old", required=True)
    kept = await person(world, fields=(("old", "1"),))
    ahead = ChangeField(aggregate=Aggregate.CUSTOMER, name="old", version=1, ends_at=datetime(2999, 1, 1, tzinfo=UTC))
    one = await change_field(ahead, actor=world.operator, begin=world.begin)
    with pytest.raises(BadValue):
        await person(world)
    past = ChangeField(
        aggregate=Aggregate.CUSTOMER, name="old", version=one.version, ends_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    await change_field(past, actor=world.operator, begin=world.begin)
    with pytest.raises(BadValue):
        await person(world, fields=(("old", "2"),))
    assert (await person(world)).fields == ()
    cmd = ChangeCustomer(customer=kept.id, version=1, name="Other")
    assert (await change_customer(cmd, actor=world.operator, begin=world.begin)).fields == (("old", "1"),)


async def test_a_change_of_a_customer_changes_its_fields_too(world: World) -> None:
    await define(world, Aggregate.CUSTOMER, "a")
    await define(world, Aggregate.CUSTOMER, "b")
    one = await person(world, fields=(("a", "1"), ("b", "2")))
    cmd = ChangeCustomer(customer=one.id, version=1, fields=(("a", None),))
    changed = await change_customer(cmd, actor=world.operator, begin=world.begin)
    assert (changed.fields, changed.version) == ((("b", "2"),), 2)
    same = ChangeCustomer(customer=one.id, version=2, fields=(("b", "2"),))
    assert (await change_customer(same, actor=world.operator, begin=world.begin)).version == 2
    twice = ChangeCustomer(customer=one.id, version=2, fields=(("b", "2"), ("b", "3")))
    with pytest.raises(BadValue):
        await change_customer(twice, actor=world.operator, begin=world.begin)


async def test_definitions_belong_to_the_operator(world: World) -> None:
    one = await define(world, Aggregate.CUSTOMER, "mine", searchable=True)
    with pytest.raises(Conflict):
        await define(world, Aggregate.CUSTOMER, "mine")
    with pytest.raises(NotAllowed):
        await define_field(
            DefineField(aggregate=Aggregate.CUSTOMER, name="x", kind=FieldKind.TEXT),
            actor=world.north,
            begin=world.begin,
        )
    assert await list_fields(actor=world.north, begin=world.begin) == [one]
    assert await list_fields(actor=world.other_operator, begin=world.begin) == []
    with pytest.raises(BadValue):
        await person(world, world.other_operator, fields=(("mine", "1"),))
    with pytest.raises(NotFound):
        await change_field(
            ChangeField(aggregate=Aggregate.CONTRACT, name="mine", version=1, required=True),
            actor=world.operator,
            begin=world.begin,
        )
    with pytest.raises(Stale):
        await change_field(
            ChangeField(aggregate=Aggregate.CUSTOMER, name="mine", version=2, required=True),
            actor=world.operator,
            begin=world.begin,
        )
    for bad in ({"name": "Mine"}, {"name": "a b"}, {"name": ""}, {"choices": ("a",)}, {"kind": FieldKind.CHOICE}):
        with pytest.raises(BadValue):
            await define(world, Aggregate.CUSTOMER, **({"name": "ok"} | bad))  # type: ignore[arg-type]  # a table


async def test_each_finds_his_own_by_a_field(world: World) -> None:
    await define(world, Aggregate.CUSTOMER, "code", searchable=True)
    await define(world, Aggregate.CUSTOMER, "quiet")
    kept = {
        name: await person(world, actor, fields=(("code", "Same"),))
        for name, actor in world.callers.items()
        if name != "other_operator"
    }
    sees = {"operator": set(kept), "own": {"own"}, "sibling": {"sibling"}}
    for name, seen in sees.items():
        query = FindByField(aggregate=Aggregate.CUSTOMER, name="code", value="SAME")
        page = await find_by_field(query, actor=world.callers[name], begin=world.begin)
        assert set(page.items) == {kept[one].id for one in seen}, name
    query = FindByField(aggregate=Aggregate.CUSTOMER, name="code", value="s", page=PageRequest(2))
    page = await find_by_field(query, actor=world.operator, begin=world.begin)
    assert (len(page.items), page.more) == (2, True)
    for query in (
        FindByField(aggregate=Aggregate.CUSTOMER, name="quiet", value="x"),
        FindByField(aggregate=Aggregate.CONTRACT, name="code", value="x"),
    ):
        with pytest.raises(NotFound):
            await find_by_field(query, actor=world.operator, begin=world.begin)
