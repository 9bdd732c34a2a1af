"""Search as one types: the same in memory and on PostgreSQL, each sees his own, and pages follow each other."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.access.actor import Actor
from domain.customers.contact import Contact, ContactRole, Recipient
from domain.customers.customer import Customer, CustomerKind
from domain.fields.definition import Aggregate, FieldKind
from domain.period import Period
from domain.ports.page import PageRequest
from domain.refusal import BadValue
from domain.usecases.change_customer import ChangeCustomer, change_customer
from domain.usecases.create_customer import CreateCustomer, create_customer
from domain.usecases.define_fields import DefineField, define_field
from domain.usecases.list_customers import ListCustomers, list_customers
from domain.usecases.run_bills import RunBills, run_bills
from tests.customers.test_merging import agreed
from tests.stores.worlds import PLACE, World


async def person(world: World, name: str, actor: Actor | None = None, **fields: Any) -> Customer:
    cmd = CreateCustomer(name=name, kind=CustomerKind.PERSON, address=PLACE, **fields)
    return await create_customer(cmd, actor=actor or world.operator, begin=world.begin)


async def found(world: World, text: str, actor: Actor | None = None) -> list[str]:
    page = await list_customers(ListCustomers(text=text), actor=actor or world.operator, begin=world.begin)
    return [one.name for one in page.items]


async def test_everything_a_customer_is_known_by_finds_it(world: World) -> None:
    field = DefineField(aggregate=Aggregate.CUSTOMER, name="crm", kind=FieldKind.TEXT, searchable=True)
    hidden = DefineField(aggregate=Aggregate.CUSTOMER, name="secret", kind=FieldKind.TEXT)
    for one in (field, hidden):
        await define_field(one, actor=world.operator, begin=world.begin)
    await person(world, "Somebody Else")
    ek = await person(
        world,
        "Anna Maria Öberg-Ek",
        number="K-77",
        identity_number="811218-9876",
        email="Anna@Example.se",
        phone="+46 70 174 06 05",
        recipient=Recipient(name="Ekonomi Syd", email="faktura@syd.se"),
        contacts=(Contact(name="Bo Gran", roles=(ContactRole.TECHNICAL,), phone="040-12 34"),),
        buyer_reference="PO-9 Eva Ros",
        fields=(("crm", "ZX81 Blå Räv"), ("secret", "hush")),
    )
    contract, line = await agreed(world, ek)
    for text in (
        *("an", "ann", "ANNA", "maria öb", "öberg", "öberg-ek", "k-7", "K-77"),
        *("8112189876", "811218-9876", "19811218-9876", "811218"),
        *("anna@ex", "0701740605", "070-174 06 05", "+46701740605", "0046701740605", "46701740605", "070-174"),
        *("ekonomi", "faktura@", "gran", "04012", "po-9", "po-9 eva ros", "eva", "zx8", "blå räv", "räv"),
        *(contract.number, line.numbers[0].number, f"0{line.numbers[0].number[2:]}"),
        *("anna öberg", "öberg anna", "maria 8112"),
    ):
        assert await found(world, text) == [ek.name], text
    for text in ("berg", "nna", "hush", "anna nobody", "%", "_", "\\", "' or 1=1"):
        assert await found(world, text) == [], text


async def test_a_change_is_found_at_once_and_what_was_is_not(world: World) -> None:
    one = await person(world, "Before", email="a@b.se")
    cmd = ChangeCustomer(customer=one.id, version=1, name="After", email=None)
    await change_customer(cmd, actor=world.operator, begin=world.begin)
    assert await found(world, "befo") == await found(world, "a@b") == []
    assert await found(world, "aft") == ["After"]


async def test_a_number_that_is_let_go_no_longer_finds_and_one_that_returns_does(world: World) -> None:
    one = await person(world, "Owner")
    _, line = await agreed(world, one)
    async with world.begin(world.operator) as unit:
        claimed = await unit.subscriptions.claim(line.id)
        kept = await unit.subscriptions.keep(claimed)
        assert kept.numbers == line.numbers
    assert await found(world, line.numbers[0].number) == ["Owner"]


async def test_an_invoice_finds_its_payer(world: World) -> None:
    one = await person(world, "Payer")
    await person(world, "Other")
    await agreed(world, one)
    world.clock.at = datetime(2026, 3, 2, tzinfo=UTC)
    run = await run_bills(
        RunBills(period=Period.month("2026-02")), actor=world.operator, begin=world.begin, clock=world.clock
    )
    assert run.net == Decimal(100)
    async with world.begin(world.operator) as unit:
        (invoice,) = (await unit.invoices.page(PageRequest())).items
    assert "Payer" in await found(world, invoice.number)


async def test_each_finds_his_own(world: World) -> None:
    await person(world, "Shared Name")
    await person(world, "Shared Name North", world.north)
    await person(world, "Shared Name East", world.north_east)
    await person(world, "Shared Name Other", world.other_operator)
    assert await found(world, "shared") == ["Shared Name", "Shared Name East", "Shared Name North"]
    assert await found(world, "name", world.north) == ["Shared Name East", "Shared Name North"]
    assert await found(world, "name east", world.north_east) == ["Shared Name East"]
    assert await found(world, "shared", world.south) == []
    assert await found(world, "shared", world.other_operator) == ["Shared Name Other"]


async def test_pages_of_a_search_follow_each_other_and_hold_each_once(world: World) -> None:
    names = [f"Berg {letter} Berg" for letter in "abcdefg"]
    for name in names:
        await person(world, name, phone="070-174 06 05", number=f"0701{name[5]}")
    for text in ("be", "berg", "berg b", "0701", "0701 berg"):
        walked: list[str] = []
        after = None
        while True:
            page = await list_customers(
                ListCustomers(text=text, page=PageRequest(2, after)), actor=world.operator, begin=world.begin
            )
            walked += [one.name for one in page.items]
            if not page.more:
                break
            after = page.items[-1].id
        assert sorted(walked) == names, text
    stranger = await person(world, "Ek")
    with pytest.raises(BadValue) as gone:
        await list_customers(
            ListCustomers(text="berg", page=PageRequest(2, stranger.id)), actor=world.operator, begin=world.begin
        )
    assert gone.value.field == "after"
