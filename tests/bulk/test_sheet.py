"""Headers, cells and rows of sheets, and sheets that are written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from domain.bulk.sheet import COLUMNS, SheetKind, read_header, read_row
from domain.contracts.subscription import SubscriptionKind
from domain.refusal import BadValue
from integrations.sheets.rows import SheetFiles
from integrations.sheets.writing import FORMS

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def test_a_header_is_read_in_any_case_and_spelling() -> None:
    header = read_header(
        SheetKind.SUBSCRIPTIONS, ["External ID", "CONTRACT", "kind", "valid_from", "Numbers", "field.Site"]
    )
    names = [one if isinstance(one, str) else one.name for one in header.columns]
    assert names == ["externalId", "contract", "kind", "validFrom", "numbers", "Site"]


@pytest.mark.parametrize(
    ("kind", "cells", "says"),
    [
        (SheetKind.CONTRACTS, ["externalId", "customer"], "the column start is missing"),
        (SheetKind.CONTRACTS, ["externalId", "customer", "start", "colour"], "'colour' is no column of contracts"),
        (SheetKind.CONTRACTS, ["externalId", "customer", "start", "START"], "the column start is there twice"),
        (SheetKind.NUMBERS, ["externalId", "subscription", "number", "validFrom", "field.x"], "'field.x' is no column"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(kind: SheetKind, cells: list[str], says: str) -> None:
    with pytest.raises(BadValue, match=says):
        read_header(kind, cells)


def test_every_fault_of_a_row_is_told_with_its_column() -> None:
    header = read_header(
        SheetKind.CUSTOMERS,
        [one.name for one in COLUMNS[SheetKind.CUSTOMERS] if one.needed] + ["creditLimit", "maskDigits"],
    )
    row, faults = read_row(
        header, 7, ["", "Ada", "robot", "Storgatan 1", "111 22", "", "SE", "12.5.0", "many"], STOCKHOLM
    )
    assert dict(row.values) == {"name": "Ada", "street": "Storgatan 1", "postcode": "111 22", "country": "SE"}
    assert [one.field for one in faults] == ["kind", "creditLimit", "maskDigits", "externalId", "city"]


def test_a_rows_values_are_exact() -> None:
    header = read_header(SheetKind.CONTRACTS, ["externalId", "customer", "start", "services", "bindingMonths"])
    row, faults = read_row(header, 2, ["K1", "C1", "2026-03-01T00:00:00", "MOB ; SIM*3", "24"], STOCKHOLM)
    assert faults == []
    assert row.values == {
        "externalId": "K1",
        "customer": "C1",
        "start": date(2026, 3, 1),
        "services": ("MOB", "SIM*3"),
        "bindingMonths": 24,
    }
    header = read_header(SheetKind.SUBSCRIPTIONS, ["externalId", "contract", "kind", "validFrom", "pending", "label"])
    row, _ = read_row(header, 2, ["L1", "K1", "Mobile", "2026-07-01", "yes", "'=x"], STOCKHOLM)
    assert row.values["validFrom"] == datetime(2026, 6, 30, 22, tzinfo=UTC)  # midnight in the operator's zone
    assert (row.values["kind"], row.values["pending"], row.values["label"]) == (SubscriptionKind.MOBILE, True, "=x")
    header = read_header(SheetKind.CUSTOMERS, [one.name for one in COLUMNS[SheetKind.CUSTOMERS]])
    cells = {
        "externalId": "1",
        "name": "Ada",
        "kind": "person",
        "street": "S",
        "postcode": "1",
        "city": "C",
        "country": "SE",
    }
    row, _ = read_row(
        header,
        2,
        [(cells | {"creditLimit": "1 000,50"}).get(one.name, "") for one in COLUMNS[SheetKind.CUSTOMERS]],
        STOCKHOLM,
    )
    assert row.values["creditLimit"] == Decimal("1000.50")


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_f10_what_is_written_is_no_formula_and_comes_back(form: str) -> None:
    texts = ['=HYPERLINK("http://x")', "+46701234567", "-1", "@x", "\tx", 'a "b", c', "line\nbreak", "Åsö", ""]

    async def rows() -> AsyncIterator[Sequence[str]]:
        yield [f"c{index}" for index in range(len(texts))]
        yield texts

    content = b"".join([block async for block in FORMS[form][1](rows())])
    header, read = SheetFiles().rows(content)
    assert len(header.cells) == len(texts)
    shown = [cell or "" for cell in read.cells] + [""] * (len(texts) - len(read.cells))
    assert shown[:5] == [f"'{one}" for one in texts[:5]]
    assert shown[5:] == texts[5:]
