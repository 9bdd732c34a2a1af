"""Bill runs, the same on the memory twin and on PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from domain.contracts.contract import ContractState
from domain.customers.customer import Delivery
from domain.ids import BillRunId
from domain.invoicing.bill_run import BillRunState
from domain.invoicing.invoice import LineKind, check
from domain.invoicing.references import ocr_valid
from domain.operators import Address
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound, WrongState
from domain.usecases import bill_pages
from domain.usecases import run_bills as bills
from domain.usecases.abandon_bill_run import abandon_bill_run
from domain.usecases.list_bill_runs import get_bill_run, list_bill_runs
from domain.usecases.send_documents import QUEUE
from persistence.engine import Database
from tests.invoicing.conftest import NOVEMBER, OCTOBER, Office


async def test_a_month_is_billed_once(office: Office) -> None:
    one, agreed, line = await office.customer(number="1")
    await office.use(line, 1_234_567, 765_432)
    run = await office.bill()
    assert (run.state, run.payers, run.invoices, run.parked, run.nothing) == (BillRunState.DONE, 1, 1, 0, 0)
    (invoice,) = office.invoices
    assert [(each.kind, str(each.net)) for each in invoice.lines] == [
        (LineKind.PERIODIC, "199.00"),
        (LineKind.USAGE, "2.00"),
    ]
    usage = invoice.lines[1]
    assert (usage.group, usage.events, usage.used, usage.amount_micro) == ("Sverige mobil", 2, 122, 1_999_999)
    assert (usage.label, usage.contract_number) == ("+46701740605", agreed.number)
    assert (run.net, run.total) == (invoice.net, invoice.total) == (Decimal("201.00"), 251)
    assert ocr_valid(invoice.payment.reference)
    again = await office.bill()
    assert (again.invoices, again.nothing, again.total) == (0, 1, 0)
    async with office.begin() as unit:
        kept = await unit.invoices.get(invoice.id)
        assert check(kept) == invoice
        assert await unit.invoices.by_number(invoice.number) == invoice
        assert (await unit.invoices.page(PageRequest(), customer=one.id, run=run.id)).items == [invoice]
        assert (await unit.invoices.page(PageRequest(), run=again.id)).items == []
        assert await unit.invoices.of_customers([one.id]) == {one.id: [invoice]}
        for since, found in ((date(2026, 10, 31), [invoice]), (date(2026, 11, 1), [])):
            assert (await unit.invoices.received(PageRequest(), {one.id: since})).items == found
        assert await unit.bill_runs.get(run.id) == run
        assert [each.id for each in (await unit.bill_runs.page(PageRequest())).items] == [run.id, again.id]


async def test_it_is_booked_in_the_same_transaction(office: Office) -> None:
    one, _, line = await office.customer()
    await office.use(line, 1_000_000)
    await office.bill()
    (invoice,) = office.invoices
    async with office.begin() as unit:
        assert await unit.ledger.balances() == {
            ("1510", "SEK"): 25000,
            ("2611", "SEK"): -5000,
            ("3041", "SEK"): -20000,
        }
        assert await unit.ledger.owed([one.id]) == {one.id: {"SEK": 25000}}
        posted = await unit.ledger.by_key(f"invoice:{invoice.number}")
        assert posted.entry.customer == one.id
        with pytest.raises(NotFound):
            await unit.ledger.by_key("invoice:1")
    with pytest.raises(Conflict):
        async with office.begin() as unit:
            await unit.ledger.post([posted.entry])


async def test_late_events_are_billed_by_the_next_run_and_only_once(office: Office) -> None:
    _, _, line = await office.customer()
    await office.use(line, 1_000_000)
    await office.bill()
    await office.use(line, 5_000_000, day=date(2026, 10, 30))  # came after the run
    await office.use(line, 7_000_000, day=date(2026, 11, 3))
    await office.bill(NOVEMBER)
    lines = [each for each in office.invoices[0].lines if each.kind is LineKind.USAGE]
    assert sorted((str(each.period), str(each.net)) for each in lines) == [
        ("2026-10-30..2026-11-01", "5.00"),
        ("2026-11-01..2026-12-01", "7.00"),
    ]
    # Even an earlier period run again finds only what came after both.
    await office.use(line, 2_000_000, day=date(2026, 10, 2))
    await office.use(line, 3_000_000, day=date(2026, 11, 2))
    await office.bill(OCTOBER)
    assert [str(each.net) for each in office.invoices[0].lines] == ["2.00"]
    await office.bill(NOVEMBER)
    assert [str(each.net) for each in office.invoices[0].lines] == ["3.00"]
    for period in (OCTOBER, NOVEMBER):
        assert (await office.bill(period)).invoices == 0


async def test_the_call_specification_shows_what_the_invoice_bills_at_any_later_time(office: Office) -> None:
    _, _, line = await office.customer(mask_digits=3)
    await office.use(line, 1_000_000, 0, 2_000_000)
    await office.bill()
    (first,) = office.invoices
    await office.use(line, 5_000_000, day=date(2026, 10, 30))
    await office.bill(NOVEMBER)
    (second,) = office.invoices
    await office.use(line, 9_000_000)
    async with office.begin() as unit:
        for invoice, amounts in ((first, [1_000_000, 2_000_000]), (second, [5_000_000])):
            rows = [row async for block in unit.invoices.calls(invoice) for row in block]
            assert [row.amount_micro for row in rows] == amounts
            assert {row.number for row in rows} == {"46701740xxx"}
            billed = sum(each.amount_micro or 0 for each in invoice.lines)
            assert sum(row.amount_micro for row in rows) == billed


async def test_customers_billed_through_a_parent_land_on_the_payer(office: Office) -> None:
    top, _, _ = await office.customer(number="1")
    middle, _, _ = await office.customer(number="2", parent=top.id, through_parent=True)
    low, _, line = await office.customer(number="3", parent=middle.id, through_parent=True)
    own, _, _ = await office.customer(number="4", parent=top.id)
    await office.use(line, 10_000_000)
    run = await office.bill()
    assert run.invoices == 2
    assert {invoice.customer: invoice.customers for invoice in office.invoices} == {
        top.id: (top.id, middle.id, low.id),
        own.id: (own.id,),
    }
    assert office.invoices[0].subtotal(low.id) == 209


async def test_doubt_parks_one_and_the_run_goes_on(office: Office) -> None:
    bad, _, line = await office.customer(number="1", address=Address("", "", "", "SE"))
    good, _, _ = await office.customer(number="2")
    await office.use(line, 1_000_000)
    run = await office.bill()
    assert (run.invoices, run.parked, run.payers) == (1, 1, 2)
    async with office.begin() as unit:
        (parked,) = await unit.bill_runs.parked(run.id)
        assert (parked.customer, parked.customer_number, parked.reason) == (bad.id, "1", "missing_address")
        await unit.customers.keep(replace(await unit.customers.claim(bad.id), address=good.address))
    again = await office.bill()
    assert (again.invoices, again.parked) == (1, 0)
    assert office.invoices[0].customer == bad.id
    assert office.invoices[0].net == 200


async def test_a_dry_run_writes_nothing(office: Office) -> None:
    _, _, line = await office.customer()
    await office.customer(delivery=Delivery.PEPPOL)
    await office.use(line, 1_000_000)
    before = await _everything(office)
    run = await office.bill(dry_run=True)
    assert (run.id, run.invoices, run.parked, run.net) == (0, 1, 1, Decimal("200.00"))
    assert [invoice.number for invoice in office.invoices] == [""]
    assert await _everything(office) == before
    real = await office.bill()
    assert (real.invoices, real.parked, real.net, real.total) == (run.invoices, run.parked, run.net, run.total)
    await office.bill(dry_run=True)
    assert (await office.bill()).id == real.id + 1, "a dry run takes no id"


async def _everything(office: Office) -> list:
    database = office.world.database
    if not isinstance(database, Database):
        return [{name: rows for name, rows in database.state.tables.items() if rows}]  # type: ignore[attr-defined]
    async with database.transaction(role="owner") as unit:
        names = await unit.connection.fetch("select tablename from pg_tables where schemaname = 'public' order by 1")
        counts = [await unit.connection.fetchval(f"select count(*) from {row['tablename']}") for row in names]
        return [*counts, await unit.connection.fetch("select * from series order by operator, name")]


async def test_numbers_have_no_gap_whatever_happens(office: Office, monkeypatch) -> None:
    monkeypatch.setattr(bills, "PAYERS_PER_PAGE", 3)
    for _ in range(10):
        await office.customer()
    real = bill_pages.issue_page
    failures = iter([False, True, False, True, False, False])

    async def failing(*arguments):
        issued = await real(*arguments)
        if next(failures, False):
            raise ZeroDivisionError
        return issued

    monkeypatch.setattr(bill_pages, "issue_page", failing)
    broken = 0
    for _ in range(3):
        try:
            await office.bill()
        except ZeroDivisionError:
            broken += 1
    assert broken
    async with office.begin() as unit:
        run = await unit.bill_runs.get(BillRunId(1))
        assert run.state is BillRunState.DONE
        assert (run.payers, run.invoices) == (10, 10)
        kept = (await unit.invoices.page(PageRequest(100))).items
        assert [int(invoice.number) for invoice in kept] == list(range(100_001, 100_011))
        # In the order of the payers, whoever did which page.
        assert [invoice.customer for invoice in kept] == sorted(invoice.customer for invoice in kept)
        assert len({invoice.customer for invoice in kept}) == 10
        assert sum(invoice.total for invoice in kept) == run.total
        assert (await unit.ledger.balances())["1510", "SEK"] == run.total * 100


async def test_two_runs_at_once_issue_nothing_twice(office: Office, monkeypatch) -> None:
    monkeypatch.setattr(bills, "PAYERS_PER_PAGE", 2)
    for _ in range(7):
        _, _, line = await office.customer()
        await office.use(line, 1_500_000)
    await asyncio.gather(office.bill(), office.bill(), office.bill())
    async with office.begin() as unit:
        kept = (await unit.invoices.page(PageRequest(100))).items
    assert sorted(int(invoice.number) for invoice in kept) == list(range(100_001, 100_008))
    assert len({invoice.customer for invoice in kept}) == 7
    assert {invoice.net for invoice in kept} == {Decimal("200.50")}


async def test_another_run_waits_until_the_first_is_finished(office: Office, monkeypatch) -> None:
    await office.customer()

    async def failing(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(bill_pages, "issue_page", failing)
        with pytest.raises(ZeroDivisionError):
            await office.bill()
    with pytest.raises(WrongState, match=r"bill run 1 of 2026-10-01\.\.2026-11-01 is not finished"):
        await office.bill(NOVEMBER)
    assert (await office.bill()).invoices == 1
    assert (await office.bill(NOVEMBER)).invoices == 1


async def test_a_run_that_is_abandoned_leaves_the_rest_to_the_next(office: Office, monkeypatch) -> None:
    monkeypatch.setattr(bills, "PAYERS_PER_PAGE", 2)
    for _ in range(5):
        await office.customer()
    real, pages = bill_pages.issue_page, iter([False, True])

    async def failing(*arguments):
        if next(pages):
            raise ZeroDivisionError
        return await real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(bill_pages, "issue_page", failing)
        with pytest.raises(ZeroDivisionError):
            await office.bill()
    world = office.world
    everything = {"begin": world.begin, "clock": world.clock}
    with pytest.raises(NotAllowed):
        await abandon_bill_run(BillRunId(1), actor=world.north, **everything)
    with pytest.raises(NotFound):
        await abandon_bill_run(BillRunId(99), actor=office.actor, **everything)
    ended = await abandon_bill_run(BillRunId(1), actor=office.actor, **everything)
    assert (ended.state, ended.payers, ended.invoices) == (BillRunState.DONE, 2, 2)
    async with office.begin() as unit:  # what it issued leaves
        (job,) = (await unit.jobs.page(PageRequest(100), kind=QUEUE)).items
    assert job.payload == {"run": 1}
    with pytest.raises(WrongState):
        await abandon_bill_run(BillRunId(1), actor=office.actor, **everything)
    rest = await office.bill()
    assert (rest.id, rest.invoices, rest.nothing) == (2, 3, 2)


async def test_who_changes_payers_within_a_run_is_billed_once(office: Office, monkeypatch) -> None:
    monkeypatch.setattr(bills, "PAYERS_PER_PAGE", 1)
    moved, _, line = await office.customer()
    payer, _, _ = await office.customer()
    await office.use(line, 1_000_000)
    real, pages = bill_pages.issue_page, iter([False, True])

    async def failing(*arguments):
        if next(pages):
            raise ZeroDivisionError
        return await real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(bill_pages, "issue_page", failing)
        with pytest.raises(ZeroDivisionError):
            await office.bill()
    async with office.begin() as unit:
        claimed = await unit.customers.claim(moved.id)
        await unit.customers.keep(replace(claimed, parent=payer.id, through_parent=True))
    run = await office.bill()
    assert (run.state, run.invoices, run.net) == (BillRunState.DONE, 2, 199 + 1 + 199)
    assert [line.kind for line in office.invoices[0].lines] == [LineKind.PERIODIC]


async def test_one_customer_alone(office: Office) -> None:
    top, _, _ = await office.customer()
    child, _, line = await office.customer(parent=top.id, through_parent=True)
    await office.customer()
    await office.use(line, 1_000_000)
    run = await office.bill(customers=(child.id,))
    assert run.payers == 1
    assert office.invoices[0].customer == top.id
    assert office.invoices[0].net == 399
    rest = await office.bill()
    assert (rest.invoices, rest.nothing) == (1, 1)


async def test_fees_in_advance_until_another_day(office: Office) -> None:
    await office.customer()
    await office.bill(fees_until=date(2026, 11, 2))
    assert [str(each.period) for each in office.invoices[0].lines] == [
        "2026-10-01..2026-11-01",
        "2026-11-01..2026-12-01",
    ]
    assert (await office.bill(NOVEMBER)).invoices == 0


async def test_an_end_back_in_time_is_credited_by_the_next_run(office: Office) -> None:
    _, agreed, _ = await office.customer()
    await office.bill()
    (invoice,) = office.invoices
    async with office.begin() as unit:
        claimed = await unit.contracts.claim(agreed.id)
        await unit.contracts.keep(replace(claimed, end=date(2026, 10, 16), state=ContractState.ENDED))
    await office.bill(NOVEMBER)
    (credit,) = office.invoices
    assert (credit.kind.value, credit.number, credit.original) == ("credit_note", "100001", invoice.number)
    assert credit.net == Decimal("-102.71")
    async with office.begin() as unit:
        assert await unit.invoices.credited(invoice.number) == [credit]
    assert (await office.bill(NOVEMBER)).invoices == 0


async def test_corrections_name_the_invoice_also_where_a_credit_note_came_last(office: Office) -> None:
    await office.customer()
    _, agreed, _ = await office.customer()
    await office.bill()
    first, mine = office.invoices

    async def ending(end: date) -> list[str | None]:
        async with office.begin() as unit:
            claimed = await unit.contracts.claim(agreed.id)
            await unit.contracts.keep(replace(claimed, end=end, state=ContractState.ENDED))
        await office.bill(NOVEMBER)
        return [line.corrects for one in office.invoices if one.customer == mine.customer for line in one.lines]

    assert await ending(date(2026, 10, 20)) == [mine.number]
    note = next(one for one in office.invoices if one.customer == mine.customer)
    assert note.number == first.number  # of another series
    assert await ending(date(2026, 10, 16)) == [mine.number]
    async with office.begin() as unit:
        assert await unit.invoices.correcting(first.number) == []


async def test_only_who_may_runs_bills_and_sees_only_his_own(office: Office) -> None:
    world = office.world
    await office.customer(reseller=world.north.reseller)
    await office.bill()
    (invoice,) = office.invoices
    for stranger in (world.north, world.south):
        with pytest.raises(NotAllowed):
            await bills.run_bills(bills.RunBills(period=OCTOBER), actor=stranger, begin=world.begin, clock=world.clock)
    async with world.begin(world.north) as unit:
        assert await unit.invoices.get(invoice.id) == invoice
    for stranger in (world.south, world.other_operator):
        async with world.begin(stranger) as unit:
            with pytest.raises(NotFound):
                await unit.invoices.get(invoice.id)
            assert (await unit.invoices.page(PageRequest())).items == []
            with pytest.raises(NotFound):
                await unit.invoices.by_number(invoice.number)
    async with world.begin(world.other_operator) as unit:
        assert await unit.ledger.balances() == {}
        with pytest.raises(NotFound):
            await unit.bill_runs.get(invoice.run)
    listed = await list_bill_runs(PageRequest(), actor=world.operator, begin=world.begin)
    assert [one.id for one in listed.items] == [invoice.run]
    assert (await get_bill_run(invoice.run, actor=world.operator, begin=world.begin))[1] == []
    for stranger in (world.north, world.south, replace(world.operator, scopes=frozenset())):
        with pytest.raises(NotAllowed):
            await list_bill_runs(PageRequest(), actor=stranger, begin=world.begin)
        with pytest.raises(NotAllowed):
            await get_bill_run(invoice.run, actor=stranger, begin=world.begin)
    assert (await list_bill_runs(PageRequest(), actor=world.other_operator, begin=world.begin)).items == []
    with pytest.raises(NotFound):
        await get_bill_run(invoice.run, actor=world.other_operator, begin=world.begin)
    with pytest.raises(BadValue):
        await office.bill(customers=())
