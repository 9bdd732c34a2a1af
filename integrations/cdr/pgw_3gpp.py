"""3GPP TS 32.298 records of P-GW, S-GW, GGSN, SGSN, ePDG and TWAG (BER), as a bare stream or in files of TS 32.297.

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
    """One choice of GPRSRecord and the tags of its fields; those not named here are alike in all of them."""

    name: str
    charging: int = 5
    apn: int = 7
    volumes: int = 12
    opened: int = 13
    duration: int = 14
    cause: int = 15
    sequence: int = 17
    node: int = 18
    local: int = 20
    msisdn: int = 22
    network: int = 27
    address: int = 4
    rat: int = 30


_SGSN: Final = _Kind(
    "SGSN", charging=10, apn=12, volumes=15, opened=16, duration=17, cause=19, sequence=21, node=22, local=24,
    msisdn=27, network=38, address=5, rat=29,
)  # fmt: skip
# 70 is the eGGSN record of releases 5 to 7, in the tags of the P-GW's.
_RECORDS: Final = {
    20: _SGSN, 21: _Kind("GGSN"), 70: _Kind("GGSN"), 78: _Kind("SGW"), 79: _Kind("PGW"), 95: _Kind("IPE"),
    96: _Kind("ePDG"), 97: _Kind("TWAG"),
}  # fmt: skip
_HEADER_BYTES_MIN: Final = 50
_UNKNOWN: Final = 0xFFFFFFFF
_BER: Final = 1
_SERVICE_DATA: Final = 34
# causeForRecClosing: 1 and 16 to 30 close a part of a bearer (a limit, a change of place or of radio); others end it.
_PARTIAL_CAUSES: Final = frozenset({1, *range(16, 31)})


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the records of a file. Refuses with: Unreadable."""
    with Spool(blocks) as data:
        if not len(data):
            return
        header = _header(data)
        rows = Rows()
        for begin, end in _frames(data, header) if header is not None else _stream(data, rows):
            if end - begin > RECORD_BYTES_MAX:
                rows.reject("too_long", f"the record is {end - begin} bytes long", begin, data[begin : begin + 4096])
            else:
                _one(data[begin:end], begin, rows, profile)
            if rows.full(records_max):
                yield rows.piece(end)
        yield rows.piece(len(data))


def _stream(data: Spool, rows: Rows) -> Iterator[tuple[int, int]]:
    """Yield the places of the records of a bare stream."""
    for found in ber_stream.records(data, 0, len(data), _RECORDS.__contains__, rows):
        yield found.begin, found.end


def _header(data: Spool) -> int | None:
    """Return where the records of a TS 32.297 file begin, None where it is none. Refuses with: Unreadable."""
    if len(data) < _HEADER_BYTES_MIN:
        return None
    length, header = struct.unpack(">II", data[0:8])
    count = struct.unpack(">I", data[18:22])[0]
    if not _HEADER_BYTES_MIN <= header <= len(data) or not (length == _UNKNOWN or header <= length < 1 << 31):
        return None
    if length not in {_UNKNOWN, len(data)}:
        raise Unreadable(
            "the file header declares {length} bytes and the file has {count}; nothing was read",
            length=length,
            count=len(data),
        )
    held = sum(1 for _ in _frames(data, header))
    if count not in {_UNKNOWN, held}:
        raise Unreadable(
            "the file header declares {count} records and the file holds {held}; nothing was read",
            count=count,
            held=held,
        )
    return int(header)


def _frames(data: Spool, header: int) -> Iterator[tuple[int, int]]:
    """Yield the places of the records of a TS 32.297 file. Refuses with: Unreadable."""
    place = header
    while place < len(data):
        if place + 5 > len(data):
            raise Unreadable("the file ends within a record header; nothing was read")
        size, release, form = struct.unpack(">HBB", data[place : place + 4])
        begin = place + (5 if release >> 5 == 7 else 4)
        if form >> 5 != _BER:
            raise Unreadable("the records are not in BER (format {form} of TS 32.297)", form=form >> 5)
        if begin + size > len(data):
            raise Unreadable("the file ends within a record; nothing was read")
        yield begin, begin + size
        place = begin + size


def _one(raw: bytes, place: int, rows: Rows, profile: Profile) -> None:
    try:
        tag = ber.read(raw, 0)
        kind = _RECORDS.get(tag.number) if tag.kind == 2 else None
        if kind is None:
            if tag.kind == 2 and tag.constructed:
                rows.ignore("other_record")
            else:
                rows.reject("unknown_record", f"tag {tag.number} is no record of TS 32.298", place, raw)
            return
        fields = ber.fields(tag.value)
        rows.add(_record(kind, fields, profile), place, raw)
    except ber.Malformed as wrong:
        rows.reject("encoding", str(wrong), place, raw)


def _record(kind: _Kind, fields: dict[int, bytes], profile: Profile) -> dict[str, str]:
    def number(tag: int) -> str:
        return str(ber.number(fields[tag])) if tag in fields else ""

    imsi = ber.tbcd(fields.get(3, b""))
    uplink, downlink = _volumes(kind, fields)
    cause, sequence = number(kind.cause), number(kind.sequence)
    last = not cause.isdigit() or int(cause) not in _PARTIAL_CAUSES
    msisdn = fields.get(kind.msisdn, b"")
    return {
        "type": kind.name,
        "imsi": imsi,
        "chargingID": number(kind.charging),
        "apn": fields.get(kind.apn, b"").decode("ascii", "replace"),
        "recordOpeningTime": ber.timestamp(fields.get(kind.opened, b"")),
        "duration": number(kind.duration),
        "causeForRecClosing": cause,
        "recordSequenceNumber": sequence,
        "nodeID": fields.get(kind.node, b"").decode("ascii", "replace") or fields.get(kind.address, b"").hex(),
        "localSequenceNumber": number(kind.local),
        "msisdn": numbers.of_type(*ber.address(msisdn), profile.number) if msisdn else "",
        "ratType": number(kind.rat),
        "visited": plmn.visited(fields.get(kind.network, b""), imsi),
        "uplink": str(uplink),
        "downlink": str(downlink),
        "_part": "partial",
        "_seq": sequence or ("" if last else number(kind.local)),
        "_last": "1" if last else "",
    }


def _volumes(kind: _Kind, fields: dict[int, bytes]) -> tuple[int, int]:
    """Add up the increments: listOfServiceData (34: uplink 12, downlink 13), else listOfTrafficVolumes (3, 4)."""
    if kind is not _SGSN and _SERVICE_DATA in fields and kind.name not in {"SGW", "ePDG", "TWAG"}:
        return _added(fields[_SERVICE_DATA], 12, 13)
    return _added(fields.get(kind.volumes, b""), 3, 4)


def _added(containers: bytes, up: int, down: int) -> tuple[int, int]:
    totals = {up: 0, down: 0}
    for change in ber.walk(containers):
        parts = ber.fields(change.value)
        totals[up] += ber.number(parts.get(up, b""))
        totals[down] += ber.number(parts.get(down, b""))
    return totals[up], totals[down]
