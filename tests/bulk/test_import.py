"""Sheets taken in: every fault by its row, all or what is good, the same again, resellers' own, and out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from api.bulk import bulk_job
from domain.access.actor import Action, Actor, system
from domain.access.limits import Limits
from domain.bulk.run import BulkFault, BulkImport, BulkMode, BulkState
from domain.bulk.sheet import SheetKind
from domain.fields.definition import Aggregate, FieldKind
from domain.ids import BulkImportId, UserId
from domain.ports.page import PageRequest
from domain.refusal import BadValue, NotAllowed, NotFound
from domain.usecases.create_service import CreateService, create_service
from domain.usecases.define_fields import DefineField, define_field
from domain.usecases.export_bulk import export_bulk
from domain.usecases.import_bulk import TakeSheet, import_bulk, take_sheet
from domain.usecases.list_bulk import get_bulk_import, list_bulk_faults, list_bulk_imports
from domain.usecases.list_customers import ListCustomers, list_customers
from integrations.sheets.rows import SheetFiles
from tests.stores.worlds import World

CUSTOMERS = """externalId;name;kind;street;postcode;city;country;parent;throughParent;email
crm-1;Åsö Åkeri AB;organisation;Storgatan 1;111 22;Stockholm;SE;;;info@aso.example
crm-2;Depån;organisation;Storgatan 2;111 22;Stockholm;se;crm-1;yes;
crm-3;Ada Öberg;person;Lillgatan 3;222 33;Lund;SE;;;ada@example.se
"""
CONTRACTS = """externalId;customer;start;services;bindingMonths
k-1;crm-2;2026-01-01;MOB*2;24
k-2;crm-3;2026-02-01;;
"""
LINES = """externalId;contract;kind;label;numbers;validFrom;pending
l-1;k-1;mobile;Bil 1;070-174 06 05;2026-01-01;
l-2;k-1;sip;;sip:kontor;2026-01-01T00:00:00Z;
l-3;k-2;mobile;;;;yes
"""
NUMBERS = """externalId;subscription;number;validFrom;validTo
n-1;l-1;0701740606;2026-03-01;2026-04-01
n-2;l-3;0701740607;2026-03-01;
"""


async def brought(
    world: World, kind: SheetKind, text: str | bytes, actor: Actor | None = None, **how: Any
) -> tuple[BulkImport, Sequence[BulkFault]]:
    who = actor or world.operator
    content = text.encode() if isinstance(text, str) else text
    cmd = TakeSheet(kind=kind, name="sheet.csv", content=content, **how)
    kept = await take_sheet(cmd, actor=who, begin=world.begin, clock=world.clock)
    assert kept.state is BulkState.WAITING
    done = await import_bulk(kept.id, actor=who, begin=world.begin, clock=world.clock, sheets=SheetFiles())
    page = await list_bulk_faults(done.id, PageRequest(1000), actor=who, begin=world.begin)
    return done, page.items


async def names(world: World, actor: Actor | None = None) -> list[str]:
    page = await list_customers(ListCustomers(), actor=actor or world.operator, begin=world.begin)
    return [one.name for one in page.items]


async def whole(world: World) -> None:
    await create_service(CreateService(code="MOB", name="Mobil"), actor=world.operator, begin=world.begin)
    for kind, text in (
        (SheetKind.CUSTOMERS, CUSTOMERS),
        (SheetKind.CONTRACTS, CONTRACTS),
        (SheetKind.SUBSCRIPTIONS, LINES),
        (SheetKind.NUMBERS, NUMBERS),
    ):
        done, faults = await brought(world, kind, text)
        assert list(faults) == [], kind
        assert (done.state, done.created, done.faulty) == (BulkState.DONE, done.rows, 0)


async def test_a_whole_operator_comes_in_as_sheets(world: World) -> None:
    await whole(world)
    assert await names(world) == ["Åsö Åkeri AB", "Depån", "Ada Öberg"]
    page = await list_customers(ListCustomers(), actor=world.operator, begin=world.begin)
    parent, child, _ = page.items
    assert (child.parent, child.through_parent, child.address.country) == (parent.id, True, "SE")
    async with world.begin(world.operator) as unit:
        contracts = (await unit.contracts.page(PageRequest(10))).items
        lines = (await unit.subscriptions.page(PageRequest(10))).items
    assert [one.start for one in contracts] == [date(2026, 1, 1), date(2026, 2, 1)]
    assert (contracts[0].services[0].quantity, contracts[0].terms.binding_months) == (2, 24)
    assert [[each.number for each in one.numbers] for one in lines] == [
        ["46701740605", "46701740606"],
        ["kontor"],
        ["46701740607"],
    ]
    assert [one.activated_at is None for one in lines] == [False, False, True]


async def test_the_same_again_changes_nothing_and_other_content_is_a_fault(world: World) -> None:
    await whole(world)
    for kind, text in ((SheetKind.CUSTOMERS, CUSTOMERS), (SheetKind.NUMBERS, NUMBERS)):
        done, faults = await brought(world, kind, text)
        assert (done.state, done.created, done.unchanged, list(faults)) == (BulkState.DONE, 0, done.rows, [])
    changed = CUSTOMERS.replace("Depån", "Garaget")
    done, faults = await brought(world, SheetKind.CUSTOMERS, changed, mode=BulkMode.VALID)
    assert (done.unchanged, done.faulty) == (2, 1)
    assert [(one.row, one.field, one.code) for one in faults] == [(3, "externalId", "conflict")]
    assert await names(world) == ["Åsö Åkeri AB", "Depån", "Ada Öberg"]


FAULTY = (
    CUSTOMERS
    + "crm-4;;person;S;1;C;SE;;;\n"
    + "crm-5;Bo;person;S;1;C;Sverige;;;not-mail\n"
    + "crm-6;Cy;person;S;1;C;SE;nobody;;\n"
    + "crm-1;Twice;person;S;1;C;SE;;;\n"
)


@pytest.mark.parametrize("mode", list(BulkMode))
@pytest.mark.parametrize("preview", [False, True])
async def test_every_fault_by_its_row_and_all_or_what_is_good(world: World, mode: BulkMode, preview: bool) -> None:
    done, faults = await brought(world, SheetKind.CUSTOMERS, FAULTY, mode=mode, preview=preview)
    assert [(one.row, one.field, one.code) for one in faults] == [
        (5, "name", "bad_value"),
        (6, "email", "bad_value"),
        (6, "country", "bad_value"),
        (7, "parent", "not_found"),
        (8, "externalId", "conflict"),
    ]
    assert all(one.message for one in faults)
    kept = mode is BulkMode.VALID and not preview
    assert done.state is (BulkState.DONE if kept or preview else BulkState.REFUSED)
    assert (done.created, done.faulty) == (3 if kept or preview else 0, 4)
    assert len(await names(world)) == (3 if kept else 0)
    if not kept:
        again, _ = await brought(world, SheetKind.CUSTOMERS, CUSTOMERS)  # nothing of it was kept, ids neither
        assert again.created == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"externalId;name\n", "no rows"),
        (b"externalId,colour\n1,2\n", "'colour' is no column"),
        (b"PK\x03\x04nonsense", "cannot be read"),
        (b"\x00\x01\x02", "neither a workbook"),
    ],
)
async def test_what_is_no_sheet_is_refused_as_a_whole(world: World, content: bytes, says: str) -> None:
    done, faults = await brought(world, SheetKind.CUSTOMERS, content)
    assert (done.state, list(faults)) == (BulkState.REFUSED, [])
    assert says in (done.fault or "")


@pytest.mark.parametrize("mode", BulkMode)
async def test_a_row_tells_all_that_it_refers_to_and_that_is_not_there(world: World, mode: BulkMode) -> None:
    await whole(world)
    async with world.begin(world.operator) as unit:
        taken = (await unit.contracts.page(PageRequest(1))).items[0].number
        customer = (await unit.customers.page(PageRequest(1))).items[0].number
    rows = f"externalId;customer;start;services;priceList;number\nk-8;nobody;2026-01-01;MOB;;{taken}\n"
    rows += "k-9;nobody;2026-01-01;MOB;MOB2*2;MOB*x;NEVER;\n".replace("MOB;MOB2*2;MOB*x", '"MOB;MOB2*2;MOB*x"')
    done, faults = await brought(world, SheetKind.CONTRACTS, rows + "k-3;crm-3;2026-02-01;MOB;;\n", mode=mode)
    assert [(one.row, one.field, one.code) for one in faults] == [
        (2, "customer", "not_found"),
        (2, "number", "conflict"),
        (3, "customer", "not_found"),
        (3, "services", "not_found"),
        (3, "services", "bad_value"),
        (3, "priceList", "not_found"),
    ]
    assert (done.faulty, done.created) == (2, 1 if mode is BulkMode.VALID else 0), "a row counts once"
    rows = (
        CUSTOMERS.replace("email", "email;reseller;number") + f"crm-8;Bo;person;S;1;C;SE;nobody;;;nowhere;{customer}\n"
    )
    _, faults = await brought(world, SheetKind.CUSTOMERS, rows, mode=mode)
    assert [(one.field, one.code) for one in faults if one.row == 5] == [
        ("reseller", "not_found"),
        ("parent", "not_found"),
        ("number", "conflict"),
    ]
    rows = LINES.replace("l-1;k-1", "l-8;never").replace("2026-01-01;\n", ";\n", 1)
    _, faults = await brought(world, SheetKind.SUBSCRIPTIONS, rows, mode=mode)
    assert [(one.row, one.field) for one in faults] == [(2, "validFrom"), (2, "contract")]


@pytest.mark.parametrize("mode", BulkMode)
async def test_a_row_tells_every_fault_it_has(world: World, mode: BulkMode) -> None:
    """A use case names one fault; the row is tried again without it, and nothing of the trials is kept."""
    await whole(world)
    head = CUSTOMERS.splitlines()[0] + ";identityNumber;billingDay;maskDigits;creditLimit;language;priceList;number"
    bad = "c-1;Bo;person;S;1;C;XX;crm-1;yes;no mail;19121212-1213;40;9;-5;fr;NEVER;"
    odd = "c-2;;person;S;1;C;SE;nobody;yes;;;x;5;;;;"
    good = "c-3;Cy;person;S;1;C;SE;;;;;;;;;;"
    done, faults = await brought(world, SheetKind.CUSTOMERS, f"{head}\n{bad}\n{odd}\n{good}", mode=mode)
    told = {number: {one.field for one in faults if one.row == number} for number in (2, 3, 4)}
    assert told[2] == {"country", "email", "billingDay", "maskDigits", "creditLimit", "language", "priceList"}
    assert told[3] == {"name", "billingDay", "maskDigits", "parent"}
    assert told[4] == set()
    assert (done.faulty, done.created) == (2, 1 if mode is BulkMode.VALID else 0)
    assert ("Cy" in await names(world)) is (mode is BulkMode.VALID)
    assert not {"Bo", "-"} & set(await names(world)), "nothing of a trial is kept"
    rows = "externalId;contract;kind;label;numbers;validFrom\n"
    rows += "l-7;k-1;mobile;" + "x" * 300 + ";070-174 06 05;2026-01-01\n"
    _, faults = await brought(world, SheetKind.SUBSCRIPTIONS, rows, mode=mode)
    assert {one.field.partition(".")[0] for one in faults if one.field} == {"label", "numbers"}


async def test_fields_of_the_operators_own_are_checked_like_any(world: World) -> None:
    new = DefineField(aggregate=Aggregate.CUSTOMER, name="site", kind=FieldKind.INTEGER, required=True)
    await define_field(new, actor=world.operator, begin=world.begin)
    head, *rows = CUSTOMERS.splitlines()
    good = "\n".join([f"{head};field.site", *(f"{row};{7}" for row in rows)])
    done, faults = await brought(world, SheetKind.CUSTOMERS, good)
    assert (done.created, list(faults)) == (3, [])
    bad = "\n".join([f"{head};field.site", rows[2].replace("crm-3", "crm-9") + ";x"])
    done, faults = await brought(world, SheetKind.CUSTOMERS, bad)
    assert [(one.row, one.field) for one in faults] == [(2, "fields.site")]


async def test_resellers_bring_and_see_their_own(world: World) -> None:
    done, faults = await brought(world, SheetKind.CUSTOMERS, CUSTOMERS, world.north)
    assert (done.created, list(faults)) == (3, [])
    # The same names are another reseller's own.
    done, faults = await brought(world, SheetKind.CUSTOMERS, CUSTOMERS, world.south)
    assert (done.created, list(faults)) == (3, [])
    other = "externalId,customer,start\nk-9,crm-3,2026-01-01\n"
    ours, _ = await brought(world, SheetKind.CONTRACTS, other, world.south)
    assert ours.created == 1
    page = await list_bulk_imports(PageRequest(10), actor=world.north, begin=world.begin)
    assert [one.reseller for one in page.items] == [world.north.reseller]
    for stranger in (world.south, world.other_operator):
        with pytest.raises(NotFound):
            await list_bulk_faults(page.items[0].id, PageRequest(1), actor=stranger, begin=world.begin)
    foreign = "externalId,name,kind,street,postcode,city,country,reseller\n1,A,person,S,1,C,SE,south\n"
    done, faults = await brought(world, SheetKind.CUSTOMERS, foreign, world.north)
    assert [(one.field, one.code) for one in faults] == [("reseller", "not_found")]


async def test_who_may_not_and_what_is_no_sheet_at_all(world: World) -> None:
    nobody = replace(world.operator, scopes=frozenset())
    with pytest.raises(NotAllowed):
        await brought(world, SheetKind.CUSTOMERS, CUSTOMERS, nobody)
    with pytest.raises(BadValue):
        await brought(world, SheetKind.CUSTOMERS, "")
    with pytest.raises(NotFound):
        await import_bulk(
            BulkImportId(10**9), actor=world.operator, begin=world.begin, clock=world.clock, sheets=SheetFiles()
        )


async def test_a_worker_goes_no_further_than_who_brought_the_sheet(world: World) -> None:
    gold = Limits(groups=frozenset({"gold"}))
    anna = replace(world.operator, client="portal", user=UserId(12), factor="password+totp", limits=gold)
    cmd = TakeSheet(kind=SheetKind.CUSTOMERS, name="sheet.csv", content=CUSTOMERS.encode())
    kept = await take_sheet(cmd, actor=anna, begin=world.begin, clock=world.clock)
    async with world.begin(world.operator) as unit:
        (job,) = (await unit.jobs.page(PageRequest(10))).items
    wiring: Any = SimpleNamespace(begin=world.begin, clock=world.clock, sheets=SheetFiles())
    done = await bulk_job(wiring, system(world.operator.operator, "worker"), job)
    assert (done["import"], done["state"], done["created"]) == (kept.id, "refused", 0)
    assert await names(world) == []


async def test_who_may_bring_contracts_may_look_at_their_sheet_and_at_no_other(world: World) -> None:
    scopes = frozenset({Action.READ_CONTRACTS, Action.WRITE_CONTRACTS})
    clerk = replace(world.operator, scopes=scopes)
    done, faults = await brought(world, SheetKind.CONTRACTS, CONTRACTS, clerk)
    assert (done.state, {one.field for one in faults}) == (BulkState.REFUSED, {"customer", "services"})
    customers, _ = await brought(world, SheetKind.CUSTOMERS, CUSTOMERS)
    with pytest.raises(NotAllowed):
        await get_bulk_import(customers.id, actor=clerk, begin=world.begin)
    with pytest.raises(NotAllowed):
        await list_bulk_faults(customers.id, PageRequest(1), actor=clerk, begin=world.begin)


async def test_what_goes_out_comes_in_at_another_operator(world: World) -> None:
    await whole(world)
    theirs = world.other_operator
    await create_service(CreateService(code="MOB", name="Mobil"), actor=theirs, begin=world.begin)
    sheets: dict[SheetKind, list[list[str]]] = {}
    for actor in (world.operator, theirs):
        for kind in SheetKind:
            rows = [list(row) async for row in export_bulk(kind, actor=actor, begin=world.begin, clock=world.clock)]
            if actor is world.operator:
                sheets[kind] = rows
                text = "\n".join(";".join(row) for row in rows).replace(",", "\\")
            if actor is world.operator and kind is not SheetKind.NUMBERS:
                done, faults = await brought(world, kind, text, theirs)
                assert list(faults) == [], kind
                assert done.created == len(rows) - 1
    again = [
        list(row) async for row in export_bulk(SheetKind.CUSTOMERS, actor=theirs, begin=world.begin, clock=world.clock)
    ]
    assert again == sheets[SheetKind.CUSTOMERS]
