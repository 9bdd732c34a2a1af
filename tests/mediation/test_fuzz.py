from __future__ import annotations

import random

import pytest

from domain.refusal import Refusal
from tests.mediation.running import run
from tests.mediation.samples import FILES

# TOLLWRIGHT_FUZZ_ROUNDS raises it for a long run; each round is named by its seed.
ROUNDS = 30
PIECES = [
    b'"',
    b'""',
    b",",
    b"\n",
    b"\r",
    b"\r\n",
    b"\x00",
    b"\0" * 40,
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xa5",
    b"\\",
    b"|",
    b"-",
    b"18446744073709551615",
    b"-1772445600",
    b"1e308",
    b"NaN",
    b"9" * 400,
    b"1970-01-01 00:00:12",
    b"2099-13-45 99:99:99",
    b"<html>",
    b"{",
    b"}",
    b"[",
    b"0\x84\xff\xff\xff\xff",
    b"\xbfO\x80",
    b"\t",
    b"=cmd()",
    b"\xf0\x9f\x98\x80",
    b"&amp;",
]


def mutated(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 2, 4, 12))):
        at, to = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
        to = min(to, at + chance.choice((1, 3, 20, 400)))
        match chance.randrange(6):
            case 0:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
            case 1:
                data = data[:at] + data[to:]
            case 2:
                data = data[:at] + chance.choice(PIECES) + data[at:]
            case 3:
                data = data[:at] + data[at:to] * chance.choice((2, 3)) + data[to:]
            case 4:
                data = data[:at]
            case _:
                data = data[:at] + chance.choice(PIECES) + data[to:]
    return data


def outcome(profile: str, file: bytes, **options: int) -> object:
    """What a file gives, in an order that does not tell when a session was finished."""
    try:
        events, rejects, balance = run(profile, file, **options)
    except Refusal as no:
        return type(no)
    return events.sort("raw_line", "ref", "leg").to_dicts(), rejects.sort("raw_line", "detail").to_dicts(), balance


@pytest.mark.parametrize("name", FILES)
def test_a_mutated_file_is_read_or_refused_and_balances_whatever_its_blocks(name: str, fuzz_rounds: int) -> None:
    profile, data, _, _ = FILES[name]
    for seed in range(fuzz_rounds):
        chance = random.Random(f"{name}/{seed}")
        file = mutated(data, chance)
        small = {"block": chance.choice((1, 13, 64, 999)), "records_per_batch": chance.choice((1, 2, 5))}
        assert outcome(profile, file) == outcome(profile, file, **small), f"seed {seed}"


@pytest.mark.parametrize("name", FILES)
def test_random_bytes_are_refused_or_rejected(name: str) -> None:
    profile = FILES[name][0]
    for seed in range(10):
        chance = random.Random(f"{name}/{seed}")
        try:
            _, _, balance = run(profile, chance.randbytes(chance.randrange(1, 3000)))
        except Refusal:
            continue
        assert balance.events == 0
