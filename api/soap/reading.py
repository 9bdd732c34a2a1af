"""What a SOAP request must be before spyne sees it: small, UTF-8, well-formed, without a DTD, not deep (X1 to X6, X9).

The text is looked at before any parser runs, so that an entity is never even declared.
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from api.soap.faults import ENVELOPES
from api.soap.security import SECURITY

DEPTH_MAX: Final = 100
ELEMENTS_MAX: Final = 50_000
ATTRIBUTES_MAX: Final = 100

_DECLARED: Final = re.compile(r"\ufeff?\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)[\"']")
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


class Unacceptable(Exception):  # noqa: N818  (an answer to the caller)
    """The request is refused with HTTP 400. ``code`` is SOAP's word for it."""

    def __init__(self, message: str, code: str = "Client") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def check(body: bytes, version: str) -> tuple[bytes, etree._Element | None]:
    """Check a request of a SOAP version; return it without its Security header, and that. Raises Unacceptable."""
    if not body.strip():
        raise Unacceptable("the request is empty")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Unacceptable("the request is not UTF-8") from None
    if "\0" in text:
        raise Unacceptable("the request is not UTF-8")
    declared = _DECLARED.match(text)
    if declared and declared.group(1).lower() not in _UTF8:
        raise Unacceptable("the request must be declared as UTF-8")
    if "<!DOCTYPE" in text.upper():
        raise Unacceptable("DOCTYPE not allowed")
    root = _parsed(body)
    soap = ENVELOPES[version]
    if root.tag != f"{{{soap}}}Envelope":
        code = "VersionMismatch" if etree.QName(root).localname == "Envelope" else "Client"
        raise Unacceptable(f"the request is not a SOAP {version} envelope", code)
    bodies = root.findall(f"{{{soap}}}Body")
    if len(bodies) != 1 or len(bodies[0].findall("*")) != 1:
        raise Unacceptable("an envelope has one Body, and that one operation")
    security = root.findall(f"{{{soap}}}Header/{SECURITY}")
    if len(security) > 1:
        raise Unacceptable("a request has one Security header")
    for header in security:
        root.find(f"{{{soap}}}Header").remove(header)  # type: ignore[union-attr]  # it was found there
    for header in root.findall(f"{{{soap}}}Header/*"):
        if header.get(f"{{{soap}}}mustUnderstand", "0") in {"1", "true"}:
            raise Unacceptable(f"the header {etree.QName(header).localname} is not understood", "MustUnderstand")
    return (etree.tostring(root), security[0]) if security else (body, None)


def _parsed(body: bytes) -> etree._Element:
    """Parse with every limit on, counting on the way, so that a bomb is left before it is built."""
    parser = etree.XMLPullParser(
        ("start", "end"), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    depth = count = 0
    root: etree._Element | None = None
    try:
        for start in range(0, len(body), 65_536):
            parser.feed(body[start : start + 65_536])
            for event, element in parser.read_events():
                depth += 1 if event == "start" else -1
                count += event == "start"
                if event == "start" and isinstance(element, etree._Element):  # noqa: SLF001  (the class has no public name)
                    root = element if root is None else root
                    if depth > DEPTH_MAX or count > ELEMENTS_MAX or len(element.attrib) > ATTRIBUTES_MAX:
                        raise Unacceptable("the request is deeper or larger than is accepted")
        parser.close()
    except etree.XMLSyntaxError as fault:
        raise Unacceptable(f"the request is not well-formed XML: {fault.msg}") from None
    if root is None:  # a text of three bytes ends before the parser has begun
        raise Unacceptable("the request is not well-formed XML: it ends too early")
    return root
