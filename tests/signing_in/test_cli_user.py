"""``tollwright user`` as one types it, on a real database."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli import DONE, WRONG, run
from tests.usecases.test_cli_key import OPERATOR

Told = tuple[int, list[dict[str, Any]], str]


@pytest.fixture
def tollwright(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Told]]:
    """Run a command line against an empty installation, with what is typed: exit code, lines of JSON, messages."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TOLLWRIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TOLLWRIGHT_PORTAL_URL", "https://{operator}.portal.example")

    def call(*words: str, typed: str = "") -> Told:
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code = run(["user", *words])
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    run(OPERATOR)
    yield call  # noqa: PT022  (the environment is put back after it)


def test_the_first_administrator_and_what_becomes_of_him(tollwright: Callable[..., Told]) -> None:
    who = ("invite", "boss@nordtel.example", "--name", "Bo Alm", "--level")
    assert tollwright(*who, "nothing")[0] == WRONG
    code, _, said = tollwright(*who, "administrator", "--password", typed="short\n")
    assert code == WRONG
    assert "12 characters" in said
    # Who was invited with a password that is none is invited all the same.
    assert tollwright("list")[1][0]["state"] == "invited"
    code, _, said = tollwright(*who, "seller", "--password", typed="Tunn is knakar under skon\n")
    assert code == WRONG
    assert "already" in said
    code, told, said = tollwright(*who, "administrator", "--password", typed="Tunn is knakar under skon\n")
    assert (code, told[0]["state"]) == (DONE, "active")
    assert "invited again" in said
    assert tollwright(*who, "administrator", "--password", typed="Tunn is knakar under skon\n")[0] == WRONG
    code, told, _ = tollwright(
        "invite", "first@nordtel.example", "--name", "Eva Ek", "--level", "administrator", "--password",
        typed="Grönt te smakar bäst sent\n",
    )  # fmt: skip
    assert code == DONE
    assert (told[0]["state"], told[0]["level"], told[0]["language"]) == ("active", "administrator", "sv")
    assert "Grönt" not in json.dumps(told)
    code, told, said = tollwright("invite", "c@nordtel.example", "--name", "C", "--level", "Support", "--show-link")
    assert code == DONE
    assert told[0]["link"].startswith("https://nordtel.portal.example/accept-invitation#token=1-")
    assert "no mail goes out" in said
    assert [one["email"] for one in tollwright("list")[1]] == [
        "boss@nordtel.example",
        "first@nordtel.example",
        "c@nordtel.example",
    ]
    assert tollwright("reset-factor", "First@nordtel.example")[1][0]["second_factor"] is False
    assert tollwright("disable", "first@nordtel.example")[1][0]["state"] == "disabled"
    assert tollwright("disable", "first@nordtel.example")[0] == WRONG
    assert tollwright("enable", "first@nordtel.example")[1][0]["state"] == "active"
    assert tollwright("disable", "nobody@nordtel.example")[0] == WRONG
