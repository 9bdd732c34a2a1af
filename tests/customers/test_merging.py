"""Merging doubles: what goes on goes on with the survivor, what was invoiced stays, and the double points to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.contracts.contract import ContractService, ContractState
from domain.contracts.subscription import NumberAssignment, SubscriptionKind
from domain.credit.kinds import Kind
from domain.credit.limit import CreditLimit
from domain.credit.reservation import Reservation, ReservationState
from domain.customers.contact import Contact
from domain.customers.customer import Customer, CustomerKind
from domain.ids import CreditReservationId
from domain.ledger.entry import Entry, Posting
from domain.payments.orders import Scheme
from domain.period import Period
from domain.ports.page import PageRequest
from domain.refusal import BadValue, NotFound, Stale, WrongState
from domain.usecases.add_subscription import AddSubscription, add_subscription
from domain.usecases.agree_instalments import get_payment_rules, put_payment_rules
from domain.usecases.change_customer import ChangeCustomer, change_customer
from domain.usecases.charge_customer import AddCharge, add_charge
from domain.usecases.check_credit import check_credit
from domain.usecases.create_contract import CreateContract, create_contract
from domain.usecases.create_customer import CreateCustomer, create_customer
from domain.usecases.create_service import CreateService, create_service
from domain.usecases.get_customer import get_customer
from domain.usecases.group_customers import JoinGroup, join_group
from domain.usecases.limit_credit import (
    OverrideCredit,
    SetCreditLimit,
    override_credit,
    set_credit_limit,
    show_credit,
)
from domain.usecases.list_customers import ListCustomers, list_customers
from domain.usecases.list_invoices import ListInvoices, list_invoices
from domain.usecases.list_payments import list_open_items
from domain.usecases.manage_mandates import AddMandate, add_mandate
from domain.usecases.merge_customers import MergeCustomers, merge_customers
from domain.usecases.run_bills import RunBills, run_bills
from domain.usecases.write_orders import WriteDebits, list_debits, write_debits
from integrations.payments.writing import write
from persistence.engine import OWNER, Database
from tests.customers.test_moves import made
from tests.payments.test_desk import CREDITOR
from tests.stores.worlds import NOON, PLACE, World
from tests.usecases.trail import trail


async def merge(world: World, survivor: Customer, double: Customer, **more: Any) -> Customer:
    found = [await get_customer(one.id, actor=world.operator, begin=world.begin) for one in (survivor, double)]
    cmd = MergeCustomers(
        survivor=survivor.id,
        survivor_version=found[0].version,
        double=double.id,
        double_version=found[1].version,
        **more,
    )
    return await merge_customers(cmd, actor=world.operator, begin=world.begin, clock=world.clock)


async def agreed(world: World, owner: Customer, fee: int = 100) -> tuple[Any, Any]:
    service = await create_service(
        CreateService(code=f"fee-{owner.id}", name="Fee", periodic_fee=Decimal(fee), in_advance=False),
        actor=world.operator,
        begin=world.begin,
    )
    cmd = CreateContract(
        customer=owner.id,
        start=date(2026, 2, 1),
        state=ContractState.ACTIVE,
        services=(ContractService(service=service.id, start=date(2026, 2, 1)),),
    )
    contract = await create_contract(cmd, actor=world.operator, begin=world.begin, clock=world.clock)
    number = NumberAssignment(number=f"4670174{owner.id:04d}", valid_from=datetime(2026, 2, 1, tzinfo=UTC))
    add = AddSubscription(contract=contract.id, kind=SubscriptionKind.MOBILE, numbers=(number,))
    line = await add_subscription(add, actor=world.operator, begin=world.begin, clock=world.clock)
    return contract, line


async def test_everything_that_goes_on_goes_over(world: World) -> None:
    contact = Contact(name="Eva Ek", email="eva@example.se")
    survivor = await made(world, "Åkeri AB", phone="08-123 456")
    double = await made(world, "Akeri AB", email="info@example.se", contacts=(contact,))
    child = await made(world, "Child", parent=double.id, billed_through=double.id)
    contract, line = await agreed(world, double)
    group = JoinGroup(customer=double.id, name="gold", valid_from=NOON)
    await join_group(group, actor=world.operator, begin=world.begin)
    kept = await merge(world, survivor, double)
    assert (kept.id, kept.email, kept.phone, kept.contacts) == (
        survivor.id,
        "info@example.se",
        "08-123 456",
        (contact,),
    )
    async with world.begin(world.operator) as unit:
        over = await unit.contracts.get(contract.id)
        lines = await unit.subscriptions.many([line.id])
        owner = await unit.subscriptions.owner_of(line.numbers[0].number, NOON)
        groups = await unit.groups.of(survivor.id)
        closed, moved = await unit.customers.get(double.id), await unit.customers.get(child.id)
        assert await unit.contracts.of_customers([double.id]) == {double.id: []}
    assert (over.customer, over.version) == (survivor.id, contract.version + 1)
    assert lines[line.id].customer == owner.customer == survivor.id
    assert lines[line.id].numbers == line.numbers
    assert [one.name for one in groups] == ["gold"]
    assert (closed.merged_into, closed.closed_at) == (survivor.id, world.clock.now())
    assert (moved.parent, moved.billed_through) == (survivor.id, survivor.id)
    actions = {(action, target) for _, action, target in await trail(world)}
    assert {
        ("merge_customers", f"customer:{survivor.id}"),
        ("close_customer", f"customer:{double.id}"),
        ("move_customer", f"customer:{child.id}"),
    } <= actions
    # Whoever looks for the double's line finds the survivor.
    page = await list_customers(ListCustomers(text=line.numbers[0].number), actor=world.operator, begin=world.begin)
    assert [one.id for one in page.items] == [survivor.id]


async def test_the_double_is_closed_and_says_who_goes_on(world: World) -> None:
    survivor, double, third = await made(world, "One"), await made(world, "Two"), await made(world, "Three")
    await merge(world, survivor, double)
    closed = await get_customer(double.id, actor=world.operator, begin=world.begin)
    attempts = [
        change_customer(
            ChangeCustomer(customer=double.id, version=closed.version, name="No"),
            actor=world.operator,
            begin=world.begin,
        ),
        create_contract(
            CreateContract(customer=double.id, start=date(2026, 3, 1)),
            actor=world.operator,
            begin=world.begin,
            clock=world.clock,
        ),
        create_customer(
            CreateCustomer(name="C", kind=CustomerKind.PERSON, address=PLACE, parent=double.id),
            actor=world.operator,
            begin=world.begin,
        ),
        merge(world, third, double),
        merge(world, double, third),
    ]
    for attempt in attempts:
        with pytest.raises(WrongState, match="mergedInto"):
            await attempt


async def test_what_is_refused(world: World) -> None:
    one, two = await made(world, "One"), await made(world, "Two")
    below = await made(world, "Below", parent=two.id)
    person = await create_customer(
        CreateCustomer(name="Person", kind=CustomerKind.PERSON, address=PLACE),
        actor=world.operator,
        begin=world.begin,
    )
    norths = await made(world, "North's", reseller=world.north.reseller)
    with pytest.raises(BadValue):
        await merge(world, one, one)
    with pytest.raises(WrongState, match="below"):
        await merge(world, below, two)
    with pytest.raises(WrongState, match="person"):
        await merge(world, one, person)
    with pytest.raises(WrongState, match="resellers"):
        await merge(world, one, norths)
    with pytest.raises(Stale) as stale:
        await merge_customers(
            MergeCustomers(survivor=one.id, survivor_version=1, double=two.id, double_version=9),
            actor=world.operator,
            begin=world.begin,
            clock=world.clock,
        )
    assert stale.value.field == "doubleVersion"
    with pytest.raises(NotFound):
        await merge_customers(
            MergeCustomers(survivor=norths.id, survivor_version=1, double=two.id, double_version=1),
            actor=world.north,
            begin=world.begin,
            clock=world.clock,
        )


async def test_under_its_key_it_happens_once(world: World) -> None:
    one, two = await made(world, "One"), await made(world, "Two")
    cmd = MergeCustomers(survivor=one.id, survivor_version=1, double=two.id, double_version=1, idempotency_key="merge")
    first = await merge_customers(cmd, actor=world.operator, begin=world.begin, clock=world.clock)
    assert await merge_customers(cmd, actor=world.operator, begin=world.begin, clock=world.clock) == first


async def test_what_is_invoiced_stays_and_the_rest_comes_on_the_survivors_invoice(world: World) -> None:
    survivor, double = await made(world, "One"), await made(world, "Two")
    await agreed(world, survivor, 10)
    await agreed(world, double, 100)

    async def bill(month: str) -> list[tuple[str, str, Decimal]]:
        cmd = RunBills(period=Period.month(month))
        await run_bills(cmd, actor=world.operator, begin=world.begin, clock=world.clock)
        async with world.begin(world.operator) as unit:
            page = await unit.invoices.page(PageRequest())
        return [(one.payer.name, one.period.start.isoformat()[:7], one.net) for one in page.items]

    february = [("One", "2026-02", Decimal(10)), ("Two", "2026-02", Decimal(100))]
    assert await bill("2026-02") == february
    # In April, with March not billed yet: March of both comes to the survivor, and so does April.
    world.clock.at = datetime(2026, 4, 3, tzinfo=UTC)
    await merge(world, survivor, double)
    assert await bill("2026-03") == [*february, ("One", "2026-03", Decimal(110))]
    assert await bill("2026-04") == [*february, ("One", "2026-03", Decimal(110)), ("One", "2026-04", Decimal(110))]
    assert len(await bill("2026-02")) == 4, "a second run of February finds nothing new"
    # What was invoiced of the double is found with the survivor, also what is open of it.
    who: dict[str, Any] = {"actor": world.operator, "begin": world.begin}
    assert len((await list_invoices(ListInvoices(customer=survivor.id), **who)).items) == 4
    assert len(await list_open_items(survivor.id, **who)) == 4
    third = await made(world, "Three")
    await merge(world, third, survivor)
    assert len((await list_invoices(ListInvoices(customer=third.id), **who)).items) == 4
    assert (await get_customer(double.id, **who)).merged_into == third.id


async def test_buckets_balances_go_over_and_what_both_have_is_added_up(world: World) -> None:
    if not isinstance(world.database, Database):
        pytest.skip("memory keeps its draws by line and contract alone")
    one, two = await made(world, "One"), await made(world, "Two")
    operator = world.operator.operator
    rows = [(one.id, "shared", 100, 40), (two.id, "shared", 50, 5), (two.id, "own", 7, 3)]
    async with world.database.transaction(role=OWNER) as transaction:
        run = transaction.connection.execute
        for owner in (one, two):
            await run("insert into draw_customer (operator, customer) values ($1, $2)", operator, owner.id)
            await run(
                "insert into ring_volume (operator, customer, subscription, ring, slot, counted)"
                " values ($1, $2, 0, 'r', 0, 11)",
                *(operator, owner.id),
            )
        for owner_id, bucket, granted, drawn in rows:
            await run(
                "insert into bucket_balance (operator, customer, bucket, owner, since, until, unit, granted, drawn)"
                " values ($1, $2, $3, 'x', $4, $5, 's', $6, $7)",
                *(operator, owner_id, bucket, NOON, NOON.replace(month=4), granted, drawn),
            )
    await merge(world, one, two)
    async with world.database.transaction(role=OWNER) as transaction:
        balances = await transaction.connection.fetch(
            "select bucket, granted, drawn from bucket_balance where operator = $1 and customer = $2 order by bucket",
            *(operator, one.id),
        )
        counted = await transaction.connection.fetchval(
            "select counted from ring_volume where operator = $1 and customer = $2", operator, one.id
        )
    assert [tuple(row) for row in balances] == [("own", 7, 3), ("shared", 150, 45)]
    assert counted == 22


async def test_what_is_charged_paid_by_and_limited_goes_over(world: World) -> None:
    survivor, double = await made(world, "One"), await made(world, "Two")
    _, line = await agreed(world, double)
    around: dict[str, Any] = {"actor": world.operator, "begin": world.begin, "clock": world.clock}

    async def limit(amount: str, **more: Any) -> CreditLimit:
        return await set_credit_limit(SetCreditLimit(amount=Decimal(amount), **more), **around)

    charge = await add_charge(AddCharge(customer=double.id, text="Mast", unit_price=Decimal(500)), **around)
    mandate = await add_mandate(
        AddMandate(customer=double.id, scheme=Scheme.AUTOGIRO, payer_number="101", active=True), **around
    )
    override = await override_credit(OverrideCredit(customer=double.id, reason="trusted"), **around)
    own = await limit("50", customer=survivor.id)
    left = await limit("100", customer=double.id)
    abroad = await limit("20", customer=double.id, kind=Kind.INTERNATIONAL)
    of_line = await limit("5", customer=double.id, subscription=line.id)
    aside = Reservation(
        id=CreditReservationId(0), operator=world.operator.operator, customer=double.id, subscription=line.id,
        number="4712345678", mode="voice", direction="out", start=NOON, state=ReservationState.OPEN, granted=60,
        amount=2_000_000, kinds=frozenset({Kind.ALL}), expires_at=NOON.replace(hour=13), client="x", changed_at=NOON,
    )  # fmt: skip
    async with world.begin(world.operator) as unit:
        aside = await unit.credit.reserve(aside)
    await merge(world, survivor, double)
    async with world.begin(world.operator) as unit:
        over = await unit.charges.get(charge.id)
        (held,) = await unit.giro.mandates.find(customer=[survivor.id])
        limits = {one.id: one for one in await unit.credit.limits([survivor.id])}
        (by_hand,) = await unit.credit.overrides([survivor.id])
        accounts = await unit.credit.accounts([survivor.id, double.id])
        promised = await unit.credit.reservation(aside.id)
        assert (await unit.credit.limits([double.id])) == [left], "the survivor's own of the kind goes before it"
        assert double.id not in await unit.credit.missing(first=1000), "it is not watched again for it"
    assert (over.customer, over.version) == (survivor.id, charge.version + 1)
    assert (held.id, held.state, held.version) == (mandate.id, mandate.state, mandate.version + 1)
    assert (by_hand.id, promised.customer) == (override.id, survivor.id)
    assert set(limits) == {own.id, abroad.id, of_line.id}
    assert limits[of_line.id].subscription == line.id
    assert accounts[double.id] == []
    reserved = {one.subscription: one.reserved.get(Kind.ALL) for one in accounts[survivor.id]}
    assert reserved == {None: 2_000_000, line.id: 2_000_000}
    # What was set aside for the double's line is given back where it went.
    async with world.begin(world.operator) as unit:
        await unit.credit.claim([survivor.id])
        await unit.credit.change(promised, replace(promised, state=ReservationState.RELEASED))
        accounts = await unit.credit.accounts([survivor.id])
    assert {one.reserved.get(Kind.ALL) for one in accounts[survivor.id]} == {0}


async def test_what_a_double_owes_counts_and_is_debited_with_the_survivor(world: World) -> None:
    survivor, double = await made(world, "One"), await made(world, "Two")
    _, line = await agreed(world, double, 100)
    who: dict[str, Any] = {"actor": world.operator, "begin": world.begin}
    around: dict[str, Any] = {**who, "clock": world.clock}
    await set_credit_limit(SetCreditLimit(amount=Decimal(50), customer=survivor.id), **around)
    await run_bills(RunBills(period=Period.month("2026-02")), **around)
    known = await get_payment_rules(**who)
    await put_payment_rules(replace(known.rules, creditor=CREDITOR), known.version, **who)
    await add_mandate(AddMandate(customer=double.id, scheme=Scheme.AUTOGIRO, payer_number="101", active=True), **around)
    (before,) = await show_credit(survivor.id, **around)
    await merge(world, survivor, double)
    (after,) = await show_credit(survivor.id, **around)
    assert (before.owed, after.owed) == (0, Decimal(125))
    async with world.begin(world.operator) as unit:
        standing = await unit.credit.standing(line.id, at=world.clock.now())
    assert standing is not None
    assert (standing.customer, standing.owed) == (survivor.id, {"SEK": 12500})
    assert await check_credit([double.id], **around) > 0, "the survivor's limit bars"
    paid = (Posting("1930", "SEK", 12500), Posting("1510", "SEK", -12500))
    async with world.begin(world.operator) as unit:
        before_it = {one.id for one in (await unit.jobs.page(PageRequest(200), kind="credit_check")).items}
        day = world.clock.now().date()
        await unit.ledger.post([Entry(key="payment:1", booked_on=day, text="", postings=paid, customer=double.id)])
        looks = (await unit.jobs.page(PageRequest(200), kind="credit_check")).items
        assert [one.payload for one in looks if one.id not in before_it] == [{"customers": [survivor.id]}]
    assert await check_credit([survivor.id], **around) > 0, "he has paid what his double owed"
    written = await write_debits(WriteDebits(scheme=Scheme.AUTOGIRO, on=date(2026, 4, 20)), write, **around)
    assert written.debits == 1
    (order,) = (await list_debits(PageRequest(), **who)).items
    assert order.customer == double.id, "whose invoice it is"
