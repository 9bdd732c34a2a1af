"""What every UBL 2.1 document is made of: names, groups, leaves, and text that XML 1.0 can hold."""

from __future__ import annotations

import functools
import re
from decimal import Decimal
from typing import Final

from lxml import etree

from domain.refusal import BadValue

INVOICE: Final = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
CREDIT_NOTE: Final = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
REMINDER: Final = "urn:oasis:names:specification:ubl:schema:xsd:Reminder-2"
CAC: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"

DECIMALS_MAX: Final = 2
_FORBIDDEN = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    r"""Return the text without the characters that XML 1.0 cannot hold.

    >>> clean("a\x00b\x1b")
    'ab'
    """
    # What is printable has no such character; most texts are, and need no search.
    return text.strip() if text.isprintable() else _FORBIDDEN.sub("", text).strip()


def document(namespace: str, name: str) -> etree._Element:
    """Return the root of a document with UBL's own prefixes."""
    names: dict[str | None, str] = {None: namespace, "cac": CAC, "cbc": CBC}
    return etree.Element(
        f"{{{namespace}}}{name}",
        nsmap=names,  # type: ignore[arg-type]  # the stubs forget that None names the default namespace
    )


def group(parent: etree._Element, tag: str) -> etree._Element:
    """Add an aggregate."""
    return etree.SubElement(parent, _aggregate(tag))


def leaf(parent: etree._Element, tag: str, text: str | None, **attributes: str) -> etree._Element:
    """Add a leaf; where there is no text it is made, but not added, since an empty element is an error (R008)."""
    content = clean(text) if text else ""
    name = _basic(tag)
    node = etree.SubElement(parent, name, attributes) if content else etree.Element(name, attributes)
    node.text = content
    return node


@functools.cache
def _aggregate(tag: str) -> str:
    return f"{{{CAC}}}{tag}"


@functools.cache
def _basic(tag: str) -> str:
    return f"{{{CBC}}}{tag}"


def plain(value: Decimal) -> str:
    """Write a number without an exponent or zeros at its end.

    >>> plain(Decimal("1.500")), plain(Decimal("200")), plain(Decimal("1E+2"))
    ('1.5', '200', '100')
    """
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def of_two_decimals(currency: str, places: int) -> None:
    """Refuse a currency whose amounts the formats cannot hold (BR-DEC-*). Refuses with: BadValue."""
    if places > DECIMALS_MAX:
        raise BadValue(
            "an e-invoice has amounts of two decimals, and {currency} has {count}: send the document another way",
            currency=currency,
            count=places,
        )


def written(root: etree._Element) -> bytes:
    """Return the document as UTF-8."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
