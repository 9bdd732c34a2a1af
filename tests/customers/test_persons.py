"""Notes, telling a person everything, and erasing one: what the law keeps stays and is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.collection.progress import Case, CaseState, HoldKind, Message, MessageKind
from domain.contracts.contract import ContractState
from domain.customers.contact import Contact
from domain.customers.customer import Customer, CustomerKind
from domain.delivery.dispatch import Dispatch, DispatchState, Form, Way
from domain.ids import CollectionCaseId, CollectionMessageId, DispatchId
from domain.invoicing.charge import ChargeKind
from domain.invoicing.invoice import Invoice
from domain.payments.orders import Scheme
from domain.period import Period
from domain.ports.page import PageRequest
from domain.refusal import BadValue, NotAllowed, NotFound, Stale, WrongState
from domain.usecases.change_contract import ChangeContract, change_contract
from domain.usecases.charge_customer import AddCharge, EndCharge, add_charge, end_charge
from domain.usecases.create_customer import CreateCustomer, create_customer
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.erase_person import ErasePerson, Erasure, erase_person
from domain.usecases.get_customer import get_customer
from domain.usecases.limit_credit import OverrideCredit, override_credit
from domain.usecases.list_customers import ListCustomers, list_customers
from domain.usecases.manage_collection import HoldCollection, hold_collection
from domain.usecases.manage_mandates import AddMandate, add_mandate
from domain.usecases.note_customer import NoteCustomer, list_notes, note_customer
from domain.usecases.run_bills import RunBills, run_bills
from domain.usecases.tell_person import tell_person
from tests.customers.test_merging import agreed, merge
from tests.customers.test_moves import made
from tests.stores.worlds import PLACE, World
from tests.usecases.trail import trail


async def anna(world: World, **more: Any) -> Customer:
    cmd = CreateCustomer(
        name="Anna Hemlig",
        kind=CustomerKind.PERSON,
        address=PLACE,
        identity_number="811218-9876",
        email="anna@hemlig.se",
        phone="070-1234567",
        contacts=(Contact(name="Bo Hemlig", email="bo@hemlig.se"),),
        buyer_reference="Hemlig",
        **more,
    )
    return await create_customer(cmd, actor=world.operator, begin=world.begin)


async def erase(world: World, one: Customer, **more: Any) -> Erasure:
    found = await get_customer(one.id, actor=world.operator, begin=world.begin)
    cmd = ErasePerson(customer=one.id, version=more.pop("version", found.version))
    return await erase_person(cmd, actor=more.pop("actor", world.operator), begin=world.begin, clock=world.clock)


async def told(world: World, one: Customer, actor: Any = None) -> dict[str, list[dict[str, Any]]]:
    parts: dict[str, list[dict[str, Any]]] = {}
    async for name, rows in tell_person(one.id, actor=actor or world.operator, begin=world.begin):
        parts.setdefault(name, []).extend(rows)
    return parts


async def failed(world: World, one: Customer, invoice: Invoice, fault: str) -> None:
    """Let a mail with an invoice fail."""
    now = world.clock.now()
    async with world.begin(world.operator) as unit:
        (sent,) = await unit.dispatches.add(
            [
                Dispatch(
                    id=DispatchId(0), operator=one.operator, invoice=invoice.id, number=invoice.number,
                    kind=invoice.kind, customer=one.id, reseller=None, form=Form.PDF, way=Way.MAIL,
                    state=DispatchState.QUEUED, queued_at=now, changed_at=now, again=9,
                )
            ]
        )  # fmt: skip
        await unit.dispatches.keep([replace(sent, state=DispatchState.FAILED, fault=fault)])
        await unit.audit.write("fail_document", f"dispatch:{sent.id}", {"number": sent.number, "fault": fault})


async def note(world: World, one: Customer, text: str) -> None:
    cmd = NoteCustomer(customer=one.id, text=text)
    await note_customer(cmd, actor=world.operator, begin=world.begin, clock=world.clock)


async def test_notes_are_kept_in_order_with_their_author(world: World) -> None:
    one = await anna(world)
    for text in ("first", " second "):
        await note(world, one, text)
    page = await list_notes(one.id, PageRequest(1), actor=world.operator, begin=world.begin)
    assert ([each.text for each in page.items], page.more) == (["first"], True)
    rest = await list_notes(one.id, PageRequest(5, page.items[0].id), actor=world.operator, begin=world.begin)
    (second,) = rest.items
    assert (second.text, second.author, second.at) == ("second", "boss", world.clock.now())
    again = NoteCustomer(customer=one.id, text="third", idempotency_key="n1")
    kept = [await note_customer(again, actor=world.operator, begin=world.begin, clock=world.clock) for _ in range(2)]
    assert kept[0] == kept[1]
    assert len((await list_notes(one.id, PageRequest(), actor=world.operator, begin=world.begin)).items) == 3
    for bad in (" ", "x" * 2001):
        with pytest.raises(BadValue):
            await note(world, one, bad)
    with pytest.raises(NotFound):
        await list_notes(one.id, PageRequest(), actor=world.north, begin=world.begin)
    cmd = NoteCustomer(customer=one.id, text="x")
    with pytest.raises(NotFound):
        await note_customer(cmd, actor=world.north, begin=world.begin, clock=world.clock)


async def test_a_person_is_told_everything_and_the_telling_is_recorded(world: World) -> None:
    one = await anna(world)
    double = await anna(world)
    await note(world, one, "Ringde arg")
    contract, line = await agreed(world, one)
    await merge(world, one, double)
    world.clock.at = datetime(2026, 3, 2, tzinfo=UTC)
    cmd = RunBills(period=Period.month("2026-02"))
    await run_bills(cmd, actor=world.operator, begin=world.begin, clock=world.clock)
    parts = await told(world, one)
    assert [row["number"] for row in parts["customer"]] == [one.number, double.number]
    assert parts["customer"][0]["contacts"][0]["email"] == "bo@hemlig.se"
    assert [row["text"] for row in parts["notes"]] == ["Ringde arg"]
    assert [row["number"] for row in parts["contracts"]] == [contract.number]
    assert parts["subscriptions"][0]["numbers"][0]["number"] == line.numbers[0].number
    (invoice,) = parts["invoices"]
    assert (Decimal(invoice["net"]), invoice["payer"]["name"]) == (100, "Anna Hemlig")
    assert set(parts) == {
        "customer", "places", "groups", "notes", "quotes", "contracts", "contract_changes", "plans", "subscriptions",
        "states", "bars", "orders", "number_orders", "grants", "charges", "invoices", "dispatches", "disputes",
        "payments", "mandates", "debits", "refunds", "claims", "settlements", "instalment_plans", "collection_steps",
        "letters", "collection_holds", "collection_cases", "collection_messages", "credit_overrides", "credit_limits",
        "reservations", "suspicions", "usage", "audit",
    }  # fmt: skip
    actions = {row["action"] for row in parts["audit"]}
    assert {"create_customer", "merge_customers", "create_contract", "add_subscription"} <= actions
    assert (await trail(world))[-1] == ("boss", "read_person", f"customer:{one.id}")
    with pytest.raises(NotFound):
        await told(world, one, world.north)


async def test_a_person_with_something_open_is_not_erased(world: World) -> None:
    one = await anna(world)
    contract, line = await agreed(world, one)
    with pytest.raises(WrongState, match="contracts"):
        await erase(world, one)
    who: dict[str, Any] = {"actor": world.operator, "begin": world.begin}
    world.clock.at = datetime(2026, 3, 2, tzinfo=UTC)
    await run_bills(RunBills(period=Period.month("2026-02")), **who, clock=world.clock)
    ended = ChangeContract(
        contract=contract.id, version=contract.version, state=ContractState.ENDED, end=date(2026, 3, 1)
    )
    await change_contract(ended, **who, clock=world.clock)
    with pytest.raises(WrongState, match="open"):
        await erase(world, one)
    async with world.begin(world.operator) as unit:
        (invoice,) = (await unit.invoices.page(PageRequest())).items
    await credit_invoice(CreditInvoice(invoice=invoice.id), **who, clock=world.clock)
    await failed(world, one, invoice, "anna@hemlig.se is not known here")
    assert "hemlig.se" in repr((await told(world, one))["audit"])
    done = await erase(world, one)
    parts = await told(world, one)
    assert "hemlig.se" not in repr((parts["dispatches"], parts["audit"]))
    documents, *books = done.kept
    assert (documents.what, documents.until) == ("invoices", date(2033, 12, 31))
    assert "Bokf" in documents.reason
    assert invoice.number in documents.names
    assert {each.what: each.until for each in books} == dict.fromkeys(("ledger", "payments"), date(2033, 12, 31))
    assert done.changed["numbers"] == 1
    async with world.begin(world.operator) as unit:
        kept = await unit.invoices.get(invoice.id)
        lines = await unit.subscriptions.many([line.id])
    assert kept == invoice, "the law keeps it as it was issued"
    assert (lines[line.id].numbers, lines[line.id].label) == ((), "")


async def test_who_is_to_be_charged_yet_is_not_erased(world: World) -> None:
    one = await anna(world)
    around: dict[str, Any] = {"actor": world.operator, "begin": world.begin, "clock": world.clock}
    once = await add_charge(AddCharge(customer=one.id, text="Hemlig", unit_price=Decimal(1)), **around)
    monthly = AddCharge(customer=one.id, text="Hemlig", unit_price=Decimal(1), interval_months=1)
    again = await add_charge(monthly, **around)
    off = AddCharge(customer=one.id, text="Hemlig", kind=ChargeKind.DISCOUNT, percent=Decimal(5))
    await add_charge(off, **around)
    for charge in (once, again):
        with pytest.raises(WrongState, match="charges are not invoiced"):
            await erase(world, one)
        await end_charge(EndCharge(charge=charge.id, version=charge.version, withdraw=True), **around)
    await erase(world, one)


async def test_who_is_erased_is_nobody_any_more(world: World) -> None:
    one, double = await anna(world), await anna(world)
    await note(world, one, "Hemlig")
    await merge(world, one, double)
    done = await erase(world, one)
    found = await get_customer(one.id, actor=world.operator, begin=world.begin)
    assert done.customer == found
    assert "Hemlig" not in repr(found)
    assert (found.identity_number, found.email, found.phone, found.contacts) == (None, None, None, ())
    assert (found.erased_at, found.closed_at) == (world.clock.now(), world.clock.now())
    assert done.changed == {"events": 0, "notes": 1, "numbers": 0}
    assert done.kept == []
    for text in ("hemlig", "anna", "8112189876", "0701234567", "bo@"):
        page = await list_customers(ListCustomers(text=text), actor=world.operator, begin=world.begin)
        assert page.items == [], text
    merged = await get_customer(double.id, actor=world.operator, begin=world.begin)
    assert "Hemlig" not in repr(merged)
    assert (await trail(world))[-1] == ("boss", "erase_person", f"customer:{one.id}")
    for attempt in (erase(world, one), note(world, one, "x"), merge(world, one, await anna(world))):
        with pytest.raises(WrongState, match="erased"):
            await attempt


async def test_banks_and_agencies_know_nobody_who_is_erased(world: World) -> None:
    one = await anna(world)
    around = {"actor": world.operator, "begin": world.begin, "clock": world.clock}
    asked = AddMandate(
        customer=one.id,
        scheme=Scheme.SEPA_CORE,
        payer_number="811218-9876",
        account="FI2112345600000785",
        active=True,
        signed_on=date(2026, 2, 1),
    )
    await add_mandate(asked, **around)
    await hold_collection(HoldCollection(customer=one.id, kind=HoldKind.STOP, reason="Hemlig"), **around)
    await override_credit(OverrideCredit(customer=one.id, amount=Decimal(5), reason="Hemlig"), **around)
    content = {"debtor": {"name": "Anna Hemlig", "identity_number": "8112189876"}, "total": "1.00"}
    async with world.begin(world.operator) as unit:
        case = await unit.collection.cases.add(
            Case(
                id=CollectionCaseId(0), operator=one.operator, customer=one.id, agency="a", currency="SEK",
                invoices=(), opened_on=world.clock.now().date(), claimed_minor=0, state=CaseState.CLOSED,
            )
        )  # fmt: skip
        await unit.collection.messages.add(
            Message(
                id=CollectionMessageId(0), operator=one.operator, customer=one.id, of_case=case.id, number=1,
                kind=MessageKind.NEW, at=world.clock.now(), content=content,
            )
        )  # fmt: skip
    parts = await told(world, one)
    assert parts["mandates"][0]["account"] == "FI2112345600000785"
    assert parts["collection_messages"][0]["content"]["debtor"]["identity_number"] == "8112189876"
    await erase(world, one)
    parts = await told(world, one)
    (mandate,) = parts["mandates"]
    assert (mandate["state"], mandate["account"], mandate["payerNumber"]) == ("cancelled", "", "")
    assert parts["collection_messages"][0]["content"] == {"debtor": {"name": "Erased 1"}, "total": "1.00"}
    for hidden in ("Hemlig", "8112189876", "811218-9876", "FI2112345600000785"):
        assert hidden not in repr(parts), hidden


async def test_who_may_not_and_what_is_no_person(world: World) -> None:
    one, firm = await anna(world), await made(world, "Firm")
    with pytest.raises(NotAllowed):
        await erase(world, one, actor=world.north)
    cmd = ErasePerson(customer=one.id, version=1)
    with pytest.raises(NotFound):
        await erase_person(cmd, actor=world.other_operator, begin=world.begin, clock=world.clock)
    with pytest.raises(Stale):
        await erase(world, one, version=7)
    with pytest.raises(WrongState, match="organisation"):
        await erase(world, firm)
    below = await made(world, "Below", parent=one.id)
    with pytest.raises(WrongState, match="below"):
        await erase(world, one)
    assert below.parent == one.id
