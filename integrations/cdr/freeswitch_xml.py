"""FreeSWITCH mod_xml_cdr: one ``<cdr>`` document per leg, values percent-encoded, several in a file.

The columns are those of mod_json_cdr. Documents with a DTD or entities of their own are refused.

>>> from integrations.cdr.registry import profile
>>> leg = b"<cdr core-uuid='c'><variables><uuid>u</uuid><sip_from_uri>1%40h</sip_from_uri></variables></cdr>"
>>> next(decode([leg], profile("freeswitch-xml"), records_max=9)).records.select("uuid", "core-uuid").row(0)
('u', 'c')
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

from lxml import etree

from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from domain.refusal import Unreadable
from integrations.cdr.delimited import used_columns
from integrations.cdr.rows import Rows
from integrations.cdr.text import refuse_foreign
from integrations.cdr.whole import read_whole

_BEGIN: Final = re.compile(rb"<cdr[\s>]")
_END: Final = b"</cdr>"


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the legs. Refuses with: Unreadable, LimitExceeded."""
    data = read_whole(blocks)
    if not data:
        return
    refuse_foreign(data, markup=True)
    if b"<!DOCTYPE" in data[:4096] or b"<!ENTITY" in data:
        raise Unreadable("the XML has a DTD or entities of its own, which no CDR has")
    rows = Rows(frozenset(used_columns(profile)))
    place = 0
    while (found := _BEGIN.search(data, place)) is not None:
        begin = found.start()
        end = data.find(_END, begin)
        if end < 0:
            if rows.first:
                raise Unreadable("the XML document is cut: </cdr> is missing")
            rows.reject("truncated", "</cdr> is missing", begin, data[begin:])
            break
        place = end + len(_END)
        _one(data[begin:place], begin, rows)
        if rows.held >= records_max:
            yield rows.piece(place)
    if rows.first:
        raise Unreadable("no <cdr> document of FreeSWITCH")
    yield rows.piece(len(data))


def _one(raw: bytes, begin: int, rows: Rows) -> None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=False)
    try:
        leg = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as wrong:
        rows.reject("unknown_record", f"no XML: {wrong.msg}", begin, raw)
        return
    variables = leg.find("variables")
    if variables is None:
        rows.reject("unknown_record", "a document without variables", begin, raw)
        return
    caller = leg.find("callflow/caller_profile")
    columns = {
        str(item.tag): unquote(item.text or "", errors="replace")
        for part in (caller, variables)
        if part is not None
        for item in part
        if isinstance(item.tag, str)
    }
    columns.update({str(name): str(leg.get(name)) for name in ("core-uuid", "switchname") if leg.get(name) is not None})
    rows.add(columns, begin, raw)
