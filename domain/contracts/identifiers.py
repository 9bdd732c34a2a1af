"""What a line is known by: typed, checked, and written as switches write it.

A number is E.164 (ITU-T E.164), an IMSI follows ITU-T E.212, an ICCID ITU-T E.118, a SIP user is the user part of a SIP
URI (RFC 3261), an address or prefix is written as RFC 4291 and RFC 5952 have it. What has no declared kind is kept as
mediation makes it of the same text in a CDR, so that what was assigned is what is found.
"""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from typing import Final, TypeAlias

import phonenumbers
from stdnum import imsi, luhn
from stdnum.exceptions import ValidationError

from domain.contracts.dialled import as_kept
from domain.mediation.profile import NumberPlan
from domain.refusal import BadValue

LENGTH_MAX: Final = 64
_E164: Final = re.compile(r"[1-9][0-9]{6,14}", re.ASCII)
_ICCID: Final = re.compile(r"89[0-9]{17,18}", re.ASCII)
_SEPARATORS: Final = re.compile(r"[\s-]")
_IPV4_IN_IPV6_BITS: Final = 96

Prefix: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class IdentifierKind(StrEnum):
    """What kind of identifier it is; a number is one of no declared kind, or another text that a switch writes."""

    NUMBER = "number"
    MSISDN = "msisdn"
    FIXED = "fixed"
    IMSI = "imsi"
    ICCID = "iccid"
    SIP = "sip"
    TRUNK = "trunk"
    IP = "ip"


def written(kind: IdentifierKind, text: str, plan: NumberPlan, *, field: str) -> str:
    """Return an identifier as switches write it where numbers are dialled so. Refuses with: BadValue.

    >>> written(IdentifierKind.FIXED, "08-123 456 78", NumberPlan("SE"), field="number")
    '46812345678'
    >>> written(IdentifierKind.IP, "2001:DB8:0::/48", NumberPlan("SE"), field="number")
    '2001:db8::/48'
    >>> written(IdentifierKind.SIP, "sip:alice@example.com;transport=udp", NumberPlan("SE"), field="number")
    'alice'
    """
    match kind:
        case IdentifierKind.MSISDN | IdentifierKind.FIXED:
            return _dialled(text, plan, field)
        case IdentifierKind.IMSI:
            return _imsi(text, field)
        case IdentifierKind.ICCID:
            return _iccid(text, field)
        case IdentifierKind.IP:
            return str(prefix(text, field=field)).removesuffix("/32").removesuffix("/128")
        case IdentifierKind.TRUNK:
            return text.strip()
    return as_kept([text], plan)[0]


def prefix(text: str, *, field: str = "number") -> Prefix:
    """Return an address or a prefix of addresses; IPv4 inside IPv6 is IPv4. Refuses with: BadValue."""
    try:
        found = ipaddress.ip_network(text.strip().strip("[]"))
    except ValueError:
        raise BadValue(
            "{text} is neither an IP address nor a prefix such as 192.0.2.0/24 or 2001:db8::/48 without host bits",
            text=repr(text[:60]),
            field=field,
        ) from None
    mapped = getattr(found.network_address, "ipv4_mapped", None)
    if mapped is not None and found.prefixlen >= _IPV4_IN_IPV6_BITS:
        return ipaddress.IPv4Network((mapped, found.prefixlen - _IPV4_IN_IPV6_BITS))
    return found


def address_of(text: str) -> str | None:
    """Return the address that a text is, in its one form; None where it is none."""
    if "." not in text and ":" not in text:
        return None
    try:
        found = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)


def _dialled(text: str, plan: NumberPlan, field: str) -> str:
    digits = as_kept([text], plan)[0]
    possible = _E164.fullmatch(digits) is not None and (
        phonenumbers.is_possible_number_with_reason(_parsed(digits)) == phonenumbers.ValidationResult.IS_POSSIBLE
    )
    if not possible:
        raise BadValue(
            "{text} is not a whole number: write it with its area code or country code, such as +46 8 123 456 78",
            text=repr(text[:40]),
            field=field,
        )
    return digits


def _parsed(digits: str) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return phonenumbers.PhoneNumber()


def _imsi(text: str, field: str) -> str:
    try:
        return str(imsi.validate(text))
    except ValidationError:
        raise BadValue(
            "{text} is not an IMSI: 14 or 15 digits that begin with a mobile country code and network code",
            text=repr(text[:40]),
            field=field,
        ) from None


def _iccid(text: str, field: str) -> str:
    digits = _SEPARATORS.sub("", text).upper().removesuffix("F")
    if not _ICCID.fullmatch(digits) or not luhn.is_valid(digits):
        raise BadValue(
            "{text} is not an ICCID: 19 or 20 digits that begin with 89 and end with a check digit (Luhn)",
            text=repr(text[:40]),
            field=field,
        )
    return digits
