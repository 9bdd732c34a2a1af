"""Who may send RADIUS accounting, and where it goes: a TOML file of clients with their shared secrets.

listen = ["0.0.0.0:1813", "[::]:1813"]

[[client]]
address = "192.0.2.0/28"          # an address or a network
secret_file = "/run/secrets/bras" # or secret_env = "BRAS_SECRET", or secret = "..."
source = "radius"                 # a source, or a shipped profile that becomes one
operator = "north"                # its code; may be left out where there is one
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from domain.refusal import BadValue, NotFound

DEFAULT_LISTEN: Final = ("0.0.0.0:1813",)
_KEYS: Final = frozenset({"address", "secret", "secret_file", "secret_env", "source", "operator"})
_CLIENTS_MAX: Final = 10_000
FAULTS_SHOWN: Final = 20

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Client:
    """A network that sends, its secret and where its records go. ``operator``: a code, None for the only one."""

    network: Network
    secret: bytes = field(repr=False)
    source: str
    operator: str | None


@dataclass(frozen=True, slots=True)
class Clients:
    """All of them, the narrowest networks first."""

    listen: tuple[str, ...]
    clients: tuple[Client, ...]

    def find(self, address: str) -> Client | None:
        """Return the client with this address, of the narrowest network that has it."""
        ip = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        return next((one for one in self.clients if ip in one.network), None)


def read_clients(path: Path, environment: Mapping[str, str] = os.environ) -> Clients:
    """Read the file. Refuses with: NotFound, BadValue (every fault with its place)."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound("{path} is not there", path=path) from None
    except (OSError, ValueError) as wrong:
        raise BadValue("{path}: {fault}", path=path, fault=wrong) from None
    faults = [f"{key} is no key; there are listen and client" for key in sorted(set(document) - {"listen", "client"})]
    listen = _listen(document.get("listen", list(DEFAULT_LISTEN)), faults)
    listed = document.get("client", [])
    clients: list[Client] = []
    if not isinstance(listed, list) or not 0 < len(listed) <= _CLIENTS_MAX:
        faults.append("[[client]] must stand once per client")
        listed = []
    for number, one in enumerate(listed, 1):
        if (client := _client(one, f"client {number}", environment, faults)) is not None:
            clients.append(client)
    if faults:
        shown = "; ".join(faults[:FAULTS_SHOWN]) + (
            f"; and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
        )
        raise BadValue("{path}: {faults}", path=path, faults=shown)
    clients.sort(key=lambda one: one.network.prefixlen, reverse=True)
    return Clients(listen, tuple(clients))


def _listen(value: Any, faults: list[str]) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or not texts or not all(isinstance(one, str) for one in texts):
        faults.append('listen must be addresses with ports, such as ["0.0.0.0:1813"]')
        return ()
    for one in texts:
        try:
            host_port(one)
        except BadValue as no:
            faults.append(f"listen: {no.message}")
    return tuple(texts)


def host_port(text: str) -> tuple[str, int]:
    """Read an address with its port. Refuses with: BadValue.

    >>> host_port("[::1]:1813"), host_port("127.0.0.1:0")
    (('::1', 1813), ('127.0.0.1', 0))
    """
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise BadValue("{text!r} is no address with a port, such as 0.0.0.0:1813", text=text, field="listen")
    try:
        return str(ipaddress.ip_address(host.strip("[]"))), int(port)
    except ValueError:
        raise BadValue("{host!r} is no address of a machine's interface", host=host, field="listen") from None


def _client(one: Any, where: str, environment: Mapping[str, str], faults: list[str]) -> Client | None:
    """Read one client; None where something is wrong with it, which is added to the faults."""
    if not isinstance(one, Mapping):
        faults.append(f"{where}: must be a table")
        return None
    before = len(faults)
    faults += [f"{where}: {key} is no key of a client" for key in sorted(set(one) - _KEYS)]
    faults += [
        f"{where}: {key} must be a text" for key, value in one.items() if not isinstance(value, str) or not value
    ]
    if len(faults) > before:
        return None
    network: Network | None = None
    try:
        network = ipaddress.ip_network(one.get("address", ""), strict=False)
    except ValueError:
        faults.append(f"{where}: address must be an address or a network, such as 192.0.2.0/28")
    secret = _secret(one, where, environment, faults)
    if network is None or secret is None:
        return None
    return Client(network, secret, one.get("source", "radius"), one.get("operator"))


def _secret(one: Mapping[str, str], where: str, environment: Mapping[str, str], faults: list[str]) -> bytes | None:
    given = [key for key in ("secret", "secret_file", "secret_env") if key in one]
    if len(given) != 1:
        faults.append(f"{where}: give one of secret, secret_file and secret_env")
        return None
    match given[0]:
        case "secret_file":
            try:
                secret = Path(one["secret_file"]).read_bytes().strip()
            except OSError as wrong:
                faults.append(f"{where}: secret_file cannot be read: {wrong.strerror}")
                return None
        case "secret_env":
            secret = environment.get(one["secret_env"], "").encode()
        case _:
            secret = one["secret"].encode()
    if not secret:
        faults.append(f"{where}: the secret is empty; RADIUS without one proves nothing")
        return None
    return secret
