"""S3 and what speaks like it (MinIO, Ceph): ListObjectsV2, Get-, Put-, Copy- and DeleteObject over HTTP/1.1.

Our own client of a few requests, so that it connects to checked addresses alone and never follows a redirect. A folder
is a prefix; an object is there whole or not at all, so putting needs no second name.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import IO, Any, Final
from urllib.parse import quote, unquote_plus, urlsplit

from lxml import etree

from domain.ports.transports import Found, Missing, TransportFault
from domain.transports.place import Place
from integrations.transports import tls
from integrations.transports.addresses import Network, connect
from integrations.transports.sigv4 import EMPTY, canonical_query, signed

BLOCK_BYTES: Final = 1 << 20
IDLE_SECONDS: Final = 60.0
ANSWER_BYTES_MAX: Final = 8 << 20
PAGES_MAX: Final = 1000
PAGE_OBJECTS: Final = 1000  # the most that S3 tells at a time
_LASTING: Final = frozenset(
    {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket", "InvalidBucketName"}
    | {"AuthorizationHeaderMalformed", "PermanentRedirect", "InvalidToken", "ExpiredToken", "AuthFailure"}
)


@asynccontextmanager
async def opened(place: Place, credentials: Mapping[str, str], networks: Sequence[Network]) -> AsyncIterator[S3Folder]:
    """Open a bucket's prefix. Raises TransportFault, also where the clocks differ too much."""
    folder = S3Folder(place, credentials, networks)
    try:
        yield folder
    finally:
        folder.close()


class _Beyond(TransportFault):
    """A part of an object was asked for that begins at its end, or behind it."""


@contextmanager
def _faults(what: str) -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as trouble:
        raise tls.why(trouble) from None
    except (http.client.HTTPException, OSError) as trouble:
        said = getattr(trouble, "strerror", None) or type(trouble).__name__
        raise TransportFault(f"{what}: the connection broke ({said})") from None


class S3Folder:
    """Keeps ``domain.ports.transports.Transport``: one connection, kept open between requests."""

    def __init__(self, place: Place, credentials: Mapping[str, str], networks: Sequence[Network]) -> None:
        self._place = place
        self._credentials = credentials
        self._networks = networks
        self._connection: http.client.HTTPConnection | None = None
        self._context: ssl.SSLContext | None = None
        virtual = place.endpoint is None and "." not in place.bucket
        url = urlsplit(place.endpoint or f"https://s3.{place.region}.amazonaws.com")
        self._secure = url.scheme == "https"
        self._host = f"{place.bucket}.{url.hostname}" if virtual else url.hostname or ""
        self._port = url.port or (443 if self._secure else 80)
        self._root = "" if virtual else f"/{quote(place.bucket, safe='-_.~')}"

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _open(self) -> http.client.HTTPConnection:
        """Return the connection, made anew where the last answer was its last."""
        if self._connection is None or self._connection.sock is None:
            self.close()
            plain = await connect(self._host, self._port, self._networks)
            plain.settimeout(IDLE_SECONDS)
            with _faults("S3"):
                sock = await asyncio.to_thread(self._secured, plain) if self._secure else plain
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=IDLE_SECONDS)
            self._connection.auto_open = 0
            self._connection.sock = sock
        return self._connection

    def _secured(self, plain: socket.socket) -> socket.socket:
        self._context = self._context or tls.context(self._place.ca)
        try:
            return self._context.wrap_socket(plain, server_hostname=self._host)
        except BaseException:
            plain.close()
            raise

    async def _ask(
        self,
        method: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: IO[bytes] | None = None,
        payload: str = EMPTY,
    ) -> http.client.HTTPResponse:
        """Send one request and return its answer's head. Raises TransportFault, Missing."""
        path = f"{self._root}/{quote(key, safe='/-_.~')}"
        query = query or {}
        # The port is part of the host only where it is not the protocol's own.
        usual = self._port == (443 if self._secure else 80)
        host = self._host if usual else f"{self._host}:{self._port}"
        sent = signed(
            method,
            path,
            query,
            {"host": host, **(headers or {})},
            payload=payload,
            credentials=self._credentials,
            region=self._place.region,
            at=datetime.now(UTC),
        )
        connection = await self._open()
        target = f"{path}?{canonical_query(query)}" if query else path
        with _faults("S3"):
            try:
                answer = await asyncio.to_thread(_send, connection, method, target, sent, body)
            except BaseException:
                self.close()
                raise
        if answer.status >= 300:
            with _faults("S3"):
                said = await asyncio.to_thread(answer.read, ANSWER_BYTES_MAX)
            self.close()
            raise _refused(answer.status, said, key)
        return answer

    async def _read(self, answer: http.client.HTTPResponse) -> bytes:
        with _faults("S3"):
            body = await asyncio.to_thread(answer.read, ANSWER_BYTES_MAX)
        if not answer.isclosed():
            self.close()
        return body

    async def listing(self) -> AsyncIterator[Found]:
        """Yield the objects right below the prefix, page by page."""
        asked = {"list-type": "2", "delimiter": "/", "prefix": self._place.path, "encoding-type": "url"}
        asked["max-keys"] = str(PAGE_OBJECTS)
        for _ in range(PAGES_MAX):
            page = _xml(await self._read(await self._ask("GET", "", query=asked)))
            for entry in page.iterfind("Contents"):
                key = _unquoted(entry.findtext("Key") or "")
                if name := key.removeprefix(self._place.path):
                    yield Found(
                        name, int(entry.findtext("Size") or 0), _instant(entry.findtext("LastModified")),
                        (entry.findtext("ETag") or "").strip('"'),
                    )  # fmt: skip
            token = page.findtext("NextContinuationToken")
            if page.findtext("IsTruncated") != "true" or not token:
                return
            asked["continuation-token"] = token

    async def fetch(self, name: str, *, offset: int = 0) -> AsyncIterator[bytes]:
        """Yield the object's bytes; fewer than its length says are a broken connection."""
        headers = {"range": f"bytes={offset}-"} if offset else {}
        try:
            answer = await self._ask("GET", self._place.path + name, headers=headers)
        except _Beyond:
            return  # it ends where we begin
        try:
            if offset and answer.status != http.client.PARTIAL_CONTENT:
                raise TransportFault(f"{name}: the store does not give parts of objects", lasting=True)
            while True:
                with _faults(name):
                    block = await asyncio.to_thread(answer.read, BLOCK_BYTES)
                if not block:
                    break
                yield block
            if answer.length:
                raise TransportFault(f"{name}: the connection broke")
        finally:
            if not answer.isclosed():
                self.close()

    async def _there(self, key: str) -> bool:
        try:
            answer = await self._ask("HEAD", key)
        except Missing:
            return False
        await self._read(answer)
        return True

    async def move(self, name: str, folder: str, names: Sequence[str]) -> str:
        """Copy within the store, then delete."""
        source = self._place.path + name
        for free in names:
            there = f"{self._place.path}{folder}/{free}"
            if free != names[-1] and await self._there(there):
                continue
            copied = quote(f"/{self._place.bucket}/{source}", safe="/-_.~")
            answer = _xml(await self._read(await self._ask("PUT", there, headers={"x-amz-copy-source": copied})))
            if answer.findtext("ETag") is None:  # S3 may say 200 first and then that it failed
                raise TransportFault(f"{name}: the store did not copy it ({(answer.findtext('Code') or '?')[:60]})")
            await self.delete(name)
            return free
        raise AssertionError("a file is moved under one of at least one name")

    async def delete(self, name: str) -> None:
        """Remove an object."""
        with suppress(Missing):
            await self._read(await self._ask("DELETE", self._place.path + name))

    async def put(self, name: str, blocks: AsyncIterator[bytes]) -> int:
        """Put an object, by way of a temporary file: its length and SHA-256 are sent before it."""
        digest, size = hashlib.sha256(), 0
        with tempfile.TemporaryFile() as spooled:
            async for block in blocks:
                digest.update(block)
                size += len(block)
                await asyncio.to_thread(spooled.write, block)
            spooled.seek(0)
            await self._read(
                await self._ask(
                    "PUT",
                    self._place.path + name,
                    headers={"content-length": str(size)},
                    body=spooled,
                    payload=digest.hexdigest(),
                )
            )
        return size


def _send(
    connection: http.client.HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: IO[bytes] | None
) -> http.client.HTTPResponse:
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    if body is None and method == "PUT":
        connection.putheader("content-length", "0")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    while body is not None and (block := body.read(BLOCK_BYTES)):
        connection.send(block)
    return connection.getresponse()


def _refused(status: int, said: bytes, key: str) -> TransportFault:
    with suppress(TransportFault):
        answer = _xml(said)
        code, message = answer.findtext("Code") or "", " ".join((answer.findtext("Message") or "").split())
        if code == "InvalidRange":
            return _Beyond("the object is not as long")
        if code == "NoSuchKey":
            return Missing(f"{key} is not there")
        if code:
            return TransportFault(f"the store says {code[:60]}: {message[:200]}", lasting=code in _LASTING)
    if status == http.client.NOT_FOUND:
        return Missing(f"{key or 'the bucket'} is not there")
    lasting = status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN} or 300 <= status < 400
    return TransportFault(f"the store answers {status}", lasting=lasting)


def _xml(body: bytes) -> Any:
    """Read an answer, its namespace left out. No entity, DTD or network is followed."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        raise TransportFault("the store's answer is no XML: is this an S3 endpoint?", lasting=True) from None
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    return root


def _unquoted(key: str) -> str:
    return unquote_plus(key, errors="surrogateescape")


def _instant(text: str | None) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    return None
