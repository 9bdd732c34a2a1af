"""Records in suspense corrected, released and discarded: on PostgreSQL and in memory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.contracts.subscription import NumberAssignment
from domain.ids import FileId
from domain.mediation.files import SuspenseKind
from domain.mediation.suspense import Correction, SuspenseFilter
from domain.ports.page import PageRequest
from domain.refusal import BadValue, NotAllowed, NotFound
from domain.usecases.assign_numbers import AssignNumbers, assign_numbers
from domain.usecases.list_files import get_file
from domain.usecases.put_source import PutSource, put_source
from domain.usecases.work_suspense import (
    CorrectSuspense,
    DiscardSuspense,
    Released,
    ReleaseSuspense,
    correct_suspense,
    discard_suspense,
    release_suspense,
    suspense_history,
)
from tests.intake import sessions as of
from tests.intake import world as made

FIXED = "46850000000"
NOBODY = "46799999999"


async def held(wiring, world, **chosen: Any):
    async with wiring.begin(world.actor) as unit:
        return list((await unit.desk.page(PageRequest(first=1000), SuspenseFilter(**chosen))).items)


async def release(wiring, world, *, preview: bool = False, **chosen: Any) -> Released:
    return await release_suspense(
        ReleaseSuspense(chosen=SuspenseFilter(**chosen), why="test", preview=preview),
        actor=world.actor,
        begin=wiring.begin,
        clock=wiring.clock,
        blobs=wiring.blobs,
        formats=wiring.formats,
        raters=wiring.raters,
    )


async def correct(wiring, world, one, *, raw: str | None = None, **fields: str) -> int:
    cmd = CorrectSuspense(
        chosen=SuspenseFilter(ids=(one.id,)), correction=Correction(raw=raw, fields=fields), why="the switch was wrong"
    )
    return await correct_suspense(cmd, actor=world.actor, begin=wiring.begin, formats=wiring.formats)


async def events(wiring, world):
    async with wiring.begin(world.actor) as unit:
        return (await unit.usage.page(of.ALL, first=1000))[0]


def bad_row(place: int, *, seconds: int = 60) -> str:
    """A record whose times cannot be read."""
    return made.row(place, a=made.number(0), b=FIXED, seconds=seconds).replace("2026-03-02", "2026-33-02")


async def test_events_without_owner_are_rated_once_a_subscription_has_the_number(wiring, world, load):
    first = await load(made.lines(*(made.row(n, a=NOBODY, b=FIXED) for n in range(3))))
    assert first.reasons == {"no_party": 3}
    assert await release(wiring, world, reason="no_party") == Released(chosen=3, still={"no_party": 3})
    cmd = AssignNumbers(
        subscription=world.subscriptions[0], numbers=(NumberAssignment(number=NOBODY, valid_from=made.BEGAN),)
    )
    await assign_numbers(cmd, actor=world.actor, begin=wiring.begin, clock=wiring.clock)
    preview = await release(wiring, world, reason="no_party", preview=True)
    assert preview == Released(chosen=3, rated=3)
    assert await events(wiring, world) == []
    assert len(await held(wiring, world)) == 3
    assert await release(wiring, world, reason="no_party") == preview
    assert [one.a for one in await events(wiring, world)] == [NOBODY] * 3
    assert await held(wiring, world) == []
    assert await release(wiring, world, reason="no_party") == Released()  # once more: nothing
    again = await load(made.lines(*(made.row(n, a=NOBODY, b=FIXED) for n in range(4))), name="2.csv")
    assert (again.file.duplicates, again.file.rated) == (3, 1)
    await of.check_balances(wiring, world)


async def test_a_corrected_raw_text_takes_the_records_own_place(wiring, world, load):
    good = [made.row(n, a=made.number(0), b=FIXED) for n in (1, 2)]
    done = await load(made.lines(good[0], bad_row(7), good[1]))
    (one,) = await held(wiring, world)
    assert (one.reason, one.record) == ("bad_time", 2)
    await correct(wiring, world, one, raw=one.raw.replace("2026-33-02", "2026-03-02") + " ")
    assert (await release(wiring, world, ids=(one.id,))).rated == 1
    assert {event.reference for event in await events(wiring, world)} == {
        f"{int((made.FIRST + timedelta(seconds=7 * n)).timestamp())}.{n}" for n in (1, 2, 7)
    }
    # As if it had been right from the beginning: the right record is a duplicate of it.
    right = await load(made.lines(made.row(7, a=made.number(0), b=FIXED)), name="right.csv")
    assert (right.file.duplicates, right.file.rated) == (1, 0)
    file = await get_file(done.file.id, actor=world.actor, begin=wiring.begin)
    assert (file.records, file.events, file.rated, file.rejects) == (3, 3, 3, 0)
    history = await suspense_history(one.id, actor=world.actor, begin=wiring.begin)
    assert [(each.action, each.why, each.reason) for each in history] == [
        ("correct", "the switch was wrong", None),
        ("release", "test", None),
    ]
    assert history[0].before["raw"] == one.raw
    assert history[1].before["correction"] == {"raw": one.raw.replace("2026-33-02", "2026-03-02") + " ", "fields": {}}


async def history_of(wiring, world, one):
    return await suspense_history(one.id, actor=world.actor, begin=wiring.begin)


async def test_corrected_fields_are_the_records_own_columns_or_the_events(wiring, world, load):
    unowned = made.row(1, a=NOBODY, b=FIXED)
    await load(made.lines(bad_row(2, seconds=30), unowned))
    unrated, rejected = await held(wiring, world)
    day = (made.FIRST + timedelta(hours=1, seconds=14)).strftime("%Y-%m-%d %H:%M:%S")
    later = (made.FIRST + timedelta(hours=1, seconds=19)).strftime("%Y-%m-%d %H:%M:%S")
    ended = (made.FIRST + timedelta(hours=1, seconds=49)).strftime("%Y-%m-%d %H:%M:%S")
    with pytest.raises(BadValue, match=r"reads no column nonsense; it reads .*answer"):
        await correct(wiring, world, rejected, start=day, nonsense="1")
    assert not any(one.action == "correct" for one in await history_of(wiring, world, rejected))
    await correct(wiring, world, rejected, start=day, answer=later, end=ended)
    await correct(wiring, world, unrated, a=made.number(1), used="90")
    assert (await release(wiring, world, file=rejected.file)).rated == 2
    assert sorted((one.a, one.used) for one in await events(wiring, world)) == [
        (made.number(0), 30),
        (made.number(1), 90),
    ]
    with pytest.raises(NotFound):
        await correct(wiring, world, unrated, a="1")
    await of.check_balances(wiring, world)


async def test_what_fails_again_stays_with_the_new_reason_and_its_history(wiring, world, load):
    await load(made.lines(bad_row(1)))
    (one,) = await held(wiring, world)
    fixed = made.row(1, a=NOBODY, b=FIXED)
    await correct(wiring, world, one, raw=fixed)
    assert await release(wiring, world, reason="bad_time") == Released(chosen=1, still={"no_party": 1})
    (same,) = await held(wiring, world)
    assert (same.id, same.kind, same.reason, same.raw) == (one.id, "unrated", "no_party", one.raw)
    assert [
        (each.action, each.reason) for each in await suspense_history(one.id, actor=world.actor, begin=wiring.begin)
    ] == [
        ("correct", None),
        ("release", "no_party"),
    ]
    file = await get_file(one.file, actor=world.actor, begin=wiring.begin)
    assert (file.rejects, file.events, file.unrated) == (0, 1, 1)
    await of.check_balances(wiring, world)


async def test_discarded_records_are_counted_and_kept(wiring, world, load):
    await load(made.lines(bad_row(1), made.row(2, a=NOBODY, b=FIXED), made.row(3, a=made.number(0), b=FIXED)))
    cmd = DiscardSuspense(chosen=SuspenseFilter(reason="bad_time"), why="a test call", preview=True)
    assert await discard_suspense(cmd, actor=world.actor, begin=wiring.begin) == 1
    assert len(await held(wiring, world)) == 2
    both = DiscardSuspense(chosen=SuspenseFilter(file=FileId((await held(wiring, world))[0].file)), why="test calls")
    ids = [one.id for one in await held(wiring, world)]
    assert await discard_suspense(both, actor=world.actor, begin=wiring.begin) == 2
    assert await held(wiring, world) == []
    async with wiring.begin(world.actor) as unit:
        (file,) = (await unit.files.page(PageRequest())).items
    assert (file.events, file.rejects, dict(file.ignored)) == (1, 0, {"discarded": 2})
    assert [each.action for each in await suspense_history(ids[0], actor=world.actor, begin=wiring.begin)] == [
        "discard"
    ]
    await of.check_balances(wiring, world)


async def test_records_are_chosen_by_source_file_reason_time_and_text(wiring, world, load):
    await load(made.lines(bad_row(1), made.row(2, a=NOBODY, b=FIXED)))
    await load(made.lines(made.row(3, a=NOBODY, b="46850000099")), name="2.csv")
    async with wiring.begin(world.actor) as unit:
        source = await unit.sources.by_name("pbx")

    async def count(**chosen: Any) -> int:
        async with wiring.begin(world.actor) as unit:
            found = await unit.desk.counts(SuspenseFilter(**chosen))
        assert sum(found.values()) == len(await held(wiring, world, **chosen))
        return sum(found.values())

    assert await count(source=source.id) == 3
    assert await count(reason="no_party") == 2
    assert await count(text="46850000099") == 1
    assert await count(text="2026-33") == 1
    assert await count(text="%") == 0
    assert await count(kind=SuspenseKind.REJECT) == 1
    since = made.FIRST + timedelta(seconds=15)
    assert await count(since=since, until=since + timedelta(seconds=10), kind=SuspenseKind.UNRATED) == 1
    with pytest.raises(BadValue):
        await release(wiring, world)


async def test_a_preview_of_a_correction_checks_it_and_keeps_nothing(wiring, world, load):
    await load(made.lines(bad_row(1), made.row(2, a=NOBODY, b=FIXED)))

    async def tried(chosen: SuspenseFilter, **fields: str) -> int:
        cmd = CorrectSuspense(chosen=chosen, correction=Correction(fields=fields), why="x", preview=True)
        return await correct_suspense(cmd, actor=world.actor, begin=wiring.begin, formats=wiring.formats)

    assert await tried(SuspenseFilter(reason="no_party"), a=made.number(0)) == 1
    with pytest.raises(BadValue):
        await tried(SuspenseFilter(reason="bad_time"), nonsense="1")
    for one in await held(wiring, world):
        assert await suspense_history(one.id, actor=world.actor, begin=wiring.begin) == []
    assert (await release(wiring, world, reason="no_party")).still == {"no_party": 1}


async def test_only_who_may_works_on_suspense(wiring, world, load):
    await load(made.lines(bad_row(1)))
    (one,) = await held(wiring, world)
    stranger = await made.make(wiring.begin, f"str{world.operator}")
    for actor in (world.of_reseller(world.reseller), stranger.actor):
        refused = NotAllowed if actor.reseller else NotFound
        chosen = SuspenseFilter(ids=(one.id,))
        cmd = CorrectSuspense(chosen=chosen, correction=Correction(fields={"a": "1"}), why="x")
        with pytest.raises(refused):
            await correct_suspense(cmd, actor=actor, begin=wiring.begin, formats=wiring.formats)
        with pytest.raises(refused):
            await discard_suspense(DiscardSuspense(chosen=chosen, why="x"), actor=actor, begin=wiring.begin)
        with pytest.raises(refused):
            await release_suspense(
                ReleaseSuspense(chosen=chosen),
                actor=actor,
                begin=wiring.begin,
                clock=wiring.clock,
                blobs=wiring.blobs,
                formats=wiring.formats,
                raters=wiring.raters,
            )
    assert await suspense_history(one.id, actor=stranger.actor, begin=wiring.begin) == []


async def test_a_released_part_completes_its_session(wiring, world):
    await of.source(wiring, world, "opensips")
    await of.load(wiring, world, of.sip("INVITE", of.FIRST + 5), "1.log")
    await of.load(wiring, world, of.sip("BYE", "nonsense"), "2.log")
    (one,) = await held(wiring, world)
    await correct(wiring, world, one, time=str(of.FIRST + 65))
    assert (await release(wiring, world, ids=(one.id,))).rated == 1
    assert [event.used for event in await events(wiring, world)] == [60]
    await of.check_balances(wiring, world)


async def test_what_another_export_of_the_switch_has_brought_is_not_charged_by_a_release(wiring, world):
    text = made.PROFILE.replace("[map]\n", '[map]\nsource = "=switch-1"\n')
    for name in ("by-day", "by-hour"):
        profile = text.replace("asterisk-prov", name)
        await put_source(
            PutSource(name=name, profile=profile), actor=world.actor, begin=wiring.begin, formats=wiring.formats
        )
    good = made.row(1, a=made.number(0), b=FIXED)
    late = (await made.load(wiring, world, made.lines(bad_row(1)), source="by-day")).file
    await made.load(wiring, world, made.lines(good), source="by-hour", name="hour.csv")
    (one,) = await held(wiring, world)
    await correct(wiring, world, one, raw=good)
    await release(wiring, world, ids=(one.id,))
    assert len(await events(wiring, world)) == 1
    file = await get_file(late.id, actor=world.actor, begin=wiring.begin)
    assert (file.events, file.duplicates, file.rejects) == (0, 1, 0)
    await of.check_balances(wiring, world)
