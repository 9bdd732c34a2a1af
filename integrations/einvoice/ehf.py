"""EHF (Norway, DFØ): the invoice is Peppol BIS 3; this writes EHF's reminder (process 06).

It begins as Peppol's invoice, and holds less: what its data model does not have is taken out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from lxml import etree

from domain.invoicing.invoice import DocumentKind, Invoice, decimals_of
from domain.refusal import BadValue
from integrations.einvoice.kinds import EHF_REMINDER
from integrations.einvoice.peppol import tree
from integrations.einvoice.ubl import CAC, group, leaf, written

REMINDER_PROFILE: Final = "urn:fdc:anskaffelser.no:2019:ehf:postaward:g3:06:1.0"
_EXEMPT: Final = "Merverdiavgiftsfritt"
_NOT_OF_A_REMINDER: Final = (
    "InvoiceTypeCode", "Note", "InvoicePeriod", "OrderReference", "ContractDocumentReference",
    "AdditionalDocumentReference",
    "InvoiceLine/DocumentReference", "InvoiceLine/InvoicePeriod", "InvoiceLine/Note", "InvoiceLine/Item/Description",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LateCharge:
    """What a reminder adds to what it reminds of: a fee, or interest."""

    text: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded:
    """A reminder of an invoice: its own number and days, what was ``paid`` before, and what it adds."""

    number: str
    issued_on: date
    due_on: date
    paid: Decimal = Decimal(0)
    charges: Sequence[LateCharge] = ()


def reminder(invoice: Invoice, said: Reminded) -> bytes:
    """Write a reminder of an issued invoice as UTF-8 XML. Refuses with: BadValue (no endpoint, a credit note)."""
    _only_invoices(invoice)
    own = replace(
        invoice,
        number=said.number,
        issued_on=said.issued_on,
        due_on=said.due_on,
        original=invoice.number,
        replaces=None,
        home=None,
        lines=tuple(replace(line, corrects=None) for line in invoice.lines),  # it names what it reminds of alone
    )
    root = tree(own)
    _become(root, EHF_REMINDER, REMINDER_PROFILE, _NOT_OF_A_REMINDER)
    fees = sum((charge.amount for charge in said.charges), Decimal(0))
    money = {"currencyID": invoice.currency}
    places = decimals_of(invoice.currency)
    total = _one(root, "TaxTotal")
    for charge in said.charges:
        node = etree.Element(f"{{{CAC}}}AllowanceCharge")
        total.addprevious(node)
        leaf(node, "ChargeIndicator", "true")
        leaf(node, "AllowanceChargeReason", charge.text)
        leaf(node, "Amount", f"{charge.amount:.{places}f}", **money)
        _exempt(node, None)
    if fees:
        part = group(total, "TaxSubtotal")
        leaf(part, "TaxableAmount", f"{fees:.{places}f}", **money)
        leaf(part, "TaxAmount", f"{Decimal(0):.{places}f}", **money)
        _exempt(part, _EXEMPT)
    sums = _one(root, "LegalMonetaryTotal")
    for old in list(sums):
        sums.remove(old)
    for tag, amount in (
        ("LineExtensionAmount", invoice.net),
        ("TaxExclusiveAmount", invoice.net + fees),
        ("TaxInclusiveAmount", invoice.net + fees + invoice.vat_total),
        ("ChargeTotalAmount", fees or None),
        ("PrepaidAmount", said.paid or None),
        ("PayableRoundingAmount", invoice.rounding or None),
        ("PayableAmount", invoice.total + fees - said.paid),
    ):
        if amount is not None:
            leaf(sums, tag, f"{amount:.{places}f}", **money)
    return written(root)


def _only_invoices(invoice: Invoice) -> None:
    if invoice.kind is not DocumentKind.INVOICE:
        raise BadValue("{number} is a credit note; only an invoice is to be paid", number=invoice.number)


def _become(root: etree._Element, customization: str, profile: str, without: Sequence[str]) -> None:
    _one(root, "CustomizationID").text = customization
    _one(root, "ProfileID").text = profile
    for path in without:
        for node in root.findall("/".join(f"{{*}}{part}" for part in path.split("/"))):
            parent = node.getparent()
            assert parent is not None
            parent.remove(node)


def _exempt(parent: etree._Element, reason: str | None) -> None:
    category = group(parent, "TaxCategory")
    leaf(category, "ID", "E")
    leaf(category, "Percent", "0")
    leaf(category, "TaxExemptionReason", reason)
    leaf(group(category, "TaxScheme"), "ID", "VAT")


def _one(root: etree._Element, tag: str) -> etree._Element:
    node = root.find(f"{{*}}{tag}")
    assert node is not None, tag
    return node
