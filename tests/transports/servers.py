"""Real servers of each protocol on this machine, and the certificates and keys they show."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import asyncssh
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = Path(__file__).parent
PASSWORD = "pässword"


def certificate(folder: Path) -> tuple[Path, str]:
    """Make a certificate for this machine; return the PEM file with its key, and the certificate as its own CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    alternatives = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(private + public)
    return path, public.decode()


@asynccontextmanager
async def _process(*command: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | environment,
        cwd=HERE.parents[1],
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]  # else its pipe is closed by the collector, with a warning


@asynccontextmanager
async def ftp_server(folder: Path, **options: Any) -> AsyncIterator[int]:
    """Serve a folder by FTP to the user ``cdr``; yields the port."""
    async with _process(sys.executable, str(HERE / "ftp_server.py"), str(folder), json.dumps(options)) as process:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        yield int(line)


@asynccontextmanager
async def s3_server() -> AsyncIterator[tuple[int, dict[str, str]]]:
    """Serve S3 (moto), which checks signatures; yields the port and who may use it. The bucket is ``cdr-bucket``."""
    async with _process(sys.executable, str(HERE / "s3_server.py")) as process:
        assert process.stdout is not None
        words: dict[str, list[str]] = {}
        while "port" not in words:
            first, *rest = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().split() or ["port"]
            words[first] = rest
        access, secret = words["key"]
        yield int(words["port"][0]), {"access_key": access, "secret_key": secret}


class Files(asyncssh.SFTPServer):
    """A folder by SFTP.

    ``cut_after``: bytes of downloads after which the connection is dropped; ``twice``: each file stands twice in a
    listing; ``extra``: names that stand there besides.
    """

    root: Path
    cut_after: int | None = None
    twice = False
    extra: tuple[str, ...] = ()

    def __init__(self, chan: asyncssh.SSHServerChannel) -> None:
        super().__init__(chan, chroot=os.fsencode(self.root))
        self._sent = 0
        self._channel = chan

    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        if self.cut_after is not None and self._sent + size > self.cut_after:
            self._channel.get_connection().abort()
        data: bytes = super().read(file_obj, offset, size)  # type: ignore[assignment]
        self._sent += len(data)
        return data

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        async for entry in super().scandir(path):
            yield entry
            if self.twice:
                yield entry
        for name in self.extra:
            attributes = asyncssh.SFTPAttrs(type=asyncssh.FILEXFER_TYPE_REGULAR, size=3, permissions=0o100644, mtime=0)
            yield asyncssh.SFTPName(name.encode(), attrs=attributes)


class Logins(asyncssh.SSHServer):
    """Lets in the user ``cdr`` by password, or by a key."""

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("cdr", PASSWORD)


@asynccontextmanager
async def sftp_server(
    folder: Path, keys: list[asyncssh.SSHKey], *, user_key: asyncssh.SSHKey | None = None, **behaviour: Any
) -> AsyncIterator[int]:
    """Serve a folder by SFTP; yields the port."""
    kind = type("FilesHere", (Files,), {"root": folder, **behaviour})
    authorized = None
    if user_key is not None:
        authorized = asyncssh.import_authorized_keys(user_key.export_public_key().decode())
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Logins,
        server_host_keys=keys,
        sftp_factory=kind,
        authorized_client_keys=authorized,
        gss_host=None,
        config=[],
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
