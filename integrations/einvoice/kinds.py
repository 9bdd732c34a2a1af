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


class Kind(StrEnum):
    """A kind of document. ``UBL`` and ``CII`` are those of EN 16931 without a specification of their own, XRechnung."""

    PEPPOL = "peppol"
    UBL = "ubl"
    CII = "cii"
    OIOUBL = "oioubl"
    EHF_REMINDER = "ehf-reminder"
    EHF_PAYMENT_REQUEST = "ehf-payment-request"
    FINVOICE = "finvoice"

    @property
    def en16931(self) -> bool:
        """Tell whether it is a UBL document that the norm's own rules and our early checks are for."""
        return self in {Kind.PEPPOL, Kind.UBL}


# The rule files of each kind, by family of releases; {document} is the name of the document's root.
SHEETS: Final[dict[Kind, tuple[tuple[str, str], ...]]] = {
    Kind.PEPPOL: (("en16931", "EN16931-UBL-validation.xslt"), ("peppol", "PEPPOL-EN16931-UBL.xslt")),
    Kind.UBL: (("en16931", "EN16931-UBL-validation.xslt"),),
    Kind.CII: (("en16931", "EN16931-CII-validation.xslt"),),
    Kind.OIOUBL: (("oioubl", "OIOUBL_{document}_Schematron.xslt"),),
    Kind.EHF_REMINDER: (("ehf", "EHF-P06-3.0-REMINDER.xslt"),),
    Kind.EHF_PAYMENT_REQUEST: (("ehf", "EHF-P07-3.0-PAYMENT-REQUEST-3.0.xslt"),),
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
    said = (root.findtext("{*}CustomizationID") or "").strip()
    if said.startswith("OIOUBL-2") or name.namespace == REMINDER:
        return Kind.OIOUBL
    return {PEPPOL: Kind.PEPPOL, EHF_REMINDER: Kind.EHF_REMINDER, EHF_PAYMENT_REQUEST: Kind.EHF_PAYMENT_REQUEST}.get(
        said, Kind.UBL
    )


def issued_on(root: etree._Element, kind: Kind) -> date:
    """Return the document's issue date; the first day there is where it says none that can be read."""
    match kind:
        case Kind.FINVOICE:
            said = root.findtext("InvoiceDetails/InvoiceDate")
        case Kind.CII:
            said = root.findtext("{*}ExchangedDocument/{*}IssueDateTime/{*}DateTimeString")
        case _:
            said = root.findtext("{*}IssueDate")
    text = (said or "").strip()[:10]
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min
