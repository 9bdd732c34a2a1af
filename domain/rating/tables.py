"""Rated events as a flat Arrow table: one row per event, one group of columns per level, amounts as exact decimals."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa

from domain.rating.answers import Answers
from domain.rating.book import Book
from domain.rating.layout import PRICED
from domain.rating.parties import Parties
from domain.rating.rate import LEVEL_STATUSES, STATUSES
from domain.rating.streaming import Answered

LEVEL_COLUMNS = ("unrated", "amount", "currency", "price_list", "band", "billed", "setup", "discounts", "buckets")


def decimals(values: Any, scale: int, present: Any) -> Any:
    """Return int64 values of 10⁻ˢᶜᵃˡᵉ as exact decimals, null where they are not present."""
    words = np.empty((len(values), 2), np.int64)  # little-endian 128 bits: the value, and its sign carried on
    words[:, 0], words[:, 1] = values, values >> 63
    valid = pa.py_buffer(np.packbits(present, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(19, scale), len(values), [valid, pa.py_buffer(words)])


def names(codes: Any, texts: tuple[str, ...]) -> Any:
    """Return the text of each code, null for -1."""
    absent = codes < 0
    made = pa.array(np.where(absent, 0, codes), pa.int32(), mask=absent)
    return pa.DictionaryArray.from_arrays(made, pa.array([*texts] or [""], pa.string())).dictionary_decode()


def level_names(slots: int) -> list[str]:
    """Return the name of each slot: retail, wholesale_1 …, cost."""
    return ["retail", *(f"wholesale_{tier}" for tier in range(1, slots - 1)), "cost"]


def to_table(book: Book, parties: Parties, answered: Answered) -> Any:
    """Return the chunk as a table whose columns are the same for every chunk of a run."""
    rated, chunk = answered.rated, answered.chunk
    status = rated.status.astype(np.int64)
    columns: dict[str, Any] = {
        "id": pa.array(chunk.ids.to_arrow()).cast(pa.string()),
        "destination": names(rated.destination, book.destinations),
        "unrated": names(np.where(status == 0, -1, status), STATUSES),
        "detail": pa.array([chunk.reasons.get(n) for n in range(len(rated))], pa.string()),
    }
    answers = Answers(book, parties, rated)
    for slot, name in enumerate(level_names(rated.slots)):
        level = rated.level_status[slot].astype(np.int64)
        priced = level == PRICED
        made = (
            names(np.where(level > PRICED, level, -1), LEVEL_STATUSES),
            decimals(rated.amount[slot], 6, priced),
            names(np.where(priced, rated.currency[slot], -1), book.currencies),
            names(rated.plist[slot], book.lists),
            names(rated.band[slot], book.bands),
            pa.array(rated.billed[slot], pa.int64(), mask=~priced),
            decimals(rated.setup[slot], 9, priced),
            _side(answers.shares, len(rated), slot),
            _side(answers.draws, len(rated), slot),
        )
        columns |= {f"{name}_{column}": array for column, array in zip(LEVEL_COLUMNS, made, strict=True)}
    return pa.table(columns)


def _side(side: dict[tuple[int, int], dict[str, str]], count: int, slot: int) -> Any:
    """Return the ring shares or bucket draws of a slot as JSON texts, null where there are none."""
    texts: list[str | None] = [None] * count
    for (event, where), members in side.items():
        if where == slot:
            texts[event] = json.dumps(members, ensure_ascii=False)
    return pa.array(texts, pa.string())
