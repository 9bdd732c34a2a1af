"""What of a customer stands on its invoices: who gets them and its own references, on paper, as UBL, and kept."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from pypdf import PdfReader

from domain.customers.contact import Contact, Recipient, check_contact, check_recipient
from domain.customers.customer import Delivery
from domain.invoicing.assembly import recipient_of
from domain.operators import Address
from domain.refusal import BadValue
from integrations.einvoice.peppol import encode
from integrations.einvoice.reading import parse
from integrations.einvoice.rules import Checker
from integrations.printing.documents import InvoiceDocuments
from persistence.invoice_rows import from_row, to_row
from tests.invoicing.made import PAYER, bill, issued

SYD = Address("Box 9", "222 22", "Lund", "SE")
TO = Recipient(name="Ekonomi Syd", attention="Eva Ek", address=SYD, email="e@syd.se", endpoint="0007:5560360793")
OWN = replace(PAYER, recipient=TO, buyer_reference="PO 9", order_reference="B-77", cost_centre="K 12")


def test_an_e_invoice_says_the_references_and_goes_to_the_recipient() -> None:
    root = parse(encode(issued(bill(payer=OWN))))
    customer = root.find("{*}AccountingCustomerParty/{*}Party")
    assert [root.findtext(f"{{*}}{tag}") for tag in ("AccountingCost", "BuyerReference")] == ["K 12", "PO 9"]
    assert root.findtext("{*}OrderReference/{*}ID") == "B-77"
    assert customer.findtext("{*}EndpointID") == "5560360793"
    assert customer.findtext("{*}Contact/{*}Name") == "Eva Ek"
    assert customer.findtext("{*}Contact/{*}ElectronicMail") == "e@syd.se"
    assert customer.findtext("{*}PartyLegalEntity/{*}RegistrationName") == PAYER.name, "who buys stays who he is"


def test_it_passes_the_rules() -> None:
    with Checker() as checker:
        assert checker.check(encode(issued(bill(payer=OWN))), rules_may_miss=True) == []


def test_on_paper_the_recipient_stands_in_the_window() -> None:
    invoice = replace(issued(bill(payer=OWN)), delivery=Delivery.PDF)
    data = InvoiceDocuments().pdf(invoice, (), zone="Europe/Stockholm")
    text = PdfReader(io.BytesIO(data)).pages[0].extract_text()
    for wanted in ("Ekonomi Syd", "Eva Ek", "Box 9", "222 22 Lund", "PO 9", "B-77", "K 12"):
        assert wanted in text, wanted


def test_a_payer_without_a_peppol_id_is_reached_through_his_recipient() -> None:
    reached = replace(OWN, endpoint=None, delivery=Delivery.PEPPOL)
    assert issued(bill(payer=reached)).payer.endpoint == "0007:5560360793"


def test_who_has_no_recipient_gets_them_himself() -> None:
    assert recipient_of(PAYER) is None
    assert recipient_of(replace(PAYER, recipient=Recipient(email="x@y.se"))) is None, "the address is his own"


def test_what_is_issued_is_kept_and_read_back() -> None:
    invoice = issued(bill(payer=OWN))
    row = to_row(invoice, None, None)
    document = next(each for each in row if isinstance(each, str) and each.startswith("{"))
    kept = json.loads(document)
    assert (kept["recipient"]["name"], kept["buyer_reference"]) == ("Ekonomi Syd", "PO 9")
    names = {"recipient", "buyer_reference", "order_reference", "cost_centre"}
    same = {name: getattr(invoice, name) for name in names}
    columns = {
        "id": invoice.id, "operator": 1, "run": None, "kind": "invoice", "number": "1", "customer": 1, "reseller": None,
        "currency": "SEK", "period_start": invoice.period.start, "period_end": invoice.period.end,
        "issued_on": invoice.issued_on, "due_on": invoice.due_on, "reference": "", "net": 0, "vat": 0, "rounding": 0,
        "total": 0, "original": None, "document": document, "seller": None, "credit": None, "replaces": None,
    }  # fmt: skip
    read = from_row(columns, ())
    assert {name: getattr(read, name) for name in names} == same
    assert read.payer == invoice.payer


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "contacts.0.name"),
        ({"roles": ()}, "contacts.0.roles"),
        ({"email": None}, "contacts.0.email"),
        ({"email": "none"}, "contacts.0.email"),
        ({"phone": "x" * 201}, "contacts.0.phone"),
    ],
)
def test_a_contact_that_is_none(fields: dict[str, object], field: str) -> None:
    good = Contact(name="Bo", email="bo@x.se")
    check_contact(good, field="contacts.0")
    with pytest.raises(BadValue) as no:
        check_contact(replace(good, **fields), field="contacts.0")  # type: ignore[arg-type]  # a table of fields
    assert no.value.field == field


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"attention": "x" * 201}, "recipient.attention"),
        ({"address": replace(SYD, country="se")}, "recipient.address.country"),
        ({"address": replace(SYD, city=" ")}, "recipient.address"),
        ({"email": "x"}, "recipient.email"),
        ({"endpoint": "x"}, "recipient.endpoint"),
    ],
)
def test_a_recipient_that_is_none(fields: dict[str, object], field: str) -> None:
    check_recipient(TO)
    with pytest.raises(BadValue) as no:
        check_recipient(replace(TO, **fields))  # type: ignore[arg-type]  # a table of fields
    assert no.value.field == field
