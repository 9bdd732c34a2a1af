"""Limits of a level: what somebody gives away, and which customers there are for him."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.access.actor import Action, Actor
from domain.access.client import ApiClient
from domain.access.level import with_level
from domain.access.limits import Ceiling, Limits
from domain.contracts.terms import Discount
from domain.fields.definition import Aggregate
from domain.ids import ResellerId
from domain.quotes.quote import QuoteLine
from domain.refusal import NotAllowed, NotFound
from domain.usecases.change_contract import ChangeContract, change_contract
from domain.usecases.create_contract import CreateContract, create_contract
from domain.usecases.create_customer import create_customer
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.define_fields import FindByField, find_by_field
from domain.usecases.get_contract import get_contract
from domain.usecases.get_customer import get_customer
from domain.usecases.group_customers import JoinGroup, LeaveGroup, join_group, leave_group
from domain.usecases.list_contracts import ListContracts, list_contracts
from domain.usecases.list_customers import ListCustomers, list_customers
from domain.usecases.list_events import list_events
from domain.usecases.plan_change import EndContract, end_contract
from domain.usecases.quote_contract import CreateQuote, create_quote
from persistence.engine import OWNER, Database
from tests.access.people import level, person
from tests.access.test_levels import sek
from tests.invoicing.conftest import NOVEMBER, Office, backing, office
from tests.stores.worlds import NOON, World, service
from tests.usecases.test_customers import new

__all__ = ["backing", "office"]

START = NOON.date()
DESK = frozenset({"bills:run", "invoices:read", "contracts:write", "contracts:read", "customers:read"})


async def test_a_credit_up_to_the_limit_and_in_a_day_up_to_its_own(office: Office) -> None:
    """Four invoices of 248.75 each: one more than the limit of a day."""
    world = office.world
    for _ in range(4):
        await office.customer()
    await office.bill()
    total = office.invoices[0].total
    assert total == Decimal("249.00")

    async def credit(by: Actor, place: int) -> Any:
        cmd = CreditInvoice(invoice=office.invoices[place].id, issued_on=NOVEMBER.start)
        return await credit_invoice(cmd, actor=by, begin=world.begin, clock=world.clock)

    small = await person(world, await level(world, permissions=DESK, limits=sek(248)))
    with pytest.raises(NotAllowed) as no:
        await credit(small, 0)
    assert "248 SEK" in no.value.message
    clerk = await person(world, await level(world, permissions=DESK, limits=sek(249, 500)))
    await credit(clerk, 0)
    await credit(clerk, 1)
    for _ in range(2):  # what is refused is not counted
        with pytest.raises(NotAllowed) as no:
            await credit(clerk, 2)
    assert "in a day" in no.value.message
    async with office.begin() as unit:
        assert await unit.invoices.credited(office.invoices[2].number) == []
    # Somebody else has a day of his own; and so has tomorrow.
    other = await person(world, await level(world, permissions=DESK, limits=sek(249, 249)))
    await credit(other, 2)
    world.clock.pass_by(days=1)
    await credit(clerk, 3)


async def test_a_machine_gives_on_its_makers_day(office: Office) -> None:
    """Neither another portal nor machines that he makes, or these make, give somebody a second day."""
    world = office.world
    for _ in range(5):
        await office.customer()
    await office.bill()
    of = await level(world, permissions=DESK, limits=sek(249, 500))
    clerk = await person(world, of)
    machines = [replace(clerk, user=None, client=name, factor="secret") for name in ("made", "made-by-it", "alone")]
    async with world.begin(world.operator) as unit:
        for machine, maker in zip(machines, (clerk.person, machines[0].person, None), strict=True):
            await unit.clients.add(
                ApiClient(
                    client_id=machine.client,
                    operator=world.operator.operator,
                    name=machine.client,
                    secret_sha256=bytes(32),
                    scopes=frozenset(Action),
                    created_at=NOON,
                    made_by=maker,
                    level=of.id,
                )
            )

    async def credit(by: Actor, place: int) -> Any:
        cmd = CreditInvoice(invoice=office.invoices[place].id, issued_on=NOVEMBER.start)
        return await credit_invoice(cmd, actor=by, begin=world.begin, clock=world.clock)

    made, by_it, alone = machines
    await credit(by_it, 0)
    await credit(replace(clerk, client="another-portal"), 1)
    for spent in (clerk, made, by_it):
        with pytest.raises(NotAllowed) as no:
            await credit(spent, 2)
        assert "in a day" in no.value.message
    await credit(alone, 2)  # nobody made it: it answers for itself


async def test_another_currency_is_beyond_every_limit(office: Office) -> None:
    world = office.world
    await office.customer()
    await office.bill()
    euros = Limits(amounts=(Ceiling(currency="EUR", each=Decimal(10**6)),))
    clerk = await person(world, await level(world, permissions=DESK, limits=euros))
    cmd = CreditInvoice(invoice=office.invoices[0].id, issued_on=NOVEMBER.start)
    with pytest.raises(NotAllowed):
        await credit_invoice(cmd, actor=clerk, begin=world.begin, clock=world.clock)


async def test_discounts_are_given_away_too(world: World) -> None:
    seller = await person(world, await level(world, permissions=DESK, limits=sek(100, 150)))
    around: dict[str, Any] = {"actor": seller, "begin": world.begin, "clock": world.clock}
    owner = await create_customer(new(), actor=world.operator, begin=world.begin)
    async with world.begin(world.operator) as unit:
        lines = (QuoteLine(service=(await unit.services.add(service(world.operator))).id),)
    fine = Discount(start=START, amount=Decimal(100))
    one = await create_contract(CreateContract(customer=owner.id, start=START, discounts=(fine,)), **around)
    for given in (Discount(start=START, amount=Decimal(101)), Discount(start=START, percent=Decimal(5))):
        with pytest.raises(NotAllowed):
            await create_contract(CreateContract(customer=owner.id, start=START, discounts=(given,)), **around)
        with pytest.raises(NotAllowed):
            await create_quote(CreateQuote(customer=owner.id, start=START, lines=lines, discounts=(given,)), **around)
    # What was there already is not given again; what is new counts to the day.
    more = Discount(start=START, amount=Decimal(50), text="more")
    cmd = ChangeContract(contract=one.id, version=one.version, discounts=(fine, more))
    changed = await change_contract(cmd, **around)
    last = Discount(start=START, amount=Decimal(1), text="one more")
    with pytest.raises(NotAllowed):
        await change_contract(replace(cmd, version=changed.version, discounts=(fine, more, last)), **around)
    with pytest.raises(NotAllowed):
        await end_contract(EndContract(contract=one.id, version=changed.version, free=True), **around)


@pytest.fixture
async def gold(world: World) -> tuple[Actor, dict[str, Any]]:
    """Somebody who reaches customers of the group gold alone; one of them has left it, one joins it later."""
    people: dict[str, Any] = {}
    for name in ("gold", "plain", "left", "later"):
        people[name] = await create_customer(new(name=name), actor=world.operator, begin=world.begin)
    long_ago, ahead = NOON - timedelta(days=4000), NOON + timedelta(days=40_000)
    for name, since in (("gold", long_ago), ("left", long_ago), ("later", ahead)):
        cmd = JoinGroup(customer=people[name].id, name="gold", valid_from=since)
        await join_group(cmd, actor=world.operator, begin=world.begin)
    over = LeaveGroup(customer=people["left"].id, name="gold", at=long_ago + timedelta(days=1))
    await leave_group(over, actor=world.operator, begin=world.begin)
    words = DESK | {"customers:write", "events:read"}
    of = await level(world, permissions=words, limits=Limits(groups=frozenset({"gold"})))
    return await person(world, of), people


async def test_who_reaches_a_group_finds_nobody_else(world: World, gold: tuple[Actor, dict[str, Any]]) -> None:
    anna, people = gold
    found = (await list_customers(ListCustomers(), actor=anna, begin=world.begin)).items
    assert [one.name for one in found] == ["gold"]
    assert (await get_customer(people["gold"].number, actor=anna, begin=world.begin)).id == people["gold"].id
    for name in ("plain", "left", "later"):
        assert (await list_customers(ListCustomers(text=name), actor=anna, begin=world.begin)).items == []
        with pytest.raises(NotFound):
            await get_customer(people[name].number, actor=anna, begin=world.begin)
    everybody = (await list_customers(ListCustomers(), actor=world.operator, begin=world.begin)).items
    assert {"gold", "plain", "left", "later"} <= {one.name for one in everybody}


async def test_what_hangs_on_another_customer_is_not_found_either(
    world: World, gold: tuple[Actor, dict[str, Any]]
) -> None:
    anna, people = gold
    made = {}
    for name in ("gold", "plain"):
        cmd = CreateContract(customer=people[name].id, start=START)
        made[name] = await create_contract(cmd, actor=world.operator, begin=world.begin, clock=world.clock)
    found = (await list_contracts(ListContracts(), actor=anna, begin=world.begin)).items
    assert [one.id for one in found] == [made["gold"].id]
    with pytest.raises(NotFound):
        await get_contract(made["plain"].id, actor=anna, begin=world.begin)
    cmd = CreateContract(customer=people["plain"].id, start=START)
    with pytest.raises(NotFound):
        await create_contract(cmd, actor=anna, begin=world.begin, clock=world.clock)
    change = ChangeContract(contract=made["plain"].id, version=1, end=START + timedelta(days=900))
    with pytest.raises(NotFound):
        await change_contract(change, actor=anna, begin=world.begin, clock=world.clock)


async def test_what_is_about_all_customers_is_not_for_who_reaches_some(
    world: World, gold: tuple[Actor, dict[str, Any]]
) -> None:
    anna, _ = gold
    assert Action.READ_EVENTS in anna.scopes
    for use in (
        list_events,
        lambda *_, **around: credit_invoice(CreditInvoice(invoice=1), clock=world.clock, **around),  # type: ignore[arg-type]  # a key
        lambda *_, **around: create_customer(new(), **around),
        lambda *_, **around: find_by_field(FindByField(aggregate=Aggregate.CUSTOMER, name="x", value="y"), **around),
    ):
        with pytest.raises(NotAllowed):
            await use(None, actor=anna, begin=world.begin)  # type: ignore[arg-type]  # it is refused before
    with pytest.raises(NotAllowed):
        async with world.begin(anna, bulk=True):
            pass


async def test_a_name_of_a_group_is_no_sql(world: World, gold: tuple[Actor, dict[str, Any]]) -> None:
    anna, _ = gold
    for name in ("'; select 1; --", 'gold"]', "åäö\N{GREEK SMALL LETTER ALPHA}", "\\"):
        sly = replace(anna, limits=Limits(groups=frozenset({name})))
        assert (await list_customers(ListCustomers(), actor=sly, begin=world.begin)).items == []


async def test_a_part_of_the_tree_is_what_its_reseller_reaches(world: World) -> None:
    for actor in (world.operator, world.north, world.south):
        await create_customer(new(name=actor.client), actor=actor, begin=world.begin)
    of = await level(world, permissions=DESK, limits=Limits(reseller=world.north.reseller))
    anna = with_level(replace(world.operator, reseller=of.limits.reseller, resellers=world.north.resellers), of)
    found = (await list_customers(ListCustomers(), actor=anna, begin=world.begin)).items
    assert {one.name for one in found} == {"north-client"}
    assert isinstance(of.limits.reseller, int)
    assert ResellerId(of.limits.reseller) == world.north.reseller


async def test_every_table_with_a_customer_is_held_to_the_groups(database: Database) -> None:
    """A new table that belongs to a customer needs the policy, too (migration 0063)."""
    query = """
    select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition and c.relrowsecurity
       and (c.relname = 'customer' or exists (select from pg_attribute a where a.attrelid = c.oid
           and a.attname = 'customer' and a.atttypid = 'bigint'::regtype and not a.attisdropped))
       and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'reach' and not p.polpermissive)
    """
    async with database.transaction(role=OWNER) as unit:
        assert [row[0] for row in await unit.connection.fetch(query)] == []
