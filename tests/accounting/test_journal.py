"""The journal of a run ties to its invoices, its VAT and the ledger; SIE files hold what they say."""

from __future__ import annotations

import datetime as dt
import zlib
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.ledger.entry import Entry, Posting
from domain.ledger.journal import Journal, Row, Voucher
from domain.period import Period
from domain.refusal import BadValue, NotAllowed
from domain.usecases.reconcile_run import reconcile_run
from integrations.accounting import sie
from tests.invoicing.conftest import Office

COMPANY = sie.Company(name="Lingonbergs Telefon AB", organisation_number="5567037485")
DAY = dt.date(2026, 11, 1)


async def test_the_books_of_a_run_say_the_same(office: Office) -> None:
    for number in ("1", "2"):
        _, _, line = await office.customer(number=number)
        await office.use(line, 1_234_567)
    run = await office.bill()
    (found,) = await reconcile_run(run.id, actor=office.actor, begin=office.world.begin)
    assert found.holds
    assert (found.invoices, found.total, found.differences) == (2, sum(one.total for one in office.invoices), {})
    assert found.journal == found.ledger
    with pytest.raises(NotAllowed):
        await reconcile_run(run.id, actor=office.world.north, begin=office.world.begin)


async def test_a_ledger_that_says_otherwise_is_found(office: Office) -> None:
    await office.customer()
    run = await office.bill()
    (invoice,) = office.invoices
    async with office.begin() as unit:
        key = f"invoice:{invoice.number}"
        wrong = Entry(
            key="wrong", booked_on=DAY, text="x", postings=(Posting("1510", "SEK", 1), Posting("3041", "SEK", -1))
        )
        await unit.ledger.post([wrong])
        sums = await unit.ledger.booked([key, "wrong"])
        assert sums["1510", "SEK"] == int(invoice.total * 100) + 1
        assert await unit.ledger.booked(["nothing"]) == {}
    journal = Journal("SEK")
    journal.add(invoice)
    assert journal.booked()["1510"] == invoice.total
    assert run.total == invoice.total


async def test_a_yearly_fee_is_earned_month_by_month_and_nothing_is_left_deferred(office: Office) -> None:
    await office.customer()
    await office.bill()
    (invoice,) = office.invoices
    line = replace(invoice.lines[0], period=Period(dt.date(2026, 11, 1), dt.date(2027, 11, 1)))
    journal = Journal("SEK")
    journal.add(replace(invoice, lines=(line,)))
    vouchers = journal.vouchers("run 1")
    deferred = [row.amount for voucher in vouchers for row in voucher.rows if row.account == "2979"]
    assert len(deferred) == 1 + 11
    assert deferred[0] == -sum(deferred[1:])
    assert [voucher.dated_on for voucher in vouchers[-2:]] == [dt.date(2027, 9, 30), dt.date(2027, 10, 31)]
    revenue = sum(row.amount for voucher in vouchers for row in voucher.rows if row.account == line.account)
    assert revenue == -line.net


def test_a_sie_file_holds_what_it_says() -> None:
    rows = (Row("1510", Decimal("249.00")), Row("2611", Decimal("-49.75")), Row("3041", Decimal("-199.25")))
    data = sie.encode(
        [Voucher(series="F", dated_on=DAY, text='run 1 \u2013 "åäö" Přócz', rows=rows)], COMPANY, made_on=DAY
    )
    records = list(sie.parse(data))
    assert [record[0] for record in records[:9]] == [
        "#FLAGGA", "#KSUMMA", "#PROGRAM", "#FORMAT", "#GEN", "#SIETYP", "#ORGNR", "#FNAMN", "#VALUTA",
    ]  # fmt: skip
    assert ["#ORGNR", "556703-7485"] in records
    assert ["#VER", "F", "", "20261101", "run 1 - 'åäö' Prócz"] in records
    assert _sums(records) == [Decimal(0)]
    assert _checksum(records) == int(records[-1][1])
    assert b"\r\n{\r\n" in data


def test_a_number_of_another_country_has_no_swedish_hyphen() -> None:
    norwegian = sie.Company(name="Nordtel AS", organisation_number="988077917", currency="NOK")
    records = list(sie.parse(sie.encode([], norwegian, made_on=DAY)))
    assert ["#ORGNR", "988077917"] in records
    assert ["#VALUTA", "NOK"] in records


def test_what_cannot_be_written_is_refused() -> None:
    rows = (Row("1510", Decimal("1.00")), Row("3041", Decimal("-1.00")))
    with pytest.raises(BadValue, match="CP437"):
        sie.encode([Voucher(series="F", dated_on=DAY, text="漢字", rows=rows)], COMPANY, made_on=DAY)
    odd = (Row("1510", Decimal("1.001")), Row("3041", Decimal("-1.001")))
    with pytest.raises(BadValue, match="two decimals"):
        sie.encode([Voucher(series="F", dated_on=DAY, text="x", rows=odd)], COMPANY, made_on=DAY)


@example("a { } b")
@example("0{")
@given(st.text(st.characters(codec="cp437", exclude_categories=["Cc"]), max_size=40))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    rows = (Row("1510", Decimal("1.00")), Row("3041", Decimal("-1.00")))
    records = list(
        sie.parse(sie.encode([Voucher(series="F", dated_on=DAY, text=text, rows=rows)], COMPANY, made_on=DAY))
    )
    (voucher,) = [record for record in records if record[0] == "#VER"]
    # Readers take a backslash before the closing quote for a quote inside.
    assert voucher[4] == text.replace('"', "'").rstrip("\\")
    assert _checksum(records) == int(records[-1][1])


@pytest.mark.shared
def test_the_checksum_and_the_reading_are_those_of_published_files(shared: Path) -> None:
    folder = shared / "data" / "einvoice" / "samples" / "sie4"
    checked = 0
    for path in sorted(folder.iterdir()):
        records = list(sie.parse(path.read_bytes()))
        assert records[0][0] == "#FLAGGA", path
        if "bad-balance" in path.name:
            assert any(_sums(records)), path
            continue
        assert not any(_sums(records)), path
        if records[-1][0] == "#KSUMMA" and len(records[-1]) == 2:
            assert _checksum(records) == int(records[-1][1]), path
            checked += 1
    assert checked > 0


def _sums(records: list[list[str]]) -> list[Decimal]:
    """What each voucher comes to."""
    sums: dict[int, Decimal] = defaultdict(Decimal)
    voucher = 0
    for record in records:
        if record[0] == "#VER":
            voucher += 1
        elif record[0] == "#TRANS":
            sums[voucher] += Decimal(record[record.index("}") + 1])
    return list(sums.values())


def _checksum(records: list[list[str]]) -> int:
    first = next(index for index, record in enumerate(records) if record[0] == "#KSUMMA")
    inside = records[first + 1 : -1]
    return zlib.crc32(b"".join(field.encode("cp437") for record in inside for field in record if field not in "{}"))
