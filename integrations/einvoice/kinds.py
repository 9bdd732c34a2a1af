"""What kind of e-invoice a document is, by its root and its own words, and which rules are for it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final

from lxml import etree

from domain.refusal import Unreadable
from integrations.einvoice.peppol import CUSTOMIZATION as PEPPOL
from integrations.einvoice.ubl import CREDIT_NOTE, INVOICE, REMINDER

CII: Final = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
EHF_REMINDER: Final = f"{PEPPOL}#conformant#urn:fdc:anskaffelser.no:2019:ehf:reminder:3.0"
EHF_PAYMENT_REQUEST: Final = "urn:fdc:anskaffelser.no:2019:ehf:spec:payment-request:3.0"
EHF_FORWARD_BILLING: Final = f"{PEPPOL}#conformant#urn:fdc:anskaffelser.no:2019:ehf:forward-billing:3.0"
_PEPPOL: Final = "urn:fdc:peppol.eu:2017:poacc:billing"
_SELF_BILLED: Final = "urn:fdc:peppol.eu:2017:poacc:selfbilling"
_EHF: Final = "urn:fdc:anskaffelser.no:"


class Kind(StrEnum):
    """A kind of document. ``UBL`` and ``CII`` are those of EN 16931 without a specification of their own, XRechnung."""

    PEPPOL = "peppol"
    SELF_BILLED = "peppol-self-billing"
    UBL = "ubl"
    CII = "cii"
    OIOUBL = "oioubl"
    EHF_REMINDER = "ehf-reminder"
    EHF_PAYMENT_REQUEST = "ehf-payment-request"
    EHF_FORWARD_BILLING = "ehf-forward-billing"
    FINVOICE = "finvoice"

    @property
    def en16931(self) -> bool:
        """Tell whether it is a UBL document that the norm's own rules and our early checks are for."""
        return self in {Kind.PEPPOL, Kind.SELF_BILLED, Kind.UBL}


_OF_EHF: Final = {
    EHF_REMINDER: Kind.EHF_REMINDER,
    EHF_PAYMENT_REQUEST: Kind.EHF_PAYMENT_REQUEST,
    EHF_FORWARD_BILLING: Kind.EHF_FORWARD_BILLING,
}
# The rule files of each kind, by family of releases; {document} is the name of the document's root.
SHEETS: Final[dict[Kind, tuple[tuple[str, str], ...]]] = {
    Kind.PEPPOL: (("en16931", "EN16931-UBL-validation.xslt"), ("peppol", "PEPPOL-EN16931-UBL.xslt")),
    Kind.SELF_BILLED: (("en16931", "EN16931-UBL-validation.xslt"), ("peppol", "PEPPOL-EN16931-UBL-SB.xslt")),
    Kind.UBL: (("en16931", "EN16931-UBL-validation.xslt"),),
    Kind.CII: (("en16931", "EN16931-CII-validation.xslt"),),
    Kind.OIOUBL: (("oioubl", "OIOUBL_{document}_Schematron.xslt"),),
    Kind.EHF_REMINDER: (("ehf", "EHF-P06-3.0-REMINDER.xslt"),),
    Kind.EHF_PAYMENT_REQUEST: (("ehf", "EHF-P07-3.0-PAYMENT-REQUEST-3.0.xslt"),),
    Kind.EHF_FORWARD_BILLING: (
        ("ehf", "FORWARD-BILLING-CEN-EN16931-UBL.xslt"),
        ("ehf", "FORWARD-BILLING-PEPPOL-EN16931-UBL.xslt"),
    ),
    Kind.FINVOICE: (),
}


def kind_of(root: etree._Element) -> Kind:
    """Return the kind of a document. Refuses with: Unreadable, naming its root."""
    name = etree.QName(root.tag)
    if name.localname == "Finvoice" and not name.namespace:
        return Kind.FINVOICE
    if name.namespace == CII:
        return Kind.CII
    if name.namespace not in {INVOICE, CREDIT_NOTE, REMINDER}:
        raise Unreadable(
            "{tag} is not the root of a UBL 2.1, OIOUBL, EHF, Finvoice 3.0 or CII invoice or credit note", tag=root.tag
        )
    said = _said(root, "{*}CustomizationID")
    if said.startswith("OIOUBL-2") or name.namespace == REMINDER:
        return Kind.OIOUBL
    if said in _OF_EHF:
        return _OF_EHF[said]
    # Peppol's rules are for whatever claims to be Peppol's, extensions of it and misspelt claims (R004) with them; what
    # says nothing at all is told by its process. EHF's other extensions have rules of their own.
    process = _said(root, "{*}ProfileID")
    claim = (said or process).lower()
    if _EHF in said:
        return Kind.UBL
    return Kind.PEPPOL if _PEPPOL in claim else Kind.SELF_BILLED if _SELF_BILLED in claim else Kind.UBL


def _said(root: etree._Element, path: str) -> str:
    """Return the text of an element, whatever comments stand in it; empty where it is missing."""
    node = root.find(path)
    return "" if node is None else str(node.xpath("string()")).strip()


def issued_on(root: etree._Element, kind: Kind) -> date:
    """Return the document's issue date; the first day there is where it says none that can be read."""
    match kind:
        case Kind.FINVOICE:
            said = _said(root, "InvoiceDetails/InvoiceDate")
        case Kind.CII:
            said = _said(root, "{*}ExchangedDocument/{*}IssueDateTime/{*}DateTimeString")
        case _:
            said = _said(root, "{*}IssueDate")
    try:
        return date.fromisoformat(said[:10])
    except ValueError:
        return date.min
