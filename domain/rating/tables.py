"""Rated events as a flat Arrow table: one row per event, one group of columns per level, amounts as exact decimals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from domain.rating.answered import Answered
from domain.rating.answers import Answers
from domain.rating.book import Book
from domain.rating.layout import PRICED
from domain.rating.parties import Parties
from domain.rating.rate import LEVEL_STATUSES, STATUSES

LEVEL_COLUMNS = ("unrated", "amount", "currency", "price_list", "band", "billed", "setup", "discounts", "buckets")


def decimals(values: Any, scale: int, present: Any) -> Any:
    """Return int64 values of 10⁻ˢᶜᵃˡᵉ as exact decimals, null where they are not present."""
    words = np.empty((len(values), 2), np.int64)  # little-endian 128 bits: the value, and its sign carried on
    words[:, 0], words[:, 1] = values, values >> 63
    valid = pa.py_buffer(np.packbits(present, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(19, scale), len(values), [valid, pa.py_buffer(words)])


def names(codes: Any, texts: Any) -> Any:
    """Return the text of each code as a dictionary array over ``texts`` (``dictionary`` made it), null for -1."""
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32(), mask=codes < 0), texts, safe=False)


def dictionary(texts: tuple[str, ...]) -> Any:
    """Return texts as what ``names`` takes."""
    return pa.array([*texts] or [""], pa.string())


def level_names(slots: int) -> list[str]:
    """Return the name of each slot: retail, wholesale_1 …, cost."""
    return ["retail", *(f"wholesale_{tier}" for tier in range(1, slots - 1)), "cost"]


class Tables:
    """Makes the chunks of a run into tables whose columns are the same for every chunk."""

    def __init__(self, book: Book, parties: Parties) -> None:
        self.book, self.parties = book, parties
        self.statuses, self.level_statuses = dictionary(STATUSES), dictionary(LEVEL_STATUSES)
        self.destinations, self.lists = dictionary(book.destinations), dictionary(book.lists)
        self.bands, self.currencies = dictionary(book.bands), dictionary(book.currencies)

    def make(self, answered: Answered) -> Any:
        """Return the chunk as a table."""
        rated, chunk = answered.rated, answered.chunk
        count, status = len(rated), rated.status.astype(np.int32)
        columns: dict[str, Any] = {
            "id": chunk.ids.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()),
            "destination": names(rated.destination, self.destinations),
            "unrated": names(np.where(status == 0, -1, status), self.statuses),
            "detail": _texts(chunk.reasons, count),
        }
        answers = Answers(self.book, self.parties, rated)
        for slot, name in enumerate(level_names(rated.slots)):
            level = rated.level_status[slot].astype(np.int32)
            priced = level == PRICED
            made = (
                names(np.where(level > PRICED, level, -1), self.level_statuses),
                decimals(rated.amount[slot], 6, priced),
                names(np.where(priced, rated.currency[slot], -1), self.currencies),
                names(rated.plist[slot], self.lists),
                names(rated.band[slot], self.bands),
                pa.array(rated.billed[slot], pa.int64(), mask=~priced),
                decimals(rated.setup[slot], 9, priced),
                _side(answers.shares, count, slot),
                _side(answers.draws, count, slot),
            )
            columns |= {f"{name}_{column}": array for column, array in zip(LEVEL_COLUMNS, made, strict=True)}
        return pa.table(columns)


def _texts(texts: Mapping[int, str], count: int) -> Any:
    """Return texts by their place, null elsewhere."""
    return pa.array([texts.get(n) for n in range(count)], pa.string()) if texts else pa.nulls(count, pa.string())


def _side(side: dict[tuple[int, int], dict[str, str]], count: int, slot: int) -> Any:
    """Return the ring shares or bucket draws of a slot as JSON texts, null where there are none."""
    own = {event: members for (event, where), members in side.items() if where == slot}
    return _texts({event: json.dumps(members, ensure_ascii=False) for event, members in own.items()}, count)
