"""Receipt files of printhouses and networks: table, JSON Lines, XML, or UBL's ApplicationResponse (Peppol MLR, IMR)."""

from __future__ import annotations

from typing import Final

from lxml import etree

from domain.delivery.receipts import Receipt, read_csv, read_json_lines, read_rows
from domain.refusal import LimitExceeded, Unreadable
from integrations.einvoice.reading import parse

SIZE_MAX: Final = 50 << 20
_RESPONSE: Final = "urn:oasis:names:specification:ubl:schema:xsd:ApplicationResponse-2"
# UNCL 4343 as Peppol uses it: message level AB, AP, RE; invoice response AB, IP, UQ, CA, RE, AP, PD.
_CODES: Final = {
    "AB": "accepted",
    "IP": "accepted",
    "UQ": "accepted",
    "CA": "accepted",
    "AP": "delivered",
    "PD": "delivered",
    "RE": "rejected",
}


def read(data: bytes) -> list[Receipt]:
    """Read a receipt file, by what it looks like. Refuses with: Unreadable, BadValue, LimitExceeded."""
    if len(data) > SIZE_MAX:
        raise LimitExceeded("a receipt file has at most {most} bytes", most=SIZE_MAX)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _of_xml(parse(data))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    if text.lstrip().startswith(("{", "[")):
        return read_json_lines(text)
    return read_csv(text)


def _of_xml(root: etree._Element) -> list[Receipt]:
    if etree.QName(root.tag).namespace == _RESPONSE:
        return read_rows([row for node in root.iterfind("{*}DocumentResponse") for row in _responses(node)])
    rows = []
    for node in root.iter("{*}document", "{*}receipt", "{*}row"):
        told = {str(name).lower(): str(value) for name, value in node.attrib.items()}
        told |= {etree.QName(child.tag).localname.lower(): child.text or "" for child in node.iterchildren("*")}
        if "state" in told or "status" in told:
            rows.append({**told, "state": told.get("state") or told.get("status", "")})
    if not rows:
        raise Unreadable("the receipt file names no documents: it has <document number=… state=…> for each")
    return read_rows(rows)


def _responses(node: etree._Element) -> list[dict[str, str]]:
    code = (node.findtext("{*}Response/{*}ResponseCode") or "").strip()
    reasons = [" ".join((reason.text or "").split()) for reason in node.iterfind("{*}Response//{*}StatusReason")] or [
        " ".join((node.findtext("{*}Response/{*}Description") or "").split())
    ]
    return [
        {
            "number": (reference.findtext("{*}ID") or "").strip(),
            "kind": "credit_note" if (reference.findtext("{*}DocumentTypeCode") or "").strip() == "381" else "",
            "state": _CODES.get(code, code),
            "reason": "; ".join(filter(None, reasons)),
        }
        for reference in node.iterfind("{*}DocumentReference")
    ]
