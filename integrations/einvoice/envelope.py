"""The envelope that documents travel in: the Standard Business Document Header of UN/CEFACT, as Peppol uses it.

Peppol Business Message Envelope 2.0: the header names the kind of document, its process, sender and receiver, and an
access point routes by it; where it says otherwise than the document, the document is refused there, or goes astray.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Final

from lxml import etree

from domain.refusal import Unreadable
from integrations.einvoice.findings import FATAL, WARNING, Finding

NAMESPACE: Final = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
_HEADER: Final = f"{{{NAMESPACE}}}StandardBusinessDocumentHeader"
_SELF_BILLED: Final = ":selfbilling:"


def opened(root: etree._Element) -> tuple[etree._Element, list[Finding]]:
    """Return the document within, and what its envelope says otherwise; one without an envelope as it is.

    Refuses with: Unreadable (no document within, or several).
    """
    if root.tag != f"{{{NAMESPACE}}}StandardBusinessDocument":
        return root, []
    within = [node for node in root.iterchildren("*") if node.tag != _HEADER]
    if len(within) != 1:
        raise Unreadable("the envelope holds {count} documents; it has one", count=len(within))
    document = deepcopy(within[0])
    document.tail = None
    header = root.find(_HEADER)
    if header is None:
        return document, [Finding("SBDH", FATAL, "/", "the envelope has no header")]
    return document, list(_against(header, document))


def _against(header: etree._Element, document: etree._Element) -> Iterator[Finding]:
    name = etree.QName(document.tag)
    customization = _text(document, "{*}CustomizationID")
    kind = f"{name.namespace}::{name.localname}##{customization}"
    told = {_text(scope, "{*}Type"): _text(scope, "{*}InstanceIdentifier") for scope in header.iter("{*}Scope")}
    for what, said, holds, severity in (
        ("Standard", _text(header, "{*}DocumentIdentification/{*}Standard"), name.namespace or "", FATAL),
        ("Type", _text(header, "{*}DocumentIdentification/{*}Type"), name.localname, FATAL),
        ("DOCUMENTID", told.get("DOCUMENTID", "").rpartition("::")[0], kind, FATAL),
        ("PROCESSID", told.get("PROCESSID", ""), _text(document, "{*}ProfileID"), FATAL),
        ("Sender", *_side(header, document, "Sender", customization), WARNING),
        ("Receiver", *_side(header, document, "Receiver", customization), WARNING),
    ):
        if said != holds:
            place = f"/StandardBusinessDocumentHeader/{what}"
            yield Finding("SBDH", severity, place, f"the envelope says {said!r}, the document {holds!r}")


def _side(header: etree._Element, document: etree._Element, side: str, customization: str) -> tuple[str, str]:
    """Return an address of the envelope, and the document's; a self-billed one goes from the buyer to the seller."""
    party = "Supplier" if (side == "Sender") != (_SELF_BILLED in customization) else "Customer"
    node = document.find(f"{{*}}Accounting{party}Party/{{*}}Party/{{*}}EndpointID")
    holds = "" if node is None else f"{node.get('schemeID', '')}:{(node.text or '').strip()}"
    return _text(header, f"{{*}}{side}/{{*}}Identifier").lower(), holds.lower()


def _text(node: etree._Element, path: str) -> str:
    found = node.find(path)
    return "" if found is None else str(found.xpath("string()")).strip()
