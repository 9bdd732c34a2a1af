from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from domain.catalogue.document import read_tariff
from domain.mediation.events import EVENT_SCHEMA
from domain.rating.book import compile_book
from domain.rating.columns import event_ids, from_frame
from domain.rating.digits import encode, encode_column, interval
from domain.rating.numbers import NumberIndex, number_index, parties_of
from domain.rating.parties import compile_parties
from domain.rating.rate import rate

ROW = {
    "source": "s",
    "ref": "1",
    "leg": None,
    "start": 1_767_600_000_000_000,
    "used": 61,
    "answered": True,
    "a": "46850000000",
    "b": "46701234567",
    "mode": "voice",
    "direction": "out",
    "trunk_out": "T1",
    "offset": 0,
    "flags": [],
    "raw_line": 1,
}
RATES = [{"to": "*", "mode": "voice", "steps": [{"price": "0.60", "per": 60}]}]
TARIFF = {
    "destinations": {"M": {"prefixes": ["467"]}},
    "price_lists": {"m": {"currency": "SEK", "zone": "UTC", "rates": RATES}},
    "trunks": {"T1": {"cost": "m"}},
    "buckets": [
        {
            "id": "b",
            "owner": "p",
            "unit": "seconds",
            "amount": "61",
            "period": ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"],
        }
    ],
    "parties": {"p": {"retail": "m", "numbers": ["46850000000"]}},
}


def frame(*changes: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([{**ROW, **change} for change in changes], schema=EVENT_SCHEMA)


@pytest.mark.parametrize("texts", [["46", "460", None, "", "x4", "4६", "1" * 18, "1" * 19, "1" * 40], []])
def test_a_column_is_encoded_as_its_numbers_are(texts: list[str | None]) -> None:
    assert encode_column(pl.Series(texts, dtype=pl.String)).tolist() == [encode(text) for text in texts]


def test_a_slice_of_a_column_is_encoded_alike() -> None:
    texts = pl.Series(["1", "22", "333", None, "55555"])
    assert encode_column(texts[1:4]).tolist() == [encode("22"), encode("333"), -1]


def test_a_prefix_is_an_interval_of_the_numbers_that_begin_with_it() -> None:
    low, high = interval("46")
    inside = [encode(text) for text in ("46", "460", "469999999", "46" + "9" * 16)]
    assert all(low <= code < high for code in inside)
    assert not any(low <= encode(text) < high for text in ("4", "45999", "47"))


def test_a_number_belongs_to_a_party_at_a_time() -> None:
    index = NumberIndex.build(
        pl.Series(["1", "1", "2"]), np.array([7, 8, 9], np.int32), np.array([0, 10, 0]), np.array([10, 20, 99])
    )
    asked = pl.Series(["1", "1", "1", "1", "2", "3", None])
    assert index.find(asked, np.array([0, 9, 10, 20, 5, 5, 5])).tolist() == [7, 7, 8, -1, 9, -1, -1]


def test_a_frame_is_rated_and_ties_draw_by_key() -> None:
    book = compile_book(read_tariff(TARIFF))
    parties = compile_parties(book, tuple(book.tariff.parties.values()))
    rows = frame(
        {"ref": "b"}, {"ref": "a"}, {"ref": "c", "answered": False}, {"ref": "d", "b": "99"}, {"a": "1"}, {"used": -1}
    )
    events = from_frame(book, rows, parties_of(number_index(book), rows))
    rated = rate(book, parties, events)
    assert rated.status.tolist() == [0, 0, 0, 3, 2, 1]
    assert rated.amount[0, :3].tolist() == [610_000, 0, 0]
    assert rated.draws.tolist() == [[1, 0, 0, 61]]
    assert rated.amount[-1, :3].tolist() == [610_000, 610_000, 0]
    assert event_ids(rows)[0] == "s/b//2026-01-05T08:00:00Z/0"
