"""Files withdrawn and redone: what they brought is taken back, and their bytes come again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from domain.mediation.files import FileState
from domain.mediation.suspense import SuspenseFilter
from domain.period import Period
from domain.ports.page import PageRequest
from domain.ports.usage import UsageFilter
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound
from domain.usecases.list_files import get_file
from domain.usecases.put_source import PutSource, put_source
from domain.usecases.run_bills import RunBills, run_bills
from domain.usecases.withdraw_file import WithdrawFile, Withdrawn, withdraw_file
from tests.intake import sessions as of
from tests.intake import world as made

FIXED = "46850000000"
ALL = UsageFilter(since=made.FIRST - timedelta(days=1), until=made.FIRST + timedelta(days=40))


async def withdraw(
    wiring, world, file, *, actor=None, why: str = "read by the wrong profile", **more: Any
) -> Withdrawn:
    return await withdraw_file(
        WithdrawFile(file=file.id, why=why, **more),
        actor=actor or world.actor,
        begin=wiring.begin,
        clock=wiring.clock,
        formats=wiring.formats,
        raters=wiring.raters,
    )


async def events(wiring, world):
    async with wiring.begin(world.actor) as unit:
        return (await unit.usage.page(ALL, first=1000))[0]


async def totals(wiring, world) -> list[tuple[str, int, int]]:
    async with wiring.begin(world.actor) as unit:
        return [(one.destination, one.events, one.used) for one in await unit.usage.totals(ALL)]


async def test_a_withdrawn_file_charges_nobody_and_its_bytes_come_again(wiring, world, load):
    data = made.calls(40) + made.lines(made.row(90, a="46799999999", b=FIXED)) + b"rubbish\n"
    first = await load(data)
    kept = await events(wiring, world)
    before = await totals(wiring, world)
    preview = await withdraw(wiring, world, first.file, preview=True)
    assert (preview.events, preview.billed, preview.suspended) == (first.file.rated, 0, 2)
    assert await totals(wiring, world) == before
    done = await withdraw(wiring, world, first.file)
    assert (done.events, done.suspended, done.file.state) == (first.file.rated, 2, FileState.WITHDRAWN)
    assert dict(done.file.ignored) == {"withdrawn": first.file.records}
    assert (await events(wiring, world), await totals(wiring, world)) == ([], [])
    assert (await withdraw(wiring, world, first.file)).events == 0
    await of.check_balances(wiring, world)
    profile = made.PROFILE + '[usage]\nround = "down"\n'
    await put_source(
        PutSource(name="pbx", profile=profile), actor=world.actor, begin=wiring.begin, formats=wiring.formats
    )
    again = await load(data)
    assert (again.again, again.file.id == first.file.id, again.file.rated) == (False, False, first.file.rated)
    assert (first.file.profile_version, again.file.profile_version) == (1, 2)
    assert await totals(wiring, world) == before
    assert [(one.ref, one.used, one.version) for one in await events(wiring, world)] == [
        (one.ref, one.used, 3) for one in kept
    ]
    await withdraw(wiring, world, again.file)
    assert await totals(wiring, world) == []
    elsewhere = made.PROFILE.replace("asterisk-prov", "other")
    await put_source(
        PutSource(name="other", profile=elsewhere), actor=world.actor, begin=wiring.begin, formats=wiring.formats
    )
    moved = await load(data, source="other")
    assert moved.file.rated == first.file.rated
    assert await totals(wiring, world) == before
    await of.check_balances(wiring, world)


async def test_what_is_invoiced_is_withdrawn_only_as_corrections(wiring, world, load):
    done = await load(made.calls(8))
    period = Period(date(2026, 3, 1), date(2026, 4, 1))
    bills = RunBills(period=period)
    await run_bills(bills, actor=world.actor, begin=wiring.begin, clock=wiring.clock)
    with pytest.raises(Conflict, match="are invoiced"):
        await withdraw(wiring, world, done.file)
    assert len(await events(wiring, world)) == done.file.rated
    preview = await withdraw(wiring, world, done.file, corrections=True, preview=True)
    assert preview.billed == done.file.rated
    await withdraw(wiring, world, done.file, corrections=True)
    assert await totals(wiring, world) == []
    again = replace(bills, period=Period(date(2026, 4, 1), date(2026, 5, 1)))
    run = await run_bills(again, actor=world.actor, begin=wiring.begin, clock=wiring.clock)
    assert run.net < 0


async def test_a_session_waits_again_for_what_was_withdrawn(wiring, world):
    await of.source(wiring, world, "opensips")
    invite, bye = of.sip("INVITE", of.FIRST + 5), of.sip("BYE", of.FIRST + 65)
    first = await of.load(wiring, world, invite, "1.log")
    second = await of.load(wiring, world, bye, "2.log")
    assert [one.used for one in await events(wiring, world)] == [60]
    await withdraw(wiring, world, second.file)
    assert await events(wiring, world) == []
    waiting = await get_file(first.file.id, actor=world.actor, begin=wiring.begin)
    assert (waiting.pending, waiting.merged) == (1, 0)
    await of.check_balances(wiring, world, waiting=True)
    again = await of.load(wiring, world, of.sip("BYE", of.FIRST + 95) + bye[:0], "3.log")
    assert again.file.events == 1
    assert [one.used for one in await events(wiring, world)] == [90]
    await withdraw(wiring, world, first.file)
    assert await events(wiring, world) == []
    await of.check_balances(wiring, world, waiting=True)


async def test_a_withdrawal_tells_which_files_counted_its_records_as_duplicates(wiring, world, load):
    first = await load(made.calls(10))
    second = await load(made.calls(10, first=5), name="2.csv")
    assert second.file.duplicates == 5
    done = await withdraw(wiring, world, first.file)
    assert [one.name for one in done.overlapping] == ["2.csv"]


async def test_only_who_may_withdraws(wiring, world, load):
    done = await load(made.calls(2))
    stranger = await made.make(wiring.begin, f"wd{world.operator}")
    with pytest.raises(NotAllowed):
        await withdraw(wiring, world, done.file, actor=world.of_reseller(world.reseller))
    with pytest.raises(NotFound):
        await withdraw(wiring, world, done.file, actor=stranger.actor)
    with pytest.raises(BadValue):
        await withdraw(wiring, world, done.file, why=" ")
    assert len(await events(wiring, world)) == 2
    async with wiring.begin(world.actor) as unit:
        assert (await unit.desk.page(PageRequest(), SuspenseFilter())).items == []
