"""``tollwright catalogue``: what it prints, and its exit codes."""

from __future__ import annotations

import asyncio
import json

import pytest

from api import cli
from api.settings import Settings
from api.wiring import on_database
from persistence.engine import Database
from tests.catalogue_work.test_drafts import document, price
from tests.intake import world as made


@pytest.fixture
async def installation(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TOLLWRIGHT_DATA_DIR", str(tmp_path / "data"))
    async with await Database.open(database_url) as database:
        await made.make(on_database(database, Settings(data_dir=tmp_path), clock=made.FixedClock()).begin)
    return tmp_path


@pytest.fixture
def call(capfd):
    async def one(*arguments):
        code = await asyncio.to_thread(cli.run, ["catalogue", *(str(each) for each in arguments)])
        said = capfd.readouterr()
        return code, said.out, said.err.splitlines()

    return one


async def test_a_draft_from_the_command_line_to_the_exported_document(installation, call):
    path = installation / "draft.json"
    new = {"rates": [price("*", "1.00")], "currency": "SEK"}
    path.write_text(json.dumps({"price_lists": {"extra": new}}))
    code, out, _ = await call("draft", "extra", path)
    assert (code, json.loads(out)["state"]) == (0, "open")
    assert (await call("validate", "extra"))[:2] == (0, "")
    code, out, _ = await call("publish", "extra", "--from", "2026-12-01T00:00:00+01:00")
    told = json.loads(out)
    assert (code, told["state"], told["began"], told["ended"]) == (0, "published", 2, 0)
    code, out, _ = await call("export")
    (rate,) = json.loads(out)["price_lists"]["extra"]["rates"]
    assert (code, rate["valid_from"][:16]) == (0, "2026-11-30T23:00")
    assert [json.loads(line)["state"] for line in (await call("drafts"))[1].splitlines()] == ["published"]


async def test_a_draft_of_nothing_is_not_made(installation, call):
    code, out, err = await call("draft", "empty")
    assert (code, out, len(err)) == (2, "", 1)
    assert "a JSON file" in err[0]
    assert (await call("drafts"))[1] == ""


async def test_faults_exit_2_and_warnings_1(installation, call):
    path = installation / "draft.json"
    path.write_text(json.dumps({"price_lists": {"extra": {"currency": "SEK", "rates": [price("Nowhere", "1")]}}}))
    await call("draft", "bad", path)
    code, out, _ = await call("validate", "bad")
    assert (code, json.loads(out)["path"]) == (2, "$.price_lists.extra.rates[0].to")
    code, out, err = await call("publish", "bad")
    assert (code, out) == (2, "")
    assert "$.price_lists.extra.rates[0].to" in err[0]
    path.write_text(
        json.dumps(document() | {"price_lists": {"extra": {"currency": "SEK", "rates": [price("SE", "1")]}}})
    )
    await call("discard", "bad")
    await call("draft", "gap", path)
    code, out, _ = await call("validate", "gap")
    kinds = {json.loads(line)["kind"] for line in out.splitlines()}
    assert (code, kinds) in [(1, {"warning"}), (2, {"fault"})]


async def test_a_rate_sheet_is_looked_at_and_then_drafted(installation, call):
    path = installation / "deck.csv"
    path.write_text("Prefix;Destination;Tariff\n881;Satellite;1,50\n")
    arguments = ("sheet", path, "--list", "sat", "--currency", "EUR", "--column", "price=Tariff")
    code, out, err = await call(*arguments)
    told = json.loads(out)
    assert (code, told["kind"], told["new"]["steps"][0]["price"]) == (0, "new", "1.5")
    assert json.loads(err[-1])["draft"] is None
    code, _, err = await call(*arguments, "--draft", "deck")
    assert (code, json.loads(err[-1])["draft"]) == (0, "deck")
    assert (await call("publish", "deck", "--accept-warnings"))[0] == 0
    path.write_text("Prefix;Destination;Tariff\n881;Satellite;3,00\n")
    code, out, _ = await call(*arguments)
    assert (code, json.loads(out)["percent"]) == (1, "100.00")
    path.write_text("Prefix;Destination;Tariff\n881;Satellite;x\n")
    code, out, err = await call(*arguments)
    assert (code, out, err[0]) == (2, "", "tollwright: row 2: price: 'x': " + err[0].partition("'x': ")[2])


async def test_a_wrong_call_is_one_line(installation, call):
    assert (await call("draft", "x", installation / "none.json"))[0] == 2
    assert (await call("publish", "x", "--from", "tomorrow"))[0] == 2
    code, _, err = await call("show", "x")
    assert (code, len(err)) == (2, 1)
