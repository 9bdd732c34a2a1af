from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from api.cli import run

STEP = {"next": 60, "price": "0.69", "per": 60}
TARIFF = {
    "destinations": {"SE-mobile": {"prefixes": ["467"]}},
    "price_lists": {
        "m": {
            "currency": "SEK",
            "zone": "Europe/Stockholm",
            "rates": [
                {
                    "to": "*",
                    "mode": "voice",
                    "setup": "0.49",
                    "first": 60,
                    "steps": [{"next": 60, "price": "0.69", "per": 60}],
                }
            ],
        }
    },
    "parties": {"s": {"retail": "m", "numbers": ["46850000000"]}},
}
EVENT = {
    "id": "e1",
    "party": "s",
    "mode": "voice",
    "b": "46701234567",
    "start": "2026-01-05T09:00:00+01:00",
    "used": 61,
}


@pytest.fixture
def tariff(tmp_path: Path) -> Path:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(TARIFF))
    return path


def events_file(tmp_path: Path, *events: object) -> Path:
    path = tmp_path / "e.jsonl"
    path.write_text("".join(f"{event if isinstance(event, str) else json.dumps(event)}\n" for event in events))
    return path


def test_events_are_answered_in_input_order_with_every_key(tmp_path: Path, tariff: Path, capfd) -> None:
    events = events_file(tmp_path, {**EVENT, "id": "z"}, {**EVENT, "id": "a", "used": 0})
    assert run(["rate", "--tariff", str(tariff), "--events", str(events)]) == 0
    answers = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [answer["id"] for answer in answers] == ["z", "a"]
    assert answers[0] == {
        "id": "z",
        "destination": "SE-mobile",
        "retail": {
            "amount": "1.870000",
            "currency": "SEK",
            "price_list": "m",
            "band": None,
            "billed": 120,
            "setup": "0.49",
            "discounts": {},
            "buckets": {},
        },
        "wholesale": None,
        "cost": None,
    }


def test_a_bad_line_is_a_bad_event_and_the_rest_are_rated(tmp_path: Path, tariff: Path, capfd) -> None:
    bad = [
        "{not json",
        "7",
        {**EVENT, "start": "2026-01-05T09:00:00"},
        {**EVENT, "start": "2026-02-30T09:00:00Z"},
        {**EVENT, "used": -1},
        {**EVENT, "used": 2**63},
        {**EVENT, "used": 1.0},
        {**EVENT, "mode": ""},
        {**EVENT, "b": 46701234567},
        {**EVENT, "direction": "sideways"},
        {**EVENT, "colour": "red"},
    ]
    events = events_file(tmp_path, *bad, EVENT)
    assert run(["rate", "--tariff", str(tariff), "--events", str(events)]) == 1
    answers = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [answer.get("unrated") for answer in answers] == ["bad_event"] * len(bad) + [None]
    assert all(answer["detail"] for answer in answers[:-1])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_hold_exact_decimals(tmp_path: Path, tariff: Path, suffix: str) -> None:
    out = tmp_path / f"o.{suffix}"
    events = events_file(tmp_path, EVENT, {**EVENT, "party": "nobody"})
    assert run(["rate", "--tariff", str(tariff), "--events", str(events), "--out", str(out)]) == 1
    frame = pl.read_csv(out, infer_schema=False) if suffix == "csv" else pl.read_parquet(out)
    rows = frame.to_dicts()
    assert str(rows[0]["retail_amount"]) == "1.870000"
    assert rows[0]["retail_price_list"] == "m"
    assert rows[1]["unrated"] == "no_party"
    assert rows[1]["retail_amount"] is None


def test_a_bad_tariff_names_every_fault_and_prints_nothing(tmp_path: Path, tariff: Path, capfd) -> None:
    wrong = json.loads(tariff.read_text())
    rate = wrong["price_lists"]["m"]["rates"][0]
    rate["steps"][0]["price"] = 0.69
    rate["colour"] = "red"
    wrong["price_lists"]["m"]["zone"] = "Europe/Atlantis"
    tariff.write_text(json.dumps(wrong))
    assert run(["rate", "--tariff", str(tariff), "--events", str(events_file(tmp_path, EVENT))]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    for place in ("rates[0].steps[0].price", "rates[0].colour", "m.zone"):
        assert f"$.price_lists.{place}" in captured.err or f"$.price_lists.m.{place}" in captured.err


def test_a_vector_that_differs_is_named(tmp_path: Path, capfd) -> None:
    vector = {"id": "v", "tariff": TARIFF, "events": [EVENT], "expect": [{"id": "e1", "retail": {"amount": "1.88"}}]}
    path = tmp_path / "v.json"
    path.write_text(json.dumps({"vectors": [vector]}))
    assert run(["rate", "--vector", str(path)]) == 1
    assert capfd.readouterr().out == "v e1.retail.amount: expected '1.88', got '1.870000'\n"
    vector["expect"] = [{"id": "e1", "retail": {"amount": "1.87"}, "cost": None}]
    path.write_text(json.dumps({"vectors": [vector]}))
    assert run(["rate", "--vector", str(path)]) == 0


def test_a_file_without_events_holds_the_columns_alone(tmp_path: Path, tariff: Path) -> None:
    out = tmp_path / "o.parquet"
    assert run(["rate", "--tariff", str(tariff), "--events", str(events_file(tmp_path)), "--out", str(out)]) == 1
    frame = pl.read_parquet(out)
    assert frame.height == 0
    assert "retail_amount" in frame.columns


def test_no_events_need_attention(tmp_path: Path, tariff: Path) -> None:
    assert run(["rate", "--tariff", str(tariff), "--events", str(events_file(tmp_path))]) == 1


@pytest.mark.parametrize(
    "wrong",
    [[], ["--tariff", "t"], ["--events", "e"], ["--vector", "v", "--tariff", "t"], ["--tariff", "t", "--cdr", "c"]],
)
def test_a_wrong_call_says_so(wrong: list[str], capfd) -> None:
    assert run(["rate", *wrong]) == 2
    assert capfd.readouterr().err.count("\n") == 1


def test_a_cdr_file_is_rated_without_a_database(tmp_path: Path, tariff: Path, capfd) -> None:
    cdr = tmp_path / "Master.csv"
    called = '"","+46850000000","+46701234567","default","","SIP/a-1","SIP/b-2","Dial","x"'
    times = '"2026-01-05 09:00:00","2026-01-05 09:00:05","2026-01-05 09:01:06",66,61'
    cdr.write_text(f'{called},{times},"ANSWERED","DOCUMENTATION","1767600000.1",""\n')
    assert (
        run(["rate", "--tariff", str(tariff), "--cdr", str(cdr), "--source", "asterisk"]) == 1
    )  # its trunk has no list
    answer = json.loads(capfd.readouterr().out)
    assert answer["id"].startswith("asterisk/1767600000.1/")
    assert answer["retail"]["amount"] == "1.870000"
    assert run(["rate", "--tariff", str(tariff), "--cdr", str(tmp_path / "none"), "--source", "asterisk"]) == 2


@pytest.mark.parametrize("written", ["t.json", "e.jsonl", "link.jsonl"])
def test_what_is_read_is_never_written_over(tmp_path: Path, tariff: Path, capfd, written: str) -> None:
    events = events_file(tmp_path, EVENT)
    (tmp_path / "link.jsonl").symlink_to(events)
    out = tariff.rename(tmp_path / "t.jsonl") if written == "t.json" else tmp_path / written
    tariff = out if written == "t.json" else tariff
    before = out.read_bytes()
    assert run(["rate", "--tariff", str(tariff), "--events", str(events), "--out", str(out)]) == 2
    assert out.read_bytes() == before
    assert "is a file that is read" in capfd.readouterr().err
