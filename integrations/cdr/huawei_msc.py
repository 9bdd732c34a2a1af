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
from integrations.cdr import ber
from integrations.cdr.rows import Rows
from integrations.cdr.whole import read_whole


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


_KINDS: Final = {
    0: _Kind("moCall", "out", 4, 5, 9, 22, 23, 24, 25, 30, 32, 33, translated=6),
    1: _Kind("mtCall", "in", 4, 3, 6, 19, 20, 21, 22, 27, 29, 30),
    2: _Kind("roaming", "out", 3, 4, 5, 12, 13, 14, 15, 17, 19, 20),
    3: _Kind("incGateway", "in", 1, 2, 3, 6, 7, 8, 9, 11, 13, 14, imsi=0),
    4: _Kind("outGateway", "out", 1, 2, 3, 6, 7, 8, 9, 11, 13, 14, imsi=0),
    5: _Kind("transit", "out", 4, 5, 1, 7, 8, 9, 10, 12, 14, 15, imsi=0),
    6: _Kind("moSMS", "out", 3, 12, 6, 9, 9, 0, 0, 10, 8, 0, mode="sms"),
    7: _Kind("mtSMS", "in", 1, 4, 6, 8, 8, 0, 0, 9, 0, 0, mode="sms", imsi=2),
    100: _Kind("forwardCall", "out", 4, 5, 9, 22, 23, 24, 25, 30, 32, 33, translated=6),
}
_PARTIAL_CAUSES: Final = {"1", "2"}


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the calls of a file. Refuses with: Unreadable, LimitExceeded."""
    data = read_whole(blocks)
    if not data:
        return
    records, base, ended = _records(data)
    rows = Rows()
    place = base
    while place < len(records):
        if records[place] in {0x00, 0xFF}:  # vendors fill blocks up
            place += 1
            continue
        try:
            tag = ber.read(records, place)
        except ber.Malformed as wrong:
            if rows.held == 0 and place == base:
                raise Unreadable(f"not BER: {wrong}") from None
            rows.reject("truncated" if wrong.cut else "encoding", str(wrong), place, records[place:])
            place = len(records)
            break
        _one(tag, records[tag.begin : tag.end], rows, profile)
        place = tag.end
        if rows.held >= records_max:
            yield rows.piece(place)
    yield rows.piece(ended)


def _records(data: bytes) -> tuple[bytes, int, int]:
    """Return the octets that hold the records, where they begin, and the file's length; check a trailer's count.

    Refuses with: Unreadable (cut file, wrong count).
    """
    if data[0] != 0x30:
        return data, 0, len(data)
    try:
        whole = ber.read(data, 0)
        parts = {tag.number: tag for tag in whole.children() if tag.kind == 2}
        count = sum(1 for _ in parts[1].children()) if 1 in parts else 0
        declared = [part.value for part in parts[2].children() if part.number == 4] if 2 in parts else []
    except ber.Malformed as wrong:
        raise Unreadable(f"the file is cut or damaged: {wrong}; nothing was read") from None
    if 1 not in parts:
        raise Unreadable("a BER file without a list of call event records")
    if declared and int.from_bytes(declared[0]) != count:
        raise Unreadable(
            f"the trailer declares {int.from_bytes(declared[0])} records and the file holds {count}; nothing was read"
        )
    # Places inside are told from the file's beginning.
    inside = data.index(whole.value) if whole.value else 0
    end = inside + parts[1].begin + (parts[1].end - parts[1].begin)
    begin = inside + parts[1].end - len(parts[1].value)
    return data[:end], begin, len(data)


def _one(tag: ber.Tag, raw: bytes, rows: Rows, profile: Profile) -> None:
    kind = _KINDS.get(tag.number)
    if tag.kind != 2 or kind is None:
        if tag.kind == 2 and tag.constructed:
            rows.ignore("other_record")
        else:
            rows.reject("unknown_record", f"tag {tag.number} is no call event record", tag.begin, raw)
        return
    try:
        fields = {part.number: part.value for part in tag.children() if part.kind == 2}
    except ber.Malformed as wrong:
        rows.reject("encoding", str(wrong), tag.begin, raw)
        return
    rows.add(_record(kind, fields, profile), tag.begin, raw)


def _record(kind: _Kind, fields: dict[int, bytes], profile: Profile) -> dict[str, str]:
    def number(tag: int) -> str:
        return str(int.from_bytes(fields[tag])) if tag and tag in fields else ""

    def time(tag: int) -> str:
        return ber.timestamp(fields[tag]) if tag and tag in fields else ""

    def dialled(tag: int) -> str:
        return numbers.of_type(*ber.address(fields[tag]), profile.number) if tag and tag in fields else ""

    cause, sequence, sms = number(kind.cause), number(kind.sequence), kind.mode == "sms"
    reference = fields.get(kind.reference, b"").hex().upper() if kind.reference else ""
    partial = bool(sequence) or cause in _PARTIAL_CAUSES
    return {
        "type": kind.name,
        "direction": kind.direction,
        "mode": kind.mode,
        "calling": dialled(kind.calling),
        "called": dialled(kind.called),
        "translated": dialled(kind.translated),
        "seizure": time(kind.seized),
        # A message with a result has failed; one without was sent when it was taken.
        "answer": "" if sms and cause else time(kind.answered),
        "release": time(kind.released),
        "duration": "1" if sms else number(kind.duration),
        "causeForTerm": cause,
        "callReference": reference or time(kind.seized) + ber.tbcd(fields.get(kind.imsi, b"")),
        "recordingEntity": ber.address(fields.get(kind.entity, b""))[1],
        "sequenceNumber": sequence,
        "imsi": ber.tbcd(fields.get(kind.imsi, b"")) if kind.imsi else "",
        "_part": "partial" if partial and not sms else "whole",
        "_seq": sequence,
        "_last": "" if cause in _PARTIAL_CAUSES else "1",
    }
