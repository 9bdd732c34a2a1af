r"""RADIUS accounting packets (RFC 2865 § 3 and 5, RFC 2866, RFC 2869, RFC 5997): read, proved, shown, answered.

``shown`` writes a packet as FreeRADIUS writes its ``detail`` files, which is what sources of RADIUS read.

>>> packet = read(made(4, 7, [(40, b"\0\0\0\x01"), (44, b'S"1')], b"secret"))
>>> proved(packet, b"secret"), proved(packet, b"guess")
(True, False)
>>> print(shown(packet, 1772445600).decode().replace("\t", "    "), end="")
Mon Mar  2 10:00:00 2026
    Acct-Status-Type = Start
    Acct-Session-Id = "S\"1"
    Timestamp = 1772445600
<BLANKLINE>
>>> len(answer(packet, b"secret"))
20
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ACCOUNTING_REQUEST: Final = 4
ACCOUNTING_RESPONSE: Final = 5
STATUS_SERVER: Final = 12
HEADER_BYTES: Final = 20
PACKET_BYTES_MAX: Final = 4096
PROXY_STATE: Final = 33
VENDOR_SPECIFIC: Final = 26
MESSAGE_AUTHENTICATOR: Final = 80
_EVENT_TIMESTAMP: Final = 55
_DELAY: Final = 41
_AGE_SECONDS_MAX: Final = 7 * 86_400
_AHEAD_SECONDS: Final = 300
_DIGEST_BYTES: Final = 16
_NOTHING: Final = bytes(_DIGEST_BYTES)

# number -> name and kind: s text, n number, a address, o octets, d date (seconds since the epoch).
_ATTRIBUTES: Final[dict[int, tuple[str, str]]] = {
    1: ("User-Name", "s"), 4: ("NAS-IP-Address", "a"), 5: ("NAS-Port", "n"), 6: ("Service-Type", "n"),
    7: ("Framed-Protocol", "n"), 8: ("Framed-IP-Address", "a"), 9: ("Framed-IP-Netmask", "a"), 11: ("Filter-Id", "s"),
    25: ("Class", "o"), 27: ("Session-Timeout", "n"), 30: ("Called-Station-Id", "s"), 31: ("Calling-Station-Id", "s"),
    32: ("NAS-Identifier", "s"), 40: ("Acct-Status-Type", "n"), 41: ("Acct-Delay-Time", "n"),
    42: ("Acct-Input-Octets", "n"), 43: ("Acct-Output-Octets", "n"), 44: ("Acct-Session-Id", "s"),
    45: ("Acct-Authentic", "n"), 46: ("Acct-Session-Time", "n"), 47: ("Acct-Input-Packets", "n"),
    48: ("Acct-Output-Packets", "n"), 49: ("Acct-Terminate-Cause", "n"), 50: ("Acct-Multi-Session-Id", "s"),
    51: ("Acct-Link-Count", "n"), 52: ("Acct-Input-Gigawords", "n"), 53: ("Acct-Output-Gigawords", "n"),
    55: ("Event-Timestamp", "d"), 61: ("NAS-Port-Type", "n"), 77: ("Connect-Info", "s"), 87: ("NAS-Port-Id", "s"),
    88: ("Framed-Pool", "s"), 95: ("NAS-IPv6-Address", "a"), 96: ("Framed-Interface-Id", "o"),
    97: ("Framed-IPv6-Prefix", "o"), 123: ("Delegated-IPv6-Prefix", "o"), 168: ("Framed-IPv6-Address", "a"),
}  # fmt: skip
# Vendors: 9 Cisco (H.323 gateways), 10415 3GPP (TS 29.061).
_VENDORS: Final[dict[tuple[int, int], tuple[str, str]]] = {
    (9, 1): ("Cisco-AVPair", "s"), (9, 23): ("h323-remote-address", "s"), (9, 24): ("h323-conf-id", "s"),
    (9, 25): ("h323-setup-time", "s"), (9, 26): ("h323-call-origin", "s"), (9, 27): ("h323-call-type", "s"),
    (9, 28): ("h323-connect-time", "s"), (9, 29): ("h323-disconnect-time", "s"),
    (9, 30): ("h323-disconnect-cause", "s"), (9, 31): ("h323-voice-quality", "s"), (9, 33): ("h323-gw-id", "s"),
    (10415, 1): ("3GPP-IMSI", "s"), (10415, 2): ("3GPP-Charging-Id", "n"), (10415, 3): ("3GPP-PDP-Type", "n"),
    (10415, 8): ("3GPP-IMSI-MCC-MNC", "s"), (10415, 9): ("3GPP-GGSN-MCC-MNC", "s"), (10415, 10): ("3GPP-NSAPI", "s"),
    (10415, 18): ("3GPP-SGSN-MCC-MNC", "s"), (10415, 20): ("3GPP-IMEISV", "s"), (10415, 21): ("3GPP-RAT-Type", "o"),
}  # fmt: skip
_VALUES: Final[dict[str, dict[int, str]]] = {
    "Acct-Status-Type": {1: "Start", 2: "Stop", 3: "Interim-Update", 7: "Accounting-On", 8: "Accounting-Off"},
    "Acct-Terminate-Cause": {
        1: "User-Request", 2: "Lost-Carrier", 3: "Lost-Service", 4: "Idle-Timeout", 5: "Session-Timeout",
        6: "Admin-Reset", 7: "Admin-Reboot", 8: "Port-Error", 9: "NAS-Error", 10: "NAS-Request", 11: "NAS-Reboot",
        12: "Port-Unneeded", 13: "Port-Preempted", 14: "Port-Suspended", 15: "Service-Unavailable", 16: "Callback",
        17: "User-Error", 18: "Host-Request",
    },
}  # fmt: skip


class Malformed(ValueError):  # noqa: N818  (it says what the octets are)
    """The octets are no RADIUS packet."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet's parts and its octets as they came."""

    code: int
    identifier: int
    authenticator: bytes
    attributes: tuple[tuple[int, bytes], ...]
    octets: bytes

    def first(self, kind: int) -> bytes | None:
        """Return an attribute's value, None where there is none."""
        return next((value for number, value in self.attributes if number == kind), None)


def read(octets: bytes) -> Packet:
    """Cut a packet into its attributes; octets beyond its own length are padding. Raises Malformed."""
    if len(octets) < HEADER_BYTES:
        raise Malformed("shorter than a header")
    code, identifier, length = struct.unpack_from(">BBH", octets)
    if not HEADER_BYTES <= length <= min(len(octets), PACKET_BYTES_MAX):
        raise Malformed("its length is not that of the packet")
    attributes, place = [], HEADER_BYTES
    while place < length:
        size = octets[place + 1] if place + 1 < length else 0
        if size < 2 or place + size > length:
            raise Malformed("an attribute is longer than the packet")
        attributes.append((octets[place], octets[place + 2 : place + size]))
        place += size
    return Packet(code, identifier, octets[4:HEADER_BYTES], tuple(attributes), octets[:length])


def proved(packet: Packet, secret: bytes) -> bool:
    """Tell whether the packet was made with the secret: Request Authenticator, and Message-Authenticator if present."""
    octets = packet.octets
    blank = octets[:4] + _NOTHING + octets[HEADER_BYTES:]
    if packet.code == ACCOUNTING_REQUEST:
        if not hmac.compare_digest(_md5(blank + secret), packet.authenticator):
            return False
        signed = blank
    else:
        signed = octets
    message = packet.first(MESSAGE_AUTHENTICATOR)
    if message is None:
        return packet.code == ACCOUNTING_REQUEST
    return hmac.compare_digest(hmac.digest(secret, _without_message(signed), "md5"), message)


def _without_message(octets: bytes) -> bytes:
    """Return a packet's octets with its Message-Authenticator blanked, as it is while that is worked out."""
    place = HEADER_BYTES
    while place < len(octets):
        size = octets[place + 1]
        if octets[place] == MESSAGE_AUTHENTICATOR and size == _DIGEST_BYTES + 2:
            return octets[: place + 2] + _NOTHING + octets[place + size :]
        place += size
    return octets


def answer(packet: Packet, secret: bytes) -> bytes:
    """Return the Accounting-Response to a request; Proxy-State goes back as it came (RFC 2866 § 4.2)."""
    states = b"".join(_attribute(number, value) for number, value in packet.attributes if number == PROXY_STATE)
    head = struct.pack(">BBH", ACCOUNTING_RESPONSE, packet.identifier, HEADER_BYTES + len(states))
    return head + _md5(head + packet.authenticator + states + secret) + states


def made(code: int, identifier: int, attributes: Sequence[tuple[int, bytes]], secret: bytes) -> bytes:
    """Return an Accounting-Request of these attributes, as a client of one's own would send it."""
    body = b"".join(_attribute(number, value) for number, value in attributes)
    head = struct.pack(">BBH", code, identifier, HEADER_BYTES + len(body))
    return head + _md5(head + _NOTHING + body + secret) + body


def _attribute(number: int, value: bytes) -> bytes:
    return bytes((number, len(value) + 2)) + value


def _md5(octets: bytes) -> bytes:
    return hashlib.md5(octets, usedforsecurity=False).digest()  # what the protocol is made of


def shown(packet: Packet, arrived: int) -> bytes:
    """Return a packet as a block of a ``detail`` file; ``arrived`` is when it came, in seconds since the epoch.

    Where it tells when its event was, by a clock that seems right, that counts: it is the same in every retransmission.
    """
    arrived = _happened(packet, arrived)
    lines = [time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(arrived))]
    for number, value in packet.attributes:
        if number == VENDOR_SPECIFIC and len(value) > 6:
            lines += _of_vendor(value)
        elif number not in {MESSAGE_AUTHENTICATOR, PROXY_STATE}:
            name, kind = _ATTRIBUTES.get(number, (f"Attr-{number}", "o"))
            lines.append(f"\t{name} = {_value(name, kind, value)}")
    lines += [f"\tTimestamp = {arrived}", "", ""]
    return "\n".join(lines).encode()


def _happened(packet: Packet, arrived: int) -> int:
    """Return the event's time and the delay that readers take off, or the arrival where the event tells no time."""
    told, delay = (packet.first(number) for number in (_EVENT_TIMESTAMP, _DELAY))
    if (
        told is None
        or len(told) != 4
        or not arrived - _AGE_SECONDS_MAX <= int.from_bytes(told) <= arrived + _AHEAD_SECONDS
    ):
        return arrived
    return int.from_bytes(told) + (int.from_bytes(delay) if delay is not None and len(delay) == 4 else 0)


def _of_vendor(value: bytes) -> list[str]:
    vendor, place, lines = struct.unpack_from(">I", value)[0], 4, []
    while place + 2 <= len(value):
        number, size = value[place], value[place + 1]
        if size < 2 or place + size > len(value):
            break
        name, kind = _VENDORS.get((vendor, number), (f"Attr-{VENDOR_SPECIFIC}.{vendor}.{number}", "o"))
        lines.append(f"\t{name} = {_value(name, kind, value[place + 2 : place + size])}")
        place += size
    return lines


def _value(name: str, kind: str, value: bytes) -> str:
    if kind in "nd" and 0 < len(value) <= 8:
        number = int.from_bytes(value)
        return _VALUES.get(name, {}).get(number, str(number))
    if kind == "a" and len(value) in {4, 16}:
        return str(ipaddress.ip_address(value))
    if kind == "s":
        return f'"{_quoted(value)}"'
    return f"0x{value.hex()}"


def _quoted(value: bytes) -> str:
    """Return a text without anything that could end its line or its quotes."""
    text = value.decode("utf-8", "replace")
    return "".join(
        f"\\{letter}" if letter == '"' else letter if letter.isprintable() else f"\\{ord(letter):03o}"
        for letter in text
    )
