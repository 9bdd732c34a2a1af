"""The kernel's short way against its general way: the same cells for every event, however often each is taken."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from domain.catalogue.document import read_tariff
from domain.rating import layout as at
from domain.rating.book import Book, compile_book
from domain.rating.parties import compile_parties
from domain.rating.rate import Rated, rate
from domain.rating.requests import Directory, read_event, to_events

from .generated import events, tariff


def simple(seed: int) -> dict:
    """A random tariff without what keeps nearly every event of it off the short way."""
    document = tariff(seed)
    if seed % 3 != 0:
        document["discount_rings"], document["buckets"] = [], []
        for plist in document["price_lists"].values():
            plist["rates"] = [made for made in plist["rates"] if "from" not in made]
    return document


def generally(book: Book) -> Book:
    """The same book with every choice LEFT, so that each event takes the general way."""
    wide = book.wide.copy()
    first, width, rows = (int(n) for n in book.cells[3 * at.CHOICE : 3 * at.CHOICE + 3])
    wide[first : first + width * rows] = at.LEFT
    return replace(book, wide=wide)


def differing(short: Rated, general: Rated) -> list[str]:
    return [c.name for c in fields(Rated) if not np.array_equal(getattr(short, c.name), getattr(general, c.name))]


@pytest.mark.parametrize("seed", range(60))
def test_both_ways_make_the_same_cells(seed: int) -> None:
    read = read_tariff(json.loads(json.dumps(simple(seed))))
    book = compile_book(read)
    parties = compile_parties(book, tuple(read.parties.values()))
    requests = [read_event(event) for event in events(seed, 400)]
    asked = to_events(book, Directory.of(book), requests)
    assert differing(rate(book, parties, asked), rate(generally(book), parties, asked)) == []


def test_most_options_are_not_left() -> None:
    chosen = []
    for seed in range(1, 60, 3):
        book = compile_book(read_tariff(json.loads(json.dumps(simple(seed)))))
        first, width, rows = (int(n) for n in book.cells[3 * at.CHOICE : 3 * at.CHOICE + 3])
        chosen.append(book.wide[first : first + width * rows])
    assert (np.concatenate(chosen) >= 0).mean() > 0.5
    assert (np.concatenate(chosen) == at.LEFT).mean() < 0.2
