"""Events as a struct of arrays, and how they are made from a frame of normalised events without an object per row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from domain.rating.book import Book
from domain.rating.digits import encode_column
from domain.rating.layout import Bytes, Int16s, Int32s, Int64s


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Events to rate; every array has one cell per event.

    ``start``: µs since 1970 UTC. ``used`` and ``offset``: units. ``mode``: index in ``book.modes``, -1 one the book
    does not know. ``direction``: 0 out, 1 in. ``party``: index in the compiled parties, -1 nobody. ``a`` and ``b``:
    codes of ``digits.encode``. ``trunk``: index in ``book.trunks``, -1 none, ``len(book.trunks)`` an unknown one.
    ``visited``: index in ``book.countries``, -1 home, ``len(book.countries)`` any other. ``rank``: the place of the
    event's key among all keys by code point, for events with one start and offset. ``bad``: not zero is a bad event.
    """

    start: Int64s
    used: Int64s
    offset: Int64s
    mode: Int16s
    direction: Bytes
    party: Int32s
    a: Int64s
    b: Int64s
    trunk: Int32s
    visited: Int32s
    rank: Int64s
    bad: Bytes

    def __len__(self) -> int:
        return len(self.start)

    def numbers(self) -> Int64s:
        """Return the kernel's rows of 64 bits: start, used, offset, a, b."""
        return np.stack((self.start, self.used, self.offset, self.a, self.b))

    def codes(self) -> Int32s:
        """Return the kernel's rows of 32 bits: mode, direction, party, trunk, visited, bad."""
        rows = (self.mode, self.direction, self.party, self.trunk, self.visited, self.bad)
        return np.stack([row.astype(np.int32, copy=False) for row in rows])


def key_ranks(keys: pl.Series) -> Int64s:
    """Return the place of each key among all keys, by code point (UTF-8 keeps that order); equal keys by position."""
    order = keys.arg_sort(descending=False, nulls_last=False)
    ranks = np.empty(len(keys), np.int64)
    ranks[order.to_numpy()] = np.arange(len(keys), dtype=np.int64)
    return ranks


def tie_ranks(frame: pl.DataFrame) -> Int64s:
    """Return the ranks of the keys of those rows that share start and offset with another; the others need none (0)."""
    ranks = np.zeros(len(frame), np.int64)
    tied = frame.select(pl.struct("start", "offset").is_duplicated()).to_series()
    if tied.any():
        ranks[tied.to_numpy()] = key_ranks(event_ids(frame.filter(tied)))
    return ranks


def event_ids(frame: pl.DataFrame) -> pl.Series:
    """Return ``source/ref/leg/start/offset`` of each row, an absent part empty, the start as ISO 8601 UTC."""
    start = pl.from_epoch(pl.col("start"), time_unit="us")
    whole = start.dt.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = pl.when(pl.col("start") % 1_000_000 == 0).then(pl.lit("")).otherwise(start.dt.strftime("%.6f"))
    parts = [pl.col(name).cast(pl.String).fill_null("") for name in ("source", "ref", "leg")]
    written = pl.concat_str([whole, fraction, pl.lit("Z")])
    offset = pl.col("offset").cast(pl.String).fill_null("0")
    return frame.select(pl.concat_str([*parts, written, offset], separator="/").alias("id")).to_series()


def coded(texts: pl.Series, names: Sequence[str], *, absent: int, other: int) -> npt.NDArray[np.int64]:
    """Return the index of each text among ``names``; ``absent`` for null, ``other`` for any other text."""
    index = {name: number for number, name in enumerate(names)}
    # Most columns of a file hold one value.
    if texts.null_count() == len(texts):
        return np.full(len(texts), absent, np.int64)
    if (first := texts[0]) is not None and not texts.null_count() and (texts == first).all():
        return np.full(len(texts), index.get(first, other), np.int64)
    distinct = texts.unique().drop_nulls().to_list()
    wide = {text: index.get(text, other) for text in distinct}
    if not wide:
        return np.full(len(texts), absent, np.int64)
    codes = texts.replace_strict(wide, default=None, return_dtype=pl.Int64)
    return codes.fill_null(absent).to_numpy().astype(np.int64)


def from_frame(book: Book, frame: pl.DataFrame, party: Int32s, *, rank: Int64s | None = None) -> Events:
    """Return the events of a frame of ``domain.mediation.events.EVENT_SCHEMA``.

    ``party`` comes from a ``NumberIndex``. A null or negative ``used``, start or mode makes a bad event; what was not
    answered has used 0. ``rank`` defaults to that of the ids of this frame; give it where one run comes in several.
    """
    outward = frame["direction"].fill_null("") == "out"
    trunk = frame.select(
        pl.when(pl.col("direction") == "out").then(pl.col("trunk_out")).otherwise(pl.col("trunk_in")).alias("trunk")
    ).to_series()
    answered = frame["answered"].fill_null(value=True)
    used = frame["used"].fill_null(-1).to_numpy()
    offset = frame["offset"].fill_null(0).to_numpy()
    start = frame["start"]
    bad = (used < 0) | (offset < 0) | start.is_null().to_numpy() | frame["mode"].is_null().to_numpy()
    bad |= ~frame["direction"].is_in(["out", "in"]).fill_null(value=False).to_numpy()
    return Events(
        start=start.fill_null(0).to_numpy().astype(np.int64),
        used=np.where(answered.to_numpy(), used, 0).astype(np.int64),
        offset=offset.astype(np.int64),
        mode=coded(frame["mode"], book.modes, absent=-1, other=-1).astype(np.int16),
        direction=np.where(outward.to_numpy(), 0, 1).astype(np.uint8),
        party=party.astype(np.int32),
        a=encode_column(frame["a"]),
        b=encode_column(frame["b"]),
        trunk=coded(trunk, book.trunks, absent=-1, other=len(book.trunks)).astype(np.int32),
        visited=coded(frame["visited"], book.countries, absent=-1, other=len(book.countries)).astype(np.int32),
        rank=tie_ranks(frame) if rank is None else rank,
        bad=bad.astype(np.uint8),
    )
