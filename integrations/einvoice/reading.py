"""Reading XML from outside (W3C XML 1.0) without DTD, entities or network, with limits on size, depth and count.

>>> parse(b"<a><b/></a>").tag
'a'
>>> parse(b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>')
Traceback (most recent call last):
    ...
domain.refusal.Unreadable: DOCTYPE not allowed: an XML document may not bring its own DTD or entities
"""

from __future__ import annotations

from typing import Any, Final

from lxml import etree

from domain.refusal import LimitExceeded, Unreadable

SIZE_MAX: Final = 50 * 1024 * 1024
DEPTH_MAX: Final = 100
ELEMENTS_MAX: Final = 2_000_000
# libxml2 would read what iconv knows, UTF-7 among them, in which a byte scan sees no markup.
ENCODINGS: Final = frozenset(
    {"UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "ISO-8859-1", "ISO-8859-15", "US-ASCII", "ASCII", "WINDOWS-1252"}
)


def parse(data: bytes, *, size_max: int = SIZE_MAX) -> etree._Element:
    """Return the root of a well-formed document. Refuses with: Unreadable, LimitExceeded."""
    if len(data) > size_max:
        raise LimitExceeded(
            "the XML document has {count} bytes, more than {size_max}", count=len(data), size_max=size_max
        )
    if not data.strip():
        raise Unreadable("the XML document is empty")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as fault:
        detail = " ".join(str(fault).split())[:200]
        if "depth" in detail or "limit" in detail or "huge" in detail:
            raise LimitExceeded("the XML document passes a limit: {detail}", detail=detail) from None
        raise Unreadable("not well-formed XML: {detail}", detail=detail) from None
    info: Any = root.getroottree().docinfo  # the stubs lack doctype
    if info.doctype or info.internalDTD is not None:
        raise Unreadable("DOCTYPE not allowed: an XML document may not bring its own DTD or entities")
    if (info.encoding or "UTF-8").upper() not in ENCODINGS:
        raise Unreadable("an XML document in {encoding} is not read; write it in UTF-8", encoding=info.encoding)
    _within_limits(root)
    return root


def _within_limits(root: etree._Element) -> None:
    depth = elements = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        elements += 1
        if depth > DEPTH_MAX:
            raise LimitExceeded("the XML document is nested deeper than {depth_max}", depth_max=DEPTH_MAX)
        if elements > ELEMENTS_MAX:
            raise LimitExceeded("the XML document has more than {elements_max} elements", elements_max=ELEMENTS_MAX)
