"""OIOUBL 2.1 (Danish Agency for Digital Government, rules 1.17): invoice and credit note for NemHandel.

It differs from Peppol's UBL in more than names: VAT stands on every line, ``TaxExclusiveAmount`` is the VAT itself,
what is to be paid hangs on the payment terms, and a Danish account is a registration number and an account.
"""

from __future__ import annotations

import copy
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Final

from lxml import etree

from domain.customers.customer import CustomerKind
from domain.invoicing.invoice import DocumentKind, Invoice, Line, Party, decimals_of
from domain.invoicing.references import fik_valid
from domain.invoicing.vat import VatTreatment
from domain.invoicing.words import title_of
from domain.money import round_to
from domain.period import Period
from domain.refusal import BadValue
from integrations.einvoice.ubl import (
    CAC,
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

CUSTOMIZATION: Final = "OIOUBL-2.1"
PROFILE: Final = "Procurement-BilSim-1.0"
# Schemes of an electronic address (ISO 6523) by OIOUBL's own names, and the agency that gives them.
SCHEMES: Final = {
    "0184": "DK:CVR",
    "0096": "DK:P",
    "0198": "DK:SE",
    "0088": "GLN",
    "0060": "DUNS",
    "0007": "SE:ORGNR",
    "0192": "NO:ORGNR",
    "0037": "FI:OVT",
    "0216": "FI:OVT",
    "0212": "FI:ORGNR",
}
_CATEGORIES: Final = {"S": "StandardRated", "AE": "ReverseCharge"}
_AGENCY: Final = {"schemeAgencyID": "320"}
_LISTED: Final = {"listAgencyID": "320"}
_NOTE_MAX: Final = 20
_NAMESPACE: Final = uuid.UUID("6e09886b-dc6e-439f-82d1-7ccac7f4e3b1")


def encode(invoice: Invoice) -> bytes:
    """Write an issued invoice or credit note as UTF-8 XML.

    Refuses with: BadValue where seller or payer lacks an electronic address that NemHandel knows.
    """
    of_two_decimals(invoice.currency, decimals_of(invoice.currency))
    credit = invoice.kind is DocumentKind.CREDIT_NOTE
    root = document(CREDIT_NOTE, "CreditNote") if credit else document(INVOICE, "Invoice")
    _Writer(invoice, root).write()
    return written(root)


class _Writer:
    """Writes one document. ``sign`` is -1 on a credit note, whose amounts are positive there and negative here."""

    def __init__(self, invoice: Invoice, root: etree._Element) -> None:
        self.invoice = invoice
        self.root = root
        self.credit = invoice.kind is DocumentKind.CREDIT_NOTE
        self.sign = -1 if self.credit else 1
        self.decimals = decimals_of(invoice.currency)
        # VAT is told in another currency where that is one of these (F-INV016).
        self.home = invoice.home if invoice.home is not None and invoice.home.currency in {"DKK", "EUR"} else None
        self.categories: dict[VatTreatment, etree._Element] = {}

    def write(self) -> None:
        self.head()
        self.references()
        self.party("AccountingSupplierParty", self.invoice.seller, seller=True)
        self.party("AccountingCustomerParty", self.invoice.payer, seller=False)
        if not self.credit:
            self.payment()
        self.exchange()
        self.tax_total(self.root, self.rates(), at_home=True)
        self.totals()
        for line in self.invoice.lines:
            self.line(line)

    def head(self) -> None:
        invoice, root = self.invoice, self.root
        leaf(root, "UBLVersionID", "2.1")
        leaf(root, "CustomizationID", CUSTOMIZATION)
        leaf(root, "ProfileID", PROFILE, schemeID="urn:oioubl:id:profileid-1.6", **_AGENCY)
        leaf(root, "ID", invoice.number)
        leaf(root, "CopyIndicator", "false")
        leaf(root, "UUID", str(uuid.uuid5(_NAMESPACE, f"{invoice.seller.vat_id}/{invoice.kind}/{invoice.number}")))
        leaf(root, "IssueDate", invoice.issued_on.isoformat())
        if not self.credit:
            leaf(root, "InvoiceTypeCode", "380", listID="urn:oioubl:codelist:invoicetypecode-1.1", **_LISTED)
        leaf(root, "Note", title_of(invoice))
        leaf(root, "DocumentCurrencyCode", invoice.currency)
        if self.home is not None:
            leaf(root, "TaxCurrencyCode", self.home.currency)
        leaf(root, "AccountingCost", invoice.cost_centre)
        if not self.credit:
            self.period(
                root,
                Period(
                    min(line.period.start for line in invoice.lines), max(line.period.end for line in invoice.lines)
                ),
            )

    def references(self) -> None:
        invoice = self.invoice
        if self.credit:
            leaf(group(self.root, "DiscrepancyResponse"), "ReferenceID", invoice.original or invoice.number)
        ordered = clean(invoice.order_reference or "")
        if ordered or not self.credit:
            other = clean(invoice.buyer_reference or "") or invoice.payer.number or "n/a"
            leaf(group(self.root, "OrderReference"), "ID", ordered or other)
        named = (invoice.original, *(line.corrects for line in invoice.lines))
        for number in sorted({number for number in named if number}):
            leaf(group(group(self.root, "BillingReference"), "InvoiceDocumentReference"), "ID", number)
        contracts = {clean(line.contract_number) for line in invoice.lines if line.contract_number} - {""}
        if len(contracts) == 1 and not self.credit:
            leaf(group(self.root, "ContractDocumentReference"), "ID", *contracts)

    def party(self, tag: str, party: Party, *, seller: bool) -> None:
        scheme, _, number = (party.endpoint or "").partition("@")[0].partition(":")
        if scheme not in SCHEMES:
            who = "the seller" if seller else f"customer {party.number}"
            raise BadValue(
                "{who} has no electronic address that NemHandel knows, such as 0184:12345678 or 0088:5790000435951",
                who=who,
                field="endpoint",
            )
        node = group(group(self.root, tag), "Party")
        self.endpoint(node, SCHEMES[scheme], number)
        if not seller and party.number:
            leaf(group(node, "PartyIdentification"), "ID", party.number, schemeID="ZZZ")
        leaf(group(node, "PartyName"), "Name", party.name)
        self.address(node, party)
        if party.vat_id:
            tax = group(node, "PartyTaxScheme")
            leaf(tax, "CompanyID", party.vat_id, schemeID="DK:SE" if party.address.country == "DK" else "ZZZ")
            self.scheme(tax)
        if seller or party.kind is CustomerKind.ORGANISATION:
            legal = group(node, "PartyLegalEntity")
            leaf(legal, "RegistrationName", party.name)
            self.company(legal, party)
        contact = group(node, "Contact")
        mine = party.number if seller else clean(self.invoice.buyer_reference or "") or party.number
        leaf(contact, "ID", mine or "n/a")
        leaf(contact, "Name", party.attention)
        leaf(contact, "Telephone", party.phone)
        leaf(contact, "ElectronicMail", party.email)

    def endpoint(self, node: etree._Element, scheme: str, number: str) -> None:
        if scheme in {"DK:CVR", "DK:SE"} and not number.startswith("DK"):
            number = f"DK{number}"
        given = leaf(node, "EndpointID", number, schemeID=scheme)
        if scheme == "GLN":
            given.set("schemeAgencyID", "9")

    def company(self, legal: etree._Element, party: Party) -> None:
        number = (party.identity_number or "").replace("-", "")
        if party.address.country == "DK" and len(number) == 8:
            leaf(legal, "CompanyID", f"DK{number}", schemeID="DK:CVR")
        else:
            leaf(legal, "CompanyID", number or party.vat_id or party.number or "n/a", schemeID="ZZZ")

    def address(self, node: etree._Element, party: Party) -> None:
        place = party.address
        address = group(node, "PostalAddress")
        form = {"listID": "urn:oioubl:codelist:addressformatcode-1.1", **_LISTED}
        leaf(address, "AddressFormatCode", "StructuredLax", **form)
        leaf(address, "StreetName", place.street)
        leaf(address, "AdditionalStreetName", place.street2)
        leaf(address, "CityName", place.city)
        leaf(address, "PostalZone", place.postcode)
        leaf(group(address, "Country"), "IdentificationCode", place.country)

    def scheme(self, parent: etree._Element) -> None:
        scheme = group(parent, "TaxScheme")
        leaf(scheme, "ID", "63", schemeID="urn:oioubl:id:taxschemeid-1.1", **_AGENCY)
        leaf(scheme, "Name", "Moms")

    def payment(self) -> None:
        """Write how to pay: a FIK slip, a Danish account by its parts, or an IBAN; and what is to be paid."""
        paid, terms = self.invoice.payment, None
        channel = {"listID": "urn:oioubl:codelist:paymentchannelcode-1.1", **_LISTED}
        iban = (paid.iban or "").replace(" ", "")
        if paid.bankgiro and len(paid.bankgiro) == 8 and fik_valid(paid.reference):
            means = self.means("93")
            leaf(means, "PaymentChannelCode", "DK:FIK", **channel)
            leaf(means, "InstructionID", paid.reference)
            leaf(means, "PaymentID", "71", schemeID="urn:oioubl:id:paymentid-1.1", **_AGENCY)
            leaf(group(means, "CreditAccount"), "AccountID", paid.bankgiro)
            terms = "1"
        elif iban.startswith("DK") and len(iban) == 18:
            means = self.means("42")
            leaf(means, "PaymentChannelCode", "DK:BANK", **channel)
            account = group(means, "PayeeFinancialAccount")
            leaf(account, "ID", iban[8:])
            leaf(account, "PaymentNote", paid.reference[:_NOTE_MAX])
            leaf(group(account, "FinancialInstitutionBranch"), "ID", iban[4:8])
            terms = "1"
        node = group(self.root, "PaymentTerms")
        leaf(node, "ID", "1")
        leaf(node, "PaymentMeansID", terms)
        if terms is None and iban:
            leaf(node, "Note", f"IBAN {iban}, {paid.reference}")
        self.amount(node, "Amount", self.invoice.total)

    def means(self, code: str) -> etree._Element:
        means = group(self.root, "PaymentMeans")
        leaf(means, "ID", "1")
        leaf(means, "PaymentMeansCode", code)
        leaf(means, "PaymentDueDate", self.invoice.due_on.isoformat())
        return means

    def rates(self) -> list[tuple[VatTreatment, Decimal, Decimal]]:
        """Return the VAT by OIOUBL's categories, which are fewer than ours and stand once each (F-LIB315)."""
        found: dict[str, tuple[VatTreatment, Decimal, Decimal]] = {}
        for each in self.invoice.vat:
            name = _CATEGORIES.get(each.treatment.category, "ZeroRated")
            first, taxable, tax = found.get(name, (each.treatment, Decimal(0), Decimal(0)))
            if first.percent != each.treatment.percent:
                raise BadValue(
                    "OIOUBL holds one rate of VAT per document; {number} has {first} % and {second} %: "
                    "send it in another format",
                    number=self.invoice.number,
                    first=plain(first.percent),
                    second=plain(each.treatment.percent),
                )
            found[name] = (first, taxable + each.taxable, tax + each.tax)
        return list(found.values())

    def exchange(self) -> None:
        """Write what the currency is worth in that of the seller's country, where that is another."""
        home = self.home
        if home is not None:
            node = group(self.root, "TaxExchangeRate")
            leaf(node, "SourceCurrencyCode", self.invoice.currency)
            leaf(node, "SourceCurrencyBaseRate", "1.0000")
            leaf(node, "TargetCurrencyCode", home.currency)
            leaf(node, "TargetCurrencyBaseRate", "1.0000")
            leaf(node, "CalculationRate", plain(home.factor))
            leaf(node, "MathematicOperatorCode", "multiply")
            leaf(node, "Date", home.day.isoformat())

    def tax_total(
        self, parent: etree._Element, parts: list[tuple[VatTreatment, Decimal, Decimal]], *, at_home: bool = False
    ) -> None:
        node = group(parent, "TaxTotal")
        self.amount(node, "TaxAmount", sum((tax for _, _, tax in parts), Decimal(0)))
        for treatment, taxable, tax in parts:
            subtotal = group(node, "TaxSubtotal")
            self.amount(subtotal, "TaxableAmount", taxable)
            self.amount(subtotal, "TaxAmount", tax)
            home = self.home if at_home and tax else None  # of what is taxed alone (F-LIB373)
            if home is not None:
                told = round_to(tax * home.factor, decimals_of(home.currency)) * self.sign + 0
                leaf(subtotal, "TransactionCurrencyTaxAmount", f"{told:.2f}", currencyID=home.currency)
            subtotal.append(self.category(treatment))

    def category(self, treatment: VatTreatment) -> etree._Element:
        """Return a tax category: the same stands on every line, so it is made once and copied."""
        if treatment not in self.categories:
            category = etree.Element(f"{{{CAC}}}TaxCategory")
            name = _CATEGORIES.get(treatment.category, "ZeroRated")
            leaf(category, "ID", name, schemeID="urn:oioubl:id:taxcategoryid-1.1", **_AGENCY)
            leaf(category, "Percent", plain(treatment.percent))
            leaf(category, "TaxExemptionReason", treatment.words)
            self.scheme(category)
            self.categories[treatment] = category
        return copy.copy(self.categories[treatment])

    def totals(self) -> None:
        invoice = self.invoice
        node = group(self.root, "LegalMonetaryTotal")
        self.amount(node, "LineExtensionAmount", invoice.net)
        self.amount(node, "TaxExclusiveAmount", invoice.vat_total)
        self.amount(node, "TaxInclusiveAmount", invoice.total)  # rounding stands in it (F-INV128)
        if invoice.rounding:
            self.amount(node, "PayableRoundingAmount", invoice.rounding)
        self.amount(node, "PayableAmount", invoice.total)

    def line(self, line: Line) -> None:
        node = group(self.root, "CreditNoteLine" if self.credit else "InvoiceLine")
        leaf(node, "ID", str(line.position))
        if line.customer != self.invoice.customer:
            leaf(node, "Note", line.customer_name)
        quantity, price = self.measured(line)
        tag = "CreditedQuantity" if self.credit else "InvoicedQuantity"
        leaf(node, tag, plain(quantity), unitCode=_UNITS[line.unit.value])
        self.amount(node, "LineExtensionAmount", line.net)
        tax = round_to(line.net * line.vat.percent / 100, self.decimals)
        self.tax_total(node, [(line.vat, line.net, tax)])
        item = group(node, "Item")
        leaf(item, "Description", line.text)
        leaf(item, "Name", line.text[:40])
        if clean(line.label or ""):
            leaf(group(item, "SellersItemIdentification"), "ID", line.label, schemeID="ZZZ")
        told = group(node, "Price")
        leaf(told, "PriceAmount", plain(price), currencyID=self.invoice.currency)
        leaf(told, "BaseQuantity", "1", unitCode=_UNITS[line.unit.value])
        leaf(told, "OrderableUnitFactorRate", "1")

    def measured(self, line: Line) -> tuple[Decimal, Decimal]:
        """Return quantity and price; a line without a quantity is one of its net."""
        if not line.quantity:
            return Decimal(self.sign), line.net * self.sign
        if line.unit_price < 0:
            return -line.quantity * self.sign, -line.unit_price
        return line.quantity * self.sign, line.unit_price

    def period(self, parent: etree._Element, period: Period) -> None:
        node = group(parent, "InvoicePeriod")
        leaf(node, "StartDate", period.start.isoformat())
        leaf(node, "EndDate", (period.end - timedelta(days=1)).isoformat())

    def amount(self, parent: etree._Element, tag: str, value: Decimal) -> None:
        # Adding 0 turns the minus zero of a turned sign into zero; the rules want two decimals of every currency.
        places = max(self.decimals, 2)
        leaf(parent, tag, f"{value * self.sign + 0:.{places}f}", currencyID=self.invoice.currency)


_UNITS: Final = {"C62": "EA", "MIN": "MIN", "4L": "4L", "MON": "MON"}
