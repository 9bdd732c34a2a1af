"""The PDF is read back: what stands on it, that it is repeatable, that odd text stays text, and its archival form."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from pypdf import PdfReader

from domain.customers.customer import CallSpecification, Delivery
from domain.invoicing.invoice import CallRow, DocumentKind, Invoice, LineKind
from integrations.einvoice.peppol import CORE_CUSTOMIZATION, encode
from integrations.printing.documents import InvoiceDocuments
from integrations.printing.faces import BOLD, fitted, printable, width
from integrations.printing.shown import shown
from integrations.printing.slip import payment_code
from integrations.printing.words import words
from tests.einvoice.drawn import EXEMPT, owed
from tests.einvoice.test_peppol import credit_note
from tests.einvoice.test_unseen import FULL, line, made
from tests.invoicing.made import BRANCH, PAYER, bill, contract, issued, usage

ZONE = "Europe/Stockholm"


def paper(**changes) -> Invoice:
    return replace(issued(bill(usage={PAYER.id: (usage(12_345_678),)})), delivery=Delivery.PDF, **changes)


def calls(count: int, subscription: int = 1000) -> list[CallRow]:
    begin = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # the night when the clock goes back
    return [
        CallRow(
            customer=PAYER.id,
            subscription=subscription,
            label="+46701740605",
            start=begin + timedelta(minutes=30 * index),
            mode="voice",
            direction="out",
            number=f"4670174{index:04d}",
            destination="Sverige mobil",
            used=61,
            amount_micro=690_000,
        )
        for index in range(count)
    ]


def pages(invoice: Invoice, blocks=()) -> list[str]:
    data = InvoiceDocuments().pdf(invoice, blocks, zone=ZONE)
    return [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]


def test_what_the_law_and_the_payer_want_stands_on_the_first_page():
    (text,) = pages(paper())
    for wanted in (
        "Faktura", "100001", "2026-11-01", "2026-12-01", "Norrtel Telekom AB", "SE556074755101", "556074-7551",
        "Godkänd för F-skatt", "Åkerö Snickeri & Bygg AB", "Verkstadsgatan 7", "972 33 Luleå", "SE556703748501",
        "325,00 SEK", "5050-1055", "10000180", "Mobil Företag", "Samtal: Sverige mobil", "12,57", "199,00",
        "Moms 25 % på 260,35", "65,09", "\u22120,44", "Sida 1 av",
    ):  # fmt: skip
        assert wanted in text.replace("\u00a0", " "), wanted


def test_the_same_invoice_gives_the_same_bytes():
    for invoice in (paper(), issued()):
        first, second = (InvoiceDocuments().pdf(invoice, [calls(80)], zone=ZONE) for _ in range(2))
        assert first == second


def test_every_call_is_listed_once_in_local_time_and_summed():
    found = pages(paper(), [calls(100), calls(60)])
    text = "\n".join(found)
    for index in range(100):
        assert f"4670174{index:04d}" in text
    assert len(re.findall(r"4670174\d{4}", text)) == 160 + 2  # and the line's own number on the first page and its head
    assert "160 st" in text
    assert "110,40" in text
    assert f"Sida {len(found)} av" in text


def test_amounts_of_calls_and_minutes_have_their_decimals_below_one_another():
    found = pages(paper(), [calls(40)])
    assert "12,57 min" in found[0].replace("\u00a0", " ").replace("\n", " ")
    amounts = re.findall(r"^\d+,\d+$", found[1], re.MULTILINE)
    assert len(amounts) >= 40
    assert {len(amount.partition(",")[2]) for amount in amounts} == {4}


def test_times_are_local_in_the_night_the_clock_goes_back():
    text = pages(paper(), [calls(4)])[1]
    assert re.findall(r"\d\d:\d\d:\d\d", text) == ["02:30:00", "02:00:00", "02:30:00", "03:00:00"]


@pytest.mark.parametrize("choice", [CallSpecification.NONE, CallSpecification.SUMMARY])
def test_the_customer_chooses_how_much_is_shown(choice):
    text = "\n".join(pages(paper(call_specification=choice), [calls(20)]))
    assert "Samtalsspecifikation" not in text
    assert ("Sverige mobil" in text) is (choice is CallSpecification.SUMMARY)
    assert "12,35" in text


def test_many_lines_go_to_a_specification_with_subtotals():
    totals = tuple(usage(index * 1_234_567, group=f"Zon {index:02d}") for index in range(1, 90))
    other = contract(date(2026, 10, 1), customer=BRANCH.id, id=101, number="A-101")
    made = bill(
        members=(PAYER, BRANCH),
        contracts={PAYER.id: (contract(date(2026, 10, 1)),), BRANCH.id: (other,)},
        usage={PAYER.id: totals},
    )
    invoice = replace(issued(made), delivery=Delivery.PDF)
    found = pages(invoice)
    assert len(found) > 2
    text = "\n".join(found).replace("\u00a0", " ")
    for each in invoice.lines:
        assert each.text in text
    for customer in invoice.customers:
        whole, part = f"{invoice.subtotal(customer):,.2f}".replace(",", " ").split(".")
        assert f"{whole},{part}" in text
    assert "Avtal A-101" in text
    assert "Transport från föregående sida" in text


def test_a_credit_note_in_english_has_no_slip():
    text = "\n".join(pages(replace(credit_note(), language="en", delivery=Delivery.PDF)))
    assert "Credit note" in text
    assert "To your credit" in text
    assert "Credits invoice" in text
    assert "Bankgiro" not in text


def test_the_code_to_scan_says_what_is_to_be_paid():
    code = payment_code(paper())
    assert code is not None
    assert '"iref":"10000180"' in code
    assert '"due":325.00,"vat":65.09}' in code
    assert '"acc":"5050-1055"' in code


def test_with_an_einvoice_it_is_archival_and_carries_the_same_document():
    invoice = issued()
    data = InvoiceDocuments().pdf(invoice, [calls(3)], zone=ZONE)
    with pikepdf.open(io.BytesIO(data)) as document:
        assert document.attachments["invoice-ubl.xml"].get_file().read_bytes() == encode(invoice)
        assert document.Root.AF[0].AFRelationship == "/Alternative"
        assert document.Root.OutputIntents[0].S == "/GTS_PDFA1"
        assert "/Info" not in document.trailer
        assert len(document.trailer.ID) == 2
        with document.open_metadata() as metadata:
            assert metadata["pdfaid:part"] == "3"
            assert metadata["pdfaid:conformance"] == "B"
        faces = 0
        for found in document.objects:
            if isinstance(found, pikepdf.Dictionary) and found.get("/Type") == "/Font":
                assert "/FontFile2" in found.FontDescriptor, "every face is embedded"
                faces += 1
        assert faces
        assert "/Encrypt" not in document.trailer
        assert all("/AA" not in page and "/A" not in page for page in document.pages)


@pytest.mark.parametrize(
    ("country", "delivery", "name", "root"),
    [
        ("FI", Delivery.FINVOICE, "finvoice.xml", "Finvoice"),
        ("DK", Delivery.OIOUBL, "oioubl.xml", "Invoice"),
        ("SE", Delivery.PDF, "invoice-ubl.xml", "Invoice"),
        ("SE", Delivery.EMAIL, "invoice-ubl.xml", "Invoice"),
    ],
)
def test_every_pdf_carries_what_its_payer_can_read_by_machine(country, delivery, name, root):
    invoice = replace(owed(country), delivery=delivery)
    if delivery is Delivery.EMAIL:  # in no network
        invoice = replace(invoice, payer=replace(invoice.payer, endpoint=None))
    with pikepdf.open(io.BytesIO(InvoiceDocuments().pdf(invoice, [], zone=ZONE))) as document:
        (carried,) = document.attachments
        within = etree.fromstring(document.attachments[name].get_file().read_bytes())
    assert (carried, etree.QName(within.tag).localname) == (name, root)
    core = within.findtext("{*}CustomizationID") == CORE_CUSTOMIZATION
    assert core is (delivery is Delivery.EMAIL)


@pytest.mark.parametrize("language", ["sv", "en", "nb", "da", "fi", "de"])
def test_what_the_buyer_makes_out_goes_to_the_supplier_and_says_so(language):
    invoice = paper(self_billed=True, language=language)
    (text,) = pages(invoice)
    said = words(language)
    for wanted in (said["self_billed_invoice"], said["self_billing"], said["to_supplier"], invoice.seller.vat_id):
        assert wanted in text
    assert said["to_pay"] not in text
    assert said["scan"] not in text
    assert text.index(invoice.payer.name) < text.index(invoice.seller.name)
    (text,) = pages(replace(invoice, kind=DocumentKind.CREDIT_NOTE, total=-invoice.total))
    assert said["self_billed_credit_note"] in text
    assert said["to_pay"] in text


def test_odd_text_is_drawn_as_text(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("TOPSECRET")
    name = f'{{{{7*7}}}}${{7*7}}<iframe src="file://{secret}">'
    (text,) = pages(paper(payer=replace(paper().payer, name=name)))
    assert "TOPSECRET" not in text
    assert "{{7*7}}${7*7}<iframe src=" in text


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.text(min_size=1, max_size=300), amount=st.integers(1, 10**15))
def test_any_name_and_amount_can_be_printed(name, amount):
    made = replace(issued(bill(usage={PAYER.id: (usage(amount, group=name),)})), delivery=Delivery.PDF)
    assert pages(replace(made, payer=replace(made.payer, name=name)))


@given(text=st.text(max_size=200), room=st.floats(10, 300))
def test_what_does_not_fit_is_cut(text, room):
    shown = fitted(text, BOLD, 8, room)
    assert width(shown, BOLD, 8) <= room or shown == "…"
    if shown != printable(text, BOLD):
        assert shown.endswith("…")


def test_thousands_of_calls_stay_small():
    invoice = paper()
    data = InvoiceDocuments().pdf(invoice, (calls(500) for _ in range(20)), zone=ZONE)
    assert len(PdfReader(io.BytesIO(data)).pages) == pytest.approx(1 + 10_000 / 65, abs=10)
    assert len(data) < 1_500_000


def test_amounts_in_another_currency_have_its_decimals():
    made = paper()
    krona = replace(made, currency="ISK", total=Decimal(325))
    assert "325 ISK" in pages(krona)[0].replace("\u00a0", " ")


def test_the_post_reads_where_a_letter_goes():
    place = replace(PAYER.address, street="Rue de la Paix 7", postcode="75002", city="Paris", country="FR")
    invoice = paper()
    (text,) = pages(replace(invoice, payer=replace(invoice.payer, address=place)))
    assert "75002 Paris\nFRANCE" in text.replace("\u00a0", " ")
    assert "SWEDEN" not in pages(invoice)[0]


def test_without_a_specification_usage_is_one_line_whatever_the_rates_between():
    invoice = made(
        *(
            replace(line("1.00", vat), kind=kind)
            for vat, kind in (
                (FULL, LineKind.PERIODIC),
                (FULL, LineKind.USAGE),
                (EXEMPT, LineKind.USAGE),
                (FULL, LineKind.USAGE),
                (EXEMPT, LineKind.USAGE),
                (FULL, LineKind.DISCOUNT),
            )
        ),
        call_specification=CallSpecification.NONE,
    )
    told = [(one.kind.value, one.vat.category, str(one.net)) for one in shown(invoice, words("sv"))]
    assert told == [
        ("periodic", "S", "1.00"),
        ("usage", "S", "2.00"),
        ("usage", "E", "2.00"),
        ("discount", "S", "1.00"),
    ]
