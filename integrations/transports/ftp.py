"""FTP (RFC 959, 3659) and FTP over TLS, explicit (RFC 4217) and implicit, by ftplib in a thread.

The data channel goes on with the control channel's TLS session, which many servers demand. The address that a server
names for data is ignored: data comes from where the control channel goes, which was checked.
"""

from __future__ import annotations

import asyncio
import ftplib
import re
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from domain.ports.transports import Found, Missing, TransportFault
from domain.transports.place import Place, Protocol
from integrations.transports import tls
from integrations.transports.addresses import Network, connect

BLOCK_BYTES: Final = 1 << 18
IDLE_SECONDS: Final = 60.0
LISTING_BYTES_MAX: Final = 64 << 20
_UNIX: Final = re.compile(r"([-dlbcps])\S{9,10}\s+\d+\s+\S+\s+\S+\s+(\d+)\s+(\w{3}\s+\d+\s+[\d:]{4,5})\s(.+)")
_DOS: Final = re.compile(r"(\d\d-\d\d-\d{2,4}\s+\d\d:\d\d(?:[AP]M)?)\s+(<DIR>|\d+)\s+(.+)")
T = TypeVar("T")


class _Ftp(ftplib.FTP_TLS):
    """FTP on a socket that is connected already. ``reuse``: data goes on with the control channel's session."""

    def take(self, sock: socket.socket, host: str, *, implicit: bool) -> None:
        """Begin on a connected socket."""
        self.host, self.timeout = host, IDLE_SECONDS
        sock.settimeout(IDLE_SECONDS)
        self.af = sock.family
        self.sock = self.context.wrap_socket(sock, server_hostname=host) if implicit else sock
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data channel, resuming the control channel's TLS session."""
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321  (plain FTP is what some switches have)
        if self._prot_p:  # type: ignore[attr-defined]  # whether PROT P was agreed
            session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
            try:
                conn = self.context.wrap_socket(conn, server_hostname=self.host, session=session)
            except BaseException:
                conn.close()
                raise
        return conn, size


@asynccontextmanager
async def opened(
    place: Place, credentials: Mapping[str, str], networks: Sequence[Network]
) -> AsyncIterator[FtpTransport]:
    """Log in and go to the folder. Raises TransportFault."""
    transport = FtpTransport(place, credentials, networks)
    try:
        await transport.connect()
        yield transport
    finally:
        transport.close()


def _login(ftp: _Ftp, sock: socket.socket, place: Place, credentials: Mapping[str, str]) -> set[str]:
    ftp.take(sock, place.host, implicit=place.protocol is Protocol.FTPS)
    if place.protocol is Protocol.FTPES:
        ftp.auth()
    user, password = place.user or "anonymous", credentials.get("password", "")
    try:
        ftplib.FTP.login(ftp, _wire(user), _wire(password))  # noqa: S321  (as above)
    except ftplib.error_perm as no:
        raise TransportFault(f"the login is refused ({_said(no)})", lasting=True) from None
    if place.protocol is not Protocol.FTP:
        ftp.prot_p()
    ftp.voidcmd("TYPE I")
    with suppress(ftplib.Error):
        ftp.voidcmd("OPTS UTF8 ON")
    if place.path not in {"", "/"}:
        # FTP's "/path" of a login is what its server makes of it; "/~/" leads to a folder below the login's own.
        ftp.cwd(_wire(place.path.removeprefix("/~/")))
    try:
        return {line.strip().split(" ")[0].upper() for line in ftp.sendcmd("FEAT").splitlines()[1:-1]}
    except ftplib.error_perm:
        return set()


def _wire(text: str) -> str:
    r"""Return text as it goes over a Latin-1 channel as UTF-8. Raises TransportFault for what would be a command."""
    if "\r" in text or "\n" in text or "\0" in text:
        raise TransportFault("a name or password with a line end is not sent", lasting=True)
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _text(wire: str) -> str:
    """Return a name as text: UTF-8, or what its bytes are in Latin-1."""
    try:
        return wire.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return wire


def _said(no: Exception) -> str:
    return " ".join(str(no).split())[:200]


@contextmanager
def _faults(what: str) -> Iterator[None]:
    try:
        yield
    except ftplib.error_perm as no:
        said = _said(no)
        if said.startswith("550"):
            raise Missing(f"{what} is not there, or not allowed ({said})") from None
        raise TransportFault(f"{what}: {said}", lasting=True) from None
    except ftplib.Error as no:
        raise TransportFault(f"{what}: {_said(no)}") from None
    except ssl.SSLError as trouble:
        raise tls.why(trouble) from None
    except EOFError:
        raise TransportFault(f"{what}: the server closed the connection") from None
    except (OSError, TimeoutError) as trouble:
        raise TransportFault(f"{what}: {trouble.strerror or 'no answer'}") from None


class FtpTransport:
    """Keeps ``domain.ports.transports.Transport``. One command at a time, as the protocol has it."""

    def __init__(self, place: Place, credentials: Mapping[str, str], networks: Sequence[Network]) -> None:
        self._place = place
        self._credentials = credentials
        self._networks = networks
        self._sock: socket.socket | None = None
        self._features: set[str] = set()
        self._names: dict[str, str] = {}  # a name's bytes, where they are not its UTF-8

    async def connect(self) -> None:
        """Log in and go to the folder. Raises TransportFault."""
        sock = await connect(self._place.host, self._place.port, self._networks)
        self._ftp = _Ftp(context=tls.context(self._place.ca), encoding="latin-1")  # names are decoded below
        self._sock = sock
        try:
            with _faults("FTP"):
                self._features = await asyncio.to_thread(_login, self._ftp, sock, self._place, self._credentials)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up; the next command logs in anew."""
        if self._sock is not None:
            with suppress(Exception):
                self._ftp.close()
            self._sock.close()
            self._sock = None

    async def _do(self, what: str, work: Callable[[], T]) -> T:
        if self._sock is None:
            await self.connect()
        with _faults(what):
            return await asyncio.to_thread(work)

    def _sent(self, name: str) -> str:
        return self._names.get(name) or _wire(name)

    async def listing(self) -> AsyncIterator[Found]:
        """Yield the regular files: by MLSD where the server has it, else by LIST, of which any form may be met."""
        machine = "MLST" in self._features or "MLSD" in self._features
        lines = await self._do("the listing", lambda: self._lines("MLSD" if machine else "LIST"))
        for line in lines:
            found = _of_facts(line) if machine else _of_list(line)
            if found is not None:
                name = _text(found.name)
                if name == found.name and not name.isascii():
                    self._names[name] = found.name
                yield Found(name, found.size, found.modified, found.token)

    def _lines(self, command: str) -> list[str]:
        lines: list[str] = []
        taken = 0
        conn, _ = self._ftp.ntransfercmd(command)
        with conn, conn.makefile("r", encoding="latin-1", newline="\n") as file:
            for line in file:
                taken += len(line)
                if taken > LISTING_BYTES_MAX:
                    raise TransportFault(f"the listing is over {LISTING_BYTES_MAX} bytes: put fewer files there")
                lines.append(line.rstrip("\r\n"))
            _end(conn)
        self._ftp.voidresp()
        return lines

    async def fetch(self, name: str, *, offset: int = 0) -> AsyncIterator[bytes]:
        """Yield the bytes; the server's last word must be that the file is whole."""
        command = f"RETR {self._sent(name)}"
        conn, _ = await self._do(name, lambda: self._ftp.ntransfercmd(command, offset or None))
        whole = False
        try:
            while block := await self._do(name, lambda: conn.recv(BLOCK_BYTES)):
                yield block
            whole = True
        finally:
            if not whole:
                self.close()  # the server is still sending; nothing else can be asked on this connection
            conn.close()
        await self._do(name, self._ftp.voidresp)

    async def _there(self, path: str) -> bool:
        """Tell whether a file is there; where the server does not know SIZE, any may be."""
        try:
            await self._do(path, lambda: self._ftp.size(self._sent(path) if "/" not in path else _wire(path)))
        except Missing:
            return False
        except TransportFault as fault:
            if not fault.lasting:
                raise
        return True

    async def move(self, name: str, folder: str, names: Sequence[str]) -> str:
        """Rename."""
        with suppress(Missing, TransportFault):
            await self._do(folder, lambda: self._ftp.mkd(_wire(folder)))
        for free in names:
            there = f"{folder}/{free}"
            if await self._there(there):
                if free != names[-1]:
                    continue
                with suppress(Missing):
                    await self._do(there, lambda there=there: self._ftp.delete(_wire(there)))  # type: ignore[misc]  # a loop's own value
            await self._do(name, lambda there=there: self._ftp.rename(self._sent(name), _wire(there)))  # type: ignore[misc]  # a loop's own value
            return free
        raise AssertionError("a file is moved under one of at least one name")

    async def delete(self, name: str) -> None:
        """Remove a file."""
        with suppress(Missing):
            await self._do(name, lambda: self._ftp.delete(self._sent(name)))

    async def put(self, name: str, blocks: AsyncIterator[bytes]) -> int:
        """Send under another name, then rename."""
        fresh, size = f"{secrets.token_hex(8)}.part", 0
        conn, _ = await self._do(name, lambda: self._ftp.ntransfercmd(f"STOR {fresh}"))
        try:
            async for block in blocks:
                await self._do(name, lambda block=block: conn.sendall(block))  # type: ignore[misc]  # a loop's own value
                size += len(block)
            await self._do(name, lambda: _end(conn))
            conn.close()
            await self._do(name, self._ftp.voidresp)
            if await self._there(name):
                await self.delete(name)
            await self._do(name, lambda: self._ftp.rename(fresh, self._sent(name)))
        except BaseException:
            conn.close()
            with suppress(Exception):
                await asyncio.to_thread(self._forget, fresh)
            raise
        return size

    def _forget(self, fresh: str) -> None:
        """Remove what was sent in part. Raises what the server answers."""
        self._ftp.voidresp()
        self._ftp.delete(fresh)


def _end(conn: Any) -> None:
    """Say the end of TLS on a data channel; a server that does not answer it has ended it all the same."""
    if isinstance(conn, ssl.SSLSocket):
        with suppress(OSError, ValueError):
            conn.unwrap()


def _of_facts(line: str) -> Found | None:
    """Read a line of MLSD (RFC 3659 § 7).

    >>> found = _of_facts("type=file;size=12;modify=20260301070000.5;unique=7; a b.csv")
    >>> found.name, found.size, found.modified.isoformat(), found.token
    ('a b.csv', 12, '2026-03-01T07:00:00+00:00', '7')
    >>> _of_facts("type=dir;modify=20260301070000; done")
    """
    head, _, name = line.partition(" ")
    facts = dict(fact.lower().split("=", 1) for fact in head.split(";") if "=" in fact)
    if facts.get("type") != "file" or not name:
        return None
    size, modify = facts.get("size", ""), facts.get("modify", "")
    modified = None
    with suppress(ValueError):
        modified = datetime.strptime(modify[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return Found(name, int(size) if size.isascii() and size.isdigit() else None, modified, facts.get("unique", ""))


def _of_list(line: str) -> Found | None:
    """Read a line of LIST, which no standard describes: as ls -l or as MS-DOS writes it. The date stays a text.

    >>> _of_list("-rw-r--r--   1 cdr      cdr           120 Mar  1 07:00 Master.csv")
    Found(name='Master.csv', size=120, modified=None, token='Mar 1 07:00')
    >>> _of_list("03-01-26  07:00AM                  120 Master.csv").size
    120
    >>> _of_list("lrwxrwxrwx   1 cdr      cdr            11 Mar  1 07:00 passwd -> /etc/passwd")
    """
    if found := _UNIX.fullmatch(line):
        kind, size, date, name = found.groups()
        return Found(name, int(size), None, " ".join(date.split())) if kind == "-" else None
    if found := _DOS.fullmatch(line):
        date, size, name = found.groups()
        return None if size == "<DIR>" else Found(name, int(size), None, " ".join(date.split()))
    return None
