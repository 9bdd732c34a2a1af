"""Events as a table of texts (a CSV's cells), a column per key of the JSON form: made into columns without a row each.

What is written plainly, as nearly everything is, is read by columns; a row with anything else in it is read as the JSON
form is, one by one, so that both forms take and refuse the same, with the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from domain.rating.answered import Chunk
from domain.rating.book import Book
from domain.rating.columns import Events, coded
from domain.rating.digits import encode_column
from domain.rating.layout import Int32s
from domain.rating.list_parts import DIRECTIONS
from domain.rating.numbers import NumberIndex, number_index
from domain.rating.requests import KEYS, Request, read_event
from domain.refusal import Unreadable

REQUIRED: Final = ("mode", "start", "used")
_NUMBERS: Final = ("used", "offset", "raw_line")
_PLAIN_TIME: Final = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
_PLAIN_NUMBER: Final = r"^[0-9]{1,18}$"
_ZULU_WIDTH: Final = len("2026-03-01T08:00:00Z")


def check_columns(names: Sequence[str]) -> None:
    """Refuses with: Unreadable (a column that is no key of an event, one that stands twice, or one that is missing)."""
    for name in names:
        if name not in KEYS:
            raise Unreadable(
                "column {name!r} is not a key of an event; there is {listed}", name=name, listed=", ".join(sorted(KEYS))
            )
        if names.count(name) > 1:
            raise Unreadable("column {name!r} stands twice", name=name)
    for name in REQUIRED:
        if name not in names:
            raise Unreadable("there is no column {name!r}", name=name)


class EventTables:
    """Makes chunks of tables of texts. An empty cell is absent."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.index: NumberIndex = number_index(book)

    def chunk(self, frame: pl.DataFrame, wrong: Mapping[int, str]) -> Chunk:
        """Return the events of a frame of texts. ``wrong``: of rows that could not be cut into cells, why."""
        given = frame.select(
            pl.col(name).replace("", None) if name in frame.columns else pl.lit(None, pl.String).alias(name)
            for name in sorted(KEYS)
        )
        read = _read(given)
        slow = {row: Request(id="", bad=reason) for row, reason in wrong.items()}
        for row in np.flatnonzero(~read["plain"].to_numpy()).tolist():
            if row not in slow:
                slow[row] = read_event(_document(given.row(row, named=True)))
        return self._made(given, read, slow)

    def _made(self, given: pl.DataFrame, read: pl.DataFrame, slow: Mapping[int, Request]) -> Chunk:
        rows, book = list(slow), self.book
        count, requests = len(given), list(slow.values())

        def mended(column: Any, values: Sequence[Any]) -> Any:
            made = column.copy()
            made[rows] = values
            return made

        texts: dict[str, pl.Series] = {}
        for name in ("a", "b", "party", "mode", "trunk", "visited"):
            column = given[name] if name != "trunk" else read["trunk"]
            texts[name] = column.scatter(rows, [getattr(one, name) for one in requests]) if rows else column
        direction = mended(read["direction"].to_numpy(), [DIRECTIONS.index(one.direction) for one in requests])
        start = mended(read["start"].fill_null(0).to_numpy(), [one.start for one in requests])
        a, b = encode_column(texts["a"]), encode_column(texts["b"])
        ids = read["id"]
        events = Events(
            start=start,
            used=mended(read["used"].fill_null(0).to_numpy(), [one.used for one in requests]),
            offset=mended(read["offset"].fill_null(0).to_numpy(), [one.offset for one in requests]),
            mode=coded(texts["mode"], book.modes, absent=-1, other=-1).astype(np.int16),
            direction=direction.astype(np.uint8),
            party=self._parties(texts["party"], np.where(direction == 0, a, b), start),
            a=a,
            b=b,
            trunk=coded(texts["trunk"], book.trunks, absent=-1, other=len(book.trunks)).astype(np.int32),
            visited=coded(texts["visited"], book.countries, absent=-1, other=len(book.countries)).astype(np.int32),
            rank=np.zeros(count, np.int64),
            bad=mended(np.zeros(count, np.uint8), [one.bad is not None for one in requests]),
        )
        reasons = {row: one.bad for row, one in slow.items() if one.bad is not None}
        return Chunk(events, ids.scatter(rows, [one.id for one in requests]) if rows else ids, reasons)

    def _parties(self, party: pl.Series, codes: Any, start: Any) -> Int32s:
        """Return the party that is named, else the one whose number it is; -1 nobody."""
        found = self.index.find(codes, start)
        if party.null_count() == len(found):
            return found
        named = coded(party, tuple(self.book.tariff.parties), absent=-2, other=-1)
        return np.where(named == -2, found, named).astype(np.int32)


def _read(given: pl.DataFrame) -> pl.DataFrame:
    """Return what can be read by columns, and of each row whether that is all of it (``plain``)."""
    column, text = pl.col, pl.col("start")
    absent = {name for name in given.columns if given[name].null_count() == len(given)}
    zulu = given.select(
        ((text.str.len_bytes() == _ZULU_WIDTH) & text.str.contains(_PLAIN_TIME)).fill_null(value=False).all()
    ).item()
    seconds = text.str.slice(0, 19).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us").cast(pl.Int64)
    start = seconds
    if not zulu:
        part = text.str.extract(r"\.(\d+)").str.pad_end(6, "0").cast(pl.Int64, strict=False).fill_null(0)
        zone = text.str.extract(r"([+-]\d\d:\d\d)$")
        minutes = zone.str.slice(1, 2).cast(pl.Int64, strict=False) * 60 + zone.str.slice(4, 2).cast(
            pl.Int64, strict=False
        )
        signed = pl.when(zone.str.starts_with("-")).then(-minutes).otherwise(minutes)
        start = seconds + part - signed.fill_null(0) * 60_000_000
    inward = column("direction") == "in"
    trunk = pl.when(inward).then(column("trunk_in")).otherwise(column("trunk_out"))
    plain = [
        column("mode").is_not_null(),
        text.str.contains(_PLAIN_TIME) & seconds.is_not_null(),
        column("used").str.contains(_PLAIN_NUMBER),
    ]
    if "offset" not in absent:
        plain.append(column("offset").is_null() | column("offset").str.contains(_PLAIN_NUMBER))
    if "direction" not in absent:
        plain.append(column("direction").is_null() | column("direction").is_in(list(DIRECTIONS)))
    if "answered" not in absent:
        plain.append(column("answered").is_null() | column("answered").is_in(["true", "false"]))
    if "seized" not in absent:
        plain.append(column("seized").is_null())
    answered = (column("answered") == "false").fill_null(value=False)
    used = column("used").cast(pl.Int64, strict=False)
    read = given.select(
        pl.all_horizontal(plain).fill_null(value=False).alias("plain"),
        start.alias("start"),
        (used if "answered" in absent else pl.when(answered).then(0).otherwise(used)).alias("used"),
        column("offset").cast(pl.Int64, strict=False).alias("offset"),
        inward.fill_null(value=False).cast(pl.Int64).alias("direction"),
        pl.coalesce(column("trunk"), trunk).alias("trunk"),
    )
    if given["id"].null_count() == 0:
        return read.with_columns(given["id"])
    parts = [given[name].fill_null("") for name in ("source", "ref", "leg", "start")]
    offset = read["offset"].fill_null(0).cast(pl.String)
    derived = pl.select(pl.concat_str([*parts, offset], separator="/")).to_series()
    return read.with_columns(given["id"].fill_null(derived).alias("id"))


def _document(row: Mapping[str, str | None]) -> dict[str, Any]:
    """Return a row as the JSON form has it: numbers and truth where a cell holds them."""
    made: dict[str, Any] = {name: text for name, text in row.items() if text is not None}
    for name in _NUMBERS:
        text = made.get(name, "").removeprefix("-")
        if text.isascii() and text.isdigit() and len(text) < 40:
            made[name] = int(made[name])
    if made.get("answered") in {"true", "false"}:
        made["answered"] = made["answered"] == "true"
    return made
