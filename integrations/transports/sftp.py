"""SFTP (draft-ietf-secsh-filexfer-02) by asyncssh; the server's key is pinned, the user's own SSH files stay unread."""

from __future__ import annotations

import asyncio
import secrets
import stat
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import asyncssh

from domain.ports.transports import Found, Missing, TransportFault
from domain.transports.place import Place
from integrations.transports.addresses import Network, connect

BLOCK_BYTES: Final = 1 << 20
LOGIN_SECONDS: Final = 30
IDLE_SECONDS: Final = 60
# Which key a server shows is negotiated; with a fingerprint alone we cannot know which of its keys was pinned.
KEY_KINDS: Final = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256"),
)


class _Pinned(asyncssh.SSHClient):
    """Accepts one of the pinned keys, and remembers what was shown."""

    def __init__(self, pins: Sequence[str]) -> None:
        self._pins = pins
        self.shown: str | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Compare by fingerprint or by the key itself."""
        del host, addr, port
        self.shown = key.get_fingerprint()
        whole = " ".join(key.export_public_key().decode("ascii").split()[:2])
        return self.shown in self._pins or whole in self._pins


@asynccontextmanager
async def opened(
    place: Place, credentials: Mapping[str, str], networks: Sequence[Network]
) -> AsyncIterator[SftpTransport]:
    """Log in and open the folder. Raises TransportFault."""
    connection = await _login(place, credentials, networks)
    try:
        with _faults("SFTP"):
            client = await connection.start_sftp_client(path_errors="surrogateescape")
        yield SftpTransport(client, place.path)
    finally:
        connection.abort()
        with suppress(Exception):
            await asyncio.wait_for(connection.wait_closed(), 5)


async def _login(place: Place, credentials: Mapping[str, str], networks: Sequence[Network]) -> Any:
    options = _options(place, credentials)
    seen: list[str] = []
    for kinds in _kinds(place.host_keys):
        client = _Pinned(place.host_keys)
        sock = await connect(place.host, place.port, networks)
        connection = None
        try:
            with _faults("SSH"):
                connection = await asyncssh.connect(
                    place.host,
                    place.port,
                    sock=sock,
                    client_factory=lambda client=client: client,  # bound, since the loop goes on
                    server_host_key_algs=list(kinds),
                    **options,
                )
                return connection
        except asyncssh.HostKeyNotVerifiable:
            seen.append(client.shown or "no key")
        except asyncssh.KeyExchangeFailed:
            continue  # it has no key of this kind
        finally:
            if connection is None:
                sock.close()
    raise TransportFault(_unpinned(place, seen), lasting=True)


def _kinds(pins: Sequence[str]) -> list[tuple[str, ...]]:
    """Return which kinds of keys to ask for: those of the pinned keys, or one after the other."""
    named = {pin.split()[0].replace("ssh-rsa", "rsa-sha2-256") for pin in pins}
    if named and not any(pin.startswith("SHA256:") for pin in pins):
        return [kinds for kinds in KEY_KINDS if named.intersection(kinds)] or list(KEY_KINDS)
    return list(KEY_KINDS)


def _unpinned(place: Place, seen: Sequence[str]) -> str:
    shown = ", ".join(dict.fromkeys(seen)) or "no key of a kind that is accepted"
    if not place.host_keys:
        return f"{place.host} shows {shown} and no host key is pinned: compare it with the owner's word, then pin it"
    pinned = ", ".join(key if key.startswith("SHA256:") else _fingerprint(key) for key in place.host_keys)
    return f"{place.host} shows {shown}, pinned is {pinned}: not logged in. Ask the server's owner before you change it"


def _fingerprint(key: str) -> str:
    with suppress(asyncssh.KeyImportError):
        return asyncssh.import_public_key(key).get_fingerprint()
    return key[:60]


def _options(place: Place, credentials: Mapping[str, str]) -> dict[str, Any]:
    keys: list[Any] = []
    if "private_key" in credentials:
        try:
            keys = [asyncssh.import_private_key(credentials["private_key"], credentials.get("passphrase"))]
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
            raise TransportFault("the private key cannot be read, or its passphrase is wrong", lasting=True) from None
    return {
        "username": place.user,
        "password": credentials.get("password"),
        "client_keys": keys or None,
        "agent_path": None,
        "agent_forwarding": False,
        "known_hosts": ([], [], []),  # nobody is known by a file: the client above decides
        "config": [],
        "gss_host": None,
        "x509_trusted_certs": None,
        "login_timeout": LOGIN_SECONDS,
        "keepalive_interval": 15,
    }


@contextmanager
def _faults(what: str) -> Iterator[None]:
    try:
        yield
    except asyncssh.PermissionDenied:
        raise TransportFault("the login is refused: user, password or key is wrong", lasting=True) from None
    except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
        raise
    except asyncssh.SFTPNoSuchFile:
        raise Missing(f"{what} is not there") from None
    except asyncssh.SFTPPermissionDenied:
        raise TransportFault(f"{what}: the server does not allow it", lasting=True) from None
    except (asyncssh.Error, OSError, TimeoutError) as trouble:
        said = " ".join(str(trouble).split())[:200] or "no answer"
        raise TransportFault(f"{what}: {said}") from None


class SftpTransport:
    """Keeps ``domain.ports.transports.Transport``."""

    def __init__(self, client: Any, folder: str) -> None:
        self._client = client
        self._folder = folder.rstrip("/") or "/"

    def _path(self, *parts: str) -> str:
        return "/".join([self._folder.rstrip("/"), *parts])

    async def listing(self) -> AsyncIterator[Found]:
        """Yield the regular files; links and folders are none."""
        with _faults(self._folder):
            entries = self._client.scandir(self._folder).__aiter__()
        while True:
            with _faults(self._folder):
                try:
                    entry = await asyncio.wait_for(entries.__anext__(), IDLE_SECONDS)
                except StopAsyncIteration:
                    return
            attributes = entry.attrs
            if not _regular(attributes):
                continue
            modified = None if attributes.mtime is None else datetime.fromtimestamp(attributes.mtime, UTC)
            yield Found(str(entry.filename), attributes.size, modified)

    async def fetch(self, name: str, *, offset: int = 0) -> AsyncIterator[bytes]:
        """Yield the bytes from an offset."""
        path = self._path(name)
        with _faults(name):
            if not _regular(await self._client.lstat(path)):
                raise Missing(f"{name} is no file any more")
            file = await self._client.open(path, "rb")
        try:
            at = offset
            while True:
                with _faults(name):
                    block = await asyncio.wait_for(file.read(BLOCK_BYTES, at), IDLE_SECONDS)
                if not block:
                    return
                at += len(block)
                yield block
        finally:
            with suppress(Exception):
                await asyncio.wait_for(file.close(), 5)

    async def move(self, name: str, folder: str, names: Sequence[str]) -> str:
        """Rename; SFTP's own rename refuses a name that is taken, on most servers."""
        with _faults(name):
            if not await self._client.isdir(self._path(folder)):
                with suppress(asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists):
                    await self._client.mkdir(self._path(folder))
            for free in names:
                there = self._path(folder, free)
                if await self._client.exists(there):
                    if free != names[-1]:
                        continue
                    await self._client.remove(there)
                await self._client.rename(self._path(name), there)
                return free
        raise AssertionError("a file is moved under one of at least one name")

    async def delete(self, name: str) -> None:
        """Remove a file."""
        with suppress(Missing), _faults(name):
            await self._client.remove(self._path(name))

    async def put(self, name: str, blocks: AsyncIterator[bytes]) -> int:
        """Write under another name, then rename over what is there."""
        fresh, size = self._path(f".{secrets.token_hex(8)}.part"), 0
        try:
            with _faults(name):
                async with await self._client.open(fresh, "wb") as file:
                    async for block in blocks:
                        await asyncio.wait_for(file.write(block), IDLE_SECONDS)
                        size += len(block)
                try:
                    await self._client.posix_rename(fresh, self._path(name))
                except asyncssh.SFTPOpUnsupported:
                    if await self._client.exists(self._path(name)):
                        await self._client.remove(self._path(name))
                    await self._client.rename(fresh, self._path(name))
        except BaseException:
            with suppress(Exception):
                await asyncio.wait_for(self._client.remove(fresh), 5)
            raise
        return size


def _regular(attributes: Any) -> bool:
    """Tell whether it is a file. Servers of old tell no type but the mode."""
    if attributes.type not in {None, asyncssh.FILEXFER_TYPE_UNKNOWN}:
        return bool(attributes.type == asyncssh.FILEXFER_TYPE_REGULAR)
    return attributes.permissions is None or stat.S_ISREG(attributes.permissions)
