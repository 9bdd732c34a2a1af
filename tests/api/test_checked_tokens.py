"""The memory of checked tokens: bounded, in their time, each its own claims."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.auth.checked import BELIEVED_SECONDS, CheckedTokens


class _Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def _expiring(clock: _Clock, seconds: int, client: str = "one") -> dict[str, object]:
    return {"client_id": client, "exp": int(clock.at.timestamp()) + seconds}


def test_each_token_has_its_own_claims() -> None:
    clock = _Clock()
    tokens = CheckedTokens(clock)
    tokens.put("a", _expiring(clock, 3600, "one"))
    tokens.put("b", _expiring(clock, 3600, "two"))
    assert (tokens.get("a") or {})["client_id"] == "one"
    assert (tokens.get("b") or {})["client_id"] == "two"
    assert tokens.get("c") is None
    assert tokens.get("a ") is None


def test_it_is_believed_for_seconds_only() -> None:
    clock = _Clock()
    tokens = CheckedTokens(clock)
    tokens.put("a", _expiring(clock, 3600))
    clock.at += timedelta(seconds=BELIEVED_SECONDS - 1)
    assert tokens.get("a") is not None
    clock.at += timedelta(seconds=1)
    assert tokens.get("a") is None
    assert len(tokens) == 0


def test_no_longer_than_the_token_lives() -> None:
    clock = _Clock()
    tokens = CheckedTokens(clock)
    tokens.put("a", _expiring(clock, 3))
    clock.at += timedelta(seconds=3)
    assert tokens.get("a") is None


def test_a_clock_set_back_believes_nothing() -> None:
    clock = _Clock()
    tokens = CheckedTokens(clock)
    tokens.put("a", _expiring(clock, 3600))
    clock.at -= timedelta(seconds=1)
    assert tokens.get("a") is None


def test_it_is_bounded_and_keeps_what_is_asked_for() -> None:
    clock = _Clock()
    tokens = CheckedTokens(clock, tokens_max=3)
    for name in "abc":
        tokens.put(name, _expiring(clock, 3600))
    tokens.get("a")
    tokens.put("d", _expiring(clock, 3600))
    assert len(tokens) == 3
    assert tokens.get("b") is None
    assert all(tokens.get(name) is not None for name in "acd")


def test_what_is_given_out_cannot_be_changed() -> None:
    clock = _Clock()
    tokens = CheckedTokens(clock)
    given = _expiring(clock, 3600)
    tokens.put("a", given)
    given["client_id"] = "other"
    found = tokens.get("a")
    assert found is not None
    assert found["client_id"] == "one"
    with pytest.raises(TypeError):
        found["client_id"] = "other"  # type: ignore[index]  # that it cannot is what is tested


def test_new_keys_forget_all() -> None:
    clock = _Clock()
    tokens = CheckedTokens(clock)
    tokens.put("a", _expiring(clock, 3600))
    tokens.forget()
    assert tokens.get("a") is None
