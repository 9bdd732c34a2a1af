"""Rows of a suppliers' file: XLSX by its signature, otherwise delimited text in UTF-8, UTF-16 or Windows-1252."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from domain.catalogue.rate_sheet import SheetRow
from domain.refusal import LimitExceeded, NotFound, Unreadable

ROWS_MAX: Final = 1_000_000
CELLS_MAX: Final = 200
UNPACKED_MAX: Final = 500 * 1024 * 1024
_SAMPLE: Final = 50
_ZIP: Final = b"PK\x03\x04"
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class SheetFiles:
    """Keeps ``domain.ports.sheets.Sheets``."""

    def rows(self, content: bytes, *, sheet: str | None = None) -> Sequence[SheetRow]:
        """Return every row as texts. Refuses with: Unreadable, LimitExceeded, NotFound (sheet)."""
        if content.startswith(_ZIP):
            return _workbook(content, sheet)
        return _numbered(_delimited(_text(content)))


def _text(content: bytes) -> str:
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise Unreadable("the file begins as {encoding} and does not go on so", encoding=encoding) from None
        text = content.decode("cp1252", errors="replace")
    if "\x00" in text:
        raise Unreadable("the file is neither a workbook (XLSX) nor text")
    return text


def _delimited(text: str) -> Iterable[list[str]]:
    """Split by the delimiter that most evenly cuts the first lines."""
    lines = [line for line in text.splitlines()[: 4 * _SAMPLE] if line.strip()][:_SAMPLE]
    if not lines:
        raise Unreadable("the file is empty")

    def even(delimiter: str) -> tuple[int, int]:
        counts = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
        width, times = max(counts.items(), key=lambda one: (one[1] if one[0] > 1 else 0, one[0]))
        return (times, width) if width > 1 else (0, 0)

    delimiter = max(";\t|,", key=even)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as wrong:
        raise Unreadable("not delimited text: {wrong}", wrong=wrong) from None


def _numbered(rows: Iterable[Sequence[str]]) -> list[SheetRow]:
    made = []
    for number, cells in enumerate(rows, 1):
        if number > ROWS_MAX:
            raise LimitExceeded("a sheet has at most {rows_max} rows", rows_max=ROWS_MAX)
        made.append(SheetRow(number, tuple(cells[:CELLS_MAX])))
    return made


def _workbook(content: bytes, sheet: str | None) -> list[SheetRow]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > UNPACKED_MAX:
                raise LimitExceeded(
                    "the workbook unpacks to more than {unpacked_max} MB", unpacked_max=UNPACKED_MAX // 1024**2
                )
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError, ParseError):
        raise Unreadable("the workbook cannot be read; save it as XLSX or CSV") from None
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise NotFound(
                "no sheet {sheet!r}; there is {listed}", sheet=sheet, listed=", ".join(book.sheetnames), field="sheet"
            )
        chosen = book[sheet or book.sheetnames[0]]
        return _numbered([_shown(cell) for cell in row] for row in chosen.iter_rows(values_only=True))
    except (ParseError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
        raise Unreadable("the workbook is damaged; save it as XLSX or CSV again") from None
    finally:
        book.close()


def _shown(value: Any) -> str:
    """Write a cell as text. A workbook's numbers are binary: fifteen digits of them are what was typed."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return format(Decimal(format(value, ".15g")), "f")
        case datetime() | date():
            return value.isoformat()
    return str(value)
