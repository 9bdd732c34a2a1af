"""``tollwright import`` and ``suspense``: what they print, and their exit codes."""

from __future__ import annotations

import asyncio
import json

import pytest

from api import cli
from api.graphql.ids import global_id
from api.settings import Settings
from api.wiring import on_database
from domain.ids import SourceId
from domain.rating.rated_event import EventRef
from persistence.engine import OWNER, Database
from tests.intake import world as made

FIXED = "46850000000"


@pytest.fixture
async def installation(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TOLLWRIGHT_DATA_DIR", str(tmp_path / "data"))
    async with await Database.open(database_url) as database:
        wiring = on_database(database, Settings(data_dir=tmp_path), clock=made.FixedClock())
        await made.make(wiring.begin)
    (tmp_path / "pbx.toml").write_text(made.PROFILE)
    return tmp_path


@pytest.fixture
def call(capfd):
    async def one(*arguments, read=json.loads):
        code = await asyncio.to_thread(cli.run, [str(each) for each in arguments])
        said = capfd.readouterr()
        return code, [read(line) for line in said.out.splitlines()], said.err.splitlines()

    return one


async def test_a_clean_file_exits_0_with_the_balance_last(installation, call):
    file = installation / "Master.csv"
    file.write_bytes(made.lines(*(made.row(n, a=made.number(n % 4), b=FIXED) for n in range(9))))
    code, (told,), err = await call("import", "cdr", "--source", installation / "pbx.toml", file)
    assert code == 0
    assert (told["file"], told["source"], told["state"], told["rated"]) == ("Master.csv", "asterisk-prov", "done", 9)
    balance = json.loads(err[-1])
    assert balance == {
        "records": 9,
        "events": 9,
        "merged": 0,
        "pending": 0,
        "duplicates": 0,
        "rejects": 0,
        "ignored": {},
        "rated": 9,
        "unrated": 0,
    }
    code, (told,), err = await call("import", "cdr", "--source", "asterisk-prov", file)
    assert (code, told["again"], json.loads(err[-1])["records"]) == (0, True, 0)
    assert err[0] == "tollwright: Master.csv: in already; nothing to do"
    other = file.rename(installation / "other.csv")
    code, (told,), err = await call("import", "cdr", "--source", "asterisk-prov", other)
    assert (code, told["again"]) == (0, True)
    assert err[0] == "tollwright: other.csv: in already as Master.csv; nothing to do"


async def test_what_needs_attention_exits_1_and_is_listed(installation, call):
    file, empty = installation / "a.csv", installation / "empty.csv"
    line = made.row(1, a="46799999999", b=FIXED)
    file.write_bytes(made.lines(line, made.row(2, a=made.number(0), b=FIXED)) + b"rubbish\n")
    empty.write_bytes(b"")
    code, told, err = await call("import", "cdr", "--source", installation / "pbx.toml", file, empty)
    assert (code, [each["state"] for each in told]) == (1, ["done", "empty"])
    balance = json.loads(err[-1])
    assert (balance["records"], balance["rejects"], balance["unrated"]) == (3, 1, 1)
    code, held, err = await call("suspense", "list", "--reason", "no_party")
    assert (code, len(held)) == (0, 1)
    assert (held[0]["reason"], held[0]["raw"].strip(), held[0]["line"]) == ("no_party", line, 1)
    assert sum(json.loads(err[-1]).values()) == 2
    code, held, err = await call("suspense", "list", "--file", str(told[1]["id"]))
    assert (code, held, err) == (0, [], ["{}"]), "the counts are those of the file"
    code, held, err = await call("suspense", "list", "--reason", "no_prty")
    assert (code, held, err[0]) == (0, [], "tollwright: no record is held for 'no_prty'")
    code, _, _ = await call("import", "cdr", "--source", "asterisk-prov", empty)
    assert code == 1


async def test_what_cannot_be_read_exits_2_in_one_line(installation, call):
    binary, good = installation / "x.csv", installation / "good.csv"
    binary.write_bytes(bytes(range(256)) * 20)
    good.write_bytes(made.lines(made.row(2, a=made.number(0), b=FIXED)))
    code, told, err = await call("import", "cdr", "--source", installation / "pbx.toml", binary, good)
    assert (code, [each["file"] for each in told]) == (2, ["good.csv"])
    assert "x.csv" in err[0]
    assert json.loads(err[-1])["records"] == 1
    for arguments in ((installation / "none.csv",), (installation,)):
        code, told, err = await call("import", "cdr", "--source", "asterisk-prov", *arguments)
        assert (code, told, len(err)) == (2, [], 1)
    code, told, err = await call("import", "cdr", "--source", "no-such-source", good)
    assert (code, told, len(err)) == (2, [], 1)
    code, told, err = await call("import", "cdr", "--source", "asterisk-prov", "--operator", "nobody", good)
    assert (code, len(err)) == (2, 1)


async def test_a_tariff_is_imported_once(installation, call):
    document = installation / "tariff.json"
    document.write_text(json.dumps(made.TARIFF))
    code, (told,), _ = await call("import", "tariff", document)
    assert (code, told["began"], told["price_lists"]) == (0, 0, 5)
    document.write_text('{"price_lists": {"x": {"currency": 3}}}')
    code, told, err = await call("import", "tariff", document)
    assert (code, told) == (2, [])
    assert err
    document.write_text('{"price_lists": ')
    code, told, err = await call("import", "tariff", document)
    assert (code, told, len(err)) == (2, [], 1)
    assert err[0].startswith(f"tollwright: {document}: line 1 column 17: not JSON")


async def test_a_stored_event_is_explained(installation, call):
    file = installation / "Master.csv"
    file.write_bytes(made.lines(made.row(1, a=made.number(1), b=FIXED)))
    await call("import", "cdr", "--source", installation / "pbx.toml", file)
    name = "asterisk-prov/1772434807.1/1/2026-03-02T07:00:12Z/0"
    code, told, _ = await call("explain", name, read=str)
    assert code == 0
    said = "\n".join(told)
    for part in ("Sweden fixed", "retail B", "0.49", "0.64", "Wholesale", "0.12", "EUR"):
        assert part in said
    code, told, _ = await call("explain", name, "--format", "json")
    assert (code, told[0]["destination"], told[0]["levels"][0]["amount"]) == (0, "Sweden fixed", "0.640000")
    for bad in ("asterisk-prov/x/1/2026-03-02T07:00:12Z/0", global_id("Customer", 1), "x"):
        code, told, err = await call("explain", bad, read=str)
        assert (code, told, len(err)) == (2, [], 1)


async def test_a_stored_event_is_named_as_graphql_names_it(database_url, installation, call):
    file = installation / "Master.csv"
    file.write_bytes(made.lines(made.row(1, a=made.number(1), b=FIXED)))
    await call("import", "cdr", "--source", installation / "pbx.toml", file)
    async with await Database.open(database_url) as database, database.transaction(role=OWNER) as transaction:
        row = await transaction.connection.fetchrow(
            "select (extract(epoch from start) * 1000000)::bigint as start, source, key from usage"
        )
    key = EventRef(row["start"], SourceId(row["source"]), row["key"])
    named, plain = [await call("explain", name, read=str) for name in (global_id("Usage", key), str(key))]
    assert named == plain
    assert named[0] == 0


async def test_a_database_that_is_away_exits_3(installation, call, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:x@127.0.0.1:1/none")
    code, told, err = await call("import", "cdr", "--source", "asterisk", installation / "pbx.toml")
    assert (code, told, len(err)) == (3, [], 1)
