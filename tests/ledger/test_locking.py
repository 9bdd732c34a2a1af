"""The period lock: what is booked in a locked month is refused, or comes on the first open day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest

from domain.access.actor import Action
from domain.access.approval import ApprovalKind, ApprovalRule, ApprovalRules, NeedsApproval
from domain.ledger.entry import Entry, Posting
from domain.ledger.locking import LedgerLock
from domain.refusal import BadValue, NotAllowed, Stale, WrongState
from domain.usecases.lock_ledger import LockLedger, UnlockLedger, lock_ledger, read_ledger_lock, unlock_ledger
from persistence.engine import OWNER, Database
from tests.invoicing.conftest import Office
from tests.ledger.test_reports import ask, billed, paid


@pytest.fixture(autouse=True)
def today(office: Office) -> None:
    office.world.clock.at = datetime(2026, 12, 22, 12, tzinfo=UTC)


async def lock(office: Office, month: str, version: int) -> LedgerLock:
    return await ask(office, lock_ledger, LockLedger(month=month, version=version), clock=office.world.clock)


async def unlock(office: Office, month: str, version: int, **more: Any) -> LedgerLock:
    cmd = UnlockLedger(month=month, version=version, **({"reason": "a late invoice"} | more))
    return await ask(office, unlock_ledger, cmd, clock=office.world.clock)


def entry(key: str, day: date) -> Entry:
    return Entry(key=key, booked_on=day, text="", postings=(Posting("1510", "SEK", 1), Posting("3041", "SEK", -1)))


async def test_months_are_locked_in_their_order_and_opened_again(office: Office) -> None:
    assert (await ask(office, read_ledger_lock)).through is None
    found = await lock(office, "2026-10", 0)
    assert (found.through, found.version) == (date(2026, 10, 31), 1)
    with pytest.raises(WrongState, match="locked already"):
        await lock(office, "2026-09", 1)
    with pytest.raises(Stale):
        await lock(office, "2026-11", 0)
    assert (await lock(office, "2026-11", 1)).through == date(2026, 11, 30)
    with pytest.raises(WrongState, match="not over"):
        await lock(office, "2026-12", 2)
    with pytest.raises(BadValue, match="is not a month"):
        await lock(office, "2026-13", 2)
    assert (await unlock(office, "2026-10", 2)).through == date(2026, 9, 30)
    with pytest.raises(WrongState, match="not locked"):
        await unlock(office, "2026-10", 3)
    with pytest.raises(BadValue, match="reason"):
        await unlock(office, "2026-09", 3, reason=" ")


async def test_documents_are_refused_and_what_else_happened_comes_on_the_first_open_day(office: Office) -> None:
    (one,) = await billed(office, "1")
    await lock(office, "2026-11", 0)
    with pytest.raises(WrongState, match="locked through 2026-11-30"):
        await _posted(office, entry("invoice:1", date(2026, 11, 5)))
    # The bank's day is 20 November.
    await paid(office, (24900, one.payment.reference))
    async with office.begin() as unit:
        moved = await unit.ledger.movements([one.customer])
        assert await unit.ledger.open_day(date(2026, 11, 20)) == date(2026, 12, 1)
    assert [row.booked_on for row in moved] == [date(2026, 11, 1), date(2026, 12, 1)]


async def _posted(office: Office, one: Entry) -> None:
    async with office.begin() as unit:
        await unit.ledger.post([one])


async def test_nothing_comes_into_a_locked_month_past_the_program(office: Office) -> None:
    if not isinstance(office.world.database, Database):
        pytest.skip("the database's own trigger")
    await lock(office, "2026-11", 0)
    async with office.world.database.transaction(role=OWNER, operator=office.actor.operator) as unit:
        with pytest.raises(asyncpg.CheckViolationError, match="the ledger is locked"):
            await unit.connection.execute(
                "insert into ledger_entry (operator, key, booked_on, text) values ($1, 'x', '2026-11-30', '')",
                int(office.actor.operator),
            )


async def test_opening_waits_for_a_second_person_where_the_rules_say_so(office: Office) -> None:
    await lock(office, "2026-11", 0)
    async with office.begin() as unit:
        await unit.approvals.keep_rules(ApprovalRules(rules=(ApprovalRule(kind=ApprovalKind.PERIOD),)))
    with pytest.raises(NeedsApproval):
        await unlock(office, "2026-11", 1)
    assert (await ask(office, read_ledger_lock)).through == date(2026, 11, 30)


async def test_who_may_lock_and_open(office: Office) -> None:
    world = office.world
    for actor in (world.north, replace(world.operator, scopes=frozenset({Action.READ_CUSTOMERS}))):
        with pytest.raises(NotAllowed):
            await lock_ledger(LockLedger(month="2026-11", version=0), actor=actor, begin=world.begin, clock=world.clock)
        cmd = UnlockLedger(month="2026-11", version=0, reason="x")
        with pytest.raises(NotAllowed):
            await unlock_ledger(cmd, actor=actor, begin=world.begin, clock=world.clock)
    await lock(office, "2026-11", 0)
    assert (await read_ledger_lock(actor=world.other_operator, begin=world.begin)).through is None
