"""An address of files: a URL without secrets, and what pins the other side.

``folder:///path``, ``sftp://user@host:22/path``, ``ftp://user@host/path``, ``ftpes://…`` (explicit TLS),
``ftps://…`` (implicit TLS), ``s3://bucket/prefix``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from domain.refusal import BadValue

ADDRESS_MAX: Final = 1000
HOST_KEYS_MAX: Final = 10
CA_MAX: Final = 20_000
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}", re.ASCII)
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_REGION: Final = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)
_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}", re.ASCII)
_PUBLIC_KEY: Final = re.compile(r"(ssh-|ecdsa-|sk-)[A-Za-z0-9@.-]{3,60} [A-Za-z0-9+/]{40,4000}={0,2}", re.ASCII)
PORTS: Final = {"sftp": 22, "ftp": 21, "ftpes": 21, "ftps": 990}


class Protocol(StrEnum):
    """How files are reached."""

    FOLDER = "folder"
    SFTP = "sftp"
    FTP = "ftp"
    FTPES = "ftpes"
    FTPS = "ftps"
    S3 = "s3"


# What each protocol may be given to prove who we are.
CREDENTIALS: Final[dict[Protocol, frozenset[str]]] = {
    Protocol.FOLDER: frozenset(),
    Protocol.SFTP: frozenset({"password", "private_key", "passphrase"}),
    Protocol.FTP: frozenset({"password"}),
    Protocol.FTPES: frozenset({"password"}),
    Protocol.FTPS: frozenset({"password"}),
    Protocol.S3: frozenset({"access_key", "secret_key", "session_token"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An address, read. ``path`` is the folder, absolute or relative to the login's own; of S3 the keys' prefix.

    ``host_keys``: fingerprints (``SHA256:…``) or public keys that the SSH server may show. ``ca``: PEM certificates
    that TLS is checked against instead of the system's. ``endpoint``: an S3 that is not Amazon's; it gets path-style
    requests.
    """

    protocol: Protocol
    path: str
    host: str = ""
    port: int = 0
    user: str = ""
    bucket: str = ""
    host_keys: tuple[str, ...] = ()
    ca: str | None = None
    region: str = "us-east-1"
    endpoint: str | None = None

    @property
    def address(self) -> str:
        """The URL, as it is shown.

        >>> read_place("sftp://cdr@switch.example/out/cdr").address
        'sftp://cdr@switch.example:22/out/cdr'
        """
        path = quote(self.path)
        if self.protocol is Protocol.FOLDER:
            return f"folder://{path}"
        if self.protocol is Protocol.S3:
            return f"s3://{self.bucket}/{path}"
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.protocol.value}://{user}{host}:{self.port}{path}"


def read_place(
    address: str,
    *,
    host_keys: tuple[str, ...] = (),
    ca: str | None = None,
    region: str | None = None,
    endpoint: str | None = None,
) -> Place:
    """Read an address. Refuses with: BadValue, also where a password stands in it.

    >>> read_place("s3://cdr-bucket/in/").path
    'in/'
    """
    if len(address) > ADDRESS_MAX or not address.isprintable():
        raise BadValue("this is no address", field="address")
    try:
        url = urlsplit(address)
        protocol = Protocol(url.scheme)
        port = url.port
    except ValueError:
        known = ", ".join(f"{one.value}://" for one in Protocol)
        raise BadValue("an address begins with one of {known}", known=known, field="address") from None
    if url.password is not None:
        raise BadValue("the password does not belong in the address: give it as a credential", field="address")
    if url.query or url.fragment:
        raise BadValue("an address ends with its path; write ? and # in it as %3F and %23", field="address")
    path = _path(unquote(url.path))
    if protocol is Protocol.FOLDER:
        if url.netloc or not path.startswith("/"):
            raise BadValue("a folder is folder:///absolute/path", field="address")
        return Place(protocol=protocol, path=path)
    if protocol is Protocol.S3:
        return _s3(url, path, region, endpoint, ca)
    host = url.hostname or ""
    if not _HOST.fullmatch(host):
        raise BadValue("the address lacks a host", field="address")
    return Place(
        protocol=protocol,
        path=path or "/",
        host=host,
        port=port or PORTS[protocol.value],
        user=_user(unquote(url.username or ""), protocol),
        host_keys=_host_keys(host_keys, protocol),
        ca=_ca(ca),
    )


def _path(path: str) -> str:
    if ".." in path.split("/") or not path.isprintable() or "\\" in path:
        raise BadValue("a path has no .. and no control characters", field="address")
    return path


def _user(user: str, protocol: Protocol) -> str:
    if not user and protocol is Protocol.SFTP:
        raise BadValue("SFTP needs a user: sftp://user@host/path", field="address")
    if len(user) > 200 or not user.isprintable():
        raise BadValue("this is no user's name", field="address")
    return user


def _s3(url: SplitResult, path: str, region: str | None, endpoint: str | None, ca: str | None) -> Place:
    if not _BUCKET.fullmatch(url.netloc):
        raise BadValue("an S3 address is s3://bucket/prefix", field="address")
    region = region or "us-east-1"
    if not _REGION.fullmatch(region):
        raise BadValue("a region is a word such as eu-north-1", field="region")
    prefix = path.lstrip("/")
    prefix = f"{prefix.rstrip('/')}/" if prefix else ""
    if endpoint is not None:
        _check_endpoint(endpoint)
    return Place(
        protocol=Protocol.S3,
        path=prefix,
        bucket=url.netloc,
        region=region,
        endpoint=endpoint.rstrip("/") if endpoint else None,
        ca=_ca(ca),
    )


def _check_endpoint(endpoint: str) -> None:
    try:
        url = urlsplit(endpoint)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    plain = not (url.username or url.password or url.query or url.fragment or url.path.strip("/"))
    if url.scheme not in {"http", "https"} or not _HOST.fullmatch(url.hostname or "") or not plain or port == 0:
        raise BadValue("an endpoint is https://host:port", field="endpoint")


def _host_keys(keys: tuple[str, ...], protocol: Protocol) -> tuple[str, ...]:
    if keys and protocol is not Protocol.SFTP:
        raise BadValue("only SFTP has host keys", field="hostKeys")
    if len(keys) > HOST_KEYS_MAX:
        raise BadValue("at most {host_keys_max} host keys", host_keys_max=HOST_KEYS_MAX, field="hostKeys")
    kept = []
    for key in keys:
        text = " ".join(key.split()[:2])
        if not (_FINGERPRINT.fullmatch(text) or _PUBLIC_KEY.fullmatch(text)):
            raise BadValue(
                "a host key is its fingerprint SHA256:… or its public key as ssh-keyscan prints it, without the host",
                field="hostKeys",
            )
        kept.append(text)
    return tuple(kept)


def _ca(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    if len(text) > CA_MAX or "-----BEGIN CERTIFICATE-----" not in text or "PRIVATE KEY" in text:
        raise BadValue("a CA is certificates in PEM", field="ca")
    return text
