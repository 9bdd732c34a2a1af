"""A refusal as a SOAP fault, mapped once: the caller's fault, with the code of the refusal and its detail."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree
from spyne import Fault
from spyne.protocol.xml import SchemaValidationError

from api.catalogues import sentence, spoken, told
from domain.refusal import BadValue, Refusal

NAMESPACE: Final = "urn:tollwright:billing:1"
ENVELOPES: Final = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}

# As libxml2 tells of an element that the schema does not let stand.
_ELEMENT: Final = re.compile(r"Element '(?:\{[^}]*\})?(?P<name>[^']+)': (?P<why>.*)", re.DOTALL)


def refused(refusal: Refusal) -> Fault:
    """Return the fault of a refusal: faultcode ``Client.not_found``, and a ``Refusal`` element in its detail."""
    told = sentence(refusal)
    detail = {f"{{{NAMESPACE}}}code": refusal.code, f"{{{NAMESPACE}}}message": told}
    if refusal.field is not None:
        detail[f"{{{NAMESPACE}}}field"] = refusal.field
    return Fault(f"Client.{refusal.code}", told, detail={f"{{{NAMESPACE}}}Refusal": detail})


def unfit(fault: Fault) -> Fault:
    """Return the fault of what is not of the WSDL's schema as that of any other bad value, with its element's name."""
    text = fault.faultstring
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    found = _ELEMENT.search(text) if isinstance(fault, SchemaValidationError) else None
    if found is None:
        return fault
    return refused(BadValue("the arguments do not fit: {why}", why=found["why"], field=found["name"]))


def internal(identity: str) -> Fault:
    """Return the fault of an error on our side: nothing but its id."""
    detail = {f"{{{NAMESPACE}}}Error": {f"{{{NAMESPACE}}}id": identity}}
    return Fault("Server.internal", told("something went wrong on our side; tell us the id"), detail=detail)


def envelope(version: str, code: str, message: str) -> bytes:
    """Return a fault of a request that never reached an operation, such as one that is not XML.

    ``code`` is SOAP 1.1's word: ``Client``, ``MustUnderstand``, ``VersionMismatch``.
    """
    soap = ENVELOPES[version]
    root = etree.Element(f"{{{soap}}}Envelope", nsmap={"env": soap})
    fault = etree.SubElement(etree.SubElement(root, f"{{{soap}}}Body"), f"{{{soap}}}Fault")
    if version == "1.1":
        etree.SubElement(fault, "faultcode").text = f"env:{code}"
        etree.SubElement(fault, "faultstring").text = told(message)
    else:
        word = {"Client": "Sender", "Server": "Receiver"}.get(code, code)
        etree.SubElement(etree.SubElement(fault, f"{{{soap}}}Code"), f"{{{soap}}}Value").text = f"env:{word}"
        text = etree.SubElement(etree.SubElement(fault, f"{{{soap}}}Reason"), f"{{{soap}}}Text")
        text.set("{http://www.w3.org/XML/1998/namespace}lang", spoken())
        text.text = told(message)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
