r"""BER (ITU-T X.690): a walk over tags and lengths, bounded in depth and size; no schema.

>>> [(tag.number, tag.value) for tag in walk(bytes.fromhex("800101bf4f03810102"))]
[(0, b'\x01'), (79, b'\x81\x01\x02')]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol, overload

_SWAPPED: Final = bytes((octet & 15) << 4 | octet >> 4 for octet in range(256))
_TBCD: Final = str.maketrans({"a": "*", "b": "#", "c": "a", "d": "b", "e": "c", "f": None})
_ALPHANUMERIC: Final = 5
_GSM: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_DEPTH_MAX: Final = 32
_TAG_MAX: Final = 1 << 28
_NUMBER_BYTES_MAX: Final = 16


class Malformed(ValueError):  # noqa: N818  (it says what the octets are)
    """The octets are no BER. ``cut``: they would be, if more followed."""

    def __init__(self, what: str, *, cut: bool = False) -> None:
        super().__init__(what)
        self.cut = cut


class Octets(Protocol):
    """Octets by their places: ``bytes``, or a file too long to hold."""

    def __len__(self) -> int: ...

    @overload
    def __getitem__(self, place: int, /) -> int: ...

    @overload
    def __getitem__(self, place: slice, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Span:
    """Where a value is: its class, number and form, and its places: it begins, its octets run from inside to until."""

    kind: int
    number: int
    constructed: bool
    begin: int
    inside: int
    until: int
    end: int


@dataclass(frozen=True, slots=True)
class Tag:
    """One value: its class (0 universal, 1 application, 2 context, 3 private), number, form, octets and place."""

    kind: int
    number: int
    constructed: bool
    value: bytes
    begin: int
    end: int

    def children(self) -> Iterator[Tag]:
        """Walk the values inside."""
        return walk(self.value)


def walk(data: bytes, begin: int = 0, *, depth: int = 0) -> Iterator[Tag]:
    """Yield the values one after the other. Raises ``Malformed``."""
    while begin < len(data):
        tag = read(data, begin, depth=depth)
        if tag.kind == 0 and tag.number == 0 and not tag.value:
            return
        yield tag
        begin = tag.end


def fields(data: bytes) -> dict[int, bytes]:
    r"""Return the context-specific values of a constructed one by their numbers; the last of a number counts.

    One loop for the lengths and tags that records are made of, ``read`` for the others. Raises ``Malformed``.

    >>> fields(bytes.fromhex("800101bf22038101029f200107"))
    {0: b'\x01', 34: b'\x81\x01\x02', 32: b'\x07'}
    """
    found: dict[int, bytes] = {}
    place, size = 0, len(data)
    while place + 1 < size:
        first, number, at = data[place], data[place] & 31, place + 1
        if number == 31:
            number, at = data[at], at + 1
        if at < size and number < 128 and data[at] < 128 and first:
            end = at + 1 + data[at]
            if end > size:
                raise Malformed("the value is longer than what is there", cut=True)
            if first >> 6 == 2:
                found[number] = data[at + 1 : end]
            place = end
            continue
        tag = read(data, place)
        if tag.kind == 0 and tag.number == 0 and not tag.value:
            break
        if tag.kind == 2:
            found[tag.number] = tag.value
        place = tag.end
    if place + 1 == size:
        raise Malformed("ends within a tag or length", cut=True)
    return found


def read(data: bytes, begin: int, *, depth: int = 0) -> Tag:
    """Read the value at a place. Raises ``Malformed``."""
    found = span(data, begin, depth=depth)
    return Tag(found.kind, found.number, found.constructed, data[found.inside : found.until], found.begin, found.end)


def span(data: Octets, begin: int, *, depth: int = 0) -> Span:
    """Find where the value at a place ends, without reading its octets. Raises ``Malformed``."""
    try:
        return _span(data, begin, depth)
    except IndexError:
        raise Malformed("ends within a tag or length", cut=True) from None


def spans(data: Octets, begin: int, until: int) -> Iterator[Span]:
    """Yield where the values of a constructed one are. Raises ``Malformed``."""
    while begin < until:
        found = span(data, begin)
        if found.end > until:
            raise Malformed("a value is longer than the one around it")
        yield found
        begin = found.end


def _span(data: Octets, begin: int, depth: int) -> Span:
    if depth > _DEPTH_MAX:
        raise Malformed("nested too deeply")
    first = data[begin]
    place = begin + 1
    number = first & 31
    if number == 31:
        number = 0
        while True:
            octet = data[place]
            place += 1
            number = number << 7 | octet & 127
            if number > _TAG_MAX:
                raise Malformed("a tag number is too large")
            if octet < 128:
                break
    length = data[place]
    place += 1
    constructed = bool(first & 32)
    if length == 128:
        if not constructed:
            raise Malformed("a primitive value has no length")
        inside = place
        while data[inside] or data[inside + 1]:
            inside = _span(data, inside, depth + 1).end
            if inside >= len(data):
                raise Malformed("an indefinite length is never ended", cut=True)
        return Span(first >> 6, number, True, begin, place, inside, inside + 2)
    if length > 128:
        octets = length & 127
        if octets > 8:
            raise Malformed("a length is too long")
        if place + octets > len(data):
            raise Malformed("ends within a length", cut=True)
        length = int.from_bytes(data[place : place + octets])
        place += octets
    if place + length > len(data):
        raise Malformed("the value is longer than what is there", cut=True)
    return Span(first >> 6, number, constructed, begin, place, place + length, place + length)


def tbcd(octets: bytes) -> str:
    """Read telephony BCD (3GPP TS 29.002): low nibble first, F is filler.

    >>> tbcd(bytes.fromhex("429009000000f1"))
    '2409900000001'
    """
    return octets.translate(_SWAPPED).hex().translate(_TBCD)


def address(octets: bytes) -> tuple[int, str]:
    """Read an address string: type of number (1 international, 2 national, 5 a name, 0 unknown) and its digits.

    >>> address(bytes.fromhex("91644607")), address(bytes.fromhex("d0d4323b1d06"))
    ((1, '466470'), (5, 'Telia'))
    """
    if not octets:
        return 0, ""
    kind = octets[0] >> 4 & 7
    return kind, gsm_text(octets[1:]) if kind == _ALPHANUMERIC else tbcd(octets[1:])


def gsm_text(octets: bytes) -> str:
    """Read septets of the GSM default alphabet (3GPP TS 23.038 § 6.2.1), packed; what fills up is left out."""
    bits = int.from_bytes(octets, "little")
    septets = [bits >> 7 * place & 127 for place in range(len(octets) * 8 // 7)]
    if septets and not septets[-1] and not len(octets) % 7:
        septets.pop()
    return "".join(_GSM[septet] for septet in septets)


def timestamp(octets: bytes) -> str:
    """Read the nine octets of 3GPP TS 32.298 (BCD YYMMDDhhmmss, sign, BCD hhmm) as ISO 8601; '' where they are none.

    >>> timestamp(bytes.fromhex("2603290000052b0100"))
    '2026-03-29T00:00:05+01:00'
    """
    if len(octets) != 9 or octets[6] not in b"+-":
        return ""
    date, zone = octets[:6].hex(), octets[7:].hex()
    if not (date + zone).isdigit():
        return date
    sign = chr(octets[6])
    clock = f"{date[6:8]}:{date[8:10]}:{date[10:12]}"
    return f"20{date[:2]}-{date[2:4]}-{date[4:6]}T{clock}{sign}{zone[:2]}:{zone[2:]}"


def number(octets: bytes) -> int:
    r"""Return an integer that is never below zero; some write it without the zero octet before it. Raises Malformed.

    >>> number(b"\xff\xff\xff\xfe")
    4294967294
    """
    if len(octets) > _NUMBER_BYTES_MAX:
        raise Malformed(f"a number of {len(octets)} octets")
    return int.from_bytes(octets)
