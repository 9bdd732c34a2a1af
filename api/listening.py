"""What stands between the network and the application: TLS, and how long and how large the head of a request may be.

uvicorn waits for the head of a request for ever and takes one of any size; here a connection that does not say what it
wants is closed. With TLS it is 1.2 or 1.3; where a CA for clients is set, none but clients with its certificates are
heard at all. A certificate that is renewed on the disk is taken by itself, for connections that come then.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.settings import Settings
from domain.refusal import BadValue

HEAD_SECONDS: Final = 15.0
HEAD_BYTES_MAX: Final = 64 << 10
LOOK_SECONDS: Final = 30.0
LOG: Final = logging.getLogger("tollwright.tls")


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with an end to its patience."""

    seconds = HEAD_SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._waiting: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._heard()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that grows beyond its size ends the connection."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self._refuse("431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._in_head = True
        if self._waiting is None:
            self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Take the head: what follows has limits of its own."""
        self._heard()
        self._in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; together they are no longer than a head. httptools answers what is raised with 400."""
        if sum(len(one) + len(said) for one, said in self.headers) + len(name) + len(value) > HEAD_BYTES_MAX:
            raise ValueError("the head is too long")
        super().on_header(name, value)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.seconds, self._give_up)

    def _heard(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            self._refuse("408 Request Timeout")

    def _refuse(self, status: str) -> None:
        self.transport.write(f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode())
        self.transport.close()


def context(settings: Settings) -> ssl.SSLContext | None:
    """Return what TLS is spoken with; None: it is not. Refuses with: BadValue (files that are none)."""
    if settings.tls_certificate is None:
        for name in ("tls_key", "tls_client_ca"):
            if getattr(settings, name) is not None:
                raise BadValue("without tls_certificate no TLS is spoken", field=name)
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    load(made, settings)
    if settings.tls_client_ca is not None:
        try:
            made.load_verify_locations(settings.tls_client_ca)
        except (OSError, ssl.SSLError) as fault:
            raise BadValue(
                "{path} holds no certificates: {fault}", path=settings.tls_client_ca, fault=fault, field="tls_client_ca"
            ) from None
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def load(made: ssl.SSLContext, settings: Settings) -> None:
    """Read the certificate and its key. Refuses with: BadValue."""
    assert settings.tls_certificate is not None
    try:
        made.load_cert_chain(
            settings.tls_certificate, settings.tls_key, password=lambda: settings.tls_key_password or ""
        )
    except (OSError, ssl.SSLError) as fault:
        raise BadValue(
            "{path} and its key cannot be read: {fault}",
            path=settings.tls_certificate,
            fault=fault,
            field="tls_certificate",
        ) from None


@asynccontextmanager
async def renewing(
    made: ssl.SSLContext | None, settings: Settings, *, seconds: float = LOOK_SECONDS
) -> AsyncIterator[None]:
    """Take a renewed certificate meanwhile; one that cannot be read is told in the log, and the one before stays."""
    if made is None:
        yield
        return
    doing = asyncio.create_task(_renew(made, settings, seconds))
    try:
        yield
    finally:
        doing.cancel()
        with suppress(asyncio.CancelledError):
            await doing


async def _renew(made: ssl.SSLContext, settings: Settings, seconds: float) -> None:
    files = [path for path in (settings.tls_certificate, settings.tls_key) if path is not None]
    known = _times(files)
    while True:
        await asyncio.sleep(seconds)
        present = _times(files)
        if present != known:
            try:
                load(made, settings)
            except BadValue as no:
                LOG.warning("%s", no.message)
                continue
            known = present
            LOG.info("the certificate was renewed")


def _times(files: list[Path]) -> list[int]:
    return [path.stat().st_mtime_ns if path.exists() else 0 for path in files]
