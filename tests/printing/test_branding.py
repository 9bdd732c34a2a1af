"""A brand as data: colours, texts with places, blocks in another order; and what the law wants stays."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pypdf import PdfReader

from domain.ids import OperatorId
from domain.invoicing.branding import Branding, check
from domain.invoicing.references import rf_valid
from domain.refusal import BadValue
from integrations.printing.documents import InvoiceDocuments
from integrations.printing.faces import BOLD, shrunk, width
from integrations.printing.letter_pdf import Heading, Letterhead, Paragraph, Slip, Table, letter_pdf
from integrations.printing.slip import payment_code, virtual_barcode, ways
from integrations.printing.words import words
from tests.einvoice.drawn import owed
from tests.printing.test_invoice_pdf import ZONE, calls, paper


def text_of(branding: Branding | None, **changes) -> str:
    data = InvoiceDocuments().pdf(paper(**changes), [calls(3)], zone=ZONE, branding=branding)
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).replace("\u00a0", " ")


def brand(**fields) -> Branding:
    return check(Branding(operator=OperatorId(1), **fields))


def test_texts_of_ones_own_stand_in_the_payers_language_with_what_is_known():
    said = brand(
        intro={"sv": "Tack för att du är kund hos {seller}!", "en": "Thank you!"},
        closing={"en": "Invoice {number}: {amount} {currency} by {due}."},
    )
    swedish = text_of(said)
    assert "Tack för att du är kund hos Norrtel Telekom AB!" in swedish
    assert "Invoice 100001: 325,00 SEK by 2026-12-01." in swedish  # English where there is no Swedish
    assert "Thank you!" in text_of(said, language="en")


def test_blocks_can_be_left_out_and_moved():
    usual = text_of(None)
    assert "Samtalsspecifikation" in usual
    assert usual.index("Summa exkl. moms") > usual.index("Mobil Företag")
    other = text_of(brand(blocks=("totals", "lines")))
    assert "Samtalsspecifikation" not in other
    assert "Inbetalning" not in other
    assert other.index("Summa exkl. moms") < other.index("Mobil Företag")


def test_the_same_brand_gives_the_same_bytes_and_another_colour_others():
    first, second, third = (
        InvoiceDocuments().pdf(paper(), [], zone=ZONE, branding=brand(accent=colour))
        for colour in ("#8A1538", "#8A1538", "#0A5566")
    )
    assert first == second != third


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"accent": "red"}, "accent"),
        ({"logo": "x"}, "logo"),
        ({"note": "x" * 501}, "note"),
        ({"blocks": ("strip", "lines")}, "blocks"),
        ({"blocks": ("lines", "totals", "nothing")}, "blocks"),
        ({"blocks": ("lines", "slip", "totals")}, "blocks"),
        ({"text_percent": 40}, "textPercent"),
        ({"intro": {"sv": "{seller.__class__}"}}, "intro"),
        ({"closing": {"xx": "a"}}, "closing"),
    ],
)
def test_a_brand_that_cannot_be_is_refused_by_field(fields, field):
    with pytest.raises(BadValue) as no:
        brand(**fields)
    assert no.value.field == field


def test_a_letter_has_head_paragraphs_tables_and_slip():
    invoice = paper()
    head = Letterhead(
        seller=invoice.seller, to=invoice.payer, language="sv", title="Påminnelse", number="P-1", on=date(2026, 12, 10)
    )
    table = Table(
        heads=("Faktura", "Belopp"),
        rows=[(str(100_000 + index), f"{index},00") for index in range(90)],
        at_right=(1,),
        sums=[("Summa", "4 005,00")],
    )
    parts = [Paragraph("Ett ord. " * 60), Heading("Fakturor"), table, Slip(invoice)]
    first, second = (letter_pdf(head, parts) for _ in range(2))
    assert first == second
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(first)).pages]
    assert len(pages) > 1
    text = "\n".join(pages)
    for wanted in ("Påminnelse", "Fakturor", "100089", "4 005,00", "Inbetalning", "Åkerö Snickeri"):
        assert wanted in text
    assert pages[1].count("Belopp") == 1  # the heads again on the next page


def test_slips_as_each_country_knows_them():
    finnish = owed("FI")
    bars = virtual_barcode(finnish)
    assert len(bars) == 54
    assert bars.startswith("4" + finnish.payment.iban[2:])
    assert bars.endswith(f"{finnish.due_on:%y%m%d}")
    assert f"{finnish.payment.reference:0>20}" in bars
    assert payment_code(finnish).splitlines()[:4] == ["BCD", "002", "1", "SCT"]
    norwegian = dict(ways(owed("NO"), words("nb")))
    assert norwegian["Konto"] == "8601 11 17947"
    assert "KID" in norwegian
    danish = dict(ways(owed("DK"), words("da")))
    assert danish["Konto"] == "0040 0440116243"


def test_a_virtual_barcode_as_finance_finland_prints_it():
    """The published sample of a utility's invoice: 693.80 euro to FI02 5000 4640 0013 02."""
    invoice = owed("FI")
    paid = replace(invoice.payment, iban="FI0250004640001302", reference="69875672083435364")
    said = replace(invoice, payment=paid, total=Decimal("693.80"), due_on=date(2011, 7, 24))
    assert virtual_barcode(said) == "402500046400013020006938000000069875672083435364110724"


def test_a_code_to_scan_is_one_that_a_bank_can_pay():
    """EPC069-12: a structured reference or a text; kronor by bankgiro have the only other code."""
    finnish = owed("FI")
    lines = payment_code(finnish).splitlines()
    assert lines[6:8] == [finnish.payment.iban, f"EUR{finnish.total:.2f}"]
    assert rf_valid(lines[9]), "a Finnish reference in its international form, which goes with the payment"
    assert lines[9].endswith(finnish.payment.reference)
    german = payment_code(owed("DE")).splitlines()
    assert rf_valid(german[9])
    swedish = owed("SE")
    assert payment_code(swedish).startswith('{"uqr":1')
    euro = replace(swedish, currency="EUR")
    assert payment_code(euro).splitlines()[0] == "BCD"
    assert swedish.payment.reference in payment_code(euro)
    assert payment_code(replace(swedish, currency="USD")) is None, "a bank would pay as many kronor"
    assert payment_code(owed("NO")) is None
    assert all(len(payment_code(owed(code)).encode()) <= 331 for code in ("FI", "DE", "EE", "BE", "NL"))


def test_the_longest_account_stands_beside_the_code():
    maltese = replace(owed("DE").payment, iban="MT84MALT011000012345MTLCAST001S")
    data = InvoiceDocuments().pdf(replace(owed("DE"), payment=maltese, language="de"), (), zone="Europe/Stockholm")
    text = PdfReader(io.BytesIO(data)).pages[0].extract_text()
    assert "MT84 MALT 0110 0001 2345 MTLC AST0 01S" in text
    size = shrunk("MT84 MALT 0110 0001 2345 MTLC AST0 01S", BOLD, 10.5, 162, least=6)
    assert width("MT84 MALT 0110 0001 2345 MTLC AST0 01S", BOLD, size) <= 162.5


def test_a_danish_slip_s_creditor_number_is_no_bankgiro():
    danish = owed("DK")
    paid = replace(danish.payment, bankgiro="85123456")
    data = InvoiceDocuments().pdf(replace(danish, payment=paid, language="da"), (), zone="Europe/Copenhagen")
    text = PdfReader(io.BytesIO(data)).pages[0].extract_text()
    assert "ankgiro" not in text
    assert f"+71<{danish.payment.reference}+85123456<" in text
