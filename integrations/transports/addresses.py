"""Where a connection may go: a host's addresses are looked up once, all checked, and only these are connected to.

Private, loopback, link-local and otherwise special addresses are refused unless a network of the settings holds them
(OWASP SSRF), also where they hide in an IPv6 address (mapped, NAT64, 6to4, Teredo) or in an old way to write IPv4.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from domain.ports.transports import TransportFault, Unreached

CONNECT_SECONDS: Final = 20.0
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def hidden(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, else the address itself.

    >>> str(hidden(ipaddress.ip_address("::ffff:127.0.0.1")))
    '127.0.0.1'
    """
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def may(address: Address, networks: Sequence[Network]) -> bool:
    """Tell whether an address may be connected to.

    >>> [may(ipaddress.ip_address(one), []) for one in ("8.8.8.8", "10.1.2.3", "169.254.169.254", "::1", "100.64.0.1")]
    [True, False, False, False, False]
    """
    plain = hidden(address)
    if any(one in network for one in (address, plain) for network in networks):
        return True
    special = plain.is_multicast or plain.is_reserved or plain.is_loopback or plain.is_link_local
    return plain.is_global and not special and not plain.is_unspecified


async def resolve(host: str, port: int, networks: Sequence[Network]) -> list[tuple[socket.AddressFamily, str]]:
    """Return a host's addresses. Raises TransportFault: unknown, or one of them is not to be reached (lasting)."""
    try:
        answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as away:
        raise Unreached(f"the host {host} is not known ({getattr(away, 'strerror', None) or away})") from None
    found: list[tuple[socket.AddressFamily, str]] = []
    for family, _, _, _, place in answers:
        text = str(place[0]).partition("%")[0]
        if not may(ipaddress.ip_address(text), networks):
            raise TransportFault(
                f"{host} is {text}, a private address: not reached from here unless the setting "
                "transport_networks names its network",
                lasting=True,
            )
        found.append((family, text))
    return list(dict.fromkeys(found))


async def connect(host: str, port: int, networks: Sequence[Network]) -> socket.socket:
    """Return a connected, non-blocking socket to one of the checked addresses. Raises TransportFault."""
    trouble: object = "no address"
    for family, address in await resolve(host, port, networks):
        one = socket.socket(family, socket.SOCK_STREAM)
        one.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await asyncio.get_running_loop().sock_connect(one, (address, port))
        except (OSError, TimeoutError) as away:
            one.close()
            trouble = getattr(away, "strerror", None) or "no answer"
        except BaseException:
            one.close()
            raise
        else:
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return one
    raise TransportFault(f"{host}:{port} cannot be reached ({trouble})")


def read_networks(text: str) -> tuple[Network, ...]:
    """Read networks with commas between. Raises ValueError.

    >>> read_networks("10.0.0.0/8, 127.0.0.1")
    (IPv4Network('10.0.0.0/8'), IPv4Network('127.0.0.1/32'))
    """
    return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())
