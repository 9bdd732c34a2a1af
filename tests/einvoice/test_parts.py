"""Credit notes of parts, and VAT in a second currency, pass the XSD, EN 16931 and Peppol."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from domain.ids import InvoiceId
from domain.invoicing.crediting import LineCredit, Wanted, credit
from domain.invoicing.invoice import Invoice, numbered
from domain.invoicing.vat import HomeRate
from integrations.einvoice.findings import FATAL
from integrations.einvoice.peppol import encode
from integrations.einvoice.rules import Checker
from integrations.printing.documents import InvoiceDocuments
from tests.invoicing.made import PAYER, bill, contract, issued, usage

ON = date(2026, 11, 20)
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
HOME = HomeRate("SEK", Decimal("11.2345"), date(2026, 10, 30), "Riksbanken")


@pytest.fixture(scope="module")
def checker(shared: Path):
    with Checker(shared / "data" / "einvoice" / "rules") as made:
        yield made


def original() -> Invoice:
    return issued(
        bill(
            contracts={PAYER.id: (contract(date(2026, 10, 1)),)},
            usage={PAYER.id: (usage(1_234_567), usage(98_765_432, group="Norge"))},
        ),
        number="42",
    )


def noted(invoice: Invoice, wanted: Wanted, *others: Invoice) -> Invoice:
    draft = credit(invoice, wanted, others)
    return numbered(draft, id=InvoiceId(900 + len(others)), number=str(7 + len(others)), reference="")


def notes() -> dict[str, Invoice]:
    invoice = original()
    line = max(invoice.lines, key=lambda one: one.net)
    part = noted(invoice, Wanted(on=ON, lines=(LineCredit(position=line.position, amount=Decimal("10.01")),)))
    amount = noted(invoice, Wanted(on=ON, amount=Decimal("33.33"), text="Avbrott 4 oktober"), part)
    whole = noted(invoice, Wanted(on=ON), part, amount)
    some = noted(
        invoice, Wanted(on=ON, lines=(LineCredit(position=line.position, quantity=line.quantity / 2),)), part, amount
    )
    return {"part": part, "amount": amount, "rest": whole, "quantity": some}


@pytest.mark.shared
@pytest.mark.parametrize("name", ["part", "amount", "rest", "quantity"])
def test_a_credit_note_of_a_part_is_valid_and_names_its_invoice(checker: Checker, name: str) -> None:
    note = notes()[name]
    document = encode(note)
    assert [one for one in checker.check(document) if one.severity == FATAL] == []
    root = etree.fromstring(document)
    assert [one.text for one in root.iter(f"{CBC}ID") if one.getparent().tag.endswith("InvoiceDocumentReference")] == [
        "42"
    ]
    assert root.findtext(f".//{CBC}PayableAmount") == f"{-note.total:.2f}"


def test_the_parts_and_the_rest_come_to_the_invoice() -> None:
    found = notes()
    assert sum(found[name].total for name in ("part", "amount", "rest")) == -original().total


@pytest.mark.shared
def test_vat_in_the_home_currency_is_its_own_total(checker: Checker) -> None:
    invoice = replace(original(), currency="EUR", home=HOME)
    document = encode(invoice)
    assert [one for one in checker.check(document) if one.severity == FATAL] == []
    root = etree.fromstring(document)
    told = {one.get("currencyID"): one.text for one in root.iterfind(".//{*}TaxTotal/{*}TaxAmount")}
    assert root.findtext(f"{CBC}TaxCurrencyCode") == "SEK"
    assert told == {"EUR": f"{invoice.vat_total:.2f}", "SEK": f"{invoice.vat_at_home:.2f}"}


@pytest.mark.parametrize("language", ["sv", "en", "nb", "da", "fi", "de"])
def test_a_pdf_is_made_of_them(language: str) -> None:
    invoice = replace(original(), currency="EUR", home=HOME, language=language)
    for one in (invoice, *notes().values()):
        assert InvoiceDocuments().pdf(one, (), zone="Europe/Stockholm").startswith(b"%PDF-")
