"""Rating again over GraphQL, and from the command line."""

from __future__ import annotations

import asyncio
import json

import pytest

from api import cli
from api.graphql.context import Context
from api.graphql.ids import global_id
from api.graphql.schema import make_schema
from api.settings import Settings
from api.wiring import on_database
from persistence.engine import Database
from tests.intake import world as made
from tests.rerating.conftest import SINCE, UNTIL, dearer, publish

FIXED, ICELAND = "46850000000", "3545000000"
RERATE = """mutation($input: RerateInput!) { rerate(input: $input) {
  __typename ... on Refusal { code field }
  ... on Rerating { id state reason tally { examined changed released still { reason count }
    amounts { level currency before after difference } } } } }"""


@pytest.fixture
def ask(wiring):
    schema = make_schema()

    async def one(actor, **chosen):
        asked = {"since": SINCE.isoformat(), "until": UNTIL.isoformat(), "reason": "WRONG_PRICE", **chosen}
        answer = await schema.execute(RERATE, {"input": asked}, context_value=Context(wiring, actor))
        assert answer.errors is None, answer.errors
        return answer.data["rerate"]

    return one


async def test_graphql_previews_unless_told_otherwise(wiring, world, load, ask):
    await load(made.lines(made.row(0, a=made.number(0), b=FIXED), made.row(1, a=made.number(0), b=ICELAND)))
    await publish(wiring, world, dearer)
    shown = await ask(world.actor)
    assert (shown["id"], shown["state"]) == (None, "DONE")
    (amount,) = [one for one in shown["tally"]["amounts"] if one["level"] == "retail"]
    assert amount == {
        "level": "retail",
        "currency": "SEK",
        "before": "0.790000",
        "after": "1.390000",
        "difference": "0.600000",
    }
    done = await ask(world.actor, preview=False, customer=global_id("Customer", world.customers[0]))
    assert done["id"] is not None
    assert done["tally"] == shown["tally"]
    assert done["tally"]["still"] == [{"reason": "no_rate", "count": "1"}]
    assert (await ask(world.actor))["tally"]["changed"] == "0"
    listed = await make_schema().execute(
        "{ reratings { edges { node { id client tally { changed } } } } }",
        context_value=Context(wiring, world.actor),
    )
    assert listed.errors is None
    (edge,) = listed.data["reratings"]["edges"]
    assert edge["node"] == {"id": done["id"], "client": "test", "tally": {"changed": "1"}}


async def test_graphql_refuses_a_reseller_and_what_is_anothers(wiring, world, ask):
    assert (await ask(world.of_reseller(world.reseller, world.below)))["code"] == "NOT_ALLOWED"
    assert (await ask(world.of_reseller(world.below)))["code"] == "NOT_ALLOWED"
    stranger = await made.with_source(wiring, f"y{world.operator}")
    theirs = await ask(stranger.actor, customer=global_id("Customer", world.customers[0]))
    assert (theirs["__typename"], theirs["code"]) == ("NotFound", "NOT_FOUND")


@pytest.fixture
async def installation(database_url, tmp_path, monkeypatch):
    """One operator with a call to Sweden, which costs more by now."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TOLLWRIGHT_DATA_DIR", str(tmp_path / "data"))
    async with await Database.open(database_url) as database:
        wiring = on_database(database, Settings(data_dir=tmp_path), clock=made.FixedClock())
        world = await made.with_source(wiring, "prov")
        await made.load(wiring, world, made.lines(made.row(0, a=made.number(0), b=FIXED)))
        await publish(wiring, world, dearer)
    return tmp_path


@pytest.fixture
def call(capfd):
    async def one(*arguments):
        code = await asyncio.to_thread(cli.run, list(arguments))
        said = capfd.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err.splitlines()

    return one


async def test_the_command_previews_rates_and_changes_nothing_twice(installation, call):
    asked = ("rerate", "--from", "2026-03-01", "--to", "2026-04-01", "--reason", "wrong_price", "--customer", "K0")
    code, (shown,), _ = await call(*asked, "--preview")
    assert (code, shown["rerating"], shown["changed"]) == (0, None, 1)
    code, (done,), _ = await call(*asked, "--contract", "A0")
    assert (code, done["state"], done["changed"]) == (0, "done", 1)
    assert done["amounts"][1] == {
        "level": "retail",
        "currency": "SEK",
        "before": "0.790000",
        "after": "1.390000",
        "difference": "0.600000",
    }
    code, (again,), _ = await call(*asked)
    assert (code, again["changed"], again["same"]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (("--reason", "whim"), "--reason"),
        (("--reason", "wrong_price", "--customer", "K9"), "K9"),
        (("--reason", "wrong_price", "--contract", "A0"), "--customer"),
        (("--reason", "wrong_price", "--customer", "K0", "--contract", "A1"), "--contract"),
        (("--reason", "late_price", "--unrated", "whim"), "unrated"),
    ],
)
async def test_a_wrong_call_is_one_line_and_2(installation, call, wrong, sentence):
    code, out, err = await call("rerate", "--from", "2026-03-01", "--to", "2026-04-01", *wrong)
    assert (code, out, len(err)) == (2, [], 1)
    assert sentence in err[0]
