"""The WSDL 1.1 document: one port type, a binding and a port for SOAP 1.1 and one for SOAP 1.2, at one address.

spyne writes a document per version; the second's binding and port are put into the first's. It is built from the
configured public address, never from what a request says.
"""

from __future__ import annotations

from typing import Any, Final

from lxml import etree
from spyne.interface.wsdl import Wsdl11

from api.soap.codec import Codec

WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
ORDER: Final = ("types", "message", "portType", "binding", "service")
BINDINGS: Final = {"1.1": "BillingSoap11", "1.2": "BillingSoap12"}
SCHEMA: Final = "http://www.w3.org/2001/XMLSchema"


def wsdl(codecs: dict[str, Codec], address: str) -> bytes:
    """Return the document for the service at ``address``."""
    first, second = (_written(codecs[version], address, version) for version in ("1.1", "1.2"))
    service = first.find(f"{{{WSDL}}}service")
    other = second.find(f"{{{WSDL}}}service/{{{WSDL}}}port")
    assert service is not None
    assert other is not None
    service.append(other)
    first.extend(second.findall(f"{{{WSDL}}}binding"))
    first[:] = sorted(first, key=lambda child: ORDER.index(etree.QName(child).localname))
    for schema in first.iter(f"{{{SCHEMA}}}schema"):
        _sorted_schema(schema)
    etree.indent(first)
    return etree.tostring(first, xml_declaration=True, encoding="UTF-8") + b"\n"


def _written(codec: Codec, address: str, version: str) -> Any:
    """Return spyne's document with its binding and port named for the version of SOAP."""
    writer = Wsdl11(codec.interface)
    writer.build_interface_document(address)
    root = etree.fromstring(writer.get_interface_document())
    name = BINDINGS[version]
    for binding in root.findall(f"{{{WSDL}}}binding"):
        binding.set("name", name)
    ports = list(root.iter(f"{{{WSDL}}}port"))
    ports[0].set("name", name)
    ports[0].set("binding", f"tns:{name}")
    for again in ports[1:]:  # spyne writes one for each class of operations
        parent = again.getparent()
        assert parent is not None
        parent.remove(again)
    for port_type in root.findall(f"{{{WSDL}}}portType"):
        port_type.set("name", "Billing")
    for binding in root.findall(f"{{{WSDL}}}binding"):
        binding.set("type", "tns:Billing")
    return root


def _sorted_schema(schema: Any) -> None:
    """Order the types by name: spyne orders some of them by the addresses of its objects, which no file can be."""
    schema[:] = sorted(
        schema, key=lambda child: (etree.QName(child).localname != "simpleType", child.tag, child.get("name", ""))
    )
