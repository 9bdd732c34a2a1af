"""Backup and restore, with the real programs: whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import asyncpg
import pytest

from domain.refusal import Conflict, Unreadable, WrongState
from persistence import backup as archive
from persistence.engine import OWNER, Database, DatabaseAway
from persistence.migrate import migrate
from tests.conftest import Cluster


async def fill(database: Database, files: Path, number: int) -> None:
    """Put a row of every awkward kind into the database, and a stored file."""
    async with database.transaction(role=OWNER) as unit:
        await unit.connection.execute(
            "create table if not exists kept (id int primary key, body jsonb, text text, raw bytea, amount numeric);"
            "grant select on kept to tollwright_app"
        )
        await unit.connection.execute(
            "insert into kept values ($1, $2, $3, $4, 0.1234567890123456789)",
            number,
            '{"a": "\\\\{}"}',
            "å\n\t\\.",
            b"\0\xff",
        )
    content = f"file {number}".encode()
    name = hashlib.sha256(content).hexdigest()
    path = files / name[:2] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def kept(url: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        if not await connection.fetchval("select to_regclass('kept') is not null"):
            return []
        return [tuple(row) for row in await connection.fetch("select * from kept order by id")]
    finally:
        await connection.close()


def stored(files: Path) -> set[str]:
    return {path.name for path in files.rglob("*") if path.is_file()}


async def make(database: Database, folder: Path) -> Path:
    await fill(database, folder / "files", 1)
    await archive.backup(database, folder / "files", folder / "x.tar", release="0.1.0")
    return folder / "x.tar"


async def test_into_an_empty_database(database: Database, empty_database_url: str, tmp_path: Path) -> None:
    source = await make(database, tmp_path)
    assert source.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"files", "x.tar"}, "nothing is left behind"
    async with await Database.open(empty_database_url) as empty:
        await archive.restore(empty, tmp_path / "new" / "files", source)
    assert await kept(empty_database_url) == await kept(database.url) != []
    assert stored(tmp_path / "new" / "files") == stored(tmp_path / "files")
    async with await Database.open(empty_database_url) as restored:
        assert await migrate(restored) == []
        async with restored.transaction(operator=1) as unit:  # grants and roles came along
            assert await unit.connection.fetchval("select count(*) from kept") == 1


async def test_replacing_takes_back_what_came_later(database: Database, tmp_path: Path) -> None:
    source = await make(database, tmp_path)
    before = await kept(database.url)
    await fill(database, tmp_path / "files", 2)
    async with database.transaction(role=OWNER) as unit:
        await unit.connection.execute("create table later (id int)")
    await database.close()
    async with await Database.open(database.url) as again:
        with pytest.raises(Conflict, match="--replace"):
            await archive.restore(again, tmp_path / "files", source)
    async with await Database.open(database.url) as again:
        await archive.restore(again, tmp_path / "files", source, replace=True)
    assert await kept(database.url) == before
    async with await Database.open(database.url) as again, again.transaction(role=OWNER) as unit:
        assert await unit.connection.fetchval("select to_regclass('later')") is None


async def test_a_restored_database_can_be_backed_up_and_restored(database: Database, tmp_path: Path) -> None:
    source = await make(database, tmp_path)
    before = await kept(database.url)
    await database.close()
    for name in ("y.tar", "z.tar"):
        async with await Database.open(database.url) as again:
            await archive.restore(again, tmp_path / "files", source, replace=True)
        async with await Database.open(database.url) as again:
            await archive.backup(again, tmp_path / "files", tmp_path / name, release="0.1.0")
        source = tmp_path / name
    assert await kept(database.url) == before


async def test_a_file_that_exists_is_not_overwritten(database: Database, tmp_path: Path) -> None:
    target = tmp_path / "x.tar"
    target.write_text("precious")
    with pytest.raises(Conflict, match="exists"):
        await archive.backup(database, tmp_path / "files", target, release="0.1.0")
    assert target.read_text() == "precious"
    with pytest.raises(Unreadable, match="cannot be written"):
        await archive.backup(database, tmp_path / "files", tmp_path / "no" / "x.tar", release="0.1.0")


async def test_damage_anywhere_is_found(database: Database, tmp_path: Path) -> None:
    source = await make(database, tmp_path)
    whole = source.read_bytes()
    assert archive.verify(source).members.keys() >= {"database.dump"}
    with tarfile.open(source) as tar:
        places = [info.offset_data + info.size // 2 for info in tar if info.name != "manifest.json"]
    damaged = tmp_path / "damaged.tar"
    for place in places:
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(Unreadable, match="is damaged"):
            archive.verify(damaged)
    for length in (0, 100, 512, len(whole) // 2, len(whole) - 11_000):
        damaged.write_bytes(whole[:length])
        with pytest.raises(Unreadable):
            archive.verify(damaged)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "files/../../evil", "files/.hidden", "files//x", "evil"])
async def test_a_member_that_does_not_belong_is_refused(name: str, database: Database, tmp_path: Path) -> None:
    source = await make(database, tmp_path)
    with tarfile.open(source, "a") as tar:
        info = tarfile.TarInfo(name)
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    with pytest.raises(Unreadable, match="does not belong"):
        archive.verify(source)


async def test_a_link_is_refused(database: Database, tmp_path: Path) -> None:
    source = await make(database, tmp_path)
    with tarfile.open(source, "a") as tar:
        info = tarfile.TarInfo("files/link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(Unreadable, match="does not belong"):
        archive.verify(source)


def changed(source: Path, target: Path, **changes: object) -> Path:
    """Copy a backup with another manifest, or another dump whose sum is right."""
    with tarfile.open(source) as tar, tarfile.open(target, "w") as out:
        for info in tar:
            content = tar.extractfile(info).read()  # type: ignore[union-attr]
            if info.name == "database.dump" and "dump" in changes:
                content = changes["dump"](content)  # type: ignore[operator]
                member = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
            if info.name == "manifest.json":
                document = json.loads(content) | {key: value for key, value in changes.items() if key != "dump"}
                if "dump" in changes:
                    document["members"]["database.dump"] = member
                content = json.dumps(document).encode()
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    return target


async def test_a_dump_that_breaks_off_restores_nothing(database: Database, tmp_path: Path) -> None:
    source = changed(
        await make(database, tmp_path), tmp_path / "broken.tar", dump=lambda dump: dump[: len(dump) - 3000]
    )
    before = await kept(database.url)
    await database.close()
    files = tmp_path / "new" / "files"
    async with await Database.open(database.url) as again:
        with pytest.raises(DatabaseAway, match="nothing was restored"):
            await archive.restore(again, files, source, replace=True)
    assert await kept(database.url) == before
    assert stored(files) == set()


@pytest.mark.parametrize(
    ("url", "address", "password"),
    [
        ("postgresql://u:p%40ss@db:5432/x?sslmode=require", "postgresql://u@db:5432/x?sslmode=require", "p@ss"),
        ("postgresql://u:p@[::1]:5432/x", "postgresql://u@[::1]:5432/x", "p"),
        ("postgresql://u@db/x", "postgresql://u@db/x", "from outside"),
        ("postgresql:///x?host=/run/postgresql", "postgresql:///x?host=/run/postgresql", "from outside"),
    ],
)
def test_no_password_stands_on_a_command_line(
    url: str, address: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "from outside")
    found, environment = archive._connection(url)
    assert (found, environment["PGPASSWORD"]) == (address, password)


async def test_a_newer_backup_is_refused(database: Database, tmp_path: Path) -> None:
    source = await make(database, tmp_path)
    newer = changed(source, tmp_path / "newer.tar", migrations=["tollwright_2999_01_01_0001_future"])
    with pytest.raises(WrongState, match="newer release"):
        await archive.restore(database, tmp_path / "files", newer, replace=True)
    server = changed(source, tmp_path / "server.tar", postgres=99)
    with pytest.raises(WrongState, match="PostgreSQL 99"):
        await archive.restore(database, tmp_path / "files", server, replace=True)


async def test_nobody_else_may_be_connected(database: Database, cluster: Cluster, tmp_path: Path) -> None:
    source = await make(database, tmp_path)
    async with await Database.open(database.url):
        with pytest.raises(WrongState, match="other connections"):
            await archive.restore(database, tmp_path / "files", source, replace=True)
