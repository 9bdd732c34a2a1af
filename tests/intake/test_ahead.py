"""A file is read while it comes, and is rated by what is true when it is written."""

from __future__ import annotations

import asyncio
import gzip
import io
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

import pyarrow as pa
import pytest

from domain.catalogue.document import read_tariff
from domain.intake import ahead
from domain.intake.ahead import HeadStart, Stopped
from domain.mediation.files import FileState
from domain.refusal import LimitExceeded, Unreadable
from domain.usecases.import_cdr import ImportCdr, import_cdr
from integrations.cdr.formats import ShippedFormats
from tests.intake import world as made
from tests.intake.test_import import events

DATA = b"".join(b"%05d\n" % number for number in range(5_000))


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> HeadStart:
    monkeypatch.setattr(ahead, "HELD_BYTES", 10_000)
    return HeadStart()


async def arrived(start: HeadStart, data: bytes, block: int) -> None:
    async for _ in start.passing(made.content(data, block=block)):
        await asyncio.sleep(0)


@pytest.mark.parametrize("block", [1, 3, 999, 1 << 20])
@pytest.mark.parametrize("data", [DATA[:3_000], DATA, b"", b"a"])
async def test_the_reader_gets_every_byte_once(start: HeadStart, data: bytes, block: int) -> None:
    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(lambda: b"".join(start.blocks(ShippedFormats())))
        await arrived(start, data, block)
        start.go_on(io.BytesIO(data))
        assert await asyncio.wrap_future(reading) == data


async def test_what_is_packed_waits_for_its_end(start: HeadStart) -> None:
    packed, other = gzip.compress(DATA), HeadStart()
    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(lambda: b"".join(start.blocks(ShippedFormats())))
        cut = thread.submit(lambda: b"".join(other.blocks(ShippedFormats())))
        await arrived(start, packed, 100)
        assert not reading.done()
        start.go_on(io.BytesIO(packed))
        assert await asyncio.wrap_future(reading) == DATA
        await arrived(other, packed[:-9], 100)
        other.go_on(io.BytesIO(packed[:-9]))
        with pytest.raises(Unreadable):
            await asyncio.wrap_future(cut)


@pytest.mark.parametrize("size", [0, 2, 3_000, 30_000])
async def test_a_reader_that_waits_is_let_go(start: HeadStart, size: int) -> None:
    with ThreadPoolExecutor(1) as thread:
        await arrived(start, DATA[:size], 1_000)
        reading = thread.submit(lambda: b"".join(start.blocks(ShippedFormats())))
        start.stop()
        with pytest.raises(Stopped):
            await asyncio.wrap_future(reading)


async def slowly(wiring, world, *parts, size_max=1 << 30, **options):
    """Import a file whose parts come when what stands between them has been done."""

    async def content() -> AsyncIterator[bytes]:
        for part in parts:
            if isinstance(part, bytes):
                yield part
            else:
                await part()

    return await import_cdr(
        ImportCdr(source="pbx", name="Master.csv", content=content(), size_max=size_max),
        actor=world.actor,
        begin=wiring.begin,
        clock=wiring.clock,
        blobs=wiring.blobs,
        formats=options.pop("formats", wiring.formats),
        raters=wiring.raters,
        records_per_chunk=10,
        **options,
    )


async def test_what_changes_while_a_file_comes_counts_for_all_of_it(wiring, world, monkeypatch) -> None:
    """Chunks are rated while the file comes; then the price changes; all of them have the new one."""
    monkeypatch.setattr("integrations.cdr.delimited._FIRST_FILL_BYTES", 2_000)
    rated_early = asyncio.Event()
    real = ahead.prepare

    def prepare(batch, rater):
        loop.call_soon_threadsafe(rated_early.set)
        return real(batch, rater)

    async def dearer() -> None:
        await asyncio.wait_for(rated_early.wait(), 30)
        lists = made.TARIFF["price_lists"]
        dear = made.plist(made.rate("Sweden fixed", "3.00"))
        async with wiring.begin(world.actor) as unit:
            await unit.catalogue.publish(
                read_tariff({**made.TARIFF, "price_lists": {**lists, "retail": dear}}), recorded_at=made.NOW
            )

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(ahead, "prepare", prepare)
    data = made.lines(*(made.row(n, a=made.number(0), b="46850000000") for n in range(60)))
    done = await slowly(wiring, world, data[:8_000], dearer, data[8_000:])
    assert (done.file.state, done.file.rated, done.file.chunks >= 6) == (FileState.DONE, 60, True)
    assert {str(one.retail.amount) for one in await events(wiring, world)} == {"3.000000 SEK"}


async def test_only_some_files_are_read_while_they_come(wiring, world, monkeypatch) -> None:
    """Of six that come at once four are read meanwhile, the others after; none keeps its place, even if refused."""
    now, most, come, all_came = 0, 0, 0, asyncio.Event()

    class Counted(ahead.Ahead):
        def __init__(self, *args, stop=None) -> None:
            nonlocal now, most
            super().__init__(*args, **({} if stop is None else {"stop": stop}))
            if stop is not None:
                now += 1
                most = max(most, now)

    monkeypatch.setattr("domain.usecases.import_cdr.Ahead", Counted)

    async def wait() -> None:
        nonlocal come
        come += 1
        if come == 6:
            all_came.set()
        await asyncio.wait_for(all_came.wait(), 30)

    files = [made.calls(20, first=20 * place) for place in range(6)]
    done = await asyncio.gather(*(slowly(wiring, world, data[:500], wait, data[500:]) for data in files))
    assert ([one.file.records for one in done], most) == ([20] * 6, ahead.EARLY_MAX)
    for _ in range(ahead.EARLY_MAX):
        with pytest.raises(LimitExceeded):
            await slowly(wiring, world, made.calls(30, first=200), size_max=100)
    await slowly(wiring, world, made.calls(5, first=300))
    assert now == 2 * ahead.EARLY_MAX + 1, "every place was free again"


async def test_a_file_that_turns_out_too_large_leaves_nothing(wiring, world) -> None:
    data = made.calls(200)
    with pytest.raises(LimitExceeded):
        await slowly(wiring, world, data, size_max=len(data) - 1)
    assert await events(wiring, world) == []
    assert (await slowly(wiring, world, data)).file.records == 200
    assert (await slowly(wiring, world, data)).again


async def test_who_sends_a_file_and_breaks_off_leaves_nothing(wiring, world) -> None:
    async def breaks() -> None:
        raise EOFError

    with pytest.raises(EOFError):
        await slowly(wiring, world, made.calls(50), breaks)
    assert await events(wiring, world) == []


class Readers(ShippedFormats):
    """Notes how many read a file at the same time, each of them slowly."""

    def __init__(self) -> None:
        self.most = self._now = 0

    def check(self, file: BinaryIO) -> None:
        for _ in self.blocks(file):
            pass

    def blocks(self, file: BinaryIO) -> Iterator[bytes]:
        self._now += 1
        self.most = max(self.most, self._now)
        time.sleep(0.05)
        yield from super().blocks(file)
        self._now -= 1


async def test_who_goes_on_with_a_file_is_its_only_reader(wiring, world, monkeypatch) -> None:
    """The rater is not there before the whole file is, as after a restart; then two could begin to read at once."""
    monkeypatch.setattr("integrations.cdr.delimited._FIRST_FILL_BYTES", 2_000)
    data = gzip.compress(made.calls(60))

    def breaks(file) -> None:
        if file.chunks == 2:
            raise EOFError

    with pytest.raises(EOFError):
        await slowly(wiring, world, data, progress=breaks)
    done = asyncio.Event()
    real = wiring.raters.present

    async def late(*args):
        await done.wait()
        return await real(*args)

    monkeypatch.setattr(wiring.raters, "present", late)
    formats = Readers()
    asyncio.get_running_loop().call_later(0.5, done.set)
    again = await slowly(wiring, world, data, formats=formats)
    assert (again.file.records, again.file.rated, formats.most) == (60, 60, 1)


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Master.csv", data)
    return out.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, zipped, lambda data: pa.Codec("zstd").compress(data, asbytes=True)])
async def test_packed_files_are_imported(wiring, world, pack) -> None:
    done = await slowly(wiring, world, pack(made.calls(60)))
    assert (done.file.state, done.file.rated) == (FileState.DONE, 60)


async def test_a_panic_while_reading_is_told(wiring, world, monkeypatch) -> None:
    class Panic(BaseException):
        pass

    def panics(*_: object) -> None:
        raise Panic

    monkeypatch.setattr(ahead, "prepare", panics)
    with pytest.raises(Panic):
        await asyncio.wait_for(slowly(wiring, world, made.calls(5)), 30)
