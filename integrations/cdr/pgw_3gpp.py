"""3GPP TS 32.298 records of P-GW, S-GW and GGSN (BER), as a bare stream or in files of TS 32.297.

A bearer comes as partial records of one chargingID whose volumes are increments; they are added up when
recordSequenceNumber 1 to n are there and the last closes normally. A TS 32.297 file must be as long as it says and hold
as many records.

>>> from integrations.cdr.registry import profile
>>> record = bytes.fromhex("bf4f1a85021b5987036e65748d092611212205002b01008e01058f0100")
>>> next(decode([record], profile("pgw-3gpp"), records_max=9)).records.select("chargingID", "apn").row(0)
('7001', 'net')
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

from domain.mediation import numbers
from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from domain.refusal import Unreadable
from integrations.cdr import ber, plmn
from integrations.cdr.rows import Rows
from integrations.cdr.whole import read_whole

_RECORDS: Final = {21: "GGSN", 78: "SGW", 79: "PGW", 96: "ePDG", 97: "TWAG"}
_HEADER_BYTES_MIN: Final = 50
_UNKNOWN: Final = 0xFFFFFFFF
_BER: Final = 1
# causeForRecClosing: below 16 the bearer ended (normal, abnormal, by CAMEL); 16 to 30 a limit or change closed a part.
_PARTIAL_CAUSES: Final = range(16, 31)


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the records of a file. Refuses with: Unreadable, LimitExceeded."""
    data = read_whole(blocks)
    if not data:
        return
    framed = _framed(data)
    rows = Rows()
    for place, end in framed if framed is not None else _stream(data, rows):
        try:
            _one(data[place:end], place, rows, profile)
        except ber.Malformed as wrong:
            rows.reject("encoding", str(wrong), place, data[place:end])
        if rows.held >= records_max:
            yield rows.piece(end)
    yield rows.piece(len(data))


def _stream(data: bytes, rows: Rows) -> Iterator[tuple[int, int]]:
    """Yield the places of the records of a bare stream; fill octets between them are passed over."""
    place, count = 0, 0
    while place < len(data):
        if data[place] in {0x00, 0xFF}:
            place += 1
            continue
        try:
            end = ber.read(data, place).end
        except ber.Malformed as wrong:
            if count == 0:
                raise Unreadable(f"neither BER records nor a file of TS 32.297: {wrong}") from None
            rows.reject("truncated" if wrong.cut else "encoding", str(wrong), place, data[place:])
            return
        if count == 0 and (data[place] >> 6 != 2 or ber.read(data, place).number not in _RECORDS):
            raise Unreadable("the first BER value is no record of TS 32.298")
        yield place, end
        place, count = end, count + 1


def _framed(data: bytes) -> list[tuple[int, int]] | None:
    """Return the places of the records of a TS 32.297 file, None where it is none. Refuses with: Unreadable."""
    if len(data) < _HEADER_BYTES_MIN:
        return None
    length, header, high, _ = struct.unpack_from(">IIBB", data)
    count = struct.unpack_from(">I", data, 18)[0]
    if not _HEADER_BYTES_MIN <= header <= max(len(data), 1) or not (length == _UNKNOWN or header <= length < 1 << 31):
        return None
    if length != _UNKNOWN and length != len(data):
        raise Unreadable(f"the file header declares {length} bytes and the file has {len(data)}; nothing was read")
    del high
    places, place = [], header
    while place < len(data):
        if place + 4 > len(data):
            raise Unreadable("the file ends within a record header; nothing was read")
        size, release, form = struct.unpack_from(">HBB", data, place)
        begin = place + (5 if release >> 5 == 7 else 4)
        if form >> 5 != _BER:
            raise Unreadable(f"the records are not in BER (format {form >> 5} of TS 32.297)")
        if begin + size > len(data):
            raise Unreadable("the file ends within a record; nothing was read")
        places.append((begin, begin + size))
        place = begin + size
    if count != _UNKNOWN and count != len(places):
        raise Unreadable(f"the file header declares {count} records and the file holds {len(places)}; nothing was read")
    return places


def _one(raw: bytes, place: int, rows: Rows, profile: Profile) -> None:
    tag = ber.read(raw, 0)
    kind = _RECORDS.get(tag.number) if tag.kind == 2 else None
    if kind is None:
        if tag.kind == 2 and tag.constructed:
            rows.ignore("other_record")
        else:
            rows.reject("unknown_record", f"tag {tag.number} is no record of TS 32.298", place, raw)
        return
    fields = {part.number: part.value for part in tag.children() if part.kind == 2}
    rows.add(_record(kind, fields, profile), place, raw)


def _record(kind: str, fields: dict[int, bytes], profile: Profile) -> dict[str, str]:
    def number(tag: int) -> str:
        return str(int.from_bytes(fields[tag])) if tag in fields else ""

    imsi = ber.tbcd(fields.get(3, b""))
    uplink, downlink = _volumes(fields)
    cause, sequence = number(15), number(17)
    last = not cause.isdigit() or int(cause) not in _PARTIAL_CAUSES
    return {
        "type": kind,
        "imsi": imsi,
        "chargingID": number(5),
        "apn": fields.get(7, b"").decode("ascii", "replace"),
        "recordOpeningTime": ber.timestamp(fields.get(13, b"")),
        "duration": number(14),
        "causeForRecClosing": cause,
        "recordSequenceNumber": sequence,
        "nodeID": fields.get(18, b"").decode("ascii", "replace") or fields.get(4, b"").hex(),
        "localSequenceNumber": number(20),
        "msisdn": numbers.of_type(*ber.address(fields[22]), profile.number) if fields.get(22) else "",
        "ratType": number(30),
        "visited": plmn.visited(fields.get(27, b""), imsi) if 27 in fields else "",
        "uplink": str(uplink),
        "downlink": str(downlink),
        "_part": "partial",
        "_seq": sequence or ("" if last else number(20)),
        "_last": "1" if last else "",
    }


def _volumes(fields: dict[int, bytes]) -> tuple[int, int]:
    """Add up the increments: listOfServiceData (34: uplink 12, downlink 13), else listOfTrafficVolumes (12: 3, 4)."""
    for tag, up, down in ((34, 12, 13), (12, 3, 4)):
        if tag in fields:
            totals = {up: 0, down: 0}
            for change in ber.walk(fields[tag]):
                for part in change.children():
                    if part.kind == 2 and part.number in totals:
                        totals[part.number] += int.from_bytes(part.value)
            return totals[up], totals[down]
    return 0, 0
