"""``tollwright rates`` and ``alarms``: what they print, and their exit codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api import cli
from api.settings import Settings
from api.wiring import on_database
from domain.alarms.alarm import Raised
from domain.usecases.raise_alarm import raise_alarm
from persistence.engine import Database
from tests.intake import world as made
from tests.margins.test_exchange import DAILY

Call = Callable[..., Awaitable[tuple[int, list[Any], list[str]]]]


@pytest.fixture
async def installation(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TOLLWRIGHT_DATA_DIR", str(tmp_path / "data"))
    async with await Database.open(database_url) as database:
        wiring = on_database(database, Settings(data_dir=tmp_path), clock=made.FixedClock())
        world = await made.make(wiring.begin)
        for subject in ("pbx", "switch", "pbx"):
            found = Raised(kind="silent_source", subject=subject, text="nothing came", data={"hours": 3})
            await raise_alarm(found, actor=world.actor, begin=wiring.begin, clock=wiring.clock)
    return tmp_path


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Call:
    async def one(*arguments: object) -> tuple[int, list[Any], list[str]]:
        code = await asyncio.to_thread(cli.run, [str(each) for each in arguments])
        said = capfd.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err.splitlines()

    return one


async def test_rates_are_imported_and_listed(installation: Path, call: Call) -> None:
    file = installation / "eurofxref.xml"
    file.write_bytes(DAILY)
    code, (told,), _ = await call("rates", "import", file)
    assert (code, told["first"], told["new"], told["same"]) == (0, "2026-03-02", 3, 0)
    assert (await call("rates", "import", file))[1][0]["same"] == 3
    file.write_bytes(DAILY.replace(b"11.2345", b"11.3"))
    code, told, (error,) = await call("rates", "import", file)
    assert (code, told) == (2, [])
    assert "2026-03-02" in error
    code, (told,), _ = await call("rates", "import", file, "--replace")
    assert (code, told["changed"]) == (0, 1)
    code, rows, _ = await call("rates", "list", "--currency", "SEK")
    assert (code, rows) == (
        0,
        [{"day": "2026-03-02", "base": "EUR", "quote": "SEK", "rate": "11.3", "source": "ECB"}],
    )
    assert len((await call("rates", "list", "--limit", "2"))[1]) == 2
    file.write_bytes(b"nothing of the kind")
    assert (await call("rates", "import", file))[0] == 2
    assert (await call("rates", "import", installation / "absent.csv"))[0] == 2


async def test_alarms_are_listed_until_they_are_closed(installation: Path, call: Call) -> None:
    assert installation.exists()
    code, rows, _ = await call("alarms", "list")
    assert code == 1
    assert [(one["subject"], one["count"], one["state"], one["data"]) for one in rows] == [
        ("pbx", 2, "open", {"hours": 3}),
        ("switch", 1, "open", {"hours": 3}),
    ]
    code, (told,), _ = await call("alarms", "acknowledge", rows[0]["id"])
    assert (code, told["state"], told["acknowledged_by"]) == (0, "acknowledged", "command line")
    code, (told,), _ = await call("alarms", "close", rows[1]["id"])
    assert (code, told["state"]) == (0, "closed")
    code, left, _ = await call("alarms", "list")
    assert (code, [one["subject"] for one in left]) == (0, ["pbx"])
    assert [one["subject"] for one in (await call("alarms", "list", "--state", "closed"))[1]] == ["switch"]
    assert (await call("alarms", "list", "--kind", "below_cost"))[1] == []
    assert (await call("alarms", "list", "--state", "wild"))[0] == 2
    code, _, (error,) = await call("alarms", "acknowledge", rows[1]["id"])
    assert (code, "closed" in error) == (2, True)
    assert (await call("alarms", "close", 999))[0] == 2
    assert datetime.fromisoformat(left[0]["first_seen"]).tzinfo == UTC
