"""A bare stream of BER records as vendors write it: fill octets and block headers between records, damage among them.

What is not a record is passed over where it is short and no record's tag begins it (a block's header); a record whose
lengths make no sense is rejected and reading goes on at the next one that does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from domain.refusal import Unreadable
from integrations.cdr import ber
from integrations.cdr.rows import RAW_BYTES_MAX, Rows
from integrations.cdr.spool import Spool

RECORD_BYTES_MAX: Final = 1 << 20
_FILL: Final = (0x00, 0xFF)
_HEADER_BYTES_MAX: Final = 256
_SEARCH_BYTES_MAX: Final = 65_536
_STAMP_BYTES: Final = 9
_HEAD_BYTES: Final = 6
_CONTEXT: Final = 2

Known = Callable[[int], bool]


def records(data: Spool, begin: int, until: int, known: Known, rows: Rows) -> Iterator[ber.Span]:
    """Yield the records in a stretch of a file; damaged ones are rejected. Refuses with: Unreadable (no record)."""
    place, first = begin, True
    while place < until:
        if data[place] in _FILL:
            place += 1
            continue
        fault: ber.Malformed | None = None
        try:
            found = _span(data, place)
        except ber.Malformed as wrong:
            fault = wrong
        else:
            if (
                found.end <= until
                and found.kind == _CONTEXT
                and found.constructed
                and (known(found.number) or not first)
            ):
                yield found
                place, first = found.end, False
                continue
        following = _next(data, place, until, known, _HEADER_BYTES_MAX if first else _SEARCH_BYTES_MAX)
        if following is None and first:
            raise Unreadable(
                "not a stream of BER records of this format: {value}", value=fault or "its first value is none"
            )
        if following is None or _record_begins(data, place, known) or following - place > _HEADER_BYTES_MAX:
            cut = fault is not None and fault.cut and following is None
            what = str(fault) if fault is not None else "the octets are no record"
            rows.reject("truncated" if cut else "encoding", what, place, data[place : place + RAW_BYTES_MAX])
        if following is None:
            return
        place = following


def _span(data: Spool, place: int) -> ber.Span:
    """Find where a value ends, by a look at its first octets where its length is among them. Raises ``Malformed``."""
    head = data[place : place + _HEAD_BYTES]
    number, at = head[0] & 31, 1
    if number == 31 and len(head) == _HEAD_BYTES:
        number, at = head[1], 2
    if len(head) < _HEAD_BYTES or number >= 128 or not (head[at] < 0x80 or 0x80 < head[at] < 0x83):
        return ber.span(data, place)
    inside = at + 1
    length = head[at]
    if length > 0x80:
        inside += length & 3
        length = int.from_bytes(head[at + 1 : inside])
    end = place + inside + length
    if end > len(data):
        raise ber.Malformed("the value is longer than what is there", cut=True)
    return ber.Span(head[0] >> 6, number, bool(head[0] & 32), place, place + inside, end, end)


def _record_begins(data: Spool, place: int, known: Known) -> bool:
    """Return whether a known record's tag stands at a place, whatever follows it."""
    try:
        number = data[place] & 31
        if number == 31:
            number = data[place + 1]
        return data[place] >> 5 == 0b101 and known(number)
    except IndexError:
        return False


def _next(data: Spool, place: int, until: int, known: Known, within: int) -> int | None:
    """Return where the next record begins that makes sense: its values have lengths that fit, one is a time."""
    for candidate in range(place + 1, min(until, place + within)):
        if data[candidate] >> 5 != 0b101 or not _record_begins(data, candidate, known):
            continue
        try:
            found = ber.span(data, candidate)
            if found.end > until or found.end - candidate > RECORD_BYTES_MAX:
                continue
            parts = list(ber.walk(data[found.inside : found.until]))
        except ber.Malformed:
            continue
        if all(part.kind == _CONTEXT for part in parts) and any(_is_time(part.value) for part in parts):
            return candidate
    return None


def _is_time(value: bytes) -> bool:
    return len(value) == _STAMP_BYTES and value[6] in b"+-"
