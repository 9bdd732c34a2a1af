"""Numbers and whose they are in time: an index over assignments, asked for whole columns at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from domain.rating.book import Book
from domain.rating.compiled import compiled
from domain.rating.digits import encode_column
from domain.rating.intervals import find_row, hash_slots
from domain.rating.layout import BEGIN, MAX, Int32s, Int64s


@dataclass(frozen=True, slots=True)
class NumberIndex:
    """Assignments of numbers, each over ``[valid_from, valid_to)`` in µs; those of one number do not overlap."""

    slots: Int32s
    number: Int64s
    since: Int64s
    until: Int64s
    party: Int32s

    @classmethod
    def build(
        cls, numbers: pl.Series | Int64s, party: Int32s, valid_from_us: Int64s, valid_to_us: Int64s
    ) -> NumberIndex:
        """Index assignments. ``numbers``: texts, or codes of ``digits.encode``; what is no number finds nobody."""
        codes = encode_column(numbers) if isinstance(numbers, pl.Series) else numbers
        order = np.lexsort((valid_from_us, codes))
        order = order[codes[order] >= 0]
        number = codes[order]
        return cls(hash_slots(number), number, valid_from_us[order], valid_to_us[order], party[order].astype(np.int32))

    def find(self, numbers: pl.Series | Int64s, start_us: Int64s) -> Int32s:
        """Return the party of each number at each instant, -1 where there is none."""
        codes = encode_column(numbers) if isinstance(numbers, pl.Series) else numbers
        return _find(self.slots, self.number, self.since, self.until, self.party, codes, start_us)


@compiled
def _find(
    slots: Int32s, number: Int64s, since: Int64s, until: Int64s, party: Int32s, asked: Int64s, start: Int64s
) -> Int32s:
    found = np.full(len(asked), -1, np.int32)
    for place in range(len(asked)):
        if asked[place] < 0:
            continue
        row = find_row(slots, number, asked[place])
        while 0 <= row < len(number) and number[row] == asked[place] and since[row] <= start[place]:
            if start[place] < until[row]:
                found[place] = party[row]
                break
            row += 1
    return found


def number_index(book: Book) -> NumberIndex:
    """Index the numbers of the parties of the book's own document, which hold them always."""
    held = [(number, n) for n, party in enumerate(book.tariff.parties.values()) for number in party.numbers]
    return NumberIndex.build(
        pl.Series([number for number, _ in held], dtype=pl.String),
        np.array([party for _, party in held], np.int32),
        np.full(len(held), BEGIN, np.int64),
        np.full(len(held), MAX, np.int64),
    )


def parties_of(index: NumberIndex, frame: pl.DataFrame) -> Int32s:
    """Return the party of each normalised event: the holder of ``a`` (out) or ``b`` (in) at its start."""
    number = frame.select(pl.when(pl.col("direction") == "out").then(pl.col("a")).otherwise(pl.col("b"))).to_series()
    return index.find(number, frame["start"].fill_null(0).to_numpy())
