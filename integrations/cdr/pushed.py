r"""Bodies of HTTP requests that carry call records, as mod_json_cdr and mod_xml_cdr of FreeSWITCH post them.

FreeSWITCH sends the document itself (``application/json``, ``text/xml``), or as the field ``cdr`` of a form: encoded by
percent signs, in base64 (``application/x-www-form-base64-encoded``), or as it is (``…-form-plaintext``). Other clients
may send several: an array, or a document per line.

>>> unwrapped(b"cdr=%7B%22a%22%3A%201%7D", "application/x-www-form-urlencoded")
b'{"a": 1}'
>>> lines(b'[{"a": "x"},\n {"a":\n 2}]', "generic-jsonl")
[b'{"a": "x"}\n', b'{"a":  2}\n']
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Final
from urllib.parse import unquote_to_bytes

from lxml import etree

from domain.refusal import BadValue, LimitExceeded, Unreadable
from integrations.cdr.documents import documents

URLENCODED: Final = "application/x-www-form-urlencoded"
BASE64: Final = "application/x-www-form-base64-encoded"
PLAINTEXT: Final = "application/x-www-form-plaintext"
JSON: Final = frozenset(
    {"application/json", "application/x-ndjson", "application/jsonl", "text/json", "text/plain", ""}
)
XML: Final = frozenset({"text/xml", "application/xml"})
JSON_FORMATS: Final = frozenset({"freeswitch-json", "generic-jsonl", "asterisk-cel"})
XML_FORMATS: Final = frozenset({"freeswitch-xml"})
RECORDS_MAX: Final = 1_000
_FIELD: Final = b"cdr="


def takes(media_type: str) -> bool:
    """Tell whether a body of this content type is understood."""
    return media_type in {URLENCODED, BASE64, PLAINTEXT} or media_type in JSON or media_type in XML


def unwrapped(body: bytes, media_type: str) -> bytes:
    """Return the documents in a body. Refuses with: Unreadable."""
    if media_type == URLENCODED:
        fields = [part for part in body.split(b"&") if part.startswith(_FIELD)]
        if len(fields) != 1:
            raise Unreadable("the form must have one field named cdr")
        return unquote_to_bytes(fields[0][len(_FIELD) :].replace(b"+", b" "))
    if media_type == BASE64:
        if not body.startswith(_FIELD):
            raise Unreadable("the form must have one field named cdr")
        try:
            # FreeSWITCH does not escape the field; clients that do have %2B for +.
            return base64.b64decode(unquote_to_bytes(body[len(_FIELD) :]), validate=False)
        except (binascii.Error, ValueError):
            raise Unreadable("the field cdr is not base64") from None
    return body.removeprefix(_FIELD)


def lines(body: bytes, reader: str) -> list[bytes]:
    """Return a body's documents for a reader, each ending with a line end; all of them or none.

    Refuses with: Unreadable (no documents of this reader), LimitExceeded, BadValue (this reader's are not pushed).
    """
    if reader in XML_FORMATS:
        return [_xml(body)]
    if reader not in JSON_FORMATS:
        raise BadValue("records of {reader} come in files: upload them", reader=reader, field="source")
    found: list[bytes] = []
    for number, document in enumerate(documents([body]), 1):
        if number > RECORDS_MAX:
            raise LimitExceeded("a request has at most {records_max} records", records_max=RECORDS_MAX)
        value = None
        if not (fault := document.fault):
            try:
                value = json.loads(document.raw)
            except (ValueError, RecursionError) as wrong:
                fault = str(wrong)
        if fault or not isinstance(value, dict):
            raise Unreadable(
                "document {number} is no JSON object: {value}; nothing was taken",
                number=number,
                value=fault or "it is another value",
            )
        if reader == "freeswitch-json" and not isinstance(value.get("variables"), dict):
            raise Unreadable(
                "document {number} has no variables, so it is no CDR of FreeSWITCH; nothing was taken", number=number
            )
        # A line end stands between a document's values, never within one.
        found.append(document.raw.translate(_ON_ONE_LINE) + b"\n")
    if not found:
        raise Unreadable("there is no JSON object in the body")
    return found


_ON_ONE_LINE: Final = bytes.maketrans(b"\r\n", b"  ")


def _xml(body: bytes) -> bytes:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise Unreadable("DOCTYPE not allowed")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=False)
    try:
        document = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as wrong:
        raise Unreadable("the body is no XML: {wrong}", wrong=wrong) from None
    if document.tag != "cdr" or document.find("variables") is None:
        raise Unreadable("the document is no <cdr> of FreeSWITCH with variables")
    return etree.tostring(document, encoding="utf-8").replace(b"<?xml version='1.0' encoding='utf-8'?>", b"") + b"\n"
