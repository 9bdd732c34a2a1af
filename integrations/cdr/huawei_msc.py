"""Huawei MSC CDRs (CallEventDataFile, BER, after 3GPP TS 32.205): a file with header and trailer or a bare stream.

A long call comes as partial records of one callReference (causeForTerm 1 or 2, the last has another): one event.
A file with a trailer must hold as many records as it says.

>>> from integrations.cdr.registry import profile
>>> call = bytes.fromhex("a02d840591640771048504a180640596092603282258502b010097092603282259002b0100990141")
>>> call += bytes.fromhex("9e01009f20012a")
>>> next(decode([call], profile("huawei-msc"), records_max=9)).records.select("callReference", "duration").row(0)
('2A', '65')
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from domain.mediation import numbers
from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from domain.refusal import Unreadable
from integrations.cdr import ber, ber_stream, plmn
from integrations.cdr.ber_stream import RECORD_BYTES_MAX
from integrations.cdr.rows import Rows
from integrations.cdr.spool import Spool


@dataclass(frozen=True, slots=True)
class _Kind:
    """One choice of CallEventRecord and the tags of its fields (0: it has none; tag 0 is the record's type)."""

    name: str
    direction: str
    calling: int
    called: int
    entity: int
    seized: int
    answered: int
    released: int
    duration: int
    cause: int
    reference: int
    sequence: int
    mode: str = "voice"
    imsi: int = 1
    translated: int = 0
    route_in: int = 0
    route_out: int = 0
    forwarder: int = 0
    served: int = 0


_KINDS: Final = {
    0: _Kind("moCall", "out", 4, 5, 9, 22, 23, 24, 25, 30, 32, 33, translated=6, route_in=10, route_out=11, served=3),
    1: _Kind("mtCall", "in", 4, 3, 6, 19, 20, 21, 22, 27, 29, 30, route_in=7, route_out=8),
    2: _Kind("roaming", "out", 3, 4, 5, 12, 13, 14, 15, 17, 19, 20, route_in=6, route_out=7),
    3: _Kind("incGateway", "in", 1, 2, 3, 6, 7, 8, 9, 11, 13, 14, imsi=0, route_in=4, route_out=5),
    4: _Kind("outGateway", "out", 1, 2, 3, 6, 7, 8, 9, 11, 13, 14, imsi=0, route_in=4, route_out=5),
    5: _Kind("transit", "out", 4, 5, 1, 7, 8, 9, 10, 12, 14, 15, imsi=0, route_in=2, route_out=3),
    6: _Kind("moSMS", "out", 3, 12, 6, 9, 9, 0, 0, 10, 8, 0, mode="sms"),
    7: _Kind("mtSMS", "in", 1, 4, 6, 8, 8, 0, 0, 9, 0, 0, mode="sms", imsi=2),
    100: _Kind(
        "forwardCall", "out", 4, 5, 9, 22, 23, 24, 25, 30, 32, 33, translated=6, route_in=10, route_out=11, forwarder=3
    ),
}
_PARTIAL_CAUSES: Final = {"1", "2"}
_FILE: Final = 0x30
_COUNT: Final = 4
# causeForTerm as Q.850, where the diagnostics beside it tell none.
_NORMAL: Final = {"0": "16"}
_NETWORK: Final = 192


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the calls of a file. Refuses with: Unreadable."""
    with Spool(blocks) as data:
        if not len(data):
            return
        begin, until = _records(data)
        rows = Rows()
        for found in ber_stream.records(data, begin, until, _KINDS.__contains__, rows):
            if found.end - found.begin > RECORD_BYTES_MAX:
                size = found.end - found.begin
                rows.reject(
                    "too_long", f"the record is {size} bytes long", found.begin, data[found.begin : found.inside]
                )
            else:
                _one(found, data[found.begin : found.end], rows, profile)
            if rows.full(records_max):
                yield rows.piece(found.end)
        yield rows.piece(len(data))


def _records(data: Spool) -> tuple[int, int]:
    """Return where the records begin and end; a file's trailer must declare as many as there are.

    Refuses with: Unreadable (cut file, wrong count).
    """
    if data[0] != _FILE:
        return 0, len(data)
    try:
        whole = ber.span(data, 0)
        parts = {part.number: part for part in ber.spans(data, whole.inside, whole.until) if part.kind == 2}
        if 1 not in parts:
            raise Unreadable("a BER file without a list of call event records")
        count = sum(1 for _ in ber.spans(data, parts[1].inside, parts[1].until))
        trailer = list(ber.walk(data[parts[2].inside : parts[2].until])) if 2 in parts else []
        declared = [ber.number(part.value) for part in trailer if part.number == _COUNT]
    except ber.Malformed as wrong:
        raise Unreadable("the file is cut or damaged: {wrong}; nothing was read", wrong=wrong) from None
    if declared and declared[0] != count:
        raise Unreadable(
            "the trailer declares {declared} records and the file holds {count}; nothing was read",
            declared=declared[0],
            count=count,
        )
    return parts[1].inside, parts[1].until


def _one(found: ber.Span, raw: bytes, rows: Rows, profile: Profile) -> None:
    kind = _KINDS.get(found.number)
    if kind is None:
        rows.ignore("other_record")
        return
    try:
        fields = ber.fields(raw[found.inside - found.begin : found.until - found.begin])
        record = _record(kind, fields, profile)
    except ber.Malformed as wrong:
        rows.reject("encoding", str(wrong), found.begin, raw)
        return
    rows.add(record, found.begin, raw)


def _q850(diagnostics: bytes) -> str:
    """Return the cause in Diagnostics (a choice: 0 GSM 04.08, 2 ITU-T Q.767), whose values are those of Q.850."""
    for part in ber.walk(diagnostics):
        if part.number in {0, 2} and part.value:
            return str(part.value[-1] & 127)
    return ""


def _route(value: bytes) -> str:
    """Return a trunk group: its number or its name (a choice of both)."""
    part = next(ber.walk(value), None)
    if part is None:
        return ""
    return str(ber.number(part.value)) if part.number == 0 else part.value.decode("latin-1")


def _record(kind: _Kind, fields: dict[int, bytes], profile: Profile) -> dict[str, str]:
    def number(tag: int) -> str:
        return str(ber.number(fields[tag])) if tag and tag in fields else ""

    def time(tag: int) -> str:
        return ber.timestamp(fields[tag]) if tag and tag in fields else ""

    def dialled(tag: int) -> str:
        return numbers.of_type(*ber.address(fields[tag]), profile.number) if tag and tag in fields else ""

    cause, sequence, sms = number(kind.cause), number(kind.sequence), kind.mode == "sms"
    reference = fields.get(kind.reference, b"").hex().upper() if kind.reference else ""
    imsi = ber.tbcd(fields.get(kind.imsi, b"")) if kind.imsi else ""
    forwarder = dialled(kind.forwarder)
    return {
        "type": kind.name,
        "direction": kind.direction,
        "mode": kind.mode,
        "calling": dialled(kind.calling),
        # Who forwards a call pays for its second leg.
        "charged": forwarder or dialled(kind.calling) or dialled(kind.served),
        "called": dialled(kind.called),
        "translated": dialled(kind.translated),
        "redirecting": forwarder,
        "seizure": time(kind.seized),
        # A message with a result has failed; one without was sent when it was taken.
        "answer": "" if sms and cause else time(kind.answered),
        "release": time(kind.released),
        "duration": "1" if sms else number(kind.duration),
        "causeForTerm": cause,
        "cause": "" if sms else _q850(fields.get(kind.cause + 1, b"")) or _NORMAL.get(cause, ""),
        "callReference": reference or time(kind.seized) + imsi,
        "recordingEntity": ber.address(fields.get(kind.entity, b""))[1],
        "route_in": _route(fields.get(kind.route_in, b"")) if kind.route_in else "",
        "route_out": _route(fields.get(kind.route_out, b"")) if kind.route_out else "",
        "visited": plmn.visited(fields.get(_NETWORK, b""), imsi) if kind.imsi else "",
        "sequenceNumber": sequence,
        "imsi": imsi,
        "_part": "partial" if (sequence or cause in _PARTIAL_CAUSES) and not sms else "whole",
        "_seq": sequence,
        "_last": "" if cause in _PARTIAL_CAUSES else "1",
    }
