"""However long a file is, a reader holds a few megabytes of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.cdr import registry, rows
from integrations.cdr.spool import WINDOW_BYTES, Spool
from tests.mediation import samples

MEGABYTE = 1 << 20
LENGTH = 24 * MEGABYTE
ROWS = {
    "freeswitch-json": (b"", samples.FREESWITCH_JSON.split(b"\n")[0] + b"\n"),
    "freeswitch-xml": (b"", samples.FREESWITCH_XML),
    "generic-jsonl": (b"[", samples.GENERIC_JSONL.split(b"\n")[0] + b",\n"),
    "asterisk": (b"", samples.ASTERISK.split(b"\n")[0] + b"\n"),
    "radius": (b"", samples.RADIUS.split(b"\n\n")[0] + b"\n\n"),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_is_read_ahead_is_bounded(name: str) -> None:
    head, row = ROWS[name]
    pulled = 0

    def blocks() -> Iterator[bytes]:
        nonlocal pulled
        yield head
        block = row * (64_000 // len(row))
        while pulled < LENGTH:
            pulled += len(block)
            yield block

    profile = registry.profile(name)
    pieces = registry.reader(profile).decode(blocks(), profile, records_max=1_000)
    first = next(pieces)
    assert first.count >= 1_000
    assert pulled <= 14 * MEGABYTE
    before = pulled
    assert next(pieces).count >= 1_000
    assert pulled - before <= MEGABYTE


def test_a_piece_of_long_records_has_fewer_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PIECE_BYTES_MAX", MEGABYTE)
    long = samples.FREESWITCH_JSON.split(b"\n")[0][:-1] + b', "app_log": "' + b"x" * 10_000 + b'"}\n'
    profile = registry.profile("freeswitch-json")
    pieces = list(registry.reader(profile).decode([long * 300], profile, records_max=50_000))
    assert max(piece.count for piece in pieces) <= 1 + MEGABYTE // 10_000
    assert sum(piece.count for piece in pieces) == 300


def test_a_file_that_is_read_twice_lies_on_disk_and_is_read_through_a_window() -> None:
    def blocks() -> Iterator[bytes]:
        for number in range(20):
            yield bytes([number]) * MEGABYTE

    with Spool(blocks(), memory_max=MEGABYTE) as data:
        assert len(data) == 20 * MEGABYTE
        assert [data[place] for place in range(0, len(data), MEGABYTE)] == list(range(20))
        assert data[5 * MEGABYTE - 2 : 5 * MEGABYTE + 2] == b"\4\4\5\5"
        assert len(data[0 : 3 * MEGABYTE]) == 3 * MEGABYTE
        assert len(data._window) <= WINDOW_BYTES
        assert data._file._rolled  # type: ignore[attr-defined]  # it is on disk
        assert sum(len(block) for block in data.blocks()) == len(data)
        for place in (-1, len(data)):
            with pytest.raises(IndexError):
                data[place]
