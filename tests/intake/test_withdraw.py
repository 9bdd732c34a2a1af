"""Files withdrawn and redone: what they brought is taken back, and their bytes come again."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
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
from domain.usecases.redo_duplicates import redo_duplicates
from domain.usecases.run_bills import RunBills, run_bills
from domain.usecases.withdraw_file import Redone, WithdrawFile, Withdrawn, withdraw_file
from domain.usecases.work_suspense import DiscardSuspense, discard_suspense
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


async def redo(wiring, world, *files) -> list[Redone]:
    return list(
        await redo_duplicates(
            [one.id for one in files],
            actor=world.actor,
            begin=wiring.begin,
            clock=wiring.clock,
            blobs=wiring.blobs,
            formats=wiring.formats,
            raters=wiring.raters,
        )
    )


async def test_what_others_counted_as_duplicates_is_charged_again(wiring, world, load):
    """The calls that only the withdrawn file was charged for come back under the file that brought them too."""
    nobody = made.lines(made.row(90, a="46799999999", b=FIXED), made.row(91, a="46799999999", b=FIXED))
    first = await load(made.calls(10) + nobody)
    second = await load(made.calls(10, first=5) + nobody, name="2.csv")
    third = await load(made.calls(6, first=4), name="3.csv")
    assert (second.file.duplicates, second.file.unrated, third.file.duplicates) == (7, 0, 6)
    before = await totals(wiring, world)
    assert [one.rated for one in await redo(wiring, world, second.file)] == [0], "nothing is to be charged yet"
    done = await withdraw(wiring, world, first.file)
    assert [one.id for one in done.overlapping] == [second.file.id, third.file.id]
    again = await redo(wiring, world, *done.overlapping)
    assert [(one.rated, one.unrated, one.file.duplicates, one.fault) for one in again] == [
        (5, 2, 0, None),
        (1, 0, 5, None),
    ]
    assert [one.rated + one.unrated for one in await redo(wiring, world, *done.overlapping)] == [0], "once"
    await of.check_balances(wiring, world)
    calls = await events(wiring, world)
    assert len({(one.start, one.ref) for one in calls}) == len(calls) == 11  # 4 of the ten were the first file's alone
    back = await load(made.calls(10) + nobody, name="1 again.csv")
    assert (back.file.rated, back.file.duplicates) == (4, 8)
    assert await totals(wiring, world) == before
    await of.check_balances(wiring, world)


@pytest.mark.parametrize("other_way", [False, True])
async def test_what_another_export_of_the_switch_counted_as_duplicates_is_charged_again(wiring, world, other_way):
    text = made.PROFILE.replace("[map]\n", '[map]\nsource = "=switch-1"\n')
    names = ("by-day", "by-hour")
    for name in names:
        profile = text.replace("asterisk-prov", name)
        await put_source(
            PutSource(name=name, profile=profile), actor=world.actor, begin=wiring.begin, formats=wiring.formats
        )
    one, other = reversed(names) if other_way else names
    nobody = made.lines(made.row(90, a="46799999999", b=FIXED))
    twice = made.calls(1, first=14)
    first = await made.load(wiring, world, made.calls(10) + nobody, source=one)
    second = await made.load(wiring, world, made.calls(10, first=5) + nobody + twice, source=other, name="2.csv")
    stranger = await made.load(wiring, world, made.calls(5) + made.calls(1), source="pbx", name="3.csv")
    assert (second.file.duplicates, stranger.file.duplicates) == (7, 1)
    assert [each.rated for each in await redo(wiring, world, second.file)] == [0], "nothing is to be charged yet"
    done = await withdraw(wiring, world, first.file)
    assert [each.id for each in done.overlapping] == [second.file.id]
    again = await redo(wiring, world, second.file)
    assert [(each.rated, each.unrated, each.file.duplicates) for each in again] == [(5, 1, 1)]
    assert [each.rated + each.unrated for each in await redo(wiring, world, second.file)] == [0], "once"
    back = await made.load(wiring, world, made.calls(10) + nobody, source=one, name="1 again.csv")
    assert (back.file.rated, back.file.duplicates) == (5, 6)
    assert [each.rated + each.unrated for each in await redo(wiring, world, second.file, back.file)] == [0, 0]
    await of.check_balances(wiring, world)


async def test_who_withdraws_or_tells_waits_for_another_export_of_the_switch(stored):
    """What writes for one of them holds the lock of the first of them, as an import does: none judges by old rows."""
    world = await made.with_source(stored, "twin-locks")
    for name in ("sip-a", "sip-b"):
        text = f'name = "{name}"\nreader = "opensips"\n[number]\ncountry = "SE"\n[map]\nsource = "=switch-1"\n'
        await put_source(
            PutSource(name=name, profile=text), actor=world.actor, begin=stored.begin, formats=stored.formats
        )
    loaded = await made.load(stored, world, of.sip("INVITE", of.FIRST + 5), name="1.log", source="sip-b")

    async def waits(work: Coroutine[Any, Any, Any]) -> None:
        async with stored.begin(world.actor, bulk=True) as unit:
            await unit.sessions.lock((await unit.sources.by_name("sip-a")).id)
            task = asyncio.create_task(work)
            done, _ = await asyncio.wait({task}, timeout=2)
            assert not done
        await asyncio.wait_for(task, 30)

    await waits(of.sweep(stored, world))
    await waits(withdraw(stored, world, loaded.file))
    await of.check_balances(stored, world)


async def test_what_was_given_up_or_held_does_not_come_back(wiring, world, load):
    first = await load(made.calls(3))
    other = made.row(1, a=made.number(1), b=FIXED, seconds=77)
    second = await load(made.calls(3) + made.lines(made.row(90, a="46799999999", b=FIXED)), name="2.csv")
    third = await load(made.calls(1) + made.lines(other), name="3.csv")
    async with wiring.begin(world.actor) as unit:
        held = (await unit.suspense.page(PageRequest())).items
    await discard_suspense(
        DiscardSuspense(chosen=SuspenseFilter(file=second.file.id), why="a test"),
        actor=world.actor,
        begin=wiring.begin,
    )
    await withdraw(wiring, world, first.file)
    conflicts = [one for one in held if one.file == third.file.id]
    (again,) = await redo(wiring, world, third.file)
    assert (again.rated, again.file.rejects) == (third.file.duplicates, len(conflicts))
    (again,) = await redo(wiring, world, second.file)
    assert (again.rated, again.unrated) == (3 - third.file.duplicates, 0), "what was discarded stays so"
    await of.check_balances(wiring, world)


async def test_what_cannot_be_read_again_is_said(wiring, world, load):
    await of.source(wiring, world, "opensips")
    first = await of.load(wiring, world, of.sip("INVITE", of.FIRST + 5) + of.sip("BYE", of.FIRST + 65), "1.log")
    second = await of.load(wiring, world, of.sip("BYE", of.FIRST + 65), "2.log")
    assert second.file.duplicates == 1
    await withdraw(wiring, world, first.file)
    (done,) = await redo(wiring, world, second.file)
    assert "parts of sessions" in done.fault
    plain, again = await load(made.calls(4)), await load(made.calls(5), name="5.csv")
    for path in wiring.settings.files_dir.rglob("*"):
        if path.is_file():
            path.unlink()
    await withdraw(wiring, world, plain.file)
    (done,) = await redo(wiring, world, again.file)
    assert "is not in" in done.fault


async def test_only_who_may_withdraws(wiring, world, load):
    done = await load(made.calls(2))
    stranger = await made.make(wiring.begin, f"wd{world.operator}")
    with pytest.raises(NotAllowed):
        await withdraw(wiring, world, done.file, actor=world.of_reseller(world.reseller))
    around = {name: getattr(wiring, name) for name in ("begin", "clock", "blobs", "formats", "raters")}
    with pytest.raises(NotAllowed):
        await redo_duplicates([done.file.id], actor=world.of_reseller(world.reseller), **around)
    with pytest.raises(NotFound):
        await redo_duplicates([done.file.id], actor=stranger.actor, **around)
    with pytest.raises(NotFound):
        await withdraw(wiring, world, done.file, actor=stranger.actor)
    with pytest.raises(BadValue):
        await withdraw(wiring, world, done.file, why=" ")
    assert len(await events(wiring, world)) == 2
    async with wiring.begin(world.actor) as unit:
        assert (await unit.desk.page(PageRequest(), SuspenseFilter())).items == []
