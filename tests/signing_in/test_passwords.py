"""Passwords by themselves: which are taken, how they are kept, how long it takes."""

from __future__ import annotations

import asyncio
import hashlib
import statistics
import time
from pathlib import Path

import pytest

from domain.access.password import PASSWORD_MAX, check_form, check_words, words_of
from domain.refusal import BadValue, LimitExceeded
from integrations.access import argon2id
from integrations.access.argon2id import Argon2Passwords
from integrations.access.guessing import KnownPasswords

COMMON = [
    "Password1234",
    "P@ssw0rd2026!",
    "123456789012",
    "qwertyuiop12",
    "1qaz2wsx3edc4rfv",
    "aaaaaaaaaaaaaaaaaaaa",
    "iloveyouiloveyou",
    "lingonbergs12",
]
GOOD = [
    "correct horse battery staple",
    "sommarregn i Malmö",
    "x7#kQ9!mZ2pL",
    "          åäö        .",
    "雪が降る森の中で熊が踊る",
]


@pytest.mark.parametrize("password", COMMON)
def test_what_everybody_takes_is_refused(password: str) -> None:
    assert KnownPasswords().guessable(password, words_of("Lingonbergs Telefon AB"))


@pytest.mark.parametrize("password", GOOD)
def test_what_nobody_guesses_is_taken_without_rules_of_composition(password: str) -> None:
    check_form(password, field="password")
    assert not KnownPasswords().guessable(password, ())


def test_the_form() -> None:
    check_form("a" * PASSWORD_MAX, field="password")
    with pytest.raises(LimitExceeded):
        check_form("a" * (PASSWORD_MAX + 1), field="password")
    for wrong in ("elevenchars", "\ud800" * 12):
        with pytest.raises(BadValue):
            check_form(wrong, field="password")
    with pytest.raises(BadValue, match="lingonbergs"):
        check_words(
            "jag älskar LINGONBERGS", words_of("Lingonbergs Telefon AB", "anna@north.example"), field="password"
        )


def test_a_list_of_breached_passwords_is_searched_in_place(tmp_path: Path) -> None:
    listed = [f"a password that was lost, number {n}" for n in range(500)]
    hashes = sorted(hashlib.sha1(one.encode(), usedforsecurity=False).hexdigest().upper() for one in listed)
    for end, break_ in (("\r\n", "\r\n"), ("", "\n")):
        path = tmp_path / "breached.txt"
        path.write_bytes((break_.join(f"{one}:{n * n + 1}" for n, one in enumerate(hashes)) + end).encode())
        known = KnownPasswords(path)
        assert all(known.breached(one) for one in listed)
        assert not any(known.breached(f"{one}!") for one in listed)
    (tmp_path / "empty.txt").write_bytes(b"")
    assert not KnownPasswords(tmp_path / "empty.txt").breached("anything")
    with pytest.raises(FileNotFoundError):
        KnownPasswords(tmp_path / "none.txt").breached("anything")


async def test_argon2id_with_the_parameters_of_owasp() -> None:
    passwords = Argon2Passwords(KnownPasswords())
    kept = await passwords.hash("  Åsas lösen 雪 ")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.matches(kept, "  Åsas lösen 雪 ")
    for wrong in ("Åsas lösen 雪", "  åsas lösen 雪 ", ""):
        assert not await passwords.matches(kept, wrong)
    assert not await passwords.matches("no hash", "x")
    assert not await passwords.matches(None, "x")
    assert not passwords.outdated(kept)
    assert Argon2Passwords(KnownPasswords(), passes=3).outdated(kept)


async def test_nobody_takes_as_long_as_somebody_and_too_many_are_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Argon2Passwords(KnownPasswords(), threads=1)
    kept = await passwords.hash("correct horse battery staple")
    await passwords.matches(None, "warm")
    spent: dict[str | None, list[float]] = {kept: [], None: []}
    for _ in range(7):
        for which, times in spent.items():
            began = time.perf_counter()
            await passwords.matches(which, "wrong")
            times.append(time.perf_counter() - began)
    somebody, nobody = (statistics.median(times) for times in spent.values())
    assert abs(somebody - nobody) < max(somebody, nobody) / 2
    monkeypatch.setattr(argon2id, "WAITING_MAX", 3)
    answers = await asyncio.gather(*(passwords.matches(None, "x") for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(answer, LimitExceeded) for answer in answers) == 7
