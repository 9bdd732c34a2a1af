from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import types
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

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


MODULE = '''
from integrations.cdr.rows import Rows

PROFILE = """%s"""


def decode(blocks, profile, *, records_max):
    rows, place = Rows(), 0
    for line in b"".join(blocks).splitlines(keepends=True):
        rows.add(dict(part.split("=", 1) for part in line.decode().split()), place, line)
        place += len(line)
    yield rows.piece(place)
'''


def test_an_installed_package_brings_a_kind_of_switch(tmp_path: Path) -> None:
    """A wheel with one module and one entry point, installed where nothing else is, and found by the command."""
    wheel, place = tmp_path / "my_switch-1.0-py3-none-any.whl", tmp_path / "site"
    info = "my_switch-1.0.dist-info"
    files = {
        "my_switch.py": MODULE % PROFILE,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: my-switch\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[tollwright.readers]\nmy-switch = my_switch\n",
    }
    with zipfile.ZipFile(wheel, "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)
        packed.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD")))
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(place)]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    calls, own = tmp_path / "calls.txt", tmp_path / "own.toml"
    calls.write_text("call=7 when=2026-03-02T10:00:00Z secs=61 from=0701740605 to=112\n")
    own.write_text('name = "mine"\nreader = "my-switch"\n[number]\ncountry = "SE"\n')
    environment = os.environ | {"PYTHONPATH": str(place), "TOLLWRIGHT_DATA_DIR": str(tmp_path / "none")}

    def told(*arguments: str) -> list[dict[str, object]]:
        command = [sys.executable, "-m", "tests.mediation.commanding", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    for profile, a in (("my-switch", "0701740605"), (str(own), "46701740605")):
        (event,) = told("mediate", "--source", profile, str(calls))
        assert (event["ref"], event["used"], event["a"], event["b"]) == ("7", 61, a, "112")
    assert {"name": "my-switch", "reader": "my-switch"} in told("source", "list")
