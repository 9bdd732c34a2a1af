"""Final, interim and on-demand invoices are called so, on paper and in every e-invoice, in the payer's language."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from domain.invoicing.bill_run import BillKind
from domain.invoicing.invoice import DocumentKind
from domain.invoicing.words import title_of
from domain.telling.language import LANGUAGES
from integrations.einvoice import finvoice, oioubl, peppol
from integrations.einvoice.findings import WARNING
from integrations.einvoice.rules import Checker
from persistence.invoice_rows import INVOICE_COLUMNS as COLUMNS
from persistence.invoice_rows import from_row, to_row
from tests.einvoice.drawn import owed
from tests.einvoice.test_peppol import credit_note
from tests.invoicing.made import issued
from tests.printing.test_invoice_pdf import pages, paper

KINDS = [BillKind.FINAL, BillKind.INTERIM, BillKind.ON_DEMAND]


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_title_stands_on_the_paper_in_every_language(code):
    titles = {kind: title_of(replace(issued(), language=code, bill_kind=kind)) for kind in KINDS}
    assert len(set(titles.values())) == 3
    for kind, title in titles.items():
        assert title is not None
        assert title in pages(paper(language=code, bill_kind=kind))[0]
    assert title_of(replace(issued(), language=code)) is None


def test_a_credit_note_stays_one():
    last = replace(credit_note(), bill_kind=BillKind.FINAL)
    assert (last.kind, title_of(last)) == (DocumentKind.CREDIT_NOTE, None)


@pytest.mark.shared
@pytest.mark.parametrize(("form", "country"), [(peppol, "SE"), (oioubl, "DK"), (finvoice, "FI")])
def test_an_e_invoice_says_it_and_passes_its_rules(shared, form, country):
    with Checker(shared / "data" / "einvoice" / "rules") as checker:
        for kind in KINDS:
            invoice = replace(owed(country), bill_kind=kind)
            data = form.encode(invoice)
            assert [one for one in checker.check(data) if one.severity != WARNING] == []
            assert title_of(invoice) in [node.text for node in etree.fromstring(data).iter()]


def test_what_is_kept_says_it():
    for kind in BillKind:
        invoice = replace(issued(), bill_kind=kind)
        row = dict(zip(COLUMNS, to_row(invoice, None, None), strict=True))
        assert from_row(row, invoice.lines).bill_kind is kind
