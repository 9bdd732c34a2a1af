"""Whatever is done to a file, it is read or refused, balances, and its blocks and batches make no difference.

``make prove`` does more of it: ``TOLLWRIGHT_FUZZ_ROUNDS`` raises the rounds, each of which is named by its seed.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from domain.refusal import Refusal
from tests.mediation.running import run
from tests.mediation.samples import FILES

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


@pytest.mark.shared
def test_mutated_samples_are_read_or_refused(shared: Path, fuzz_rounds: int) -> None:
    folder = shared / "data" / "cdr"
    kinds = {
        "3cx_csv": "3cx", "acme_sbc_csv": "acme-sbc", "asterisk_cel": "asterisk-cel", "asterisk_csv": "asterisk",
        "broadworks_csv": "broadworks", "cucm": "cucm", "freeswitch_csv": "freeswitch-csv",
        "freeswitch_json": "freeswitch-json", "freeswitch_xml": "freeswitch-xml", "huawei_msc": "huawei-msc",
        "opensips_flatstore": "opensips", "pgw_3gpp": "pgw-3gpp", "radius_detail": "radius", "ribbon_act": "ribbon-act",
    }  # fmt: skip
    for name, profile in kinds.items():
        for path in sorted((folder / name).iterdir()):
            data = path.read_bytes()
            for seed in range(max(2, fuzz_rounds // 10)):
                file = mutated(data, random.Random(f"{path.name}/{seed}"))
                assert outcome(profile, file) == outcome(profile, file, block=4_097), f"{path.name} seed {seed}"


MEGABYTE = 1 << 20
NESTED = b'{"variables": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001
BOMB = b"<!DOCTYPE cdr [" + b"".join(
    b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10 if level else b"lol") for level in range(10)
)
LEG, XML = FILES["freeswitch-json"][1], FILES["freeswitch-xml"][1]
# What is made to hurt: a reader's profile, the file, and how many events it has all the same.
HOSTILE: dict[str, tuple[str, bytes, int]] = {
    "a line of 10 MB": ("asterisk", b"x" * (10 * MEGABYTE) + b"\n" + FILES["asterisk"][1], 2),
    "a quote of 10 MB": ("asterisk", FILES["asterisk"][1] + b'"' + b"y" * (10 * MEGABYTE) + b"\n", 2),
    "quotes alone": ("asterisk", FILES["asterisk"][1] + b'"' * MEGABYTE + b"\n", 2),
    "quotes that never close": ("asterisk", FILES["asterisk"][1] + b'"a\n' * 100_000, 2),
    "delimiters alone": ("asterisk", FILES["asterisk"][1] + b"," * MEGABYTE + b"\n", 2),
    "backslashes alone": ("broadworks", FILES["broadworks"][1] + b"\\" * MEGABYTE + b"\n9,,End\r\n", 1),
    "zero bytes within": ("asterisk", FILES["asterisk"][1] + b"\0" * (5 * MEGABYTE) + b"\n" + b"1,2\n", 2),
    "line ends alone": ("asterisk", FILES["asterisk"][1] + b"\r\n" * MEGABYTE, 2),
    "JSON 100,000 deep": ("freeswitch-json", LEG + b"\n" + NESTED, 2),
    "brackets that never close": ("freeswitch-json", LEG + b"\n" + b"[" * (6 * MEGABYTE), 2),
    "braces on lines": ("freeswitch-json", LEG + b"\n" + b"{\n" * 50_000, 2),
    "a number of 5 MB": ("freeswitch-json", LEG + b'\n{"variables": {"uuid": ' + b"9" * (3 * MEGABYTE) + b"}}", 2),
    "a string of 10 MB": ("freeswitch-json", LEG + b'\n{"variables": "' + b"z" * (10 * MEGABYTE) + b'"}\n' + LEG, 2),
    "JSON lines 100,000 deep": ("generic-jsonl", FILES["generic-jsonl"][1] + b"[" * 100_000 + b"\n", 2),
    "an array 100,000 deep": (
        "generic-jsonl", b"[" + FILES["generic-jsonl"][1].replace(b"\n", b",") + b"[" * 100_000, 2,
    ),
    "a million attributes": ("freeswitch-xml", XML + b"<cdr " + b'a="1" ' * 600_000 + b"></cdr>", 1),
    "XML 100,000 deep": ("freeswitch-xml", XML + b"<cdr>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</cdr>", 1),
    "a text of 10 MB": ("freeswitch-xml", XML + b"<cdr><a>" + b"x" * (10 * MEGABYTE) + b"</a></cdr>", 1),
    "documents without end": ("freeswitch-xml", XML + b"<cdr>" * 20_000, 1),
    "a BER length of 2^63": ("pgw-3gpp", FILES["pgw-3gpp"][1] + b"\xbf\x4f\x88\x7f" + b"\xff" * 7 + b"x" * 99_999, 2),
    "BER 100,000 deep": ("huawei-msc", FILES["huawei-msc stream"][1] + b"\xa0\x80" * 100_000, 2),
    "BER tags without end": ("pgw-3gpp", FILES["pgw-3gpp"][1] + b"\xbf" + b"\xff" * MEGABYTE, 2),
    "a BER value of 5 MB": ("huawei-msc", FILES["huawei-msc stream"][1] + b"\xa0\x83\x50\0\0" + b"\0" * 0x500000, 2),
    "a RADIUS block without end": ("radius", FILES["radius"][1] + b"\n" + b"\tA = 1\n" * 300_000, 2),
    "a line of 10 MB in RADIUS": ("radius", FILES["radius"][1] + b"\n" + b"z" * (10 * MEGABYTE) + b"\n\n", 2),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_made_to_hurt_takes_no_time_and_nothing_else_with_it(name: str) -> None:
    profile, file, events = HOSTILE[name]
    began = time.process_time()
    _, _, balance = run(profile, file)
    assert balance.events >= events, name
    assert time.process_time() - began < 30, "linear in the file's size"


@pytest.mark.parametrize("text", [BOMB + b"]><cdr><variables><uuid>&a9;</uuid></variables></cdr>", XML + BOMB])
def test_entities_of_ones_own_are_refused_at_once(text: bytes) -> None:
    began = time.process_time()
    with pytest.raises(Refusal, match="DOCTYPE not allowed"):
        run("freeswitch-xml", text)
    assert time.process_time() - began < 1
