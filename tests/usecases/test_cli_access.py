"""``tollwright apikey``, ``portal`` and ``key rotate``, as one types them, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from api.cli import DONE, UNREACHABLE, WRONG
from tests.usecases.test_cli_key import OPERATOR, Told, tollwright

__all__ = ["tollwright"]


def test_ways_in_from_the_command_line(tollwright: Callable[..., Told]) -> None:
    assert tollwright(*OPERATOR)[0] == DONE
    code, (made,), said = tollwright("apikey", "create", "their shop", "--scope", "usage:read", "--days", "30")
    assert (code, made["scopes"], made["reseller"]) == (DONE, ["usage:read"], None)
    assert "cannot be shown again" in said
    text = made.pop("key")
    assert text.startswith(f"{made['prefix']}_")
    assert tollwright("apikey", "list") == (DONE, [made], "")
    until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    code, (follower,), _ = tollwright("apikey", "rotate", made["prefix"], "--old-until", until)
    assert code == DONE
    assert follower["prefix"] != made["prefix"]
    ends = {one["prefix"]: one["ends_at"] for one in tollwright("apikey", "list")[1]}
    assert datetime.fromisoformat(ends[made["prefix"]]) == datetime.fromisoformat(until)
    code, (revoked,), _ = tollwright("apikey", "revoke", follower["prefix"])
    assert (code, revoked["revoked_at"] is not None) == (DONE, True)
    assert tollwright("apikey", "rotate", follower["prefix"])[0] == WRONG
    assert tollwright("apikey", "rotate", made["prefix"], "--old-until", "tomorrow")[0] == WRONG
    code, _, said = tollwright("apikey", "rotate", made["prefix"], "--old-until", "2026-12-01")
    assert (code, "--old-until" in said, "no offset" in said) == (WRONG, True, True)
    assert tollwright("apikey", "revoke", "tw_nobody00")[0] == WRONG

    wanted = ["portal", "create", "Self care", "--scope", "customers:read", "--redirect-uri"]
    code, (portal,), said = tollwright(*wanted, "https://p.example/back", "--origin", "https://p.example")
    assert (code, portal["secret"], said) == (DONE, None, "")
    code, (server,), said = tollwright(*wanted, "https://p.example/back", "--secret")
    assert server["secret"]
    assert "cannot be shown again" in said
    assert tollwright(*wanted, "http://p.example/back")[0] == WRONG
    listed = {one["client_id"] for one in tollwright("key", "list")[1]}
    assert {portal["client_id"], server["client_id"]} <= listed

    code, keys, _ = tollwright("key", "rotate", "--lead", "5")
    assert (code, keys[0]["state"]) == (DONE, "coming")
    assert tollwright("key", "rotate")[1] == keys, "one that is on its way is enough"


def test_another_master_key_is_told_in_a_line(tollwright: Callable[..., Told], monkeypatch: pytest.MonkeyPatch) -> None:
    assert tollwright(*OPERATOR)[0] == DONE
    assert tollwright("key", "rotate")[0] == DONE
    monkeypatch.setenv("TOLLWRIGHT_MASTER_KEY", "A" * 43 + "=")
    code, _, said = tollwright("key", "rotate")
    assert (code, said.count("\n"), "TOLLWRIGHT_MASTER_KEY" in said) == (UNREACHABLE, 1, True)
