"""FreeSWITCH mod_xml_cdr: one ``<cdr>`` document per leg, values percent-encoded, several in a file.

The columns are those of mod_json_cdr. A DTD or entities of one's own are no part of a CDR: such a file is refused.

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
from integrations.cdr.documents import DOCUMENT_BYTES_MAX
from integrations.cdr.freeswitch_json import TIMES
from integrations.cdr.rows import Rows
from integrations.cdr.text import Source

_BEGIN: Final = re.compile(rb"<cdr[\s>]")
_END: Final = b"</cdr>"
_OWN: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_FILL_BYTES: Final = 1 << 20
_MARK_BYTES: Final = 16
# libxml2 compares each attribute of an element with all the others.
_ATTRIBUTES_MAX: Final = 10_000
# Where the epoch in seconds is missing: the same in µs, the times of callflow, the stamp of local time.
_MICROS: Final = {name.replace("_epoch", "_uepoch"): name for name in TIMES} | {
    flow: name for name, flow in TIMES.items()
}
_STAMPS: Final = {name.replace("_epoch", "_stamp"): name for name in TIMES}


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the legs. Refuses with: Unreadable."""
    source = Source(blocks, profile.layout.encoding, markup=True)
    if source.empty:
        return
    wanted = frozenset(used_columns(profile))
    rows = Rows(wanted, sparse=True)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=False)
    target = _FILL_BYTES
    while True:
        text, final = source.fill(target)
        place = 0
        # A line end far away holds the text back: what is there is then all there is of the document.
        stuck = target > 4 * DOCUMENT_BYTES_MAX
        while (found := _next(text, place, final=final or stuck)) is not None:
            between, begin, end = found
            if _OWN.search(text, place, between):
                raise Unreadable("the XML has a DTD or entities of its own (DOCTYPE not allowed), which no CDR has")
            _one(text[begin:end], source.offset(begin), rows, wanted, parser)
            place = end
            if rows.full(records_max):
                yield rows.piece(source.offset(place))
        # What is left is the beginning of a document, or nothing of one but perhaps its first letters.
        rest = _BEGIN.search(text, place)
        if rest is None:
            if _OWN.search(text, place):
                raise Unreadable("the XML has a DTD or entities of its own (DOCTYPE not allowed), which no CDR has")
            whole = final or text.endswith((b"\n", b"\r"))
            place = len(text) if whole else max(place, len(text) - _MARK_BYTES)
        target = _FILL_BYTES if rest is None else target * 2
        source.take(place)
        if final:
            break
    if rows.first:
        raise Unreadable("no <cdr> document of FreeSWITCH")
    yield rows.piece(source.position)


def _next(text: bytes, place: int, *, final: bool) -> tuple[int, int, int] | None:
    """Return where the next document begins and ends, or a damaged one; None where more of the file is needed.

    The first place is up to where nothing of a document was. One without its end is left when another begins.
    """
    found = _BEGIN.search(text, place)
    if found is None:
        return None
    begin = found.start()
    end = text.find(_END, begin, begin + DOCUMENT_BYTES_MAX)
    another = _BEGIN.search(text, found.end(), end if end >= 0 else min(len(text), begin + DOCUMENT_BYTES_MAX))
    if another is not None:
        return begin, begin, another.start()
    if end >= 0:
        return begin, begin, end + len(_END)
    if len(text) - begin >= DOCUMENT_BYTES_MAX:
        return begin, begin, begin + DOCUMENT_BYTES_MAX
    return (begin, begin, len(text)) if final else None


def _one(raw: bytes, begin: int, rows: Rows, wanted: frozenset[str], parser: etree.XMLParser) -> None:
    if not raw.endswith(_END):
        if rows.first:
            raise Unreadable("the XML document is cut: </cdr> is missing")
        rows.reject("truncated", "</cdr> is missing; fetch or post it again", begin, raw)
        return
    if raw.count(b'="') + raw.count(b"='") > _ATTRIBUTES_MAX:
        rows.reject("unknown_record", f"more than {_ATTRIBUTES_MAX} attributes, which no CDR has", begin, raw)
        return
    # Entities cannot be of one's own here, what lies before the document is not parsed; the five of XML stay.
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
        item.tag: unquote(text, errors="replace") if "%" in (text := item.text or "") else text
        for part in (leg.find("callflow/times"), caller, variables)
        if part is not None
        for item in part
        if item.tag in wanted or item.tag in _MICROS or item.tag in _STAMPS
    }
    columns.update({str(name): str(leg.get(name)) for name in ("core-uuid", "switchname") if leg.get(name) is not None})
    for name, seconds in _MICROS.items():
        micros = columns.get(name, "")
        if seconds not in columns and micros.isascii() and micros.isdigit():
            columns[seconds] = micros[:-6] or "0"
    for name, seconds in _STAMPS.items():
        if name in columns:
            columns.setdefault(seconds, columns[name])
    rows.add(columns, begin, raw)
