"""Finvoice 3.0 (Finance Finland 2019, EN 16931): invoice and credit note, with the payment instruction (Epi).

Amounts have a decimal comma, days are CCYYMMDD, texts are cut to what the schema gives them. A credit note's amounts
are negative, as they are here. The message's own head stands where both sides have an address and an intermediary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from lxml import etree

from domain.invoicing.invoice import DocumentKind, Invoice, Line, Party, Unit, decimals_of
from domain.invoicing.references import rf_valid, viite_valid
from domain.invoicing.words import title_of
from domain.money import round_to
from domain.refusal import BadValue
from integrations.einvoice.ubl import clean, of_two_decimals

CUSTOMIZATION: Final = "EN16931"
_UNITS: Final = {Unit.PIECE: "kpl", Unit.MINUTE: "min", Unit.MEGABYTE: "Mt", Unit.MONTH: "kk"}
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_PRICE_DECIMALS: Final = 5  # what the schema's unit price may have
_NEAR: Final = Decimal("0.005")
_QUANTITY_MAX: Final = 14
_TYPES: Final = {
    DocumentKind.INVOICE: ("INV01", "380", "LASKU"),
    DocumentKind.CREDIT_NOTE: ("INV02", "381", "HYVITYSLASKU"),
}


@dataclass(frozen=True, slots=True)
class Route:
    """Between whom the message goes: the intermediaries (operator or bank) of seller and payer."""

    seller: str
    payer: str


def encode(invoice: Invoice, route: Route | None = None) -> bytes:
    """Write an issued invoice or credit note as UTF-8 XML.

    Refuses with: BadValue (a number longer than 20 characters, no IBAN to be paid to).
    """
    if len(invoice.number) > 20:
        raise BadValue("Finvoice takes invoice numbers of up to 20 characters; this is {number}", number=invoice.number)
    of_two_decimals(invoice.currency, decimals_of(invoice.currency))
    root = etree.Element("Finvoice", Version="3.0", nsmap={"xsi": _XSI})
    root.set(f"{{{_XSI}}}noNamespaceSchemaLocation", "Finvoice3.0.xsd")
    _Writer(invoice, root).write(route)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


class _Writer:
    def __init__(self, invoice: Invoice, root: etree._Element) -> None:
        self.invoice = invoice
        self.root = root
        self.decimals = decimals_of(invoice.currency)

    def write(self, route: Route | None) -> None:
        invoice = self.invoice
        if route is not None:
            self.message(route)
        self.party("Seller", invoice.seller)
        self.reach("Seller", invoice.seller)
        self.accounts()
        self.party("Buyer", invoice.payer)
        self.reach("Buyer", invoice.payer)
        self.delivery()
        self.details()
        for line in invoice.lines:
            self.line(line)
        self.instruction()

    def message(self, route: Route) -> None:
        head = _under(self.root, "MessageTransmissionDetails")
        for side, who, party, intermediary in (
            ("MessageSenderDetails", "From", self.invoice.seller, route.seller),
            ("MessageReceiverDetails", "To", self.invoice.payer, route.payer),
        ):
            scheme, _, number = (party.endpoint or "").partition("@")[0].partition(":")
            if not number:
                raise BadValue(
                    "{who} has no electronic invoicing address such as 0216:003712345678",
                    who="the seller" if who == "From" else f"customer {party.number}",
                    field="endpoint",
                )
            node = _under(head, side)
            _text(node, f"{who}Identifier", number, 35).set("SchemeID", scheme)
            _text(node, f"{who}Intermediator", intermediary, 35)
        details = _under(head, "MessageDetails")
        _text(details, "MessageIdentifier", f"{self.invoice.kind.value}-{self.invoice.number}", 48)
        _text(details, "MessageTimeStamp", f"{self.invoice.issued_on.isoformat()}T00:00:00", 30)
        _text(details, "SpecificationIdentifier", CUSTOMIZATION, 35)

    def party(self, side: str, party: Party) -> None:
        place = party.address
        node = _under(self.root, f"{side}PartyDetails")
        _text(node, f"{side}PartyIdentifier", _legal(party), 35)
        for part in _cut(party.name, 70):
            _text(node, f"{side}OrganisationName", part.ljust(2, "."), 70)
        _text(node, f"{side}OrganisationTaxCode", party.vat_id, 35)
        address = _under(node, f"{side}PostalAddressDetails")
        for part in list(_cut(" ".join(filter(None, (place.street, place.street2))), 35))[:3]:
            _text(address, f"{side}StreetName", part.ljust(2, "."), 35)
        _text(address, f"{side}TownName", place.city.ljust(2, "."), 35)
        _text(address, f"{side}PostCodeIdentifier", place.postcode.ljust(2, "."), 35)
        _text(address, "CountryCode", place.country, 2)

    def reach(self, side: str, party: Party) -> None:
        _text(self.root, f"{side}ContactPersonName", party.attention, 35)
        if party.phone or party.email:
            node = _under(self.root, f"{side}CommunicationDetails")
            _text(node, f"{side}PhoneNumberIdentifier", party.phone, 35)
            _text(node, f"{side}EmailaddressIdentifier", party.email, 70)

    def accounts(self) -> None:
        node = _under(self.root, "SellerInformationDetails")
        _text(node, "SellerHomeTownName", self.invoice.seller.address.city, 35)
        if self.invoice.payment.iban and _bic(self.invoice.payment.iban):  # the schema wants both
            account = _under(node, "SellerAccountDetails")
            iban = _text(account, "SellerAccountID", self.invoice.payment.iban.replace(" ", ""), 35)
            iban.set("IdentificationSchemeName", "IBAN")
            bic = _text(account, "SellerBic", _bic(self.invoice.payment.iban), 11)
            bic.set("IdentificationSchemeName", "BIC")

    def delivery(self) -> None:
        lines = self.invoice.lines
        node = _under(self.root, "DeliveryDetails")
        period = _under(node, "DeliveryPeriodDetails")
        _day(period, "StartDate", min(line.period.start for line in lines))
        _day(period, "EndDate", max(line.period.end for line in lines) - timedelta(days=1))

    def details(self) -> None:
        invoice = self.invoice
        kind, code, said = _TYPES[invoice.kind]
        node = _under(self.root, "InvoiceDetails")
        _text(node, "InvoiceTypeCode", kind, 6)
        _text(node, "InvoiceTypeCodeUN", code, 3)
        _text(node, "InvoiceTypeText", title_of(invoice) or said, 35)
        _text(node, "OriginCode", "Original", 9)
        _text(node, "InvoiceNumber", invoice.number, 20)
        _day(node, "InvoiceDate", invoice.issued_on)
        _text(node, "OriginalInvoiceNumber", invoice.original, 20)
        others = {line.corrects for line in invoice.lines if line.corrects and line.corrects != invoice.original}
        for number in sorted(others):
            _text(_under(node, "OriginalInvoiceReference"), "InvoiceNumber", number, 20)
        _day(node, "InvoicingPeriodStartDate", min(line.period.start for line in invoice.lines))
        _day(node, "InvoicingPeriodEndDate", max(line.period.end for line in invoice.lines) - timedelta(days=1))
        _text(node, "SellersBuyerIdentifier", invoice.payer.number, 35)
        _text(node, "OrderIdentifier", invoice.order_reference, 70)
        contracts = {line.contract_number for line in invoice.lines if line.contract_number}
        _text(node, "AgreementIdentifier", contracts.pop() if len(contracts) == 1 else None, 70)
        _text(node, "BuyerReferenceIdentifier", invoice.buyer_reference, 70)
        self.amount(node, "RowsTotalVatExcludedAmount", invoice.net)
        self.amount(node, "InvoiceTotalVatExcludedAmount", invoice.net)
        self.amount(node, "InvoiceTotalVatAmount", invoice.vat_total)
        if invoice.home is not None and invoice.vat_at_home is not None:
            told = _amount(invoice.vat_at_home, decimals_of(invoice.home.currency))
            at_home = _text(node, "InvoiceTotalVatAccountingAmount", told, 19)
            at_home.set("AmountCurrencyIdentifier", invoice.home.currency)
        self.amount(node, "InvoiceTotalVatIncludedAmount", invoice.net + invoice.vat_total)
        if invoice.rounding:
            self.amount(node, "InvoiceTotalRoundoffAmount", invoice.rounding)
        for each in invoice.vat:
            vat = _under(node, "VatSpecificationDetails")
            self.amount(vat, "VatBaseAmount", each.taxable)
            _text(vat, "VatRatePercent", _comma(each.treatment.percent), 8)
            _text(vat, "VatCode", each.treatment.category, 2)
            self.amount(vat, "VatRateAmount", each.tax)
            _text(vat, "VatFreeText", each.treatment.words, 70)
            _text(vat, "VatExemptionReasonCode", each.treatment.reason, 35)
        terms = _under(node, "PaymentTermsDetails")
        _text(terms, "PaymentTermsFreeText", f"{invoice.payment.terms_days} pv", 70)
        _day(terms, "InvoiceDueDate", invoice.due_on)

    def line(self, line: Line) -> None:
        node = _under(self.root, "InvoiceRow")
        _text(node, "ArticleIdentifier", str(line.service) if line.service else None, 35)
        _text(node, "ArticleName", line.text, 100)
        _text(node, "ArticleDescription", None if line.events is None else f"{line.text}: {line.events} kpl", 512)
        quantity, price = _short(line.quantity), line.unit_price
        if price < 0:
            quantity, price = -quantity, -price
        counted = _text(node, "InvoicedQuantity", _comma(quantity), 14)
        counted.set("QuantityUnitCode", _UNITS[line.unit])
        counted.set("QuantityUnitCodeUN", line.unit.value)
        _day(node, "StartDate", line.period.start)
        _day(node, "EndDate", line.period.end - timedelta(days=1))
        per = None
        if abs(quantity * round(price, _PRICE_DECIMALS) - line.net) > _NEAR and quantity:
            price, per = abs(line.net), abs(quantity)  # five decimals are too few: the price of all of them
        self.price(node, "UnitPriceAmount", price)
        self.price(node, "UnitPriceNetAmount", price)
        if per is not None:
            _text(node, "UnitPriceBaseQuantity", _comma(per), 14)
        _text(node, "RowPositionIdentifier", str(line.position), 35)
        _text(node, "OriginalInvoiceNumber", line.corrects, 20)
        if line.customer != self.invoice.customer or line.label:
            _text(node, "RowFreeText", ", ".join(filter(None, (self.other(line), line.label))), 512)
        _text(node, "RowVatRatePercent", _comma(line.vat.percent), 8)
        _text(node, "RowVatCode", line.vat.category, 2)
        tax = round_to(line.net * line.vat.percent / 100, self.decimals)
        self.amount(node, "RowVatAmount", tax)
        self.amount(node, "RowVatExcludedAmount", line.net)
        self.amount(node, "RowAmount", line.net + tax)

    def other(self, line: Line) -> str | None:
        return line.customer_name if line.customer != self.invoice.customer else None

    def instruction(self) -> None:
        """Write the payment instruction, which the schema wants of every document."""
        invoice, paid = self.invoice, self.invoice.payment
        if not paid.iban:
            raise BadValue("the seller has no IBAN, which Finvoice pays to: give the operator one", field="iban")
        node = _under(self.root, "EpiDetails")
        about = _under(node, "EpiIdentificationDetails")
        _day(about, "EpiDate", invoice.issued_on)
        etree.SubElement(about, "EpiReference").text = clean(invoice.number)
        parties = _under(node, "EpiPartyDetails")
        bank = _under(parties, "EpiBfiPartyDetails")
        bic = _text(bank, "EpiBfiIdentifier", _bic(paid.iban), 11)
        bic.set("IdentificationSchemeName", "BIC")
        payee = _under(parties, "EpiBeneficiaryPartyDetails")
        _text(payee, "EpiNameAddressDetails", invoice.seller.name, 35)
        account = _text(payee, "EpiAccountID", paid.iban.replace(" ", ""), 35)
        account.set("IdentificationSchemeName", "IBAN")
        told = _under(node, "EpiPaymentInstructionDetails")
        _text(told, "EpiPaymentInstructionId", invoice.number, 35)
        if rf_valid(paid.reference) or viite_valid(paid.reference):
            reference = _text(told, "EpiRemittanceInfoIdentifier", paid.reference, 35)
            reference.set("IdentificationSchemeName", "ISO" if rf_valid(paid.reference) else "SPY")
        # What is given back is not paid: the instruction of a credit note is of nothing.
        self.amount(told, "EpiInstructedAmount", max(invoice.total, Decimal(0)))
        _under(told, "EpiCharge").set("ChargeOption", "SLEV")
        _day(told, "EpiDateOptionDate", invoice.due_on)
        _text(told, "EpiPaymentMeansCode", "58", 3)

    def amount(self, parent: etree._Element, tag: str, value: Decimal) -> None:
        _text(parent, tag, _amount(value, self.decimals), 19).set("AmountCurrencyIdentifier", self.invoice.currency)

    def price(self, parent: etree._Element, tag: str, value: Decimal) -> None:
        whole, _, part = f"{round(value, _PRICE_DECIMALS):f}".partition(".")
        text = f"{whole},{part.rstrip('0').ljust(2, '0')}"
        _text(parent, tag, text, 21).set("AmountCurrencyIdentifier", self.invoice.currency)


def _legal(party: Party) -> str | None:
    """Return the business id as it is written in Finland (1234567-8), another as it is."""
    number = party.identity_number
    if number and party.address.country == "FI" and len(number) == 8 and number.isdigit():
        return f"{number[:7]}-{number[7]}"
    return number


def _bic(iban: str) -> str | None:
    """Return the BIC of a Finnish account's bank, by the first digits of the account (Finance Finland); else None."""
    account = iban.replace(" ", "")
    if not account.startswith("FI"):
        return None
    return next((bic for digits, bic in _BANKS if account[4:].startswith(digits)), None)


_BANKS: Final = (
    ("405", "HELSFIHH"), ("497", "HELSFIHH"), ("470", "POPFFI22"), ("478", "POPFFI22"), ("479", "BIGKFIH1"),
    ("713", "CITIFIHX"), ("715", "ITELFIHH"), ("717", "BIGKFIH1"), ("799", "HOLVFIHH"),
    ("31", "HANDFIHH"), ("33", "ESSEFIHX"), ("34", "DABAFIHX"), ("36", "SBANFIHH"), ("37", "DNBAFIHX"),
    ("38", "SWEDFIHH"), ("39", "SBANFIHH"), ("1", "NDEAFIHH"), ("2", "NDEAFIHH"), ("4", "ITELFIHH"),
    ("5", "OKOYFIHH"), ("6", "AABAFI22"), ("8", "DABAFIHH"),
)  # fmt: skip


def _under(parent: etree._Element, tag: str) -> etree._Element:
    return etree.SubElement(parent, tag)


def _text(parent: etree._Element, tag: str, text: str | None, most: int) -> etree._Element:
    content = clean(text or "")[:most]
    node = etree.SubElement(parent, tag) if content else etree.Element(tag)
    node.text = content
    return node


def _day(parent: etree._Element, tag: str, day: date) -> None:
    node = _text(parent, tag, f"{day:%Y%m%d}", 8)
    node.set("Format", "CCYYMMDD")


def _amount(value: Decimal, decimals: int) -> str:
    return f"{value + 0:.{max(decimals, 2)}f}".replace(".", ",")


def _comma(value: Decimal) -> str:
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace(".", ",")


def _short(quantity: Decimal) -> Decimal:
    """Return a quantity with as many decimals as the schema's fourteen characters hold.

    >>> _short(Decimal("-1234567890.12345")), _short(Decimal("1.5"))
    (Decimal('-1234567890.12'), Decimal('1.5'))
    """
    over = len(_comma(quantity)) - _QUANTITY_MAX
    exponent = quantity.as_tuple().exponent
    if over <= 0 or not isinstance(exponent, int):
        return quantity
    return round_to(quantity, max(-exponent - over, 0))


def _cut(text: str, most: int) -> Iterator[str]:
    """Yield the text in parts that fit, broken at a space where there is one."""
    rest = clean(text)
    while len(rest) > most:
        place = rest.rfind(" ", 2, most + 1)
        place = place if place > 0 else most
        yield rest[:place].strip()
        rest = rest[place:].strip()
    if rest:
        yield rest
