"""The credit note of a whole invoice: its mirror, line by line, naming it (Swedish VAT act 17 kap. 22 §)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from domain.ids import InvoiceId
from domain.invoicing.invoice import DocumentKind, Invoice, LineKind, check, positioned, settle
from domain.invoicing.invoice import decimals_of as decimals
from domain.invoicing.words import words
from domain.refusal import WrongState


def credit(invoice: Invoice, *, on: date) -> Invoice:
    """Return the credit note, not yet numbered. Refuses with: WrongState (it is a credit note itself).

    The fees on it stay billed: a credit is a decision about this invoice, and the next run does not charge them anew.
    """
    if invoice.kind is not DocumentKind.INVOICE:
        raise WrongState(
            "{number} is a credit note; only an invoice can be credited", number=invoice.number, field="invoice"
        )
    said = words(invoice.language).credit
    lines = positioned(
        [
            replace(
                line,
                kind=LineKind.CORRECTION,
                text=said.format(number=invoice.number, text=line.text),
                quantity=-line.quantity,
                net=-line.net,
                events=None,
                used=None,
                amount_micro=None,
                fee=None,
                corrects=invoice.number,
            )
            for line in invoice.lines
        ]
    )
    totals = settle(((line.vat, line.net) for line in lines), decimals=decimals(invoice.currency))
    return check(
        replace(
            invoice,
            id=InvoiceId(0),
            run=None,
            kind=DocumentKind.CREDIT_NOTE,
            number="",
            issued_on=on,
            due_on=on,
            payment=replace(invoice.payment, reference=""),
            lines=lines,
            vat=totals.vat,
            net=totals.net,
            vat_total=totals.vat_total,
            rounding=-invoice.rounding,
            total=totals.total - invoice.rounding,
            original=invoice.number,
            buckets=(),
        )
    )
