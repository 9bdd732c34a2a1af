"""Other processes bill pages of a run beside this one: told as if it had, and missed by nobody where they die."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from api import hands as hands_of_ours
from api.hands import ProcessHands
from domain.invoicing.bill_run import BillRunState
from domain.invoicing.billing_rules import BillForm
from domain.ports.page import PageRequest
from domain.usecases import bill_pages
from domain.usecases import run_bills as bills
from domain.usecases.make_bills import PageDone
from domain.usecases.run_bills import RunBills, run_bills
from persistence.engine import OWNER, Database
from persistence.units import StoredUnits
from tests.invoicing.conftest import OCTOBER, Office, make_office
from tests.invoicing.test_bill_choices import rules

PAYERS = 24


@pytest.fixture
async def office(database: Database, monkeypatch) -> Office:
    """Many payers with a page each, of whom every process wants one at least."""
    monkeypatch.setattr(bills, "PAYERS_PER_PAGE", 1)
    monkeypatch.setattr(hands_of_ours, "PAYERS_EACH", 1)
    office = await make_office(StoredUnits(database), database)
    for _ in range(PAYERS):
        await office.customer()
    return office


def _wait_for_others(database: Database, monkeypatch) -> None:
    """Let this process make no page before another one has begun to."""
    real = bill_pages.made_page

    async def made_page(*arguments, **options):
        async with asyncio.timeout(120):
            # In a task of its own, since this one is in a transaction.
            while await asyncio.create_task(_held(database)) <= bill_pages.LANES:  # noqa: ASYNC110  (nobody tells it)
                await asyncio.sleep(0.05)
        return await real(*arguments, **options)

    monkeypatch.setattr(bill_pages, "made_page", made_page)


async def _held(database: Database) -> int:
    """Return how many pages somebody does, or has done."""
    async with database.transaction(role=OWNER) as unit:
        free = await unit.connection.fetch("select last from bill_run_page for update skip locked")
    return PAYERS - len(free)


def _hands(database: Database, processes: int = 2) -> ProcessHands:
    return ProcessHands(database.url, processes)


def _begun(monkeypatch) -> list[asyncio.subprocess.Process]:
    """Return the processes, as they are begun."""
    begun: list[asyncio.subprocess.Process] = []
    real = asyncio.create_subprocess_exec

    async def begin(*arguments, **options):
        begun.append(await real(*arguments, **options))
        return begun[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", begin)
    return begun


async def _bill(office: Office, hands: ProcessHands) -> tuple[object, list[PageDone]]:
    heard: list[PageDone] = []
    run = await run_bills(
        RunBills(period=OCTOBER),
        actor=office.actor,
        begin=office.world.begin,
        clock=office.world.clock,
        hands=hands,
        done=heard.append,
    )
    return run, heard


async def _is_whole(office: Office, run, heard: list[PageDone]) -> None:
    assert (run.state, run.payers, run.invoices) == (BillRunState.DONE, PAYERS, PAYERS)
    async with office.begin() as unit:
        kept = (await unit.invoices.page(PageRequest(100))).items
    assert [int(invoice.number) for invoice in kept] == list(range(100_001, 100_001 + PAYERS))
    assert sorted(invoice.number for page in heard for invoice in page.invoices) == [one.number for one in kept]
    assert sum(invoice.total for page in heard for invoice in page.invoices) == run.total


async def test_others_do_pages_and_all_of_them_are_told(
    office: Office, database: Database, tmp_path, monkeypatch
) -> None:
    _wait_for_others(database, monkeypatch)
    run, heard = await _bill(office, _hands(database))
    await _is_whole(office, run, heard)
    elsewhere = [page for page in heard if not any(invoice.lines for invoice in page.invoices)]
    assert elsewhere, "the other process has done pages, and told their invoices without their lines"
    assert max(page.run.payers for page in heard) == PAYERS


async def test_one_that_cannot_work_is_not_missed(office: Office, caplog) -> None:
    hands = ProcessHands("postgresql://nobody@127.0.0.1:1/none", 2)
    run, heard = await _bill(office, hands)
    await _is_whole(office, run, heard)
    assert "its page is done here" in caplog.text or len(heard) == PAYERS


async def test_one_that_is_killed_gives_its_page_up(office: Office, database: Database, monkeypatch) -> None:
    _wait_for_others(database, monkeypatch)
    begun = _begun(monkeypatch)
    heard: list[PageDone] = []

    def hear(page: PageDone) -> None:
        heard.append(page)
        if not any(invoice.lines for invoice in page.invoices) and begun[0].returncode is None:
            os.kill(begun[0].pid, signal.SIGKILL)

    run = await run_bills(
        RunBills(period=OCTOBER),
        actor=office.actor,
        begin=office.world.begin,
        clock=office.world.clock,
        hands=_hands(database),
        done=hear,
    )
    assert begun[0].returncode == -signal.SIGKILL
    # What it had committed and not yet told is in the books; only the telling is lost with it.
    async with office.begin() as unit:
        kept = (await unit.invoices.page(PageRequest(100))).items
    assert [int(invoice.number) for invoice in kept] == list(range(100_001, 100_001 + PAYERS))
    assert (run.state, run.invoices) == (BillRunState.DONE, PAYERS)


async def test_they_end_with_who_began_them(office: Office, database: Database, monkeypatch) -> None:
    async def made_page(*_, **__):
        await asyncio.Event().wait()

    monkeypatch.setattr(bill_pages, "made_page", made_page)
    begun = _begun(monkeypatch)
    task = asyncio.create_task(_bill(office, _hands(database)))
    async with asyncio.timeout(60):
        while not begun:  # noqa: ASYNC110  (nobody tells it)
            await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [one.returncode for one in begun] == [-signal.SIGKILL]


def test_there_are_none_for_few_payers(monkeypatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    assert [hands_of_ours._count(0, payers) for payers in (0, 9_999, 10_000, 15_000, 10**6)] == [0, 0, 1, 2, 3]
    assert [hands_of_ours._count(8, 10**6), hands_of_ours._count(1, 10**6)] == [7, 0]
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert hands_of_ours._count(0, 10**6) == 1


async def test_what_another_system_is_to_be_given_is_told_by_all(
    office: Office, database: Database, monkeypatch
) -> None:
    await rules(office, form=BillForm.BASIS)
    _wait_for_others(database, monkeypatch)
    run, heard = await _bill(office, _hands(database))
    assert (run.state, run.payers, run.invoices) == (BillRunState.DONE, PAYERS, 0)
    async with office.begin() as unit:
        kept = await unit.basis_fees.of_run(run.id, first=1000, after=0)
    assert len(kept) >= PAYERS
    assert sum(len(page.elsewhere.fees) for page in heard) == len(kept)
