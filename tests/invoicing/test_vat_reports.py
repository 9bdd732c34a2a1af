"""VIES asked over real HTTP, and what is declared of VAT beside the return."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.customers.customer import CustomerKind
from domain.invoicing.vat_reports import skv5740
from domain.margins.exchange import DayRate
from domain.operators import Address
from domain.period import Period
from domain.refusal import BadValue, NotAllowed, WrongState
from domain.usecases.check_vat_id import check_vat_id, vat_id_checks
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.declare_oss import declare_oss
from domain.usecases.report_vat import report_vat
from domain.usecases.set_tax_rules import get_tax_rules, set_tax_rules
from integrations.registers.vies import Vies
from integrations.transports.addresses import read_networks
from integrations.transports.http import CheckedHttp
from tests.invoicing.conftest import Office

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
QUARTER = Period(date(2026, 10, 1), date(2027, 1, 1))


class Still:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
async def vies() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that answers as VIES does; the number says how."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode().split()[1]
        asked.append(line)
        number = line.partition("?")[0].rpartition("/")[2]
        said: dict[str, Any] = {"isValid": False, "userError": "INVALID", "name": "---", "requestIdentifier": ""}
        status = 200
        if number == "20774740":
            said = {"isValid": True, "userError": "VALID", "name": "Oy Ab", "address": "Katu 1\n00100 HELSINKI"}
            said["requestIdentifier"] = "WAPIAAAA1"
        elif number == "1":
            said = {"isValid": False, "userError": "MS_UNAVAILABLE"}
        elif number == "2":
            status = 500
        body = json.dumps(said).encode() if number != "3" else b"<html>"
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        writer.write(head.encode() + b"connection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/rest", asked


async def test_vies_is_asked_with_ones_own_number_and_its_answer_kept(
    office: Office, vies: tuple[str, list[str]]
) -> None:
    address, asked = vies
    register = Vies(CheckedHttp(read_networks("127.0.0.0/8")), address, Still())
    place = Address("Mannerheimintie 1", "00100", "Helsinki", "FI")
    one, _, _ = await office.customer(address=place, vat_id="FI20774740", identity_number=None)
    who: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin}
    said = await check_vat_id(one.id, **who, register=register)
    assert (said.valid, said.name, said.address, said.request, said.checked_at) == (
        True,
        "Oy Ab",
        "Katu 1 00100 HELSINKI",
        "WAPIAAAA1",
        NOW,
    )
    assert asked == ["/rest/ms/FI/vat/20774740?requesterMemberStateCode=SE&requesterNumber=556036079301"]
    assert await vat_id_checks(["FI20774740"], **who) == {"FI20774740": said}
    assert (await register.ask("FI99", own="SE556036079301")).valid is False
    for number in ("1", "2", "3"):
        with pytest.raises(WrongState, match="no answer now"):
            await register.ask(f"FI{number}", own="SE556036079301")
    plain, _, _ = await office.customer()
    if plain.vat_id is None:
        with pytest.raises(WrongState, match="has no VAT id"):
            await check_vat_id(plain.id, **who, register=register)


async def test_sales_abroad_are_added_up_by_country_rate_and_buyer(office: Office) -> None:
    who: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin}
    rules = await get_tax_rules(**who)
    await set_tax_rules(replace(rules, oss_since=date(2026, 1, 1)), **who)
    place = Address("Mannerheimintie 1", "00100", "Helsinki", "FI")
    more: dict[str, Any] = {"address": place, "identity_number": None}
    await office.customer(kind=CustomerKind.PERSON, vat_id=None, **more)
    await office.customer(kind=CustomerKind.PERSON, vat_id=None, **more)
    firm, _, _ = await office.customer(vat_id="FI20774740", **more)
    await office.customer()
    await office.bill()
    _, report = await report_vat(QUARTER, **who)
    (oss,) = report.oss_rows()
    assert (oss.country, oss.percent, oss.taxable, oss.tax, oss.documents) == (
        "FI",
        Decimal("25.5"),
        Decimal("398.00"),
        Decimal("101.50"),
        2,
    )
    (sale,) = report.sales_rows()
    assert (sale.vat_id, sale.services, sale.currency) == ("FI20774740", Decimal("199.00"), "SEK")
    told = skv5740(report.sales_rows(), own="SE556036079301", period="26-4", contact=("A;b", "08-1", "a@b.example"))
    assert told == "SKV574008;\r\n556036079301;26-4;A b;08-1;a@b.example;\r\nFI20774740;;;199;\r\n"
    invoice = next(one for one in office.invoices if one.customer == firm.id)
    await credit_invoice(CreditInvoice(invoice=invoice.id), **who, clock=office.world.clock)
    _, after = await report_vat(Period(date(2026, 1, 1), date(2027, 1, 1)), **who)
    assert after.sales_rows() == []
    with pytest.raises(NotAllowed):
        await report_vat(QUARTER, actor=office.world.north, begin=office.world.begin)
    with pytest.raises(BadValue):
        await report_vat(Period(date(2024, 1, 1), date(2027, 1, 1)), **who)


async def test_the_one_stop_shop_s_file_is_in_euro_and_corrects_the_quarter_it_gives_back_of(office: Office) -> None:
    who: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin}
    rules = await get_tax_rules(**who)
    await set_tax_rules(replace(rules, oss_since=date(2026, 1, 1)), **who)
    for country, city in (("FI", "Helsinki"), ("GR", "Athen")):
        place = Address("Katu 1", "00100", city, country)
        await office.customer(kind=CustomerKind.PERSON, vat_id=None, address=place, identity_number=None)
    await office.customer()
    await office.bill()
    with pytest.raises(BadValue, match="SEK is worth in EUR on 2026-12-31"):
        await declare_oss(QUARTER, **who)
    async with office.begin() as unit:
        days = [
            DayRate(day=day, base="EUR", quote="SEK", rate=rate, source="ECB")
            for day, rate in ((date(2026, 12, 31), Decimal("11.0000")), (date(2027, 3, 31), Decimal("10.0000")))
        ]
        await unit.exchange.put(days, replace=False, at=office.world.clock.now())
    told = await declare_oss(QUARTER, **who)
    own = "SE556036079301"
    assert told.splitlines() == [
        "OSS_001;",
        f"{own};4;2026;",
        "SE;FI;25,50;18,09;4,61;SERVICES;",
        "SE;EL;24,00;18,09;4,34;SERVICES;",
    ]
    finnish = next(one for one in office.invoices if one.payer.address.country == "FI")
    office.world.clock.at = datetime(2027, 2, 1, 12, tzinfo=UTC)
    await credit_invoice(CreditInvoice(invoice=finnish.id), **who, clock=office.world.clock)
    after = await declare_oss(Period(date(2027, 1, 1), date(2027, 4, 1)), **who)
    assert after.splitlines() == ["OSS_001;", f"{own};1;2027;", "CORRECTIONS;", "2026Q4;FI;-5,08;"]
    assert await declare_oss(QUARTER, **who) == told
    with pytest.raises(BadValue, match="quarter"):
        await declare_oss(Period(date(2026, 10, 1), date(2026, 11, 1)), **who)
    with pytest.raises(NotAllowed):
        await declare_oss(QUARTER, actor=office.world.north, begin=office.world.begin)
