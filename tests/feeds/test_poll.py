"""Each file of a feed exactly once: when it is ready, when it is put away, and what a crash leaves."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import time
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from domain.feeds.feed import After, Completeness
from domain.feeds.run import Run, RunState
from domain.feeds.sightings import Seen
from domain.ids import FeedRunId
from domain.mediation.files import FileState
from domain.ports.page import PageRequest
from domain.ports.transports import Found, Missing, Transport, TransportFault
from domain.refusal import WrongState
from domain.usecases.poll_feed import PollFeed, poll_feed
from domain.usecases.put_source import PutSource, put_source
from tests.feeds.conftest import Switch
from tests.intake.world import PROFILE, calls


class Dies(BaseException):
    """A process that is killed right here."""


class Odd:
    """A transport whose listing or behaviour a test bends."""

    def __init__(self, inner: Transport, **bent: Any) -> None:
        self._inner = inner
        self._bent = bent

    async def listing(self) -> AsyncIterator[Found]:
        async for found in self._inner.listing():
            for _ in range(self._bent.get("times", 1)):
                yield found
        for name in self._bent.get("extra", ()):
            yield Found(name, 3)

    async def fetch(self, name: str, *, offset: int = 0) -> AsyncIterator[bytes]:
        if self._bent.get("vanish"):
            raise Missing(f"{name} is not there")
        async for block in self._inner.fetch(name, offset=offset):
            if cut := self._bent.get("cut"):
                yield block[:cut]
                raise TransportFault("the connection broke")
            yield block

    async def move(self, name: str, folder: str, names: Sequence[str]) -> str:
        if self._bent.get("die_before_move"):
            raise Dies
        if self._bent.get("read_only"):
            raise TransportFault("the server does not allow it", lasting=True)
        moved = await self._inner.move(name, folder, names)
        if self._bent.get("die_after_move"):
            raise Dies
        return moved

    async def delete(self, name: str) -> None:
        await self._inner.delete(name)


async def poll_oddly(switch: Switch, **bent: Any) -> Any:
    outside = switch.outside()

    class Bent:
        @asynccontextmanager
        async def open(self, place: Any, credentials: Any, **who: Any) -> AsyncIterator[Any]:
            async with switch.wiring.transports.open(place, credentials, **who) as inner:
                yield Odd(inner, **bent)

    return await poll_feed(
        PollFeed(name="pbx", by="test"),
        replace(outside, transports=Bent(), take=bent.get("take", outside.take)),
        actor=switch.world.actor,
        begin=switch.wiring.begin,
        clock=switch.clock,
    )


async def test_a_file_is_taken_once_and_moved_after_it_is_in(switch: Switch) -> None:
    await switch.feed()
    switch.lay("Master.csv", calls(20))
    run = await switch.poll()
    assert (run.state, run.found, run.taken, run.again, run.held) == (RunState.DONE, 1, 1, 0, 0)
    assert switch.there() == {"done/Master.csv"}
    assert await switch.rated() == 20
    again = await switch.poll()
    assert (again.found, again.taken) == (0, 0)
    assert len(await switch.files()) == 1


async def test_a_file_is_stable_by_our_own_clock(switch: Switch) -> None:
    await switch.feed(rules={"stable_seconds": 60})
    path = switch.lay("Master.csv", calls(5))
    os.utime(path, (4_000_000_000, 4_000_000_000))  # the other side's clock is years ahead
    assert (await switch.poll()).waiting == 1
    switch.clock.pass_by(seconds=59)
    assert (await switch.poll()).taken == 0
    with path.open("ab") as file:
        file.write(calls(5, first=5))
    switch.clock.pass_by(seconds=10)
    assert (await switch.poll()).waiting == 1
    switch.clock.pass_by(seconds=60)
    assert (await switch.poll()).taken == 1
    assert await switch.rated() == 10


async def test_a_waiting_file_is_looked_at_again_when_it_may_be_stable(switch: Switch) -> None:
    feed = await switch.feed(rules={"stable_seconds": 60}, schedule="0 3 * * *")
    switch.lay("Master.csv", calls(1))
    await switch.poll()
    async with switch.wiring.begin(switch.world.actor) as unit:
        standing = (await unit.feeds.standings([feed.id]))[feed.id]
        assert standing.next_at is not None
        assert (standing.next_at - switch.clock.now()).total_seconds() == 60


async def test_names_of_unfinished_files_are_not_looked_at(switch: Switch) -> None:
    await switch.feed(rules={"complete": Completeness.RENAME, "stable_seconds": 600, "pattern": "*.csv*"})
    switch.lay("a.csv.part", calls(1))
    switch.lay(".b.csv", calls(1))
    switch.lay("other.txt", calls(1))
    assert (await switch.poll()).wanted == 0
    (switch.folder / "a.csv.part").rename(switch.folder / "a.csv")
    assert (await switch.poll()).taken == 1


@pytest.mark.parametrize("mark", ["a.csv.done", "a.done"])
async def test_a_companion_says_that_a_file_is_whole(switch: Switch, mark: str) -> None:
    await switch.feed(rules={"complete": Completeness.END_MARKER, "stable_seconds": 600})
    switch.lay("a.csv", calls(3))
    assert (await switch.poll()).waiting == 1
    switch.lay(mark, b"")
    run = await switch.poll()
    assert (run.taken, run.held) == (1, 0)
    assert switch.there() == {"done/a.csv", f"done/{mark}"}


@pytest.mark.parametrize(("after", "left"), [(After.LEAVE, {"a.csv"}), (After.DELETE, set())])
async def test_a_file_is_left_or_deleted_where_the_feed_says_so(switch: Switch, after: After, left: set[str]) -> None:
    await switch.feed(rules={"after": after})
    switch.lay("a.csv", calls(3))
    assert (await switch.poll()).taken == 1
    assert switch.there() == left
    assert (await switch.poll()).taken == 0


@pytest.mark.parametrize("moment", ["die_before_move", "die_after_move"])
async def test_dying_between_the_commit_and_the_move_neither_loses_nor_doubles(switch: Switch, moment: str) -> None:
    await switch.feed()
    switch.lay("a.csv", calls(10))
    with pytest.raises(Dies):
        await poll_oddly(switch, **{moment: True})
    run = await switch.poll()
    assert run.state is RunState.DONE
    assert run.taken == 0
    assert switch.there() == {"done/a.csv"}
    assert await switch.rated() == 10
    assert len(await switch.files()) == 1


async def test_dying_after_the_commit_before_it_is_noted_finds_the_content_again(switch: Switch) -> None:
    await switch.feed()
    switch.lay("a.csv", calls(10))
    take = switch.outside().take

    async def killed(*arguments: Any, **options: Any) -> Any:
        await take(*arguments, **options)
        raise Dies

    with pytest.raises(Dies):
        await poll_oddly(switch, take=killed)
    assert switch.there() == {"a.csv"}
    run = await switch.poll()
    assert (run.taken, run.again) == (1, 1)
    assert switch.there() == {"done/a.csv"}
    assert await switch.rated() == 10


async def test_a_cut_connection_takes_nothing_and_is_tried_again_later(switch: Switch) -> None:
    feed = await switch.feed()
    switch.lay("a.csv", calls(10))
    run = await poll_oddly(switch, cut=100)
    assert (run.state, run.taken, run.fault) == (RunState.FAILED, 0, "the connection broke")
    assert switch.there() == {"a.csv"}
    assert await switch.files() == []
    async with switch.wiring.begin(switch.world.actor) as unit:
        standing = (await unit.feeds.standings([feed.id]))[feed.id]
    assert standing.failures == 1
    assert standing.next_at is not None
    assert 15 <= (standing.next_at - switch.clock.now()).total_seconds() <= 30
    assert await switch.alarms() == {}  # it may pass by itself
    for _ in range(2):
        await poll_oddly(switch, cut=100)
    assert set(await switch.alarms()) == {"feed_failing"}
    assert (await switch.poll()).taken == 1
    assert await switch.alarms() == {}


async def test_a_file_that_is_shorter_than_listed_waits(switch: Switch) -> None:
    """A server that cut the transfer and said that it was whole."""
    await switch.feed()
    switch.lay("a.csv", calls(10))

    class Short(Odd):
        async def fetch(self, name: str, *, offset: int = 0) -> AsyncIterator[bytes]:
            async for block in self._inner.fetch(name, offset=offset):
                yield block[:-7]

    outside = switch.outside()

    class Bent:
        @asynccontextmanager
        async def open(self, place: Any, credentials: Any, **who: Any) -> AsyncIterator[Any]:
            async with switch.wiring.transports.open(place, credentials, **who) as inner:
                yield Short(inner)

    run = await poll_feed(
        PollFeed(name="pbx", by="test"),
        replace(outside, transports=Bent()),
        actor=switch.world.actor,
        begin=switch.wiring.begin,
        clock=switch.clock,
    )
    assert (run.taken, run.waiting) == (0, 1)
    assert "bytes came where the listing says" in (run.fault or "")
    assert await switch.files() == []
    assert (await switch.poll()).taken == 1


async def test_a_server_that_lists_a_file_twice(switch: Switch) -> None:
    await switch.feed()
    switch.lay("a.csv", calls(10))
    run = await poll_oddly(switch, times=3)
    assert (run.found, run.taken) == (1, 1)


async def test_a_file_that_is_gone_when_it_is_fetched(switch: Switch) -> None:
    await switch.feed()
    switch.lay("a.csv", calls(10))
    run = await poll_oddly(switch, vanish=True)
    assert (run.state, run.taken, run.gone) == (RunState.DONE, 0, 1)
    assert await switch.sighting("a.csv") is None


async def test_f4_names_that_are_no_names_are_counted_and_never_touched(switch: Switch) -> None:
    await switch.feed()
    switch.lay("a.csv", calls(1))
    odd = ["../../etc/passwd", "/etc/passwd", "..", "a\r\nb.csv", "C:\\x.csv", "x\x00.csv", "y\udcff.csv", "n" * 300]
    run = await poll_oddly(switch, extra=odd)
    assert (run.state, run.unsafe, run.taken) == (RunState.DONE, len(odd), 1)


async def test_the_same_name_with_new_content_is_a_new_file(switch: Switch) -> None:
    await switch.feed()
    for first in (0, 10, 20):
        switch.lay("Master.csv", calls(10, first=first))
        assert (await switch.poll()).taken == 1
    assert await switch.rated() == 30
    assert len(switch.there()) == 3
    switch.lay("Copy.csv", calls(10))
    run = await switch.poll()
    assert (run.taken, run.again) == (1, 1)
    assert await switch.rated() == 30


async def test_an_overlapping_export_brings_only_what_is_new(switch: Switch) -> None:
    await switch.feed(rules={"after": After.LEAVE})
    switch.lay("a.csv", calls(10))
    await switch.poll()
    switch.lay("a.csv", calls(15))
    assert (await switch.poll()).taken == 1
    assert await switch.rated() == 15


async def test_a_growing_file_is_taken_line_by_line(switch: Switch) -> None:
    await switch.feed(rules={"grows": True, "after": After.LEAVE})
    data = calls(30)
    ends = [index + 1 for index, byte in enumerate(data) if byte == 10]
    path = switch.lay("Master.csv", data[: ends[9] + 40])
    assert (await switch.poll()).taken == 1
    assert await switch.rated() == 10
    assert (await switch.poll()).taken == 0
    path.write_bytes(data[: ends[9] + 60])
    assert (await switch.poll()).taken == 0
    path.write_bytes(data)
    assert (await switch.poll()).taken == 1
    assert await switch.rated() == 30
    files = await switch.files()
    assert [file.name for file in files] == ["Master.csv@0", f"Master.csv@{ends[9]}"]
    assert sum(file.duplicates for file in files) == 0
    assert sum(file.rejects for file in files) == 0


async def test_a_growing_file_that_was_rotated_begins_again(switch: Switch) -> None:
    await switch.feed(rules={"grows": True, "after": After.LEAVE, "pattern": "Master.csv*"})
    path = switch.lay("Master.csv", calls(20))
    await switch.poll()
    path.write_bytes(calls(25))
    path.rename(switch.folder / "Master.csv.1")
    switch.lay("Master.csv", calls(40, first=25))  # longer than what was taken of the old one
    run = await switch.poll()
    assert run.taken == 2
    assert await switch.rated() == 65
    assert (await switch.poll()).taken == 0


async def test_a_growing_file_keeps_its_row_of_names(switch: Switch) -> None:
    names = (
        b"accountcode,src,dst,dcontext,clid,channel,dstchannel,lastapp,lastdata,start,answer,end,duration,billsec,"
        b"disposition,amaflags,uniqueid,userfield,peeraccount,linkedid,sequence\n"
    )
    await switch.feed(rules={"grows": True, "after": After.LEAVE})

    await put_source(
        PutSource(name="pbx", profile=PROFILE + "[file]\nheader = true\ncolumns = []\n"),
        actor=switch.world.actor,
        begin=switch.wiring.begin,
        formats=switch.wiring.formats,
    )
    switch.lay("Master.csv", names + calls(5))
    await switch.poll()
    switch.lay("Master.csv", names + calls(12))
    run = await switch.poll()
    assert run.taken == 1, run
    assert await switch.rated() == 12
    assert sum(file.rejects for file in await switch.files()) == 0


async def test_packed_files_and_archives_of_several(switch: Switch) -> None:
    await switch.feed()
    switch.lay("a.csv.gz", gzip.compress(calls(5)))
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("monday.csv", calls(5, first=5))
        archive.writestr("days/tuesday.csv", calls(5, first=10))
        archive.writestr("days\\wednesday.csv", calls(5, first=20))  # as Windows writes them
    switch.lay("week.zip", whole.getvalue())
    one = io.BytesIO()
    with zipfile.ZipFile(one, "w") as archive:
        archive.writestr("only.csv", calls(5, first=15))
    switch.lay("one.zip", one.getvalue())
    run = await switch.poll()
    assert (run.taken, run.held) == (3, 0), run
    assert await switch.rated() == 25
    names = {file.name for file in await switch.files()}
    days = {f"week.zip:{day}.csv" for day in ("monday", "days:tuesday", "days:wednesday")}
    assert names == {"a.csv.gz", *days, "one.zip"}


async def test_a_cut_gzip_is_held_with_its_reason_until_it_is_whole(switch: Switch) -> None:
    await switch.feed()
    packed = gzip.compress(calls(500), compresslevel=1)
    switch.lay("a.csv.gz", packed[: len(packed) // 2])
    run = await switch.poll()
    assert (run.taken, run.held) == (0, 1)
    assert "cut" in (run.fault or "")
    assert "a.csv.gz" in (await switch.alarms())["feed_file_held"]
    assert switch.there() == {"a.csv.gz"}
    assert await switch.rated() == 0
    assert (await switch.poll()).held == 1  # nothing has changed, and nothing is fetched
    switch.lay("a.csv.gz", packed)
    assert (await switch.poll()).taken == 1
    assert await switch.rated() == 500
    assert await switch.alarms() == {}


async def test_what_cannot_be_read_for_a_day_is_put_aside(switch: Switch) -> None:
    await switch.feed()
    switch.lay("a.csv", b"MZ\x90\x00\x03" + bytes(200))
    assert (await switch.poll()).held == 1
    switch.clock.pass_by(hours=23)
    await switch.poll()
    assert switch.there() == {"a.csv"}
    switch.clock.pass_by(hours=2)
    await switch.poll()
    assert switch.there() == {"refused/a.csv"}
    assert (await switch.sighting("a.csv")).seen is Seen.REFUSED  # type: ignore[union-attr]


async def test_what_was_held_is_tried_again_when_somebody_asks(switch: Switch) -> None:
    await switch.feed(source="broadworks")
    switch.lay("a.csv", calls(3))
    assert (await switch.poll()).held == 1
    await switch.feed(version=1)
    run = await switch.poll(again=True)
    assert run.taken == 1
    assert await switch.rated() == 3


async def test_f1_a_bomb_is_put_aside_at_once(switch: Switch) -> None:
    await switch.feed()
    switch.lay("bomb.csv.gz", gzip.compress(bytes(60 << 20)))
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.csv", bytes(20 << 20))
    switch.lay("bomb.zip", nested.getvalue())
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(1200):
            archive.writestr(f"{number}.csv", b"x")
    switch.lay("many.zip", many.getvalue())
    run = await switch.poll()
    assert (run.taken, run.held) == (0, 3)
    assert switch.there() == {"refused/bomb.csv.gz", "refused/bomb.zip", "refused/many.zip"}
    assert await switch.rated() == 0


async def test_f3_an_archive_whose_entries_lead_out_is_held(switch: Switch) -> None:
    await switch.feed()
    slip = io.BytesIO()
    with zipfile.ZipFile(slip, "w") as archive:
        archive.writestr("../../etc/cron.d/x", calls(1))
        archive.writestr("a.csv", calls(1))
    switch.lay("slip.zip", slip.getvalue())
    run = await switch.poll()
    assert (run.taken, run.held) == (0, 1)
    assert "outside" in (run.fault or "")


async def test_two_processes_do_not_poll_a_feed_at_once(switch: Switch) -> None:
    await switch.feed()
    switch.lay("a.csv", calls(10))
    inside = asyncio.Event()
    go_on = asyncio.Event()
    take = switch.outside().take

    async def slow(*arguments: Any, **options: Any) -> Any:
        inside.set()
        await go_on.wait()
        return await take(*arguments, **options)

    first = asyncio.create_task(poll_oddly(switch, take=slow))
    await inside.wait()
    with pytest.raises(WrongState, match="being polled by test"):
        await switch.poll(by="another")
    go_on.set()
    assert (await first).taken == 1
    assert (await switch.poll(by="another")).state is RunState.DONE
    assert await switch.rated() == 10


async def test_a_feed_that_another_has_taken_over_is_let_go(switch: Switch) -> None:
    """A process that slept past its lease writes nothing about the feed any more."""
    await switch.feed()
    for name in ("a.csv", "b.csv"):
        switch.lay(name, calls(10, first=0 if name == "a.csv" else 10))
    take = switch.outside().take

    async def slow(*arguments: Any, **options: Any) -> Any:
        taken = await take(*arguments, **options)
        switch.clock.pass_by(minutes=10)
        assert (await switch.poll(by="another")).state is RunState.DONE
        return taken

    run = await poll_oddly(switch, take=slow)
    assert run.state is RunState.FAILED
    assert await switch.rated() == 20
    assert switch.there() == {"done/a.csv", "done/b.csv"}


async def test_a_killed_run_is_shown_as_interrupted(switch: Switch) -> None:
    feed = await switch.feed()
    switch.lay("a.csv", calls(1))
    async with switch.wiring.begin(switch.world.actor) as unit:
        await unit.feeds.begin_run(
            Run(id=FeedRunId(0), operator=feed.operator, feed=feed.id, started_at=switch.clock.now())
        )
    await switch.poll()
    async with switch.wiring.begin(switch.world.actor) as unit:
        runs = (await unit.feeds.runs(feed.id, PageRequest(10))).items
    assert [run.state for run in runs] == [RunState.DONE, RunState.INTERRUPTED]


async def test_files_come_in_the_order_of_their_numbers(switch: Switch) -> None:
    await switch.feed(rules={"sequence": "cdr_{seq}.csv", "sequence_last": 999})
    for number, first in ((998, 0), (999, 10)):
        switch.lay(f"cdr_{number}.csv", calls(10, first=first))
    await switch.poll()
    for number, first in ((0, 20), (2, 30), (10, 40)):
        switch.lay(f"cdr_{number}.csv", calls(10, first=first))
    await switch.poll()
    assert [file.name for file in await switch.files()] == [f"cdr_{n}.csv" for n in (998, 999, 0, 2, 10)]
    assert (await switch.alarms())["feed_sequence_gap"].endswith("missing in the sequence: 1, 3–9")


async def test_a_gap_in_the_records_own_numbers(switch: Switch) -> None:
    await switch.feed(rules={"sequence_column": "sequence"})
    switch.lay("a.csv", calls(5))
    switch.lay("b.csv", calls(5, first=8))
    os.utime(switch.folder / "a.csv", (1, 1))
    run = await switch.poll()
    assert run.taken == 2
    assert (await switch.alarms())["feed_column_gap"].endswith("sequence of b.csv: 5–7")
    await switch.feed(version=1, rules={"sequence_column": "nonsense"})
    switch.lay("c.csv", calls(5, first=20))
    run = await switch.poll()
    assert (run.taken, run.held) == (1, 0)
    assert "no column 'nonsense'" in (run.fault or "")


async def test_an_empty_file_is_taken_as_one(switch: Switch) -> None:
    await switch.feed()
    switch.lay("a.csv", b"")
    assert (await switch.poll()).taken == 1
    assert (await switch.files())[0].state is FileState.EMPTY
    assert switch.there() == {"done/a.csv"}


async def test_where_nothing_may_be_moved_what_is_new_is_taken_all_the_same(switch: Switch) -> None:
    await switch.feed()
    for place in range(3):
        switch.lay(f"{place}.csv", calls(2, first=place * 2))
        run = await poll_oddly(switch, read_only=True)
        assert (run.state, run.taken, run.fault) == (RunState.DONE, 1, "the server does not allow it")
    assert await switch.rated() == 6
    assert set(await switch.alarms()) == {"feed_not_put_away"}
    assert (await switch.poll()).taken == 0
    assert switch.there() == {f"done/{place}.csv" for place in range(3)}
    assert await switch.alarms() == {}


async def test_a_huge_listing_is_looked_through_in_little_time(switch: Switch) -> None:
    await switch.feed(rules={"stable_seconds": 60})
    names = [f"cdr_{number:06}.csv" for number in range(20_000)]
    began = time.monotonic()
    run = await poll_oddly(switch, extra=names)
    assert (run.found, run.waiting) == (20_000, 20_000)
    run = await switch.poll()
    assert run.gone == 20_000
    assert time.monotonic() - began < 30


async def test_a_listing_without_end_is_given_up(switch: Switch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.usecases.poll_feed.LISTING_MAX", 1000)
    await switch.feed()
    run = await poll_oddly(switch, extra=[f"{number}.csv" for number in range(1001)])
    assert run.state is RunState.FAILED
    assert "more than 1000 files" in (run.fault or "")


@pytest.mark.parametrize("cut", [30, 200, -30])
async def test_a_cut_archive_is_held(switch: Switch, cut: int) -> None:
    await switch.feed()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("monday.csv", calls(50))
        archive.writestr("tuesday.csv", calls(50, first=50))
    switch.lay("week.zip", whole.getvalue()[:cut])
    run = await switch.poll()
    assert (run.taken, run.held) == (0, 1), run
    assert await switch.rated() == 0
    switch.lay("week.zip", whole.getvalue())
    assert (await switch.poll()).taken == 1
    assert await switch.rated() == 100
