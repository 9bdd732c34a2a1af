"""A refusal as a SOAP fault, mapped once: the caller's fault, with the code of the refusal and its detail."""

from __future__ import annotations

from typing import Final

from lxml import etree
from spyne import Fault

from api.catalogues import sentence
from domain.refusal import Refusal

NAMESPACE: Final = "urn:tollwright:billing:1"
ENVELOPES: Final = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}


def refused(refusal: Refusal) -> Fault:
    """Return the fault of a refusal: faultcode ``Client.not_found``, and a ``Refusal`` element in its detail."""
    told = sentence(refusal)
    detail = {f"{{{NAMESPACE}}}code": refusal.code, f"{{{NAMESPACE}}}message": told}
    if refusal.field is not None:
        detail[f"{{{NAMESPACE}}}field"] = refusal.field
    return Fault(f"Client.{refusal.code}", told, detail={f"{{{NAMESPACE}}}Refusal": detail})


def internal(identity: str) -> Fault:
    """Return the fault of an error on our side: nothing but its id."""
    detail = {f"{{{NAMESPACE}}}Error": {f"{{{NAMESPACE}}}id": identity}}
    return Fault("Server.internal", "something went wrong on our side; tell us the id", detail=detail)


def envelope(version: str, code: str, message: str) -> bytes:
    """Return a fault of a request that never reached an operation, such as one that is not XML.

    ``code`` is SOAP 1.1's word: ``Client``, ``MustUnderstand``, ``VersionMismatch``.
    """
    soap = ENVELOPES[version]
    root = etree.Element(f"{{{soap}}}Envelope", nsmap={"env": soap})
    fault = etree.SubElement(etree.SubElement(root, f"{{{soap}}}Body"), f"{{{soap}}}Fault")
    if version == "1.1":
        etree.SubElement(fault, "faultcode").text = f"env:{code}"
        etree.SubElement(fault, "faultstring").text = message
    else:
        word = {"Client": "Sender", "Server": "Receiver"}.get(code, code)
        etree.SubElement(etree.SubElement(fault, f"{{{soap}}}Code"), f"{{{soap}}}Value").text = f"env:{word}"
        text = etree.SubElement(etree.SubElement(fault, f"{{{soap}}}Reason"), f"{{{soap}}}Text")
        text.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
        text.text = message
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
