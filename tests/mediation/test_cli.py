from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli import run as command
from tests.mediation.samples import ASTERISK, FILES, FREESWITCH


def keep(folder: Path, data: bytes, name: str = "cdr.csv") -> str:
    file = folder / name
    file.write_bytes(data)
    return str(file)


def mediate(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, object]], list[str]]:
    code = command(["mediate", *arguments])
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err.splitlines()


def test_rejects_that_cannot_be_written_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = tmp_path / "none" / "rejects.jsonl"
    code, events, err = mediate(capsys, "--source", "asterisk", keep(tmp_path, ASTERISK), "--rejects", str(nowhere))
    assert (code, events, err) == (2, [], [f"tollwright: {nowhere}: No such file or directory"])


def test_events_on_stdout_and_the_balance_last_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, events, err = mediate(capsys, "--source", "asterisk", keep(tmp_path, ASTERISK))
    assert code == 0
    assert events[0] == {
        "source": "asterisk", "ref": "1772445600.1", "leg": "0", "start": "2026-03-02T10:00:05Z",
        "seized": "2026-03-02T10:00:00Z", "used": 60, "answered": True, "a": "101", "b": "0701740605", "c": None,
        "mode": "voice", "direction": "out", "trunk_in": "PJSIP/101-1", "trunk_out": "PJSIP/trunk-2", "cause": "16",
        "visited": None, "offset": 0, "session": "1772445600.1", "flags": [], "raw_line": 1,
    }  # fmt: skip
    balance = {"records": 3, "events": 2, "merged": 0, "pending": 0, "duplicates": 0, "rejects": 0}
    assert json.loads(err[-1]) == {**balance, "ignored": {"local_leg": 1}}


def test_a_fraction_of_a_second_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, events, _ = mediate(capsys, "--source", "broadworks", keep(tmp_path, FILES["broadworks"][1]))
    assert events[0]["seized"] == "2026-03-02T10:00:00.868Z"


def test_duplicates_across_files_are_no_trouble(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain, packed = keep(tmp_path, ASTERISK), keep(tmp_path, gzip.compress(ASTERISK), "again.gz")
    code, events, err = mediate(capsys, "--source", "asterisk", plain, packed)
    assert (code, len(events), json.loads(err[-1])["duplicates"]) == (0, 2, 3)


def test_rejects_are_kept_in_their_file_and_end_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = keep(tmp_path, ASTERISK.replace(b"65,60,", b"65,-60,"))
    kept = tmp_path / "rejects.jsonl"
    code, events, err = mediate(capsys, "--source", "asterisk", "--rejects", str(kept), file)
    assert (code, len(events), len(err)) == (1, 1, 1)
    (reject,) = [json.loads(line) for line in kept.read_text().splitlines()]
    assert (reject["file"], reject["line"], reject["reason"]) == (file, 1, "negative_duration")
    assert reject["raw"] == ASTERISK.replace(b"65,60,", b"65,-60,").split(b"\n")[0].decode()
    code, _, err = mediate(capsys, "--source", "asterisk", file)
    assert code == 1
    assert "record 1: negative_duration" in err[0]


@pytest.mark.parametrize(
    "data",
    [FREESWITCH, b"<html>\n", bytes(range(256)) * 9, gzip.compress(ASTERISK)[:-9], gzip.compress(bytes(64 << 20))],
)
def test_what_cannot_be_read_prints_nothing_and_ends_with_2(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = keep(tmp_path, ASTERISK), keep(tmp_path, data, "bad")
    code, events, err = mediate(capsys, "--source", "asterisk", bad)
    assert (code, events, len(err)) == (2, [], 1)
    assert err[0].startswith(f"tollwright: {bad}: ")
    code, events, err = mediate(capsys, "--source", "asterisk", good, bad)
    assert (code, events, len(err)) == (2, [], 1)


def test_an_empty_file_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, events, err = mediate(capsys, "--source", "asterisk", keep(tmp_path, b""))
    assert (code, events) == (1, [])
    assert json.loads(err[-1])["records"] == 0


@pytest.mark.parametrize("arguments", [["nowhere.csv"], ["."], []])
def test_a_wrong_call_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, events, err = mediate(capsys, "--source", "asterisk", *arguments)
    assert (code, events, len(err)) == (2, [], 1)


def test_an_own_profile_is_a_file_and_a_fault_in_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "own.toml"
    profile.write_text('name = "own"\nreader = "asterisk"\n[number]\ncountry = "SE"\n')
    _, events, _ = mediate(capsys, "--source", str(profile), keep(tmp_path, ASTERISK))
    assert (events[0]["source"], events[0]["b"]) == ("own", "46701740605")
    profile.write_text('name = "own"\nreader = "asterisk"\n[number]\nland = "SE"\n')
    code, _, err = mediate(capsys, "--source", str(profile), keep(tmp_path, ASTERISK))
    assert (code, len(err)) == (2, 1)
    assert "number.land is not a key" in err[0]


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(ASTERISK))))
    code, events, _ = mediate(capsys, "--source", "asterisk", "-")
    assert (code, len(events)) == (0, 2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
@pytest.mark.parametrize("words", [[], ["--rejects", "/dev/full"]], ids=["stdout", "rejects"])
def test_a_full_disk_is_one_line_that_says_what_to_do(tmp_path: Path, words: list[str]) -> None:
    file = keep(tmp_path, ASTERISK.replace(b",65,60,", b",65,-60,"))
    program = [sys.executable, "-c", "from api.cli import main; main()", "mediate", "--source", "asterisk", file]
    with Path(os.devnull if words else "/dev/full").open("wb") as out:
        done = subprocess.run([*program, *words], stdout=out, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    last = done.stderr.splitlines()[-1]
    assert last == "tollwright: what was being written: No space left on device; make room and call it again"
    assert "Traceback" not in done.stderr


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, object]]]:
    code = command(["source", "check", *arguments])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_source_check_shows_each_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own.toml"
    own.write_text('name = "own"\nreader = "asterisk"\n[number]\ncountry = "SE"\n')
    code, lines = check(capsys, str(own), keep(tmp_path, ASTERISK.replace(b",30,30,", b",30,30,")))
    assert code == 0
    assert [(line["line"], line["read_as"]) for line in lines] == [(1, "event"), (2, "event"), (3, "ignored")]


def test_source_check_says_what_to_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export = b"".join(
        b'"%d/3/2026 11:00:00","x","0701740605","2","c","d","e","Dial","f","9","9","ANSWERED","3",,'
        b'"%d.1",,,,"2","x",,,,"0",\n' % (day, 1_772_359_200 + 86_400 * (day - 1))
        for day in (1, 2, 13)
    )
    code, lines = check(capsys, "asterisk", keep(tmp_path, export))
    assert code == 2
    assert {line["change"] for line in lines} == {"file.columns", "time.format", "time.zone", "number.country"}
    changes = {line["change"]: line["to"] for line in lines}
    assert changes["time.format"] == "%d/%m/%Y %H:%M:%S"
    own = tmp_path / "own.toml"
    columns = json.dumps(changes["file.columns"])
    own.write_text(
        f'name = "own"\nreader = "asterisk"\n[file]\ncolumns = {columns}\n[time]\nzone = "Europe/Stockholm"\n'
        f'format = "{changes["time.format"]}"\n[number]\ncountry = "SE"\n'
    )
    code, lines = check(capsys, str(own), keep(tmp_path, export))
    assert (code, [line["read_as"] for line in lines]) == (0, ["event"] * 3)


def test_profiles_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["source", "list"]) == 0
    assert {json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()} >= {"asterisk", "pgw-3gpp"}
    assert command(["source", "show", "asterisk"]) == 0
    assert 'name = "asterisk"' in capsys.readouterr().out
    assert command(["source", "show", "nonesuch"]) == 2
