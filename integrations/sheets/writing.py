"""Sheets written: CSV (RFC 4180, UTF-8 with its mark, so that spreadsheets see it) and XLSX (ECMA-376).

A text that a spreadsheet would take for a formula is written with an apostrophe before it (attack F10).
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

import openpyxl

from domain.bulk.sheet import armoured

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BLOCK: Final = 1 << 16
SPOOLED_MAX: Final = 8 << 20


async def csv_bytes(rows: AsyncIterator[Sequence[str]]) -> AsyncIterator[bytes]:
    """Yield rows as CSV, as they come."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    text.write("\ufeff")
    async for row in rows:
        writer.writerow([armoured(cell) for cell in row])
        if text.tell() >= BLOCK:
            yield _taken(text)
    yield _taken(text)


async def xlsx_bytes(rows: AsyncIterator[Sequence[str]]) -> AsyncIterator[bytes]:
    """Yield rows as a workbook, once all of them are there."""
    book = openpyxl.Workbook(write_only=True)
    sheet: Any = book.create_sheet("export")
    async for row in rows:
        sheet.append([armoured(cell) for cell in row])
    with tempfile.SpooledTemporaryFile(max_size=SPOOLED_MAX) as file:
        book.save(file)
        file.seek(0)
        while block := file.read(BLOCK):
            yield block


FORMS: Final[dict[str, tuple[str, Callable[[AsyncIterator[Sequence[str]]], AsyncIterator[bytes]]]]] = {
    "csv": (CSV, csv_bytes),
    "xlsx": (XLSX, xlsx_bytes),
}


def _taken(text: io.StringIO) -> bytes:
    block = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return block
