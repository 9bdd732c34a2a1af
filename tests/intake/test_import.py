"""A CDR file goes in exactly once, and every record ends in one place."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.access.actor import Action
from domain.catalogue.document import read_tariff
from domain.contracts.subscription import NumberAssignment
from domain.mediation.files import FileState
from domain.ports.page import PageRequest
from domain.ports.usage import UsageFilter
from domain.refusal import Conflict, LimitExceeded, NotAllowed, NotFound, Unreadable, WrongState
from domain.usecases.import_cdr import shown_name
from tests.intake import world as made

ALL = UsageFilter(since=made.FIRST - timedelta(days=1), until=made.FIRST + timedelta(days=40))
FIXED = "46850000000"


async def events(wiring, world):
    async with wiring.begin(world.actor) as unit:
        return (await unit.usage.page(ALL, first=1000))[0]


async def suspense(wiring, world):
    async with wiring.begin(world.actor) as unit:
        return (await unit.suspense.page(PageRequest(first=1000))).items


async def books(wiring, world):
    """Everything that an import leaves, but when and under which keys."""
    rated = [replace(one, chunk=0, file=0) for one in await events(wiring, world)]
    held = [(one.kind, one.reason, one.raw, one.start) for one in await suspense(wiring, world)]
    return rated, sorted(held, key=str)


async def test_calls_are_rated_on_every_level(wiring, world, load):
    done = await load(made.lines(*(made.row(n, a=made.number(n), b=FIXED) for n in range(4))))
    assert done.file.state is FileState.DONE
    assert (done.file.records, done.file.rated, done.file.unrated) == (4, 4, 0)
    rated = await events(wiring, world)
    # 0.49 + 60 s at 0.30 a minute; list B takes half off the price, not off the setup fee
    assert [str(one.retail.amount) for one in rated] == ["0.790000 SEK", "0.640000 SEK", "0.790000 SEK", "0.790000 SEK"]
    own, reseller, below, sibling = rated
    assert own.retail.price_list == "retail"
    assert own.destination == "Sweden fixed"
    assert (own.billed, own.used, own.trunk, own.mode, own.direction) == (60, 60, "T1", "voice", "out")
    assert own.start == made.FIRST + timedelta(seconds=5)
    assert own.wholesale == ()
    assert [str(one.amount) for one in reseller.wholesale] == ["0.120000 SEK"]
    assert reseller.tiers == (world.reseller,)
    assert [str(one.amount) for one in below.wholesale] == ["0.120000 SEK", "0.180000 SEK"]
    assert below.tiers == (world.reseller, world.below)
    assert sibling.wholesale == ()  # he has no list, so there is no level
    assert str(own.cost.amount) == "0.005000 EUR"


async def test_the_same_content_again_changes_nothing(wiring, world, load):
    data = made.calls(30)
    first = await load(data)
    before = await books(wiring, world)
    again = await load(data, name="another name.csv")
    assert again.again
    assert again.balance.records == 0
    assert again.file == first.file
    assert await books(wiring, world) == before


async def test_charged_bytes_are_not_charged_again_as_another_sources(wiring, world, load):
    data = made.calls(30)
    await load(data)
    before = await books(wiring, world)
    with pytest.raises(Conflict, match="charged twice"):
        await load(data, source="asterisk")
    assert await books(wiring, world) == before
    nobody = made.lines(made.row(900, a="46899999999", b=FIXED, seconds=9))
    assert (await load(nobody)).unrated == 1
    assert (await load(nobody, source="asterisk")).unrated == 1, "what charged nobody may be read by another profile"


async def test_overlapping_files_count_each_event_once(wiring, world, load):
    await load(made.calls(30))
    done = await load(made.calls(30, first=20), name="Master-2.csv")
    assert (done.file.events, done.file.duplicates) == (20, 10)
    assert len(await events(wiring, world)) == 50


async def test_the_same_event_with_other_content_is_held(wiring, world, load):
    await load(made.lines(made.row(1, a=made.number(0), b=FIXED, seconds=60)))
    other = made.row(1, a=made.number(0), b=FIXED, seconds=61)
    done = await load(made.lines(other, made.row(2, a=made.number(0), b=FIXED)), name="2.csv")
    assert (done.file.events, done.file.rejects) == (1, 1)
    (held,) = await suspense(wiring, world)
    assert (held.reason, held.raw.strip(), held.record, held.byte_offset) == ("conflicting_duplicate", other, 1, 0)


async def test_what_cannot_be_rated_is_kept_with_its_reason_and_line(wiring, world, load):
    rows = [
        made.row(0, a="46799999999", b=FIXED),
        made.row(1, a=made.number(0), b="99900000"),
        made.row(2, a=made.number(0), b="3545550000"),
        made.row(3, a=made.number(0), b=FIXED),
    ]
    done = await load(made.lines(*rows))
    assert (done.file.events, done.file.rated, done.file.unrated) == (4, 1, 3)
    held = await suspense(wiring, world)
    assert [one.reason for one in held] == ["no_party", "no_destination", "no_rate"]
    assert [one.raw.strip() for one in held] == rows[:3]
    assert [one.byte_offset for one in held] == [0, len(rows[0]) + 1, len(rows[0]) + len(rows[1]) + 2]
    assert held[0].event["a"] == "46799999999"
    assert held[0].event["start"] == "2026-03-02T07:00:05Z"
    # The same unrated event in another file is a duplicate: it waits once.
    again = await load(made.lines(rows[1]), name="again.csv")
    assert (again.file.duplicates, again.file.unrated) == (1, 0)
    assert len(await suspense(wiring, world)) == 3


async def test_a_call_belongs_to_whoever_had_the_number_then(wiring, world, load):
    moved = made.FIRST + timedelta(days=3)
    async with wiring.begin(world.actor) as unit:
        before = await unit.subscriptions.claim(world.subscriptions[0])
        await unit.subscriptions.keep(replace(before, numbers=(replace(before.numbers[0], valid_to=moved),)))
        after = await unit.subscriptions.claim(world.subscriptions[1])
        await unit.subscriptions.keep(
            replace(after, numbers=(*after.numbers, NumberAssignment(number=made.number(0), valid_from=moved)))
        )
    early = made.row(1, a=made.number(0), b=FIXED, start=moved - timedelta(seconds=6))
    late = made.row(2, a=made.number(0), b=FIXED, start=moved - timedelta(seconds=5))
    await load(made.lines(early, late))
    assert [one.customer for one in await events(wiring, world)] == list(world.customers[:2])


async def test_an_incoming_call_belongs_to_the_called(wiring, world, load):
    async with wiring.begin(world.actor) as unit:
        free = {**made.rate("*", "0"), "direction": "in"}
        lists = made.TARIFF["price_lists"] | {"retail": made.plist(*made.RETAIL["rates"], free)}
        await unit.catalogue.publish(read_tariff(made.TARIFF | {"price_lists": lists}), recorded_at=made.NOW)
    await load(made.lines(made.row(1, a="46850000001", b=made.number(2), incoming=True)))
    (event,) = await events(wiring, world)
    assert (event.direction, event.customer, event.trunk) == ("in", world.customers[2], "T1")
    assert str(event.retail.amount) == "0.000000 SEK"


async def test_a_new_price_holds_for_what_comes_after_it(wiring, world, load):
    await load(made.lines(made.row(1, a=made.number(0), b=FIXED)))
    lists = made.TARIFF["price_lists"] | {"retail": made.plist(made.rate("Sweden fixed", "6.00"))}
    async with wiring.begin(world.actor) as unit:
        await unit.catalogue.publish(read_tariff(made.TARIFF | {"price_lists": lists}), recorded_at=made.NOW)
    await load(made.lines(made.row(2, a=made.number(0), b=FIXED)), name="2.csv")
    assert [str(one.retail.amount) for one in await events(wiring, world)] == ["0.790000 SEK", "6.000000 SEK"]


async def test_a_level_without_a_price_is_counted_and_the_customer_billed(wiring, world, load):
    done = await load(made.lines(made.row(1, a=made.number(0), b=FIXED, trunk="T9")))
    assert done.file.warnings == {"cost.no_rate": 1}
    (event,) = await events(wiring, world)
    assert event.cost is None
    assert str(event.retail.amount) == "0.790000 SEK"


async def test_an_interrupted_import_goes_on_and_ends_the_same(wiring, world, load):
    data = made.calls(50) + made.lines(made.row(99, a="46799999999", b=FIXED)) + b"rubbish\n"
    stopped = 0

    def stop(file):
        nonlocal stopped
        stopped = file.chunks
        if file.chunks == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await load(data, records_per_chunk=10, progress=stop)
    assert stopped == 2
    async with wiring.begin(world.actor) as unit:
        (half,) = (await unit.files.page(PageRequest())).items
    assert half.state is FileState.IMPORTING
    # The chunk after the one that was told may have been on its way.
    assert half.chunks in {2, 3}
    assert (half.records, half.balances()) == (10 * half.chunks, True)
    done = await load(data, records_per_chunk=10)
    assert (done.file.records, done.file.rated, done.file.unrated, done.file.rejects) == (52, 50, 1, 1)
    assert (done.file.state, done.file.duplicates, done.balance.records) == (FileState.DONE, 0, 52 - half.records)
    mine = 50 - half.records
    assert (done.balance.events, done.rated, done.unrated) == (mine + 1, mine, 1)  # of this call, as the balance is
    assert len(await events(wiring, world)) == 50


async def test_two_files_with_the_same_events_at_once_count_each_once(wiring, world, load):
    one, other = made.calls(60), made.calls(60, first=20)
    done = await asyncio.gather(
        load(one, name="1.csv", records_per_chunk=20), load(other, name="2.csv", records_per_chunk=20)
    )
    assert len(await events(wiring, world)) == 80
    assert sum(each.file.duplicates for each in done) == 40
    assert all(each.file.state is FileState.DONE and each.file.balances() for each in done)


async def test_one_file_twice_at_once_is_imported_once(wiring, world, load):
    data = made.calls(60)
    done = await asyncio.gather(*(load(data, records_per_chunk=10) for _ in range(3)), return_exceptions=True)
    assert any(not isinstance(each, BaseException) for each in done)
    assert all(isinstance(each, WrongState) for each in done if isinstance(each, BaseException))
    last = await load(data)
    assert (last.again, last.file.records, last.file.rated, last.file.duplicates) == (True, 60, 60, 0)
    assert len(await events(wiring, world)) == 60


async def test_an_empty_file_is_recorded(wiring, world, load):
    done = await load(b"")
    assert (done.file.state, done.file.records) == (FileState.EMPTY, 0)


@pytest.mark.parametrize(
    "data", [b"MZ\x90\x00\x03\x00\x00\x00\x04\x00" * 50, b"<!DOCTYPE html><html><body>x</body></html>\n"]
)
async def test_what_cannot_be_read_is_refused_whole_and_recorded(wiring, world, load, data):
    with pytest.raises(Unreadable):
        await load(data)
    async with wiring.begin(world.actor) as unit:
        (file,) = (await unit.files.page(PageRequest())).items
    assert (file.state, file.records, file.chunks) == (FileState.REFUSED, 0, 0)
    assert file.fault
    assert await books(wiring, world) == ([], [])


async def test_a_cut_gzip_loads_nothing_and_a_whole_one_all(wiring, world, load):
    packed = gzip.compress(made.calls(3000))
    with pytest.raises(Unreadable):
        await load(packed[: len(packed) // 2], records_per_chunk=100)
    assert await events(wiring, world) == []
    done = await load(packed)
    assert done.file.rated == 3000


async def test_a_file_over_the_limit_leaves_nothing(wiring, world, load, tmp_path):
    with pytest.raises(LimitExceeded):
        await load(made.calls(50), size_max=1000)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    async with wiring.begin(world.actor) as unit:
        assert (await unit.files.page(PageRequest())).items == []


async def test_only_the_operator_with_the_permission_may_import(wiring, world, load):
    for actor in (world.of_reseller(world.reseller), replace(world.actor, scopes=frozenset({Action.READ_USAGE}))):
        with pytest.raises(NotAllowed):
            await load(made.calls(1), actor=actor)
    with pytest.raises(NotFound):
        await load(made.calls(1), source="no such profile")


async def test_a_shipped_profiles_name_becomes_a_source(wiring, world, load):
    done = await load(made.calls(1), source="asterisk")
    async with wiring.begin(world.actor) as unit:
        source = await unit.sources.by_name("asterisk")
    assert (done.file.source, source.profile, source.version) == (source.id, "asterisk", 1)


def test_a_file_is_shown_under_a_harmless_name():
    assert shown_name("../../etc/x\r\ny\u202e.csv") == "xy.csv"
    assert shown_name("C:\\cdr\\Master.csv") == "Master.csv"


async def test_what_was_done_is_in_the_trail_and_promised(stored):
    world = await made.with_source(stored, "trail")
    done = await made.load(stored, world, made.calls(3))
    with pytest.raises(Unreadable):
        await made.load(stored, world, b"\x00\x01" * 500, name="x.csv")
    async with stored.database.transaction(role="owner") as transaction:
        fetch = transaction.connection.fetch
        trail = await fetch(
            "select action, target, detail->>'state' as state, client from audit where operator = $1 and action like"
            " 'import%' order by id",
            int(world.operator),
        )
        promised = await fetch(
            "select kind, subject, (payload->>'rated')::int as rated from outbox "
            "where operator = $1 and kind like 'file.%'",
            int(world.operator),
        )
    target = f"file:{done.file.id}"
    assert [tuple(row)[1:3] for row in trail[:2]] == [(target, None), (target, "done")]
    assert [row["state"] for row in trail[2:]] == [None, "refused"]
    assert {row["client"] for row in trail} == {"test"}
    assert [tuple(row) for row in promised] == [("file.imported", target, 3)]


async def test_the_largest_amounts_neither_wrap_nor_stop_a_file(wiring, world, load):
    dear = made.plist(made.rate("*", "100000000", setup="9000000000"))
    async with wiring.begin(world.actor) as unit:
        lists = made.TARIFF["price_lists"] | {"retail": dear}
        await unit.catalogue.publish(read_tariff(made.TARIFF | {"price_lists": lists}), recorded_at=made.NOW)
    rows = [made.row(n, a=made.number(0), b=FIXED, seconds=60) for n in range(1100)]
    done = await load(made.lines(*rows, made.row(2000, a=made.number(0), b=FIXED, seconds=180)))
    assert (done.file.rated, done.file.unrated) == (1100, 1)
    assert [one.reason for one in await suspense(wiring, world)] == ["overflow"]
    async with wiring.begin(world.actor) as unit:
        (total,) = await unit.usage.totals(ALL)
        (level,) = [one for one in await unit.usage.levels(ALL) if one.currency == "SEK"]
    assert total.retail.value == level.retail == 1100 * 9_100_000_000
