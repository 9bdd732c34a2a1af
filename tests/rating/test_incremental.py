"""A book compiled from an earlier one is the book compiled from nothing, cell for cell, whatever has changed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest

from domain.catalogue.document import read_tariff
from domain.catalogue.tariff import Tariff
from domain.rating import book as books
from domain.rating.book import Book, compile_book

from .generated import rate, ring, tariff

PLACES = ["S", "M", "D", "group:N", "group:E", "*"]


def read(document: dict) -> Tariff:
    return read_tariff(json.loads(json.dumps(document)))


def other_price(draw: random.Random, document: dict) -> None:
    chosen = draw.choice([one for one in document["price_lists"].values() if any("steps" in r for r in one["rates"])])
    draw.choice([one for one in chosen["rates"] if "steps" in one])["steps"][0]["price"] = "0.123"


def fewer_rates(draw: random.Random, document: dict) -> None:
    chosen = draw.choice(list(document["price_lists"].values()))
    del chosen["rates"][: draw.randrange(3)]


def new_list(draw: random.Random, document: dict) -> None:
    made = {"parent": draw.choice(("a", "b2")), "rates": [rate(draw, PLACES, ["EU"], True)]}
    document["price_lists"] = {"0-new": made, **document["price_lists"]}


def no_list(draw: random.Random, document: dict) -> None:
    del document["price_lists"]["b-over"]


def other_parent(draw: random.Random, document: dict) -> None:
    document["price_lists"]["a2"]["parent"] = "a"


def new_destination(draw: random.Random, document: dict) -> None:
    document["destinations"] = {"X": {"prefixes": ["33"], "groups": ["E"]}, **document["destinations"]}


def other_prefix(draw: random.Random, document: dict) -> None:
    document["destinations"]["D"]["prefixes"] = ["49", "4930"]


def other_groups(draw: random.Random, document: dict) -> None:
    document["destinations"]["S"]["groups"] = ["E"]


def new_band(draw: random.Random, document: dict) -> None:
    document["bands"] = {**document["bands"], "aaa": {"days": "1", "from": "10:00", "to": "11:00", "rank": 0}}


def new_zone(draw: random.Random, document: dict) -> None:
    document["zones"] = {**document["zones"], "A": {"countries": ["AX"], "rank": 0}}


def new_mode(draw: random.Random, document: dict) -> None:
    document["price_lists"]["a"]["rates"].append({"to": "*", "mode": "aux", "steps": [{"price": "1"}]})


def new_ring(draw: random.Random, document: dict) -> None:
    document["discount_rings"].append(ring(draw, 99, ["S", "*"], ["EU"]))


def other_zone(draw: random.Random, document: dict) -> None:
    document["price_lists"]["b"]["zone"] = "America/New_York"


def nothing(draw: random.Random, document: dict) -> None:
    pass


CHANGES = (
    other_price, fewer_rates, new_list, no_list, other_parent, new_destination, other_prefix, other_groups, new_band,
    new_zone, new_mode, new_ring, other_zone, nothing,
)  # fmt: skip


def same(one: Book, other: Book) -> list[str]:
    """Name what differs."""
    return [
        column.name
        for column in fields(Book)
        if column.name != "parts"
        and not (
            np.array_equal(getattr(one, column.name), getattr(other, column.name))
            if isinstance(getattr(one, column.name), np.ndarray)
            else getattr(one, column.name) == getattr(other, column.name)
        )
    ]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", range(4))
def test_an_incremental_book_is_the_whole_book(seed: int, change: Callable) -> None:
    draw = random.Random(seed)
    document = tariff(seed)
    book = compile_book(read(document))
    for one in (change, draw.choice(CHANGES)):
        document = copy.deepcopy(document)
        try:
            one(draw, document)
            after = read(document)
        except (KeyError, ValueError):  # the second change may undo what the first needs
            continue
        made = compile_book(after, book)
        assert same(made, compile_book(after)) == []
        book = made


def test_only_the_changed_list_is_compiled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    document = tariff(1)
    book = compile_book(read(document))
    document["price_lists"]["a1"]["rates"].append({"to": "*", "mode": "voice", "zone": "EU", "steps": [{"price": "1"}]})
    compiled = []
    real = books.compile_list

    def seen(plist, naming):
        compiled.append(plist.name)
        return real(plist, naming)

    monkeypatch.setattr(books, "compile_list", seen)
    monkeypatch.setattr(books, "compile_prefixes", lambda _: pytest.fail("no destination has changed"))
    compile_book(read(document), book)
    assert compiled == ["a1"]
