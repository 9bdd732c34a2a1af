r"""JSON Lines (RFC 8259 objects, one per line), or one JSON array of objects.

>>> from integrations.cdr.registry import profile
>>> line = b'{"id": "x1", "start": "2026-03-01T10:00:00Z", "used": 9, "from": {"number": "1"}}\n'
>>> text = 'name = "api"\nreader = "generic-jsonl"\n[map]\na = "from.number"\n'
>>> next(decode([line], profile(text), records_max=9)).records.select("id", "from.number").row(0)
('x1', '1')
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Final

from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from domain.refusal import Unreadable
from integrations.cdr.delimited import used_columns
from integrations.cdr.documents import documents
from integrations.cdr.flat import flat, parse
from integrations.cdr.lines import Line, lines_of
from integrations.cdr.rows import Rows

_NAMES_MAX: Final = 10_000
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"


def decode(
    blocks: Iterable[bytes], profile: Profile, *, records_max: int, also: frozenset[str] = frozenset()
) -> Iterator[Decoded]:
    """Yield the objects. Refuses with: Unreadable (the first line is no JSON object)."""
    stream = iter(blocks)
    head = next(stream, b"")
    whole = itertools.chain([head], stream)
    wanted = frozenset(used_columns(profile)) | also
    if head.lstrip(_BLANK).startswith(b"["):
        yield from _array(whole, profile, wanted, records_max)
        return
    rows, spelled = Rows(wanted, sparse=True), Spelling(wanted)
    position = 0
    for line in lines_of(whole, profile.layout.encoding):
        position = line.end
        if line.text.strip(" \t\0"):
            _one(line, rows, spelled)
        if rows.full(records_max):
            yield rows.piece(position)
    yield rows.piece(position)


class Spelling:
    """Names as the profile spells them, whatever their case; each is looked at once."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._names: dict[str, str] = {}
        for name in sorted(wanted):
            self._names.setdefault(name.lower(), name)
        self._known: dict[str, str] = {name: name for name in wanted}

    def __call__(self, record: dict[str, str]) -> dict[str, str]:
        """Return a record's values by the names that the profile gives them; one so spelled goes before others."""
        known = self._known
        found: dict[str, str] = {}
        for name, value in record.items():
            told = known.get(name)
            if told is None:
                told = self._names.get(name.lower(), name)
                if len(known) < _NAMES_MAX:
                    known[name] = told
            if told == name or told not in record:
                found[told] = value
        return found


def _one(line: Line, rows: Rows, spelled: Spelling) -> None:
    raw = line.text.encode()
    try:
        record = parse(line.text)
    except (ValueError, RecursionError) as wrong:
        if rows.first:
            raise Unreadable("the first record is no JSON object: {wrong}", wrong=wrong) from None
        rows.reject("truncated" if not line.ended else "unknown_record", f"no JSON: {wrong}", line.begin, raw)
        return
    if isinstance(record, dict):
        rows.add(spelled(flat(record)), line.begin, raw)
    elif rows.first:
        raise Unreadable("the first record is JSON, but no object")
    else:
        rows.reject("unknown_record", "JSON, but no object", line.begin, raw)


def _array(blocks: Iterable[bytes], profile: Profile, wanted: frozenset[str], records_max: int) -> Iterator[Decoded]:
    """Yield the objects of an array, which need not be on lines of their own."""
    rows, spelled = Rows(wanted, sparse=True), Spelling(wanted)
    position = 0
    for document in documents(blocks, profile.layout.encoding):
        position = document.end
        _one(Line(document.raw.decode(), document.begin, document.end, not document.cut), rows, spelled)
        if rows.full(records_max):
            yield rows.piece(position)
    yield rows.piece(position)
