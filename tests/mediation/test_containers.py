from __future__ import annotations

import gzip
import io
import zipfile

import pyarrow as pa
import pytest

from domain.refusal import LimitExceeded, Unreadable
from integrations.cdr import containers

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
    ],
)
def test_a_packed_file_is_read_by_its_magic(packed: bytes) -> None:
    containers.check(io.BytesIO(packed))
    assert unpacked(packed) == TEXT


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
