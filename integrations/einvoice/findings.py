"""What a check finds, and the checks of our own that come before the publishers' rules.

EN 16931 BR-CO-25 stands in the norm, but not in the published rules of 2026; Peppol R120 (line = quantity x price)
and the check digits of Swedish organisation numbers (COMMON-R049, SE-R-013) are cheap to see without any rule file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lxml import etree

from domain.invoicing.references import luhn_valid
from domain.money import parse as parse_decimal
from domain.refusal import BadValue

FATAL: Final = "fatal"
WARNING: Final = "warning"
_NAMES: Final = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
TOLERANCE: Final = Decimal("0.02")


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a document breaks: its id, how bad it is, where (an XPath), and the sentence of the rule."""

    rule: str
    severity: str
    place: str
    text: str


def early(root: etree._Element) -> list[Finding]:
    """Return what our own checks find in a UBL invoice or credit note."""
    return [*_due(root), *_prices(root), *_organisation_numbers(root)]


def early_finvoice(root: etree._Element) -> list[Finding]:
    """Return what our own checks find in a Finvoice, whose schema says nothing of sums."""
    found = []
    details = root.find("InvoiceDetails")
    if details is None:
        return []
    rows = [_comma(row) for row in root.iterfind("InvoiceRow/RowVatExcludedAmount")]
    net, vat, total = (
        _comma(details.find(f"InvoiceTotalVat{name}")) for name in ("ExcludedAmount", "Amount", "IncludedAmount")
    )
    parts = [_comma(node) for node in details.iterfind("VatSpecificationDetails/VatRateAmount")]
    if net is not None and vat is not None and total is not None and net + vat != total:
        sentence = f"{net:f} without VAT and {vat:f} of VAT are not {total:f}"
        found.append(Finding("BR-CO-15", FATAL, _place(details), sentence))
    if vat is not None and parts and sum(part or Decimal(0) for part in parts) != vat:
        found.append(Finding("BR-CO-14", FATAL, _place(details), f"the VAT of the rates does not sum to {vat:f}"))
    charged = details.find("ChargesTotalVatExcludedAmount") is not None
    lowered = details.find("DiscountsTotalVatExcludedAmount") is not None
    if rows and net is not None and not (charged or lowered) and sum(row or Decimal(0) for row in rows) != net:
        found.append(Finding("BR-CO-10", FATAL, _place(details), f"the rows do not sum to {net:f}"))
    return found


def _comma(node: etree._Element | None) -> Decimal | None:
    if node is None:
        return None
    try:
        return parse_decimal((node.text or "").strip().replace(",", "."), decimals_max=30)
    except BadValue:
        return None


def _due(root: etree._Element) -> Iterator[Finding]:
    payable = root.find("cac:LegalMonetaryTotal/cbc:PayableAmount", _NAMES)
    if payable is None or (amount := _decimal(payable)) is None or amount <= 0:
        return
    said = ("cbc:DueDate", "cac:PaymentMeans/cbc:PaymentDueDate", "cac:PaymentTerms/cbc:Note")
    if all(root.find(each, _NAMES) is None for each in said):
        yield Finding(
            "BR-CO-25", FATAL, _place(payable), "something is to be paid, but neither a due date nor terms say when"
        )


def _prices(root: etree._Element) -> Iterator[Finding]:
    for kind, measure in (("InvoiceLine", "InvoicedQuantity"), ("CreditNoteLine", "CreditedQuantity")):
        for line in root.iterfind(f"cac:{kind}", _NAMES):
            quantity = _decimal(line.find(f"cbc:{measure}", _NAMES))
            price = _decimal(line.find("cac:Price/cbc:PriceAmount", _NAMES))
            per = _decimal(line.find("cac:Price/cbc:BaseQuantity", _NAMES)) or Decimal(1)
            net = _decimal(line.find("cbc:LineExtensionAmount", _NAMES))
            if quantity is None or price is None or net is None:
                continue
            expected = quantity * price / per
            for charge in line.iterfind("cac:AllowanceCharge", _NAMES):
                amount = _decimal(charge.find("cbc:Amount", _NAMES)) or Decimal(0)
                adds = (charge.findtext("cbc:ChargeIndicator", "", _NAMES) or "").strip() == "true"
                expected += amount if adds else -amount
            if abs(expected - net) > TOLERANCE:
                yield Finding(
                    "PEPPOL-EN16931-R120",
                    FATAL,
                    _place(line),
                    f"the line is {net:f}, but quantity x price with its charges gives {expected:.4f}",
                )


def _organisation_numbers(root: etree._Element) -> Iterator[Finding]:
    for node in root.iter(f"{{{_NAMES['cbc']}}}EndpointID", f"{{{_NAMES['cbc']}}}CompanyID"):
        if node.get("schemeID") != "0007":
            continue
        number = (node.text or "").strip()
        if len(number) != 10 or not luhn_valid(number):
            yield Finding("PEPPOL-COMMON-R049", FATAL, _place(node), f"{number!r} is not a Swedish organisation number")
    seller = "cac:AccountingSupplierParty/cac:Party"
    country = root.findtext(f"{seller}/cac:PostalAddress/cac:Country/cbc:IdentificationCode", "", _NAMES).strip()
    own = root.find(f"{seller}/cac:PartyLegalEntity/cbc:CompanyID", _NAMES)
    if country == "SE" and own is not None:
        number = (own.text or "").strip()
        if re.fullmatch(r"[0-9]{10}", number) and not luhn_valid(number):
            yield Finding("SE-R-013", FATAL, _place(own), f"the last digit of {number} is not its check digit (Luhn)")


def _decimal(node: etree._Element | None) -> Decimal | None:
    if node is None:
        return None
    try:
        return parse_decimal((node.text or "").strip(), decimals_max=30)
    except BadValue:
        return None


def _place(node: etree._Element) -> str:
    return node.getroottree().getpath(node)
