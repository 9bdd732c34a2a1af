"""TLS, certificates of clients, and heads of requests that do not come or do not end (attack F6)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.listening import HEAD_BYTES_MAX, PatientProtocol, context, renewing
from api.settings import Settings
from domain.refusal import BadValue

NOW = datetime.now(UTC)


def issue(path: Path, name: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None) -> Any:
    """Write a certificate with its key to ``path`` and return both."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + secret)
    return built, key


async def hello(scope: Any, receive: Any, send: Any) -> None:
    del receive
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@asynccontextmanager
async def served(settings: Settings, protocol: type[PatientProtocol] = PatientProtocol) -> AsyncIterator[int]:
    """Serve a greeting and return the port."""
    secured = context(settings)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            hello,
            http=protocol,
            log_config=None,
            lifespan="off",
            ssl_context_factory=None if secured is None else lambda *_: secured,
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110  (uvicorn has no event for it)
            await asyncio.sleep(0.01)
        try:
            async with renewing(secured, settings, seconds=0.05):
                yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await running


async def ask(port: int, ca: Path, client: Path | None = None) -> httpx.Response:
    trusted = ssl.create_default_context(cafile=str(ca))
    if client is not None:
        trusted.load_cert_chain(client)
    async with httpx.AsyncClient(verify=trusted) as http:
        return await http.get(f"https://localhost:{port}/")


async def test_tls_is_spoken_and_nothing_else(tmp_path: Path) -> None:
    issue(tmp_path / "server.pem", "localhost", issue(tmp_path / "ca.pem", "ca"))
    async with served(Settings(tls_certificate=tmp_path / "server.pem")) as port:
        assert (await ask(port, tmp_path / "ca.pem")).text == "hello"
        async with httpx.AsyncClient() as http:
            with pytest.raises(httpx.HTTPError):
                await http.get(f"http://localhost:{port}/")
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        assert context(Settings(tls_certificate=tmp_path / "server.pem")).minimum_version is ssl.TLSVersion.TLSv1_2  # type: ignore[union-attr]


async def test_none_but_clients_with_a_certificate_are_heard(tmp_path: Path) -> None:
    ca = issue(tmp_path / "ca.pem", "ca")
    issue(tmp_path / "server.pem", "localhost", ca)
    issue(tmp_path / "client.pem", "client", ca)
    issue(tmp_path / "stranger.pem", "client", issue(tmp_path / "other.pem", "other"))
    settings = Settings(tls_certificate=tmp_path / "server.pem", tls_client_ca=tmp_path / "ca.pem")
    async with served(settings) as port:
        assert (await ask(port, tmp_path / "ca.pem", tmp_path / "client.pem")).text == "hello"
        for client in (None, tmp_path / "stranger.pem"):
            with pytest.raises(httpx.HTTPError):
                await ask(port, tmp_path / "ca.pem", client)


async def test_a_renewed_certificate_is_taken_by_itself(tmp_path: Path) -> None:
    issue(tmp_path / "server.pem", "localhost", issue(tmp_path / "ca.pem", "ca"))
    async with served(Settings(tls_certificate=tmp_path / "server.pem")) as port:
        (tmp_path / "server.pem").write_text("broken")
        await asyncio.sleep(0.2)
        assert (await ask(port, tmp_path / "ca.pem")).text == "hello"
        issue(tmp_path / "server.pem", "localhost", issue(tmp_path / "new.pem", "new"))
        for _ in range(40):
            await asyncio.sleep(0.05)
            try:
                answer = await ask(port, tmp_path / "new.pem")
                break
            except httpx.HTTPError:
                continue
        assert answer.text == "hello"


@pytest.mark.parametrize(
    "settings",
    [{"tls_key": Path("/none")}, {"tls_client_ca": Path("/none")}, {"tls_certificate": Path("/none")}],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadValue):
        context(Settings(**settings))


class Impatient(PatientProtocol):
    """Waits for a moment only."""

    seconds = 0.2


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"GET / HT"])
async def test_f6_a_head_that_does_not_come_ends_the_connection(sent: bytes) -> None:
    async with served(Settings(), Impatient) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(5):
            assert b"408" in await reader.read()
        writer.close()


async def left(reader: asyncio.StreamReader) -> bytes:
    """Return what came before the connection ended; nothing of it, where it ended while more was on its way."""
    try:
        return await reader.read()
    except ConnectionError:
        return b"HTTP/1.1 431"


async def test_f6_a_head_that_trickles_ends_the_connection() -> None:
    async with served(Settings(), Impatient) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        began = asyncio.get_running_loop().time()

        async def trickle() -> None:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
            for index in range(1000):
                writer.write(f"X-{index}: y\r\n".encode())
                await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        async with asyncio.timeout(5):
            assert (await left(reader))[9:12] in {b"408", b"431"}
        assert asyncio.get_running_loop().time() - began < 2
        trickling.cancel()
        writer.close()


async def test_f6_a_head_without_end_is_not_kept() -> None:
    async with served(Settings()) as port:
        for line in (b"X-Long: " + b"y" * (2 * HEAD_BYTES_MAX), b"X-Many: y\r\n" * (HEAD_BYTES_MAX // 4)):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.timeout(5):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + line)
                assert (await left(reader))[9:12] in {b"431", b"400"}
            writer.close()


async def test_what_comes_in_time_is_answered_again_and_again() -> None:
    async with served(Settings(), Impatient) as port, httpx.AsyncClient() as http:
        for _ in range(3):
            assert (await http.get(f"http://127.0.0.1:{port}/")).text == "hello"
            await asyncio.sleep(0.3)  # between requests a connection may rest
