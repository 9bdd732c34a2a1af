"""Rows of text come into a table as they were."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from enum import StrEnum

from persistence.copy_text import text_row
from persistence.engine import OWNER, Database


class Kind(StrEnum):
    ONE = "one\ttwo"


COLUMNS = {"n": "bigint", "word": "text", "amount": "numeric", "day": "date", "truth": "boolean", "code": "char(3)"}
ROWS = [
    (1, "plain", Decimal("1.10"), date(2026, 2, 28), True, "SEK"),
    (-(2**63), "tab\there\nand\rthere \\N \\. \\t", Decimal("-0.000001"), date.min, False, "NOK"),
    (2**63 - 1, "", Decimal("1E+20"), date(9999, 12, 31), None, None),
    (0, None, Decimal("0.00"), None, None, "åäö"),
    (7, "😀 \x0b\x1f\u2028", Decimal("123456789012345678901234567890.123456"), None, True, "   "),
    (8, r"\N", None, None, None, None),
    (9, "\\", Decimal("1E-7"), None, None, None),
]


async def test_rows_come_in_as_they_were(database: Database) -> None:
    async with database.transaction(role=OWNER) as unit:
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        await unit.connection.execute(f"create temp table told ({columns}) on commit drop")
        source = io.BytesIO("".join(f"{text_row(row)}\n" for row in [*ROWS, (9, Kind.ONE, *[None] * 4)]).encode())
        await unit.connection.copy_to_table("told", source=source, columns=list(COLUMNS), format="text")
        found = [tuple(row) for row in await unit.connection.fetch("select * from told")]
    assert found == [*ROWS, (9, "one\ttwo", None, None, None, None)]
    assert [row[2] and row[2].as_tuple().exponent for row in found[:1]] == [-2]
