"""HTTP requests to addresses that other people have given us: webhooks, network elements.

Only checked addresses are connected to, looked up once for each connection; no redirect is followed, no proxy used, and
neither the time nor the size of an answer is the other side's to choose (attacks H1 to H4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpcore

from domain.ports.transports import TransportFault, Unreached
from domain.ports.webhooks import Answer
from domain.refusal import BadValue
from integrations.transports import tls
from integrations.transports.addresses import Network, resolve

ANSWER_SECONDS: Final = 10.0
ANSWER_BYTES_MAX: Final = 64 << 10
URL_MAX: Final = 2000


def read_url(url: str, *, field: str = "url") -> SplitResult:
    """Read an address that may be asked for. Refuses with: BadValue.

    >>> read_url("https://erp.example:8443/hooks").port
    8443
    >>> read_url("file:///etc/passwd")
    Traceback (most recent call last):
    ...
    domain.refusal.BadValue: an address is http:// or https:// with a host, without a user, a fragment or blanks
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url and len(url) <= URL_MAX
    if not plain or parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or "#" in url:
        raise BadValue(
            "an address is http:// or https:// with a host, without a user, a fragment or blanks", field=field
        )
    if port == 0:
        raise BadValue("a port is 1 to 65535", field=field)
    return parts


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to what ``resolve`` has checked, and to nothing that a second look at the name might find."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's own signature)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the host's addresses that answers. Raises TransportFault."""
        trouble: Exception | None = None
        for _, address in await resolve(host, port, self._networks):
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as away:
                trouble = away
        raise httpcore.ConnectError(str(trouble or "no address"))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class CheckedHttp:
    """Keeps ``domain.ports.webhooks.Http``. ``networks``: private networks that may be reached."""

    networks: Sequence[Network] = ()

    async def check(self, url: str, *, field: str = "url") -> None:
        """Look at an address before it is kept; a host that is not known yet may be kept. Refuses with: BadValue."""
        parts = read_url(url, field=field)
        try:
            await resolve(parts.hostname or "", parts.port or 443, self.networks)
        except TransportFault as no:
            if no.lasting:
                raise BadValue(no.message, field=field) from None

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        ca: str | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> Answer:
        """Send one request and return its answer, whatever its status. Raises TransportFault.

        ``seconds`` bounds all of it, from the name's lookup to the answer's last byte. Of a longer answer the first
        64 KiB are read.
        """
        parts = read_url(url)
        context = tls.context(ca) if parts.scheme == "https" else None
        told = [("user-agent", "tollwright"), ("accept-encoding", "identity"), *headers.items()]
        try:
            async with (
                asyncio.timeout(seconds),
                httpcore.AsyncConnectionPool(
                    ssl_context=context, max_connections=1, network_backend=CheckedBackend(self.networks)
                ) as pool,
                pool.stream(method, url, headers=told, content=body) as answer,
            ):
                return Answer(
                    status=answer.status,
                    headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers},
                    body=await _read(answer),
                )
        except TimeoutError:
            raise TransportFault(f"{parts.hostname} did not answer within {seconds:g} s") from None
        except httpcore.ConnectError as away:
            raise Unreached(f"{parts.hostname} cannot be reached ({away})") from None
        except (httpcore.LocalProtocolError, ValueError) as wrong:
            raise TransportFault(f"the request cannot be sent: {wrong}", lasting=True) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as broke:
            raise TransportFault(
                f"the connection to {parts.hostname} broke ({broke or type(broke).__name__})"
            ) from None


async def _read(answer: httpcore.Response) -> bytes:
    """Return the answer's beginning; what is beyond the limit is never read."""
    kept = bytearray()
    assert not isinstance(answer.stream, bytes)
    async for block in answer.aiter_stream():
        kept += block
        if len(kept) >= ANSWER_BYTES_MAX:
            break
    return bytes(kept[:ANSWER_BYTES_MAX])
