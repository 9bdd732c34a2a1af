"""Events as CSV: cut into tables of texts, block by block, so that a file of any size is read in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv

from domain.rating.event_table import check_columns
from domain.refusal import Unreadable

BLOCK_BYTES: Final = 4 << 20
HEAD_BYTES: Final = 1 << 16


@dataclass(slots=True)
class Counted:
    """A file that tells how many bytes of it were read."""

    file: BinaryIO
    head: bytes = b""
    taken: int = 0
    closed: bool = field(default=False)

    def read(self, size: int = -1) -> bytes:
        """Return at most ``size`` bytes."""
        found = self.head[:size] if self.head else self.file.read(size)
        self.head = self.head[len(found) :] if self.head else b""
        self.taken += len(found)
        return found

    def readable(self) -> bool:
        """Say that it can be read, which is asked before it is."""
        return True


def tables(file: BinaryIO) -> Iterator[tuple[pl.DataFrame, dict[int, str], int]]:
    """Yield the rows as frames of texts, why some of them are none (by their place), and how far the file was read.

    The first line names the columns; cells are parted by commas, or by semicolons where the first line has no comma.
    Refuses with: Unreadable (columns that events do not have).
    """
    head = file.read(HEAD_BYTES)
    first = head.partition(b"\n")[0]
    if not first.strip():
        if head:
            raise Unreadable("its first line names no columns")
        return
    between = ";" if b";" in first and b"," not in first else ","
    names = [name.strip().strip('"') for name in first.decode("utf-8-sig", "replace").split(between)]
    check_columns(names)
    broken: list[str] = []

    def keep(row: Any) -> str:
        broken.append(f"{row.actual_columns} cells where the columns are {row.expected_columns}: {row.text[:80]}")
        return "skip"

    source = Counted(file, head)
    try:
        reader = pa_csv.open_csv(
            pa.PythonFile(source, mode="r"),
            read_options=pa_csv.ReadOptions(block_size=BLOCK_BYTES, column_names=names, skip_rows=1, use_threads=False),
            parse_options=pa_csv.ParseOptions(
                delimiter=between, newlines_in_values=True, invalid_row_handler=keep, ignore_empty_lines=True
            ),
            convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.binary())),
        )
    except pa.ArrowInvalid as wrong:
        if "Empty CSV" in str(wrong):
            return
        raise Unreadable(f"not CSV: {wrong}") from None
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            break
        except pa.ArrowInvalid as wrong:
            raise Unreadable(f"not CSV: {wrong}") from None
        yield *_texts(pa.Table.from_batches([batch]), broken), source.taken
        broken.clear()
    if broken:
        empty = pa.table({name: pa.array([], pa.binary()) for name in names})
        yield *_texts(empty, broken), source.taken


def _texts(table: Any, broken: list[str]) -> tuple[pl.DataFrame, dict[int, str]]:
    """Return a table's cells as texts, with a row behind them for each that was broken."""
    wrong: dict[int, str] = {}
    columns: dict[str, pl.Series] = {}
    for name in table.column_names:
        try:
            column = table[name].cast(pa.string())
        except pa.ArrowInvalid:
            cells = [cell.decode("utf-8", "replace") for cell in table[name].to_pylist()]
            wrong |= {row: f"{name}: is not UTF-8" for row, cell in enumerate(cells) if "\ufffd" in cell}
            column = pa.chunked_array([pa.array(cells, pa.string())])
        made = pl.from_arrow(column)
        assert isinstance(made, pl.Series)
        columns[name] = made.alias(name).extend_constant(None, len(broken))
    wrong |= {table.num_rows + place: why for place, why in enumerate(broken)}
    return pl.DataFrame(columns), wrong
