"""``tollwright operator`` and ``tollwright key``, as one types them, on a real database."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli import DONE, WRONG, run
from domain.access.actor import OPERATOR_ONLY, Action, system
from domain.access.client import ApiClient
from domain.usecases.create_reseller import CreateReseller, create_reseller
from persistence.credentials import StoredCredentials
from persistence.engine import Database
from persistence.units import StoredUnits

Told = tuple[int, list[dict[str, Any]], str]
OPERATOR = [
    "operator",
    "create",
    "nordtel",
    "--name",
    "Nordtel",
    "--organisation-number",
    "556703-7485",
    "--vat-id",
    "SE556703748501",
    "--street",
    "Storgatan",
    "--postcode",
    "11122",
    "--city",
    "Stockholm",
]


@pytest.fixture
def tollwright(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Told]]:
    """Run a command line against an empty installation: exit code, lines of JSON, messages."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    def call(*words: str) -> Told:
        capsys.readouterr()
        code = run(list(words))
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    yield call  # noqa: PT022  (the environment is put back after it)


def test_a_key_from_its_creation_to_its_end(tollwright: Callable[..., Told], database_url: str) -> None:
    code, _, said = tollwright("key", "list")
    assert (code, "tollwright operator create" in said) == (WRONG, True)

    code, (operator,), said = tollwright(*OPERATOR)
    assert (code, operator["code"], operator["organisation_number"]) == (DONE, "nordtel", "5567037485")
    assert ("--bankgiro" in said) is ("--bankgiro" not in OPERATOR), "whose invoices nobody can pay is told"
    assert tollwright("operator", "list")[1] == [operator]
    code, lines, said = tollwright(*OPERATOR)
    assert (code, lines, said) == (WRONG, [], "tollwright: code: the operator code nordtel is taken\n")

    code, (made,), said = tollwright("key", "create", "ERP", "--scope", "usage:read,cdr:import", "--scope", "bills:run")
    assert code == DONE
    assert "cannot be shown again" in said
    assert made["scopes"] == ["bills:run", "cdr:import", "usage:read"]
    secret = made.pop("secret")
    assert tollwright("key", "list") == (DONE, [made], "")

    async def stored(client_id: str) -> ApiClient:
        async with await Database.open(database_url) as database:
            known = await StoredCredentials(database).find(client_id)
        assert known is not None
        return known.client

    assert asyncio.run(stored(made["client_id"])).knows(secret)
    code, (revoked,), _ = tollwright("key", "revoke", made["client_id"])
    assert (code, revoked["revoked_at"] is not None) == (DONE, True)
    assert not asyncio.run(stored(made["client_id"])).knows(secret)
    assert tollwright("key", "revoke", "nobody")[0] == WRONG


def test_what_the_page_says_is_what_one_types(tollwright: Callable[..., Told]) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
    section = page.split("## The first operator and its keys")[1].split("```sh")[1].split("```")[0]
    lines = section.replace("\\\n", " ").strip().splitlines()
    assert len(lines) == 3
    for line in lines:
        word, *rest = shlex.split(line)
        assert word == "tollwright"
        assert tollwright(*rest)[0] == DONE, line


def test_a_resellers_key_holds_no_scope_of_the_operators(tollwright: Callable[..., Told], database_url: str) -> None:
    _, (operator,), _ = tollwright(*OPERATOR)

    async def reseller() -> int:
        async with await Database.open(database_url) as database:
            cmd = CreateReseller(code="ost", name="Ost")
            return (await create_reseller(cmd, actor=system(operator["id"]), begin=StoredUnits(database))).id

    asyncio.run(reseller())
    code, (made,), _ = tollwright("key", "create", "Ost", "--scope", "all", "--reseller", "ost")
    assert (code, made["reseller"]) == (DONE, "ost")
    assert set(made["scopes"]) == {scope.value for scope in set(Action) - OPERATOR_ONLY}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["key", "create", "x"], "scope"),
        (["key", "create", "x", "--scope", "none"], "no scope 'none'"),
        (["key", "create", "x", "--scope", "usage:read", "--reseller", "none"], "no reseller 'none'"),
        (["key", "create", "x", "--scope", "costs:read", "--reseller", "ost"], "reseller"),
        (["key", "create", " ", "--scope", "usage:read"], "name"),
        (["key", "list", "--operator", "none"], "no operator 'none'"),
        ([*OPERATOR[:2], "ny", *OPERATOR[3:], "--zone", "Europe/Nowhere"], "zone"),
    ],
)
def test_a_wrong_call_is_one_line(tollwright: Callable[..., Told], words: list[str], said: str) -> None:
    tollwright(*OPERATOR)
    code, lines, message = tollwright(*words)
    assert (code, lines) == (WRONG, [])
    assert message.count("\n") == 1
    assert said in message
