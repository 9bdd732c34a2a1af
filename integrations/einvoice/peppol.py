"""Peppol BIS Billing 3.0 in UBL 2.1 (docs.peppol.eu/poacc/billing/3.0): invoice and credit note.

With Swedish giro accounts as the national rules write them and the invoiced number as SFTI's telephony guide does.
Amounts have the currency's decimals; a unit price has up to eight, so that quantity x price gives the line (R120).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from lxml import etree

from domain.customers.customer import CustomerKind
from domain.invoicing.invoice import DocumentKind, Invoice, Line, Party, decimals_of
from domain.invoicing.references import fik_valid
from domain.invoicing.vat import VatSum, VatTreatment
from domain.invoicing.words import title_of
from domain.period import Period
from domain.refusal import BadValue
from integrations.einvoice.ubl import (
    CREDIT_NOTE,
    INVOICE,
    clean,
    document,
    group,
    leaf,
    of_two_decimals,
    plain,
    written,
)

CUSTOMIZATION: Final = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PROFILE: Final = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
CORE_CUSTOMIZATION: Final = "urn:cen.eu:en16931:2017"
# Peppol BIS Self-Billing 3.0: the buyer writes what his supplier would have.
SELF_BILLED_CUSTOMIZATION: Final = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:selfbilling:3.0"
SELF_BILLED_PROFILE: Final = "urn:fdc:peppol.eu:2017:poacc:selfbilling:01:1.0"
# UNCL 1001, by whether it is a credit note and whether it is self-billed.
_TYPES: Final = {(False, False): "380", (True, False): "381", (False, True): "389", (True, True): "261"}

_NEAR: Final = Decimal("0.01")
# Electronic Address Scheme of a country's company register, with the length of its numbers.
REGISTERS: Final = {
    "SE": {10: "0007"},
    "NO": {9: "0192"},
    "DK": {8: "0184"},
    "FI": {8: "0212", 9: "0212"},
    "IS": {10: "0196"},
    "EE": {8: "0191"},
    "LT": {9: "0200"},
    "LV": {11: "0218"},
    "NL": {8: "0106", 20: "0190"},  # chamber of commerce; of the state's own (NL-R-003)
    "BE": {10: "0208"},
    "FR": {9: "0002"},
}
MIME_TYPES: Final = frozenset(
    {
        "text/csv",
        "application/pdf",
        "image/png",
        "image/jpeg",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.oasis.opendocument.spreadsheet",
    }
)
# What a seller must say of himself beside his VAT (SE-R-005; NO-R-002: the register of business enterprises).
REGISTERED: Final = {"SE": "Godkänd för F-skatt", "NO": "Foretaksregisteret"}
# By language: the terms of payment, those of a credit note, and how many calls a line is for.
_SAID: Final = {
    "sv": ("{days} dagar", "Kreditfaktura, ingen betalning", "{text}: {count} st"),
    "nb": ("{days} dager", "Kreditnota, ingen betaling", "{text}: {count} stk."),
    "da": ("{days} dage", "Kreditnota, ingen betaling", "{text}: {count} stk."),
    "fi": ("{days} pv", "Hyvityslasku, ei maksettavaa", "{text}: {count} kpl"),
    "de": ("{days} Tage", "Rechnungskorrektur, keine Zahlung", "{text}: {count} St."),
    "en": ("{days} days", "Credit note, nothing to be paid", "{text}: {count}"),
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the document. ``mime`` is one of those that the specification allows."""

    name: str
    mime: str
    data: bytes
    description: str


def encode(invoice: Invoice, attachments: Sequence[Attachment] = ()) -> bytes:
    """Write an issued invoice or credit note as UTF-8 XML.

    Refuses with: BadValue where seller or payer lacks the Peppol id, or the currency has more than two decimals.
    """
    of_two_decimals(invoice.currency, decimals_of(invoice.currency))
    return written(tree(invoice, attachments))


def encode_core(invoice: Invoice) -> bytes:
    """Write it as EN 16931 alone wants it: for whoever is in no network, and has no address there."""
    return written(tree(invoice, core=True))


def tree(invoice: Invoice, attachments: Sequence[Attachment] = (), *, core: bool = False) -> etree._Element:
    """Return the document before it is written, for formats that begin as it does. Refuses with: as ``encode``."""
    credit = invoice.kind is DocumentKind.CREDIT_NOTE
    root = document(CREDIT_NOTE, "CreditNote") if credit else document(INVOICE, "Invoice")
    _Writer(invoice, root, core=core).write(attachments)
    return root


def breakdown(vat: Sequence[VatSum]) -> list[VatSum]:
    """Return the sums as the norm counts them: one per category and rate (BR-S-08, BR-E-01), whatever the words.

    Two of ours fall together where the same rate is of two countries, or two laws exempt.

    >>> one, two = VatTreatment("E", Decimal(0), None, "Vård"), VatTreatment("E", Decimal(0), None, "Skola")
    >>> [(each.taxable, each.treatment.words) for each in breakdown([VatSum(one, Decimal(1), Decimal(0)),
    ...                                                              VatSum(two, Decimal(2), Decimal(0))])]
    [(Decimal('3'), 'Vård; Skola')]
    """
    found: dict[tuple[str, Decimal], VatSum] = {}
    for each in vat:
        key = each.treatment.category, each.treatment.percent
        first = found.get(key)
        if first is None:
            found[key] = each
            continue
        words = "; ".join(dict.fromkeys(filter(None, (first.treatment.words, each.treatment.words))))
        treatment = replace(
            first.treatment, reason=first.treatment.reason or each.treatment.reason, words=words or None
        )
        found[key] = VatSum(treatment, first.taxable + each.taxable, first.tax + each.tax)
    return list(found.values())


class _Writer:
    """Writes one document. ``sign`` is -1 on a credit note, whose amounts are positive there and negative here."""

    def __init__(self, invoice: Invoice, root: etree._Element, *, core: bool = False) -> None:
        self.invoice = invoice
        self.root = root
        self.core = core
        self.credit = invoice.kind is DocumentKind.CREDIT_NOTE
        self.sign = -1 if self.credit else 1
        self.decimals = decimals_of(invoice.currency)
        self.said = _SAID.get(invoice.language, _SAID["en"])
        # What is outside VAT names no VAT ids (BR-O-02).
        self.outside = all(each.treatment.category == "O" for each in invoice.vat)

    def write(self, attachments: Sequence[Attachment]) -> None:
        self.head()
        self.references(attachments)
        self.party("AccountingSupplierParty", self.invoice.seller, seller=True)
        self.party("AccountingCustomerParty", self.invoice.payer, seller=False)
        if any(each.treatment.category == "K" for each in self.invoice.vat):
            self.delivery()
        if not self.credit:
            self.payment_means()
        elif self.invoice.seller.address.country == "DE":  # DE-R-001 wants means, even where nothing is paid
            leaf(group(self.root, "PaymentMeans"), "PaymentMeansCode", "1")
        days, nothing, _ = self.said  # BR-CO-25 wants terms of a credit note too
        terms = nothing if self.credit else days.format(days=self.invoice.payment.terms_days)
        leaf(group(self.root, "PaymentTerms"), "Note", terms)
        self.tax_total()
        self.totals()
        for line in self.invoice.lines:
            self.line(line)

    def head(self) -> None:
        invoice, root = self.invoice, self.root
        peppol = SELF_BILLED_CUSTOMIZATION if invoice.self_billed else CUSTOMIZATION
        leaf(root, "CustomizationID", CORE_CUSTOMIZATION if self.core else peppol)
        if not self.core:
            leaf(root, "ProfileID", SELF_BILLED_PROFILE if invoice.self_billed else PROFILE)
        leaf(root, "ID", invoice.number)
        leaf(root, "IssueDate", invoice.issued_on.isoformat())
        if not self.credit:
            leaf(root, "DueDate", invoice.due_on.isoformat())
        code = _TYPES[self.credit, invoice.self_billed]
        leaf(root, "CreditNoteTypeCode" if self.credit else "InvoiceTypeCode", code)
        leaf(root, "Note", title_of(invoice))
        leaf(root, "DocumentCurrencyCode", invoice.currency)
        if invoice.home is not None:
            leaf(root, "TaxCurrencyCode", invoice.home.currency)
        leaf(root, "AccountingCost", invoice.cost_centre)
        own = clean(invoice.buyer_reference or "")
        leaf(root, "BuyerReference", own or invoice.payer.number or invoice.payer.name)
        # The lines' periods must lie within the document's (R110, R111).
        periods = [line.period for line in invoice.lines]
        self.period(root, Period(min(each.start for each in periods), max(each.end for each in periods)))

    def references(self, attachments: Sequence[Attachment]) -> None:
        if clean(self.invoice.order_reference or ""):
            leaf(group(self.root, "OrderReference"), "ID", self.invoice.order_reference)
        named = (self.invoice.original, self.invoice.replaces, *(line.corrects for line in self.invoice.lines))
        for number in sorted({number for number in named if number}):
            reference = group(group(self.root, "BillingReference"), "InvoiceDocumentReference")
            leaf(reference, "ID", number)
        contracts = {clean(line.contract_number) for line in self.invoice.lines if line.contract_number} - {""}
        if len(contracts) == 1:
            leaf(group(self.root, "ContractDocumentReference"), "ID", *contracts)
        labels = {clean(line.label) for line in self.invoice.lines if line.label} - {""}
        if len(labels) == 1:
            invoiced = group(self.root, "AdditionalDocumentReference")
            leaf(invoiced, "ID", *labels)
            leaf(invoiced, "DocumentTypeCode", "130")
        for attachment in attachments:
            if attachment.mime not in MIME_TYPES:
                raise BadValue(
                    "an e-invoice cannot carry {mime}; it can {listed}",
                    mime=attachment.mime,
                    listed=", ".join(sorted(MIME_TYPES)),
                )
            reference = group(self.root, "AdditionalDocumentReference")
            leaf(reference, "ID", attachment.name)
            leaf(reference, "DocumentDescription", attachment.description)
            embedded = leaf(
                group(reference, "Attachment"),
                "EmbeddedDocumentBinaryObject",
                base64.b64encode(attachment.data).decode("ascii"),
            )
            embedded.set("mimeCode", attachment.mime)
            embedded.set("filename", clean(attachment.name))

    def party(self, tag: str, party: Party, *, seller: bool) -> None:
        if not self.core and (not party.endpoint or ":" not in party.endpoint):
            own = seller != self.invoice.self_billed
            who = "the seller" if own else f"supplier {party.name}" if seller else f"customer {party.number}"
            raise BadValue("{who} has no Peppol id such as 0007:5567037485", who=who, field="endpoint")
        scheme, _, endpoint = (party.endpoint or "").partition("@")[0].partition(":")
        node = group(group(self.root, tag), "Party")
        leaf(node, "EndpointID", endpoint).set("schemeID", scheme)  # which is left out where there is none
        # Of a Danish seller's an identifier has a scheme (DK-R-013), which a customer number has not.
        if not seller and party.number and self.invoice.seller.address.country != "DK":
            leaf(group(node, "PartyIdentification"), "ID", party.number)
        leaf(group(node, "PartyName"), "Name", party.name)
        address = group(node, "PostalAddress")
        leaf(address, "StreetName", party.address.street)
        leaf(address, "AdditionalStreetName", party.address.street2)
        leaf(address, "CityName", party.address.city)
        leaf(address, "PostalZone", party.address.postcode)
        leaf(group(address, "Country"), "IdentificationCode", party.address.country)
        if party.vat_id and not self.outside:
            self.tax_scheme(node, party.vat_id, "VAT")
        # What a supplier is registered for is his to say, so nothing is said where the buyer writes.
        if seller and party.address.country in REGISTERED and not self.invoice.self_billed:
            self.tax_scheme(node, REGISTERED[party.address.country], "TAX")
        legal = group(node, "PartyLegalEntity")
        leaf(legal, "RegistrationName", party.name)
        # A person's number is nobody else's business, but in Iceland, where an invoice must tell it (IS-R-004).
        told = party.kind is CustomerKind.ORGANISATION or party.address.country == "IS"
        if party.identity_number and told:
            number = re.sub(r"[\s-]", "", party.identity_number)
            company = leaf(legal, "CompanyID", number)
            if (register := REGISTERS.get(party.address.country, {}).get(len(number))) is not None:
                company.set("schemeID", register)
        if party.phone or party.email or party.attention:
            contact = group(node, "Contact")
            german = seller and party.address.country == "DE"  # which has a name there (DE-R-005)
            leaf(contact, "Name", party.attention or (party.name if german else None))
            leaf(contact, "Telephone", party.phone)
            leaf(contact, "ElectronicMail", party.email)

    def delivery(self) -> None:
        """Write where goods that went to another member state went (BR-IC-12); when is the document's period."""
        place = (self.invoice.recipient or self.invoice.payer).address
        address = group(group(group(self.root, "Delivery"), "DeliveryLocation"), "Address")
        leaf(address, "StreetName", place.street)
        leaf(address, "AdditionalStreetName", place.street2)
        leaf(address, "CityName", place.city)
        leaf(address, "PostalZone", place.postcode)
        leaf(group(address, "Country"), "IdentificationCode", place.country)

    def tax_scheme(self, node: etree._Element, company: str, scheme: str) -> None:
        tax = group(node, "PartyTaxScheme")
        leaf(tax, "CompanyID", company)
        leaf(group(tax, "TaxScheme"), "ID", scheme)

    def payment_means(self) -> None:
        payment = self.invoice.payment
        if self.invoice.seller.address.country == "DK":
            self.danish_means()
            return
        accounts = [(payment.bankgiro, "SE:BANKGIRO"), (payment.iban, None)]
        for account, branch in accounts:
            if not account:
                continue
            means = group(self.root, "PaymentMeans")
            leaf(means, "PaymentMeansCode", "30")
            leaf(means, "PaymentID", payment.reference)
            payee = group(means, "PayeeFinancialAccount")
            leaf(payee, "ID", account.replace(" ", "").replace("-", ""))
            leaf(payee, "Name", self.invoice.seller.name)
            if branch:
                leaf(group(payee, "FinancialInstitutionBranch"), "ID", branch)

    def danish_means(self) -> None:
        """Write a Danish seller's means: a FIK slip, an account by its parts, or an IBAN (DK-R-005 to DK-R-010)."""
        payment = self.invoice.payment
        iban = (payment.iban or "").replace(" ", "")
        slip = payment.bankgiro if fik_valid(payment.reference) else None
        domestic = len(iban) == 18 and iban.startswith("DK")
        for code, account, said, branch in (
            ("93", slip, f"71#{payment.reference}", None),
            ("42", iban[8:] if domestic else None, payment.reference, iban[4:8]),
            ("58", None if domestic else iban, payment.reference, None),
        ):
            if not account:
                continue
            means = group(self.root, "PaymentMeans")
            leaf(means, "PaymentMeansCode", code)
            leaf(means, "PaymentID", said)
            payee = group(means, "PayeeFinancialAccount")
            leaf(payee, "ID", account)
            leaf(payee, "Name", self.invoice.seller.name)
            if branch:
                leaf(group(payee, "FinancialInstitutionBranch"), "ID", branch)
            return  # one way to pay: several have one code and reference (UBL-SR-44, UBL-SR-47)

    def tax_total(self) -> None:
        node = group(self.root, "TaxTotal")
        self.amount(node, "TaxAmount", self.invoice.vat_total)
        for each in breakdown(self.invoice.vat):
            subtotal = group(node, "TaxSubtotal")
            self.amount(subtotal, "TaxableAmount", each.taxable)
            self.amount(subtotal, "TaxAmount", each.tax)
            self.category(subtotal, "TaxCategory", each.treatment, reasons=True)
        home, told = self.invoice.home, self.invoice.vat_at_home
        if home is not None and told is not None:  # BT-111: the sum alone, in the currency that is accounted in
            decimals = decimals_of(home.currency)
            amount = leaf(group(self.root, "TaxTotal"), "TaxAmount", f"{told * self.sign + 0:.{decimals}f}")
            amount.set("currencyID", home.currency)

    def totals(self) -> None:
        invoice = self.invoice
        node = group(self.root, "LegalMonetaryTotal")
        self.amount(node, "LineExtensionAmount", invoice.net)
        self.amount(node, "TaxExclusiveAmount", invoice.net)
        self.amount(node, "TaxInclusiveAmount", invoice.net + invoice.vat_total)
        if invoice.rounding:
            self.amount(node, "PayableRoundingAmount", invoice.rounding)
        self.amount(node, "PayableAmount", invoice.total)

    def line(self, line: Line) -> None:
        node = group(self.root, "CreditNoteLine" if self.credit else "InvoiceLine")
        leaf(node, "ID", str(line.position))
        if line.customer != self.invoice.customer:
            leaf(node, "Note", line.customer_name)
        measure, each, per = self.measured(line)
        quantity = leaf(node, "CreditedQuantity" if self.credit else "InvoicedQuantity", plain(measure))
        quantity.set("unitCode", line.unit)
        self.amount(node, "LineExtensionAmount", line.net)
        self.period(node, line.period)
        if clean(line.label or ""):
            reference = group(node, "DocumentReference")
            leaf(reference, "ID", line.label)
            leaf(reference, "DocumentTypeCode", "130")
        item = group(node, "Item")
        if line.events is not None:
            leaf(item, "Description", self.said[2].format(text=line.text, count=line.events))
        leaf(item, "Name", line.text)
        self.category(item, "ClassifiedTaxCategory", line.vat, reasons=False)
        price = group(node, "Price")
        leaf(price, "PriceAmount", plain(each), currencyID=self.invoice.currency)
        if per != 1:
            leaf(price, "BaseQuantity", plain(per), unitCode=line.unit)

    def measured(self, line: Line) -> tuple[Decimal, Decimal, Decimal]:
        """Return quantity, price and what it is the price of; they give the net (R120), no price below 0 (BR-27)."""
        quantity, price = line.quantity * self.sign, line.unit_price
        if price < 0:
            quantity, price = -quantity, -price
        net = line.net * self.sign
        if abs(quantity * price - net) <= _NEAR:
            return quantity, price, Decimal(1)
        if not quantity:
            return Decimal(-1 if net < 0 else 1), abs(net), Decimal(1)
        if (quantity < 0) != (net < 0):
            quantity = -quantity
        return quantity, abs(net), abs(quantity)

    def category(self, parent: etree._Element, tag: str, treatment: VatTreatment, *, reasons: bool) -> None:
        node = group(parent, tag)
        leaf(node, "ID", treatment.category)
        # Outside VAT there is no rate (BR-O-05), but that Germany wants one of the sums (DE-R-014).
        if treatment.category != "O" or (reasons and self.invoice.seller.address.country == "DE"):
            leaf(node, "Percent", plain(treatment.percent))
        if reasons:
            leaf(node, "TaxExemptionReasonCode", treatment.reason)
            leaf(node, "TaxExemptionReason", treatment.words)
        leaf(group(node, "TaxScheme"), "ID", "VAT")

    def period(self, parent: etree._Element, period: Period) -> None:
        node = group(parent, "InvoicePeriod")
        leaf(node, "StartDate", period.start.isoformat())
        leaf(node, "EndDate", (period.end - timedelta(days=1)).isoformat())  # UBL's last day belongs to it

    def amount(self, parent: etree._Element, tag: str, value: Decimal) -> None:
        # Adding 0 turns the minus zero of a turned sign into zero.
        node = leaf(parent, tag, f"{value * self.sign + 0:.{self.decimals}f}")
        node.set("currencyID", self.invoice.currency)


def documents(invoices: Iterable[Invoice]) -> Iterable[tuple[str, bytes]]:
    """Yield a file name and the document for each invoice whose payer has a Peppol id."""
    for invoice in invoices:
        if invoice.payer.endpoint:
            yield f"{invoice.kind}-{invoice.number}.xml", encode(invoice)
