from __future__ import annotations

import importlib.metadata
import types
from collections.abc import Iterable, Iterator

import pytest

from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from integrations.cdr import registry
from integrations.cdr.rows import Rows
from tests.mediation.running import run

PROFILE = """
[map]
start = "when"
used = "secs"
a = "from"
b = "to"
[key]
ref = "call"
"""


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    rows, place = Rows(), 0
    for line in b"".join(blocks).splitlines(keepends=True):
        rows.add(dict(part.split("=", 1) for part in line.decode().split()), place, line)
        place += len(line)
    yield rows.piece(place)


class Point:
    name = "my-switch"

    @staticmethod
    def load() -> object:
        return types.SimpleNamespace(PROFILE=PROFILE, decode=decode)


def test_an_operators_own_kind_of_switch_is_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = importlib.metadata.entry_points

    def points(**chosen: str) -> object:
        return [Point()] if chosen == {"group": "tollwright.readers"} else installed(**chosen)

    monkeypatch.setattr(importlib.metadata, "entry_points", points)
    registry._document.cache_clear()
    data = b"call=7 when=2026-03-02T10:00:00Z secs=61 from=0701740605 to=112\n"
    own = 'name = "mine"\nreader = "my-switch"\n[number]\ncountry = "SE"\n'
    for profile, a in (("my-switch", "0701740605"), (own, "46701740605")):
        events, _, _ = run(profile, data)
        assert events.select("ref", "used", "a", "b").rows() == [("7", 61, a, "112")]
    registry._document.cache_clear()
