"""What stands in the mail that brings a document, in the payer's language; English where it is not known."""

from __future__ import annotations

from typing import Final

from domain.invoicing.invoice import DocumentKind, Invoice, decimals_of
from domain.telling.language import accepted

_MAILS: Final = {
    "sv": (
        "Faktura {number} från {seller}",
        (
            "Hej!\n\n"
            "Här kommer faktura {number} på {amount} {currency}, att betala senast {due} med OCR {reference}.\n\n"
            "Fakturan finns som PDF i brevet.\n\nVänliga hälsningar\n{seller}\n"
        ),
        "Kreditfaktura {number} från {seller}",
        "Hej!\n\nHär kommer kreditfaktura {number} på {amount} {currency}.\n\nVänliga hälsningar\n{seller}\n",
    ),
    "en": (
        "Invoice {number} from {seller}",
        (
            "Hello,\n\n"
            "This is invoice {number} of {amount} {currency}, to be paid by {due} with reference {reference}.\n\n"
            "The invoice is attached as PDF.\n\nKind regards\n{seller}\n"
        ),
        "Credit note {number} from {seller}",
        "Hello,\n\nThis is credit note {number} of {amount} {currency}.\n\nKind regards\n{seller}\n",
    ),
    "nb": (
        "Faktura {number} fra {seller}",
        (
            "Hei!\n\n"
            "Her er faktura {number} på {amount} {currency}, å betale innen {due} med KID {reference}.\n\n"
            "Fakturaen ligger ved som PDF.\n\nVennlig hilsen\n{seller}\n"
        ),
        "Kreditnota {number} fra {seller}",
        "Hei!\n\nHer er kreditnota {number} på {amount} {currency}.\n\nVennlig hilsen\n{seller}\n",
    ),
    "da": (
        "Faktura {number} fra {seller}",
        (
            "Hej!\n\n"
            "Her er faktura {number} på {amount} {currency}, at betale senest {due} med reference {reference}.\n\n"
            "Fakturaen er vedhæftet som PDF.\n\nVenlig hilsen\n{seller}\n"
        ),
        "Kreditnota {number} fra {seller}",
        "Hej!\n\nHer er kreditnota {number} på {amount} {currency}.\n\nVenlig hilsen\n{seller}\n",
    ),
    "fi": (
        "Lasku {number}, {seller}",
        (
            "Hei!\n\n"
            "Oheisena lasku {number}, {amount} {currency}. Eräpäivä {due}, viite {reference}.\n\n"
            "Lasku on liitteenä PDF-tiedostona.\n\nYstävällisin terveisin\n{seller}\n"
        ),
        "Hyvityslasku {number}, {seller}",
        "Hei!\n\nOheisena hyvityslasku {number}, {amount} {currency}.\n\nYstävällisin terveisin\n{seller}\n",
    ),
    "de": (
        "Rechnung {number} von {seller}",
        (
            "Guten Tag,\n\n"
            "dies ist Rechnung {number} über {amount} {currency}, zahlbar bis {due}, Referenz {reference}.\n\n"
            "Die Rechnung liegt als PDF bei.\n\nMit freundlichen Grüßen\n{seller}\n"
        ),
        "Rechnungskorrektur {number} von {seller}",
        (
            "Guten Tag,\n\ndies ist Rechnungskorrektur {number} über {amount} {currency}."
            "\n\nMit freundlichen Grüßen\n{seller}\n"
        ),
    ),
}


def invoice_mail(invoice: Invoice) -> tuple[str, str]:
    """Return the subject and the text of the mail that an invoice or credit note is sent with."""
    language = accepted(invoice.language)
    subject, text, of_credit, credit_text = _MAILS[language.code]
    back = invoice.kind is DocumentKind.CREDIT_NOTE
    amount = abs(invoice.total) if back else invoice.total
    places = decimals_of(invoice.currency)
    values = {
        "number": invoice.number,
        "seller": invoice.seller.name,
        "amount": f"{amount:,.{places}f}".translate({ord(","): language.group, ord("."): language.point}),
        "currency": invoice.currency,
        "due": language.day(invoice.due_on),
        "reference": invoice.payment.reference,
    }
    chosen = (of_credit, credit_text) if back else (subject, text)
    return chosen[0].format(**values), chosen[1].format(**values)
