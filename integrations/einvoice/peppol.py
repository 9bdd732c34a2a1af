"""Peppol BIS Billing 3.0 in UBL 2.1 (docs.peppol.eu/poacc/billing/3.0): invoice and credit note.

With Swedish giro accounts as the national rules write them and the invoiced number as SFTI's telephony guide does.
Amounts have the currency's decimals; a unit price has up to eight, so that quantity x price gives the line (R120).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from lxml import etree

from domain.customers.customer import CustomerKind
from domain.invoicing.invoice import DocumentKind, Invoice, Line, Party, decimals_of
from domain.invoicing.vat import VatTreatment
from domain.period import Period
from domain.refusal import BadValue

CUSTOMIZATION: Final = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PROFILE: Final = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
INVOICE: Final = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
CREDIT_NOTE: Final = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
CAC: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"

# Electronic Address Scheme of a country's company register.
REGISTERS: Final = {"SE": "0007", "NO": "0192", "DK": "0184", "FI": "0212"}
MIME_TYPES: Final = frozenset({"text/csv", "application/pdf", "image/png", "image/jpeg"})
_FORBIDDEN = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the document. ``mime`` is one of those that the specification allows."""

    name: str
    mime: str
    data: bytes
    description: str


def encode(invoice: Invoice, attachments: Sequence[Attachment] = ()) -> bytes:
    """Write an issued invoice or credit note as UTF-8 XML.

    Refuses with: BadValue where seller or payer lacks the Peppol id.
    """
    credit = invoice.kind is DocumentKind.CREDIT_NOTE
    namespace = CREDIT_NOTE if credit else INVOICE
    names: dict[str | None, str] = {None: namespace, "cac": CAC, "cbc": CBC}
    root = etree.Element(
        f"{{{namespace}}}{'CreditNote' if credit else 'Invoice'}",
        nsmap=names,  # type: ignore[arg-type]  # the stubs forget that None names the default namespace
    )
    _Writer(invoice, root).write(attachments)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def clean(text: str) -> str:
    r"""Return the text without the characters that XML 1.0 cannot hold.

    >>> clean("a\x00b\x1b")
    'ab'
    """
    return _FORBIDDEN.sub("", text).strip()


class _Writer:
    """Writes one document. ``sign`` is -1 on a credit note, whose amounts are positive there and negative here."""

    def __init__(self, invoice: Invoice, root: etree._Element) -> None:
        self.invoice = invoice
        self.root = root
        self.credit = invoice.kind is DocumentKind.CREDIT_NOTE
        self.sign = -1 if self.credit else 1
        self.decimals = decimals_of(invoice.currency)

    def write(self, attachments: Sequence[Attachment]) -> None:
        self.head()
        self.references(attachments)
        self.party("AccountingSupplierParty", self.invoice.seller, seller=True)
        self.party("AccountingCustomerParty", self.invoice.payer, seller=False)
        if not self.credit:
            self.payment_means()
        swedish, days = self.invoice.language == "sv", self.invoice.payment.terms_days
        if self.credit:  # BR-CO-25 wants terms of a credit note too
            terms = "Kreditfaktura, ingen betalning" if swedish else "Credit note, nothing to be paid"
        else:
            terms = f"{days} dagar" if swedish else f"{days} days"
        _leaf(_group(self.root, "PaymentTerms"), "Note", terms)
        self.tax_total()
        self.totals()
        for line in self.invoice.lines:
            self.line(line)

    def head(self) -> None:
        invoice, root = self.invoice, self.root
        _leaf(root, "CustomizationID", CUSTOMIZATION)
        _leaf(root, "ProfileID", PROFILE)
        _leaf(root, "ID", invoice.number)
        _leaf(root, "IssueDate", invoice.issued_on.isoformat())
        if not self.credit:
            _leaf(root, "DueDate", invoice.due_on.isoformat())
        _leaf(root, "CreditNoteTypeCode" if self.credit else "InvoiceTypeCode", "381" if self.credit else "380")
        _leaf(root, "DocumentCurrencyCode", invoice.currency)
        _leaf(root, "AccountingCost", invoice.cost_centre)
        _leaf(root, "BuyerReference", invoice.buyer_reference or invoice.payer.number or invoice.payer.name)
        # The lines' periods must lie within the document's (R110, R111).
        periods = [line.period for line in invoice.lines]
        self.period(root, Period(min(each.start for each in periods), max(each.end for each in periods)))

    def references(self, attachments: Sequence[Attachment]) -> None:
        if self.invoice.order_reference:
            _leaf(_group(self.root, "OrderReference"), "ID", self.invoice.order_reference)
        named = (self.invoice.original, *(line.corrects for line in self.invoice.lines))
        for number in sorted({number for number in named if number}):
            reference = _group(_group(self.root, "BillingReference"), "InvoiceDocumentReference")
            _leaf(reference, "ID", number)
        contracts = {line.contract_number for line in self.invoice.lines if line.contract_number}
        if len(contracts) == 1:
            _leaf(_group(self.root, "ContractDocumentReference"), "ID", *contracts)
        labels = {line.label for line in self.invoice.lines if line.label}
        if len(labels) == 1:
            invoiced = _group(self.root, "AdditionalDocumentReference")
            _leaf(invoiced, "ID", *labels)
            _leaf(invoiced, "DocumentTypeCode", "130")
        for attachment in attachments:
            if attachment.mime not in MIME_TYPES:
                raise BadValue(
                    "an e-invoice cannot carry {mime}; it can {listed}",
                    mime=attachment.mime,
                    listed=", ".join(sorted(MIME_TYPES)),
                )
            reference = _group(self.root, "AdditionalDocumentReference")
            _leaf(reference, "ID", attachment.name)
            _leaf(reference, "DocumentDescription", attachment.description)
            embedded = _leaf(
                _group(reference, "Attachment"),
                "EmbeddedDocumentBinaryObject",
                base64.b64encode(attachment.data).decode("ascii"),
            )
            embedded.set("mimeCode", attachment.mime)
            embedded.set("filename", clean(attachment.name))

    def party(self, tag: str, party: Party, *, seller: bool) -> None:
        if not party.endpoint or ":" not in party.endpoint:
            who = "the seller" if seller else f"customer {party.number}"
            raise BadValue("{who} has no Peppol id such as 0007:5567037485", who=who, field="endpoint")
        scheme, _, endpoint = party.endpoint.partition(":")
        node = _group(_group(self.root, tag), "Party")
        _leaf(node, "EndpointID", endpoint).set("schemeID", scheme)
        if not seller and party.number:
            _leaf(_group(node, "PartyIdentification"), "ID", party.number)
        _leaf(_group(node, "PartyName"), "Name", party.name)
        address = _group(node, "PostalAddress")
        _leaf(address, "StreetName", party.address.street)
        _leaf(address, "AdditionalStreetName", party.address.street2)
        _leaf(address, "CityName", party.address.city)
        _leaf(address, "PostalZone", party.address.postcode)
        _leaf(_group(address, "Country"), "IdentificationCode", party.address.country)
        if party.vat_id:
            self.tax_scheme(node, party.vat_id, "VAT")
        if seller and party.address.country == "SE":
            self.tax_scheme(node, "Godkänd för F-skatt", "TAX")
        legal = _group(node, "PartyLegalEntity")
        _leaf(legal, "RegistrationName", party.name)
        if party.identity_number and party.kind is CustomerKind.ORGANISATION:
            company = _leaf(legal, "CompanyID", party.identity_number.replace("-", ""))
            if (register := REGISTERS.get(party.address.country)) is not None:
                company.set("schemeID", register)
        if party.phone or party.email or party.attention:
            contact = _group(node, "Contact")
            _leaf(contact, "Name", party.attention)
            _leaf(contact, "Telephone", party.phone)
            _leaf(contact, "ElectronicMail", party.email)

    def tax_scheme(self, node: etree._Element, company: str, scheme: str) -> None:
        tax = _group(node, "PartyTaxScheme")
        _leaf(tax, "CompanyID", company)
        _leaf(_group(tax, "TaxScheme"), "ID", scheme)

    def payment_means(self) -> None:
        payment = self.invoice.payment
        accounts = [(payment.bankgiro, "SE:BANKGIRO"), (payment.iban, None)]
        for account, branch in accounts:
            if not account:
                continue
            means = _group(self.root, "PaymentMeans")
            _leaf(means, "PaymentMeansCode", "30")
            _leaf(means, "PaymentID", payment.reference)
            payee = _group(means, "PayeeFinancialAccount")
            _leaf(payee, "ID", account.replace(" ", "").replace("-", ""))
            _leaf(payee, "Name", self.invoice.seller.name)
            if branch:
                _leaf(_group(payee, "FinancialInstitutionBranch"), "ID", branch)

    def tax_total(self) -> None:
        node = _group(self.root, "TaxTotal")
        self.amount(node, "TaxAmount", self.invoice.vat_total)
        for each in self.invoice.vat:
            subtotal = _group(node, "TaxSubtotal")
            self.amount(subtotal, "TaxableAmount", each.taxable)
            self.amount(subtotal, "TaxAmount", each.tax)
            self.category(subtotal, "TaxCategory", each.treatment, reasons=True)

    def totals(self) -> None:
        invoice = self.invoice
        node = _group(self.root, "LegalMonetaryTotal")
        self.amount(node, "LineExtensionAmount", invoice.net)
        self.amount(node, "TaxExclusiveAmount", invoice.net)
        self.amount(node, "TaxInclusiveAmount", invoice.net + invoice.vat_total)
        if invoice.rounding:
            self.amount(node, "PayableRoundingAmount", invoice.rounding)
        self.amount(node, "PayableAmount", invoice.total)

    def line(self, line: Line) -> None:
        node = _group(self.root, "CreditNoteLine" if self.credit else "InvoiceLine")
        _leaf(node, "ID", str(line.position))
        if line.customer != self.invoice.customer:
            _leaf(node, "Note", line.customer_name)
        quantity = _leaf(
            node, "CreditedQuantity" if self.credit else "InvoicedQuantity", _plain(line.quantity * self.sign)
        )
        quantity.set("unitCode", line.unit)
        self.amount(node, "LineExtensionAmount", line.net)
        self.period(node, line.period)
        if line.label:
            reference = _group(node, "DocumentReference")
            _leaf(reference, "ID", line.label)
            _leaf(reference, "DocumentTypeCode", "130")
        item = _group(node, "Item")
        if line.events is not None:
            _leaf(item, "Description", f"{line.text}: {line.events} st")
        _leaf(item, "Name", line.text)
        self.category(item, "ClassifiedTaxCategory", line.vat, reasons=False)
        price = _leaf(_group(node, "Price"), "PriceAmount", _plain(line.unit_price))
        price.set("currencyID", self.invoice.currency)

    def category(self, parent: etree._Element, tag: str, treatment: VatTreatment, *, reasons: bool) -> None:
        node = _group(parent, tag)
        _leaf(node, "ID", treatment.category)
        _leaf(node, "Percent", _plain(treatment.percent))
        if reasons:
            _leaf(node, "TaxExemptionReasonCode", treatment.reason)
            _leaf(node, "TaxExemptionReason", treatment.words)
        _leaf(_group(node, "TaxScheme"), "ID", "VAT")

    def period(self, parent: etree._Element, period: Period) -> None:
        node = _group(parent, "InvoicePeriod")
        _leaf(node, "StartDate", period.start.isoformat())
        _leaf(node, "EndDate", (period.end - timedelta(days=1)).isoformat())  # UBL's last day belongs to it

    def amount(self, parent: etree._Element, tag: str, value: Decimal) -> None:
        # Adding 0 turns the minus zero of a turned sign into zero.
        node = _leaf(parent, tag, f"{value * self.sign + 0:.{self.decimals}f}")
        node.set("currencyID", self.invoice.currency)


def _group(parent: etree._Element, tag: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{CAC}}}{tag}")


def _leaf(parent: etree._Element, tag: str, text: str | None) -> etree._Element:
    """Add a leaf; where there is no text it is made, but not added, since an empty element is an error (R008)."""
    content = clean(text or "")
    node = etree.SubElement(parent, f"{{{CBC}}}{tag}") if content else etree.Element(f"{{{CBC}}}{tag}")
    node.text = content
    return node


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def documents(invoices: Iterable[Invoice]) -> Iterable[tuple[str, bytes]]:
    """Yield a file name and the document for each invoice whose payer has a Peppol id."""
    for invoice in invoices:
        if invoice.payer.endpoint:
            yield f"{invoice.kind}-{invoice.number}.xml", encode(invoice)
