"""Each protocol against a real server: listing, fetching, putting away, delivering, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from domain.feeds.growth import Growth
from domain.feeds.sightings import Look, Sighting
from domain.ports.transports import Found, Missing, Transport, TransportFault
from domain.refusal import BadValue
from domain.transports.place import Place, read_place
from integrations.transports import addresses
from integrations.transports.registry import KnownTransports
from integrations.transports.sigv4 import EMPTY, signed
from tests.transports.servers import PASSWORD, certificate, ftp_server, s3_server, sftp_server

HERE = (ipaddress.ip_network("127.0.0.0/8"),)
LARGE = bytes(range(256)) * 12_000  # 3 MB
AT = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Site:
    """A place with a server behind it, and the way to look at and lay out its files from behind."""

    place: Place
    credentials: dict[str, str]
    known: KnownTransports
    lay: Callable[[str, bytes], Awaitable[None]]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Transport]:
        async with self.known.open(self.place, self.credentials) as transport:
            yield transport


async def content(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


async def names(transport: Transport) -> dict[str, int | None]:
    return {found.name: found.size async for found in transport.listing()}


async def whole(transport: Transport, name: str, offset: int = 0) -> bytes:
    return b"".join([block async for block in transport.fetch(name, offset=offset)])


@pytest.fixture(scope="session")
def host_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


PROTOCOLS = ("folder", "sftp", "sftp-key", "ftp", "ftp-list", "ftpes", "ftps", "ftps-tls12", "s3")


@pytest.fixture(params=PROTOCOLS)
async def site(request: pytest.FixtureRequest, tmp_path: Path, host_key: asyncssh.SSHKey) -> AsyncIterator[Site]:
    async with make_site(request.param, tmp_path, host_key) as one:
        yield one


@asynccontextmanager
async def make_site(protocol: str, tmp_path: Path, host_key: asyncssh.SSHKey) -> AsyncIterator[Site]:
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "sub").mkdir()

    async def lay(name: str, data: bytes) -> None:
        (folder / name).write_bytes(data)

    known = KnownTransports(roots=(tmp_path,), networks=HERE)
    if protocol == "folder":
        yield Site(read_place(f"folder://{folder}"), {}, known, lay)
    elif protocol.startswith("sftp"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        private = key.export_private_key(passphrase="öppna").decode()
        given = {"private_key": private, "passphrase": "öppna"} if protocol == "sftp-key" else {"password": PASSWORD}
        pins = (host_key.get_fingerprint(),) if protocol == "sftp" else (host_key.export_public_key().decode(),)
        async with sftp_server(folder, [host_key], user_key=key) as port:
            yield Site(read_place(f"sftp://cdr@127.0.0.1:{port}/", host_keys=pins), given, known, lay)
    elif protocol.startswith("ftp"):
        pem, ca = certificate(tmp_path)
        options = {"plain_listing": True} if protocol == "ftp-list" else {}
        if "s" in protocol.removesuffix("-list"):
            options = {"pem": str(pem), "reuse": True, "implicit": protocol.startswith("ftps")}
            options["tls12"] = protocol == "ftps-tls12"
        scheme = protocol.partition("-")[0]
        async with ftp_server(folder, **options) as port:
            yield Site(read_place(f"{scheme}://cdr@127.0.0.1:{port}/", ca=ca), {"password": PASSWORD}, known, lay)
    else:
        async with s3_server() as (port, given):
            place = read_place("s3://cdr-bucket/in/put", endpoint=f"http://127.0.0.1:{port}")
            site = Site(place, given, known, lay)

            async def put(name: str, data: bytes) -> None:
                async with site.open() as transport:
                    await transport.put(name, content(data))

            site.lay = put
            yield site


async def test_files_are_listed_fetched_moved_and_removed(site: Site) -> None:
    await site.lay("Master.csv", LARGE)
    await site.lay("räkning & ö=1.csv", b"abc")
    await site.lay("gone.csv", b"")
    async with site.open() as transport:
        assert await names(transport) == {"Master.csv": len(LARGE), "räkning & ö=1.csv": 3, "gone.csv": 0}
        assert await whole(transport, "Master.csv") == LARGE
        assert await whole(transport, "Master.csv", len(LARGE) - 5) == LARGE[-5:]
        assert await whole(transport, "räkning & ö=1.csv") == b"abc"
        assert await whole(transport, "gone.csv") == b""
        assert await transport.move("räkning & ö=1.csv", "done", ["räkning & ö=1.csv", "other"]) == "räkning & ö=1.csv"
        await transport.delete("gone.csv")
        await transport.delete("gone.csv")
        assert list(await names(transport)) == ["Master.csv"]
        with pytest.raises(Missing):
            await whole(transport, "gone.csv")


async def test_moving_never_replaces_but_by_the_last_name(site: Site) -> None:
    async with site.open() as transport:
        for data in (b"first", b"second", b"third"):
            await site.lay("Master.csv", data)
            moved = await transport.move("Master.csv", "done", ["Master.csv", "Master.csv.2"])
            assert moved == ("Master.csv" if data == b"first" else "Master.csv.2")
        assert await names(transport) == {}


async def test_a_file_is_delivered_whole_or_not_at_all(site: Site) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield LARGE
        raise RuntimeError("the writer broke")

    async with site.open() as transport:
        assert await transport.put("out.xml", content(b"<a", b"/>")) == 4
        assert await transport.put("out.xml", content(b"<b/>")) == 4
        with pytest.raises(RuntimeError, match="the writer broke"):
            await transport.put("half.xml", broken())
    async with site.open() as transport:
        assert await names(transport) == {"out.xml": 4}
        assert await whole(transport, "out.xml") == b"<b/>"


async def test_leaving_a_download_early_does_not_hang(site: Site) -> None:
    await site.lay("Master.csv", LARGE)
    async with site.open() as transport:
        for _ in range(2):
            blocks = transport.fetch("Master.csv")
            assert await anext(aiter(blocks))
            await blocks.aclose()  # type: ignore[attr-defined]  # it is a generator
        assert await whole(transport, "Master.csv", 1_000_000) == LARGE[1_000_000:]
        assert await names(transport) == {"Master.csv": len(LARGE)}


async def test_a_file_that_grows_is_followed_over_every_protocol(site: Site) -> None:
    """With its row of names, and rotated at last."""
    head, lines = b"a,b,c\n", b"".join(b"%05d,x,y\n" % number for number in range(3000))
    known = Sighting(name="Master.csv", look=Look(size=None, modified=None, token=""), since=AT, changed_at=AT)

    async def follow(data: bytes) -> bytes:
        nonlocal known
        await site.lay("Master.csv", data)
        async with site.open() as transport:
            growth = Growth(transport, Found("Master.csv", len(data)), known, header=True)
            await growth.open()
            taken = b"".join([block async for block in growth.lines()])
            known = replace(known, offset=growth.offset, guard=growth.guard)
        return taken

    assert await follow(head + lines[:10_004]) == head + lines[:10_000]
    assert await follow(head + lines[:20_004]) == head + lines[10_000:20_000]
    assert await follow(head + lines) == head + lines[20_000:]
    assert await follow(head + lines) == head
    other = lines.replace(b"x", b"z") + lines
    assert await follow(head + other) == head + other


@pytest.mark.parametrize("protocol", ["sftp", "ftp", "ftpes"])
async def test_a_cut_download_is_a_fault_and_not_a_short_file(
    protocol: str, tmp_path: Path, host_key: asyncssh.SSHKey
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "Master.csv").write_bytes(LARGE)
    known = KnownTransports(networks=HERE)
    pem, ca = certificate(tmp_path)
    if protocol == "sftp":
        server = sftp_server(tmp_path / "there", [host_key], cut_after=1_500_000)
        pins, ca = (host_key.get_fingerprint(),), None
    else:
        options = {"pem": str(pem)} if protocol == "ftpes" else {}
        server, pins = ftp_server(tmp_path / "there", cut_after=1_500_000, **options), ()
    async with server as port:
        place = read_place(f"{protocol}://cdr@127.0.0.1:{port}/", host_keys=pins, ca=ca)
        with pytest.raises(TransportFault) as fault:
            async with known.open(place, {"password": PASSWORD}) as transport:
                await whole(transport, "Master.csv")
        assert not fault.value.lasting
        assert not isinstance(fault.value, Missing)


@pytest.mark.parametrize("protocol", ["sftp", "ftp", "ftps", "s3"])
async def test_a_wrong_password_is_lasting_and_is_not_told(
    protocol: str, tmp_path: Path, host_key: asyncssh.SSHKey
) -> None:
    async with make_site(protocol, tmp_path, host_key) as site:
        wrong = dict.fromkeys(site.credentials, "NotThisOne-7")
        if protocol == "s3":
            wrong["access_key"] = site.credentials["access_key"]
        with pytest.raises(TransportFault) as fault:
            async with site.known.open(site.place, wrong) as transport:
                await names(transport)
        assert fault.value.lasting
        assert "NotThisOne" not in fault.value.message


async def test_another_host_key_is_refused_with_both_fingerprints(tmp_path: Path, host_key: asyncssh.SSHKey) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519")
    known = KnownTransports(networks=HERE)
    async with sftp_server(tmp_path, [host_key]) as port:
        for pins in ((other.get_fingerprint(),), (other.export_public_key().decode(),), ()):
            place = read_place(f"sftp://cdr@127.0.0.1:{port}/", host_keys=pins)
            with pytest.raises(TransportFault) as fault:
                async with known.open(place, {"password": PASSWORD}):
                    pass
            assert fault.value.lasting
            assert host_key.get_fingerprint() in fault.value.message
            assert (other.get_fingerprint() in fault.value.message) is bool(pins)


async def test_a_server_of_several_keys_is_known_by_any_that_is_pinned(tmp_path: Path) -> None:
    kinds = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")
    keys = [asyncssh.generate_private_key(kind) for kind in kinds]
    known = KnownTransports(networks=HERE)
    async with sftp_server(tmp_path, keys) as port:
        for key in keys:
            place = read_place(f"sftp://cdr@127.0.0.1:{port}/", host_keys=(key.get_fingerprint(),))
            async with known.open(place, {"password": PASSWORD}) as transport:
                assert await names(transport) == {}


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp384", "ssh-rsa"])
async def test_a_server_of_one_key_is_known_by_fingerprint_and_by_key(tmp_path: Path, kind: str) -> None:
    key = asyncssh.generate_private_key(kind)
    known = KnownTransports(networks=HERE)
    async with sftp_server(tmp_path, [key]) as port:
        for pin in (key.get_fingerprint(), key.export_public_key().decode()):
            place = read_place(f"sftp://cdr@127.0.0.1:{port}/", host_keys=(pin,))
            async with known.open(place, {"password": PASSWORD}) as transport:
                assert await names(transport) == {}
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        with pytest.raises(TransportFault, match="pinned is SHA256") as fault:
            async with known.open(read_place(f"sftp://cdr@127.0.0.1:{port}/", host_keys=(other,)), {"password": "x"}):
                pass
        assert fault.value.lasting


async def test_a_certificate_of_nobodys_is_refused(tmp_path: Path) -> None:
    pem, _ = certificate(tmp_path)
    known = KnownTransports(networks=HERE)
    async with ftp_server(tmp_path, pem=str(pem)) as port:
        place = read_place(f"ftpes://cdr@127.0.0.1:{port}/")
        with pytest.raises(TransportFault, match="certificate") as fault:
            async with known.open(place, {"password": PASSWORD}):
                pass
        assert fault.value.lasting


async def test_a_server_that_is_not_there_is_no_lasting_fault(tmp_path: Path) -> None:
    async with ftp_server(tmp_path) as port:
        pass
    for scheme in ("sftp", "ftp", "ftps"):
        with pytest.raises(TransportFault) as fault:
            async with KnownTransports(networks=HERE).open(read_place(f"{scheme}://cdr@127.0.0.1:{port}/"), {}):
                pass
        assert not fault.value.lasting


@pytest.mark.parametrize("scheme", ["sftp", "ftp", "ftps", "ftpes"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "10.1.2.3", "169.254.169.254", "[::ffff:127.0.0.1]", "2130706433",
             "0x7f.1", "[64:ff9b::7f00:1]", "0.0.0.0", "100.64.0.1", "192.168.1.1", "[fe80::1]"],
)  # fmt: skip
async def test_h1_private_addresses_are_refused_when_kept_and_when_used(scheme: str, host: str) -> None:
    place = read_place(f"{scheme}://cdr@{host}/")
    with pytest.raises(BadValue):
        await KnownTransports().check(place)
    with pytest.raises(TransportFault) as fault:
        async with KnownTransports().open(place, {}):
            pass
    assert fault.value.lasting


async def test_h1_an_endpoint_of_s3_is_an_address_too() -> None:
    place = read_place("s3://cdr-bucket/", endpoint="http://169.254.169.254")
    with pytest.raises(BadValue):
        await KnownTransports().check(place)
    with pytest.raises(TransportFault):
        async with KnownTransports().open(place, {}) as transport:
            await names(transport)


async def test_h3_a_redirect_of_s3_is_not_followed(tmp_path: Path) -> None:
    asked = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        writer.write(b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        place = read_place("s3://cdr-bucket/", endpoint=f"http://127.0.0.1:{port}")
        with pytest.raises(TransportFault, match="307") as fault:
            async with KnownTransports(networks=HERE).open(place, {}) as transport:
                await names(transport)
    assert fault.value.lasting
    assert len(asked) == 1


async def test_a_folder_is_below_a_root_whatever_links_lead_out(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.csv").write_text("x")
    (root / "out").symlink_to(tmp_path / "secret")
    known = KnownTransports(roots=(root,))
    for path in ("/etc", str(tmp_path / "secret"), str(root / "out"), str(tmp_path)):
        place = read_place(f"folder://{path}")
        with pytest.raises(BadValue):
            await known.check(place)
        with pytest.raises(TransportFault):
            async with known.open(place, {}):
                pass
    (root / "passwd.csv").symlink_to("/etc/passwd")
    os.mkfifo(root / "pipe.csv")
    async with known.open(read_place(f"folder://{root}"), {}) as transport:
        assert await names(transport) == {}
        for name in ("passwd.csv", "pipe.csv"):
            with pytest.raises(TransportFault):
                await whole(transport, name)


async def test_links_on_a_server_are_not_followed(tmp_path: Path, host_key: asyncssh.SSHKey) -> None:
    (tmp_path / "real.csv").write_text("x")
    (tmp_path / "link.csv").symlink_to("real.csv")
    async with sftp_server(tmp_path, [host_key]) as port:
        place = read_place(f"sftp://cdr@127.0.0.1:{port}/", host_keys=(host_key.get_fingerprint(),))
        async with KnownTransports(networks=HERE).open(place, {"password": PASSWORD}) as transport:
            assert list(await names(transport)) == ["real.csv"]
            with pytest.raises(Missing):
                await whole(transport, "link.csv")


async def test_an_ftp_name_is_no_command(tmp_path: Path) -> None:
    async with ftp_server(tmp_path) as port:
        place = read_place(f"ftp://cdr@127.0.0.1:{port}/")
        async with KnownTransports(networks=HERE).open(place, {"password": PASSWORD}) as transport:
            with pytest.raises(TransportFault):
                await transport.delete("a\r\nDELE b")


async def test_a_listing_of_many_pages_is_whole(
    tmp_path: Path, host_key: asyncssh.SSHKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.transports.s3.PAGE_OBJECTS", 20)
    for protocol, many in (("s3", 110), ("ftp", 600), ("sftp", 600), ("folder", 600)):
        (below := tmp_path / protocol).mkdir()
        async with make_site(protocol, below, host_key) as site:
            if protocol == "s3":
                async with site.open() as transport:
                    for number in range(many):
                        await transport.put(f"{number:05}.csv", content(b"x"))
            else:
                for number in range(many):
                    await site.lay(f"{number:05}.csv", b"x")
            async with site.open() as transport:
                assert len(await names(transport)) == many, protocol


def test_sigv4_is_amazons_published_example() -> None:
    headers = signed(
        "GET",
        "/test.txt",
        {},
        {"Host": "examplebucket.s3.amazonaws.com", "Range": "bytes=0-9"},
        payload=EMPTY,
        credentials={"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
        region="us-east-1",
        at=datetime(2013, 5, 24, tzinfo=UTC),
    )
    assert headers["authorization"].endswith(
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


def test_sigv4_is_as_botocore_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime(2026, 3, 1, 7, tzinfo=UTC)
    query = {"list-type": "2", "prefix": "in/å ä+&=", "delimiter": "/"}
    ours = signed(
        "GET",
        "/b/in/%C3%A5",
        query,
        {"host": "s3.example:9000"},
        payload=EMPTY,
        credentials={"access_key": "A", "secret_key": "S", "session_token": "T"},
        region="eu-north-1",
        at=at,
    )
    auth = S3SigV4Auth(Credentials("A", "S", "T"), "s3", "eu-north-1")
    request = AWSRequest("GET", "http://s3.example:9000/b/in/%C3%A5", params=query, headers={})
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: at.replace(tzinfo=None))
    auth.add_auth(request)
    signature = request.headers["Authorization"].rpartition("Signature=")[2]
    assert ours["authorization"].endswith(f"Signature={signature}")


@pytest.mark.parametrize(
    "address",
    ["", "http://x/", "sftp://host/", "sftp://u:secret@host/", "folder://relative", "ftp://u@/x", "s3://A/", "ftp://h:99999/",
     "sftp://u@host/../etc", "sftp://u@ho st/", "ftp://h/a\nb", "gopher://x/", "file:///etc/passwd", "ftp://h/?x=1"],
)  # fmt: skip
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(BadValue) as no:
        read_place(address)
    assert "secret" not in no.value.message


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"endpoint": "https://u:p@host"}, "endpoint"),
        ({"endpoint": "ftp://host"}, "endpoint"),
        ({"endpoint": "https://host/path"}, "endpoint"),
        ({"ca": "-----BEGIN PRIVATE KEY-----"}, "ca"),
        ({"region": "eu north"}, "region"),
    ],
)
def test_what_is_no_store(more: dict[str, str], field: str) -> None:
    with pytest.raises(BadValue) as no:
        read_place("s3://cdr-bucket/", **more)
    assert no.value.field == field


def test_a_host_key_is_a_fingerprint_or_a_key(host_key: asyncssh.SSHKey) -> None:
    line = host_key.export_public_key("openssh").decode()
    place = read_place("sftp://u@host/", host_keys=(line, host_key.get_fingerprint()))
    assert [key.split()[0] for key in place.host_keys] == ["ssh-ed25519", host_key.get_fingerprint()]
    for wrong in ("MD5:aa", "SHA256:short", "host ssh-ed25519 AAAA"):
        with pytest.raises(BadValue):
            read_place("sftp://u@host/", host_keys=(wrong,))
    with pytest.raises(BadValue):
        read_place("ftp://u@host/", host_keys=(line,))
    assert replace(place).address == "sftp://u@host:22/"


async def test_h2_a_name_is_looked_up_once_and_its_checked_address_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [["8.8.8.8"], ["127.0.0.1"], ["8.8.8.8", "10.0.0.1"]]
    connected: list[object] = []

    def lookup(host: str, port: int, *_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answers.pop(0)]

    async def connect(_: object, address: object) -> None:
        connected.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(loop, "sock_connect", connect, raising=False)
    for lasting in (False, True, True):
        with pytest.raises(TransportFault) as fault:
            await addresses.connect("rebinding.example", 22, [])
        assert fault.value.lasting is lasting
    assert connected == [("8.8.8.8", 22)]
