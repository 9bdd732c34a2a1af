"""Events as CSV: the same answers as the same events as JSON Lines, whatever stands in their cells."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path

import polars as pl
import pytest

from api.cli import run
from api.cli.ahead import ahead
from api.cli.event_csv import tables

from .generated import events, tariff

KEYS = ("id", "party", "mode", "direction", "a", "b", "trunk", "visited", "start", "used", "offset", "answered", "ref")
WEIRD = {
    "start": ("2026-10-25T02:30:00", "2026-02-30T09:00:00Z", "2026-10-25 02:30:00Z", "2026-10-25T24:00:00Z", "soon",
              "2026-10-25T02:30:00.123456+05:45", "2026-10-25T02:30:00.5-03:30", "2026-10-25T02:30:60Z", "å"),
    "used": ("-1", "1.5", "9223372036854775807", "9223372036854775808", "00061", "x", "٣", "1e3"),
    "offset": ("-3", "7", "x", "0010"),
    "direction": ("sideways", "in", "OUT"),
    "answered": ("true", "false", "yes"),
    "mode": ("telepathy", " "),
    "party": ("nobody", "p1"),
    "b": ("467012345678901234567890", "+46", "alice", "4 6"),
}  # fmt: skip


def rows(seed: int) -> list[dict[str, str]]:
    """Random events as texts, a fifth of them with something odd in a cell."""
    draw = random.Random(seed)
    made = []
    for event in events(seed, 150):
        row = {key: str(event[key]) for key in KEYS if event.get(key) is not None}
        if draw.random() < 0.2:
            key = draw.choice([*WEIRD, "id"])
            row[key] = draw.choice(WEIRD.get(key, ("", "same")))
        if draw.random() < 0.1:
            del row["id"]
            row["ref"] = "r,1"
        made.append({key: cell for key, cell in row.items() if cell})
    return made


def as_json(row: dict[str, str]) -> dict[str, object]:
    made: dict[str, object] = dict(row)
    for key in ("used", "offset"):
        if key in row and row[key].removeprefix("-").isascii() and row[key].removeprefix("-").isdigit():
            made[key] = int(row[key])
    if row.get("answered") in {"true", "false"}:
        made["answered"] = row["answered"] == "true"
    return made


@pytest.mark.parametrize("seed", range(8))
def test_csv_and_json_lines_are_answered_alike(tmp_path: Path, seed: int, capfd) -> None:
    document = tariff(seed)
    document["parties"]["p3"]["numbers"] = ["46701111111", "4930", "468"]
    (tmp_path / "t.json").write_text(json.dumps(document))
    asked = rows(seed)
    (tmp_path / "e.jsonl").write_text("".join(f"{json.dumps(as_json(row))}\n" for row in asked))
    with (tmp_path / "e.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, KEYS)
        writer.writeheader()
        writer.writerows(asked)
    answers = []
    for name in ("e.jsonl", "e.csv"):
        assert run(["rate", "--tariff", str(tmp_path / "t.json"), "--events", str(tmp_path / name)]) == 1
        answers.append([json.loads(line) for line in capfd.readouterr().out.splitlines()])
    assert len(answers[0]) == len(asked)
    for row, one, other in zip(asked, *answers, strict=True):
        assert one == other, row


def frames(text: bytes) -> tuple[pl.DataFrame, dict[int, str]]:
    made = list(tables(io.BytesIO(text)))
    assert len(made) == 1
    return made[0][0], made[0][1]


def test_a_row_with_too_few_cells_is_a_bad_event_and_the_rest_stand() -> None:
    frame, wrong = frames(b"mode;start;used\nvoice;2026-03-01T08:00:00Z;1\nvoice;7\nsms;2026-03-01T08:00:00Z;1\n")
    assert frame["mode"].to_list() == ["voice", "sms", None]
    assert list(wrong) == [2]
    assert "2 cells" in wrong[2]


def test_a_cell_that_is_not_utf8_is_a_bad_event() -> None:
    _, wrong = frames(b"mode,start,used,b\nvoice,x,1,\xff\nvoice,x,1,46\n")
    assert wrong == {0: "b: is not UTF-8"}


def test_quoted_cells_may_hold_commas_and_lines() -> None:
    frame, wrong = frames(b'mode,start,used,id\nvoice,x,1,"a,\nb"\n')
    assert frame["id"].to_list() == ["a,\nb"]
    assert not wrong


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"mode,start,used,colour", "colour"),
        (b"mode,start,used,mode", "twice"),
        (b"mode,start", "used"),
        (b"\n", "names no columns"),
    ],
)
def test_columns_that_events_do_not_have_are_refused(tmp_path: Path, head: bytes, said: str, capfd) -> None:
    (tmp_path / "t.json").write_text(json.dumps(tariff(1)))
    (tmp_path / "e.csv").write_bytes(head + b"\nx,y,z,w\n")
    assert run(["rate", "--tariff", str(tmp_path / "t.json"), "--events", str(tmp_path / "e.csv")]) == 2
    told = capfd.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_an_empty_file_has_no_events(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(tariff(1)))
    for content in (b"", b"mode,start,used\n"):
        (tmp_path / "e.csv").write_bytes(content)
        assert run(["rate", "--tariff", str(tmp_path / "t.json"), "--events", str(tmp_path / "e.csv")]) == 1


def test_reading_ahead_keeps_order_and_raises_where_it_is_asked() -> None:
    def items():
        yield from range(5)
        raise KeyError("end")

    read = ahead(items())
    assert [next(read) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(KeyError):
        next(read)


def test_reading_ahead_ends_when_nobody_asks() -> None:
    made = []

    def items():
        for number in range(1_000):
            made.append(number)
            yield number

    for item in ahead(items()):
        if item == 3:
            break
    assert len(made) < 20


def test_an_unknown_column_is_told_with_those_that_there_are(tmp_path: Path, capfd) -> None:
    file, catalogue = tmp_path / "e.csv", tmp_path / "t.json"
    file.write_text("start,a,b,duration,mode\n")
    catalogue.write_text("{}")
    assert run(["rate", "--tariff", str(catalogue), "--events", str(file)]) == 2
    said = capfd.readouterr().err
    assert "column 'duration' is not a key of an event; there is a, answered, b, " in said
    assert ", used, " in said
