from __future__ import annotations

import gzip
import io
import struct
import time
import zipfile

import pyarrow as pa
import pytest

from domain.refusal import LimitExceeded, Unreadable
from domain.usecases.mediate import mediate
from integrations.cdr import containers, registry
from integrations.transports.archives import ZipArchives

TEXT = b"a,b,c\n" * 10_000


def zipped(*entries: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def unpacked(data: bytes, **limits: int) -> bytes:
    return b"".join(containers.blocks(io.BytesIO(data), **limits))


@pytest.mark.parametrize(
    "packed",
    [
        TEXT,
        gzip.compress(TEXT),
        gzip.compress(TEXT[:6]) + gzip.compress(TEXT[6:]),
        gzip.compress(TEXT) + b"\0" * 512,
        zipped(("cdr.csv", TEXT)),
        zipped(("folder/", b""), ("folder/cdr.csv", TEXT)),
        pa.Codec("zstd").compress(TEXT, asbytes=True),
        pa.Codec("zstd").compress(TEXT[:6], asbytes=True) + pa.Codec("zstd").compress(TEXT[6:], asbytes=True),
    ],
)
def test_a_packed_file_is_read_by_its_magic(packed: bytes) -> None:
    file = io.BytesIO(packed)
    for _ in range(2):  # checked first, then read: the file stays open
        containers.check(file)
        assert b"".join(containers.blocks(file)) == TEXT


@pytest.mark.parametrize(
    "packed", [gzip.compress(TEXT), zipped(("cdr.csv", TEXT)), pa.Codec("zstd").compress(TEXT, asbytes=True)]
)
def test_a_cut_or_damaged_file_is_refused(packed: bytes) -> None:
    for data in (packed[:-1], packed[: len(packed) // 2], packed[:20], packed[:40] + b"\xff" * 8 + packed[48:]):
        with pytest.raises(Unreadable):
            containers.check(io.BytesIO(data))


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(bytes(40 << 20))
    with pytest.raises(LimitExceeded, match="more than 100 times"):
        containers.check(io.BytesIO(bomb))
    with pytest.raises(LimitExceeded, match="over 1000 bytes"):
        containers.check(io.BytesIO(gzip.compress(TEXT)), size_max=1000)


@pytest.mark.parametrize(
    "packed",
    [
        zipped(("a.csv", TEXT), ("b.csv", TEXT)),
        zipped(*((f"{number}.csv", b"x") for number in range(1000))),
        zipped(("../../etc/cron.d/x", TEXT)),
        zipped(("/etc/passwd", TEXT)),
        zipped(),
    ],
)
def test_an_archive_of_anything_but_one_file_inside_is_refused(packed: bytes) -> None:
    with pytest.raises(Unreadable):
        containers.check(io.BytesIO(packed))


def test_an_archive_within_an_archive_is_not_unpacked() -> None:
    """As 42.zip: sixteen archives of sixteen archives, five deep."""
    data = b"0" * 1_000_000
    for depth in range(5):
        data = zipped(*((f"{depth}-{number}.zip", data) for number in range(16)))
    with pytest.raises(Unreadable, match="16 files"):
        unpacked(data)
    assert len(ZipArchives().parts(io.BytesIO(data)) or ()) == 16, "a feed takes each as a file"
    profile = registry.profile("asterisk")
    inner = zipped(("records.csv", TEXT))
    for outer in (zipped(("inner.zip", inner)), gzip.compress(inner), zipped(("inner.gz", gzip.compress(TEXT)))):
        with pytest.raises(Unreadable, match="inside another"):
            list(mediate([unpacked(outer)], profile, registry.reader(profile)))


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("entries", [1_000_000, 1])
def test_a_million_entries_are_refused_at_once(entries: int, *, wide: bool) -> None:
    """Also where the end of the archive says that there is one: Python would make a directory of a million."""
    one = zipped(("a.csv", b"x"))
    begin, end = one.index(b"PK\x01\x02"), one.rindex(b"PK\x05\x06")
    directory = one[begin:end] * 1_000_000
    size = len(directory)
    narrow = (min(entries, 0xFFFF), min(entries, 0xFFFF), 0xFFFFFFFF if wide else size, 0xFFFFFFFF if wide else begin)
    ending = b"PK\x05\x06" + bytes(4) + struct.pack("<HHIIH", *narrow, 0)
    if wide:
        numbers = struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, entries, entries, size, begin)
        ending = b"PK\x06\x06" + numbers + b"PK\x06\x07" + struct.pack("<IQI", 0, begin + size, 1) + ending
    file = io.BytesIO(one[:begin] + directory + ending)
    began = time.monotonic()
    with pytest.raises(Unreadable, match="more than 100 entries"):
        containers.check(file)
    with pytest.raises(LimitExceeded, match="more than 1000 files"):
        ZipArchives().parts(file)
    assert time.monotonic() - began < 1, "the directory was not read"
