"""Feeds over GraphQL, SOAP and the command line, each as its four callers find it; and what Prometheus is told."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate
from zeep.exceptions import Fault

from api import cli
from api.cli import ATTENTION, DONE, WRONG
from api.feeding import Scheduler
from api.graphql.schema import make_schema
from api.settings import Settings
from api.soap.faults import NAMESPACE
from api.wiring import on_database
from api.worker import Worker
from persistence.engine import APP, OWNER, Database
from tests.api.conftest import House, house, live
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap
from tests.intake import world as made
from tests.intake.world import calls

__all__ = ["house", "live"]
SECRET = "s3cret-that-nobody-shows"
FIELDS = (
    "{ __typename ... on Feed { name version address credentials { name reference } rules { pattern after } "
    "standing { failures } } ... on Refusal { code field } }"
)
REFUSAL = "{ __typename ... on Refusal { code field } }"


def inbox(house: House) -> Path:
    folder = house.wiring.settings.data_dir / "inbox" / "1" / "pbx"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def put(house: House, more: str = "", *, version: int = 0, name: str = "pbx") -> str:
    address = f"folder://{inbox(house)}"
    return (
        f'mutation {{ a: putFeed(input: {{name: "{name}", source: "asterisk", address: "{address}", '
        f"version: {version}, stableSeconds: 0 {more}}}) {FIELDS} }}"
    )


async def ask(house: House, client: str, text: str) -> Any:
    return (await gql(house, client, text))["a"]


async def test_a_feed_is_set_up_tried_polled_and_removed(house: House) -> None:
    (inbox(house) / "a.csv").write_bytes(calls(3))
    kept = await ask(house, "operator", put(house, 'pattern: "*.csv"'))
    assert (kept["__typename"], kept["version"], kept["rules"]) == ("Feed", 1, {"pattern": "*.csv", "after": "MOVE"})
    tried = await ask(
        house,
        "operator",
        'mutation { a: testFeed(name: "pbx") { ... on FeedTried { reached wanted files { name verdict seen } } } }',
    )
    assert tried == {"reached": True, "wanted": 1, "files": [{"name": "a.csv", "verdict": "TAKE", "seen": "WAITING"}]}
    job = await ask(house, "operator", 'mutation { a: pollFeed(name: "pbx") { ... on Job { kind state } } }')
    assert job == {"kind": "poll_feed", "state": "WAITING"}
    await Worker(house.wiring).run(until_idle=True)
    feed = await ask(
        house,
        "operator",
        '{ a: feed(name: "pbx") { polling standing { lastFileAt fault } '
        "runs(first: 5) { edges { node { state taken held bytes } } } } }",
    )
    assert feed["standing"]["lastFileAt"] is not None
    (edge,) = feed["runs"]["edges"]
    assert (edge["node"]["state"], edge["node"]["taken"], edge["node"]["held"]) == ("DONE", 1, 0)
    assert [path.name for path in (inbox(house) / "done").iterdir()] == ["a.csv"]
    stale = await ask(house, "operator", put(house, version=0))
    assert (stale["__typename"], stale["code"], stale["field"]) == ("Stale", "STALE", "version")
    gone = await ask(
        house, "operator", 'mutation { a: removeFeed(name: "pbx", version: 1) { ... on FeedRemoved { name } } }'
    )
    assert gone == {"name": "pbx"}
    assert (await gql(house, "operator", "{ feeds { name } }")) == {"feeds": []}


async def _sftp(house: House, client: str = "operator", version: int = 0) -> Any:
    text = (
        'mutation { a: putFeed(input: {name: "sbc", source: "asterisk", address: "sftp://cdr@sbc.example/out", '
        f'version: {version}, credentials: [{{name: "password", secret: "{SECRET}"}}]}}) {FIELDS} }}'
    )
    return await ask(house, client, text)


async def test_a_secret_goes_in_and_is_in_no_answer_table_or_trail(house: House, database: Database) -> None:
    kept = await _sftp(house)
    assert kept["credentials"] == [{"name": "password", "reference": None}]
    shown = await house.call(
        "operator", "POST", "/graphql", json={"query": "{ feeds { name address credentials { name reference } } }"}
    )
    assert SECRET not in shown.text
    async with database.transaction(role=OWNER) as unit:
        for table in ("feed", "audit", "outbox", "feed_run", "job"):
            rows = await unit.connection.fetch(f"select to_jsonb(t)::text as row from {table} t")
            assert SECRET not in "".join(row["row"] for row in rows), table
        audit = await unit.connection.fetch("select action, detail::text from audit where action = 'put_feed'")
    assert len(audit) == 1


async def test_h1_a_private_address_is_refused_when_it_is_kept(house: House) -> None:
    for address in ("sftp://a@127.0.0.1/", "ftp://a@169.254.169.254/", "ftps://a@[::1]/", "folder:///etc"):
        text = f'mutation {{ a: putFeed(input: {{name: "x", source: "asterisk", address: "{address}"}}) {REFUSAL} }}'
        found = await ask(house, "operator", text)
        assert found == {"__typename": "BadValue", "code": "BAD_VALUE", "field": "address"}, address


OPERATIONS = {
    "putFeed": 'putFeed(input: {name: "sbc", version: 1, source: "asterisk", address: "sftp://cdr@sbc.example/"})',
    "removeFeed": 'removeFeed(name: "sbc", version: 1)',
    "testFeed": 'testFeed(name: "sbc")',
    "pollFeed": 'pollFeed(name: "sbc")',
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_feed_is_the_operators_alone(house: House, operation: str) -> None:
    await _sftp(house)
    text = f"mutation {{ a: {OPERATIONS[operation]} {REFUSAL} }}"
    for client in ("reseller", "sibling"):
        assert (await ask(house, client, text))["code"] == "NOT_ALLOWED", client
    strange = await ask(house, "other", text)
    # Another operator's is as nobody's: a version of what is not there is stale, anything else is not found.
    assert strange["code"] == ("STALE" if operation == "putFeed" else "NOT_FOUND")
    assert strange == await ask(house, "other", text.replace('"sbc"', '"never"'))
    nobody = await house.http.post("/graphql", json={"query": text})
    assert nobody.status_code == 401
    own = await gql(house, "operator", "{ feeds { name version } }")
    assert own == {"feeds": [{"name": "sbc", "version": 1}]}


async def test_lists_show_a_feed_to_its_operator_alone(house: House) -> None:
    await _sftp(house)
    assert await gql(house, "other", "{ feeds { name } }") == {"feeds": []}
    for text in ("{ feeds { name } }", '{ feed(name: "sbc") { name runs { edges { node { id } } } } }'):
        for client in ("reseller", "sibling"):
            answer = await house.call(client, "POST", "/graphql", json={"query": text})
            assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
    for name in ("sbc", "never"):
        answer = await house.call("other", "POST", "/graphql", json={"query": f'{{ feed(name: "{name}") {{ name }} }}'})
        assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_two_operators_may_call_their_feeds_alike(house: House) -> None:
    assert (await _sftp(house))["version"] == 1
    assert (await _sftp(house, "other"))["version"] == 1
    assert (await gql(house, "other", "{ feeds { name } }")) == {"feeds": [{"name": "sbc"}]}


async def test_row_security_shows_feeds_to_no_reseller_and_no_other(house: House, database: Database) -> None:
    await _sftp(house)
    for operator, resellers, seen in ((1, None, 1), (1, (1,), 0), (1, (), 0), (2, None, 0), (None, None, 0)):
        async with database.transaction(role=APP, operator=operator, resellers=resellers) as unit:
            assert await unit.connection.fetchval("select count(*) from feed") == seen, (operator, resellers)


@pytest.mark.parametrize("port", PORTS)
async def test_feeds_over_soap(live: House, port: str) -> None:
    folder = inbox(live)
    (folder / "a.csv").write_bytes(calls(3))

    def work(service: Any) -> None:
        feed = {"name": "pbx", "source": "asterisk", "address": f"folder://{folder}", "stableSeconds": 0}
        made_one = service.PutFeed(feed=feed | {"ignored": ["*.x"], "complete": "rename", "after": "leave"})
        assert (made_one.version, made_one.complete, made_one.after) == (1, "rename", "leave")
        assert made_one.ignored == ["*.x"]
        tried = service.TestFeed(name="pbx")
        assert (tried.reached, [(one.name, one.verdict) for one in tried.file]) == (True, [("a.csv", "take")])
        assert service.PollFeed(name="pbx") > 0
        secret = {"name": "password", "secret": SECRET}
        remote = {"name": "sbc", "source": "asterisk", "address": "sftp://cdr@sbc.example/", "credential": [secret]}
        kept = service.PutFeed(feed=remote)
        assert [(one.name, one.secret, one.reference) for one in kept.credential] == [("password", None, None)]
        assert [one.name for one in service.ListFeeds()] == ["pbx", "sbc"]
        assert service.RemoveFeed(name="sbc", version=1) == "sbc"

    await _soap(live, "operator", port, work)
    await Worker(live.wiring).run(until_idle=True)

    def look(service: Any) -> None:
        page = service.ListFeedRuns(name="pbx", first=1)
        assert (page.count, page.run[0].state, page.run[0].taken) == (1, "done", 1)
        assert page.next is None

    await _soap(live, "operator", port, look)


@pytest.mark.parametrize(("client", "code"), [("reseller", "not_allowed"), ("sibling", "not_allowed"), ("other", None)])
async def test_a_feed_over_soap_is_the_operators_alone(live: House, client: str, code: str | None) -> None:
    await _sftp(live)
    feed = {"name": "sbc", "source": "asterisk", "address": "sftp://cdr@sbc.example/", "version": 1}

    def work(service: Any) -> None:
        for operation, arguments, strange in (
            (service.PutFeed, {"feed": feed}, "stale"),
            (service.RemoveFeed, {"name": "sbc", "version": 1}, "not_found"),
            (service.TestFeed, {"name": "sbc"}, "not_found"),
            (service.PollFeed, {"name": "sbc"}, "not_found"),
            (service.ListFeedRuns, {"name": "sbc"}, "not_found"),
        ):
            with pytest.raises(Fault) as caught:
                operation(**arguments)
            detail = caught.value.detail.find(f".//{{{NAMESPACE}}}Refusal")
            assert detail.findtext(f"{{{NAMESPACE}}}code") == (code or strange)
        if code is None:
            assert not service.ListFeeds()

    await _soap(live, client, "BillingSoap12", work)


async def test_prometheus_is_told_how_feeds_stand(house: House) -> None:
    (inbox(house) / "a.csv").write_bytes(calls(1))
    await ask(house, "operator", put(house))
    assert await Scheduler(house.wiring).look() == 0
    await ask(house, "operator", 'mutation { a: pollFeed(name: "pbx") { __typename } }')
    await Worker(house.wiring).run(until_idle=True)
    text = (await house.call("operator", "GET", "/metrics")).text
    stamp = house.clock.now().timestamp()
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("tollwright_feed_"))
    of = '{feed="pbx",operator="north"}'
    assert float(lines[f"tollwright_feed_success_timestamp_seconds{of}"]) == stamp
    assert float(lines[f"tollwright_feed_file_timestamp_seconds{of}"]) == stamp
    assert float(lines[f"tollwright_feed_failures{of}"]) == 0
    assert float(lines[f"tollwright_feed_files_open{of}"]) == 0
    assert "tollwright_feed_lag_seconds" in text
    assert 'feed="pbx"' not in (await house.call("other", "GET", "/metrics")).text


@pytest.fixture
async def installation(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TOLLWRIGHT_DATA_DIR", str(tmp_path))
    async with await Database.open(database_url) as database:
        await made.make(on_database(database, Settings(data_dir=tmp_path)).begin)
    (tmp_path / "inbox" / "1" / "pbx").mkdir(parents=True)
    return tmp_path


Told = tuple[int, list[dict[str, Any]], str]


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Callable[..., Awaitable[Told]]:
    async def one(*words: object) -> Told:
        code = await asyncio.to_thread(cli.run, ["feed", *map(str, words)])
        said = capfd.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return one


async def test_a_feed_from_the_command_line(installation: Path, call: Callable[..., Awaitable[Told]]) -> None:
    folder = installation / "inbox" / "1" / "pbx"
    document = installation / "pbx.toml"
    document.write_text(f'name = "pbx"\nsource = "asterisk"\naddress = "folder://{folder}"\nstable_seconds = 0\n')
    code, (told,), _ = await call("put", document)
    assert (code, told["version"], told["next_at"] is not None) == (DONE, 1, True)
    (folder / "a.csv").write_bytes(calls(2))
    (folder / "b.csv").write_bytes(b"MZ" + bytes(100))
    code, files, err = await call("test", "pbx")
    assert (code, [one["verdict"] for one in files]) == (DONE, ["take", "take"])
    assert "2 names, 2 wanted" in err
    code, (run,), _ = await call("poll", "pbx")
    assert (code, run["state"], run["taken"], run["held"]) == (ATTENTION, "done", 1, 1)
    code, told_runs, _ = await call("runs", "pbx")
    assert (code, told_runs) == (DONE, [run])
    code, (told,), _ = await call("put", document)
    assert (code, told["version"]) == (DONE, 2)
    code, told_none, err = await call("put", document, "--version", "1")
    assert (code, told_none) == (WRONG, [])
    assert err.count("\n") == 1
    code, (told,), _ = await call("list")
    assert (code, told["credentials"]) == (DONE, {})
    assert (await call("remove", "pbx"))[0] == DONE
    assert (await call("show", "pbx"))[0] == WRONG


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense =", "neither TOML nor JSON"),
        ('name = "x"\nsource = "asterisk"\naddress = "folder:///etc"\n', "not below a folder"),
        ('name = "x"\nsource = "asterisk"\naddress = "sftp://a@10.0.0.1/"\n', "private address"),
        ('name = "x"\nsource = "asterisk"\naddress = "sftp://a@host/"\nafer = "leave"\n', "no such field"),
    ],
)
async def test_what_the_command_line_refuses(
    installation: Path, call: Callable[..., Awaitable[Told]], text: str, words: str
) -> None:
    (installation / "x.toml").write_text(text)
    code, told, err = await call("put", installation / "x.toml")
    assert (code, told) == (WRONG, [])
    assert words in err
    assert err.count("\n") == 1


async def test_a_feed_that_fails_is_told_by_the_exit_code(
    installation: Path, call: Callable[..., Awaitable[Told]]
) -> None:
    folder = installation / "inbox" / "1" / "gone"
    document = installation / "pbx.json"
    document.write_text(json.dumps({"name": "pbx", "source": "asterisk", "address": f"folder://{folder}"}))
    assert (await call("put", document))[0] == DONE
    assert (await call("test", "pbx"))[0] == ATTENTION
    code, (run,), _ = await call("poll", "pbx")
    assert (code, run["state"]) == (ATTENTION, "failed")
    assert "is not there" in run["fault"]
    assert (await call("list"))[0] == ATTENTION


def shown_in_the_page(language: str) -> list[str]:
    text = (Path(__file__).resolve().parents[2] / "docs" / "feeds.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


async def test_what_the_page_shows_works(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (script,) = shown_in_the_page("sh")
    folder = installation / "work"
    folder.mkdir()
    beside = Path(sys.executable).parent
    environment = os.environ | {
        "TOLLWRIGHT_DATA_DIR": str(folder / ".tollwright"),
        "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}",
    }
    process = await asyncio.create_subprocess_exec(
        *("sh", "-euc", script),
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 300)
    assert process.returncode == 0, output.decode()
    assert '"state": "done"' in output.decode()


def test_the_pages_operation_is_of_the_schema() -> None:
    schema = make_schema()._schema  # type: ignore[attr-defined]  # strawberry's own way to graphql-core
    (text,) = shown_in_the_page("graphql")
    assert validate(schema, parse(text)) == []
