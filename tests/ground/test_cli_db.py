"""``tollwright db`` as a command: exit codes, one-line errors, and the embedded server's life around it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistence import embedded

COMMAND = Path(sys.prefix) / "bin" / "tollwright"


@pytest.fixture
def folder() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="tollwright-cli-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """As on a fresh machine: no home, no PostgreSQL on the path."""
    return {"PATH": "/usr/bin:/bin", "TOLLWRIGHT_DATA_DIR": str(folder / "data"), **more}


def call(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [str(COMMAND), "db", *words]
    return subprocess.run(
        command, env=environment(folder, **more), cwd=folder, capture_output=True, text=True, check=False
    )


def told(done: subprocess.CompletedProcess[str], code: int) -> str:
    """Return the one line a failed command said."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("tollwright: ")
    return done.stderr


def test_a_life(folder: Path) -> None:
    done = call(folder, "status")
    status = json.loads(done.stdout)
    assert done.returncode == 1
    assert (status["database"], status["applied"]) == ("embedded", [])
    assert status["pending"]
    assert json.loads(call(folder, "migrate").stdout)["applied"] == status["pending"]
    assert call(folder, "status").returncode == 0
    stored = folder / "data" / "files" / "ab" / "abc"
    stored.parent.mkdir(parents=True)
    stored.write_text("kept")
    backup = folder / "backup.tar"
    assert json.loads(call(folder, "backup", str(backup)).stdout)["members"] == 2
    assert "exists" in told(call(folder, "backup", str(backup)), 2)
    assert "--replace" in told(call(folder, "restore", str(backup)), 2)
    assert "--yes" in told(call(folder, "erase"), 2)
    assert len(json.loads(call(folder, "erase", "--yes").stdout)["removed"]) == 2
    assert not stored.exists()
    done = call(folder, "restore", str(backup))
    assert done.returncode == 0, done.stderr
    assert stored.read_text() == "kept"
    assert call(folder, "status").returncode == 0
    assert not (folder / "data" / "postgres-18" / "data" / "postmaster.pid").exists(), "the server is stopped"


def test_what_is_wrong_is_one_line(folder: Path) -> None:
    assert "did you mean TOLLWRIGHT_PORT?" in told(call(folder, "status", TOLLWRIGHT_PROT="1"), 2)
    assert "cannot be reached" in told(call(folder, "status", DATABASE_URL="postgresql://u:p@127.0.0.1:1/x"), 3)
    assert "own tools" in told(call(folder, "erase", "--yes", DATABASE_URL="postgresql://u:p@127.0.0.1:1/x"), 2)
    (folder / "data").write_text("in the way")
    assert "cannot be started" in told(call(folder, "status"), 3)
    assert "nix" in told(call(folder, "nix"), 2)


def test_it_works_beside_another_command_and_erases_nothing_under_it(folder: Path) -> None:
    with embedded.start(folder / "data") as server:
        assert call(folder, "migrate").returncode == 0
        assert call(folder, "status").returncode == 0
        assert "in use" in told(call(folder, "erase", "--yes"), 3)
        assert embedded._running(server.data)


def waits_for(process: subprocess.Popen[bytes], lock: Path) -> bool:
    """Tell whether the process has opened the lock that we hold."""
    for handle in Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if handle.readlink() == lock:
                return True
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_the_database_too(folder: Path, number: signal.Signals) -> None:
    """The command waits for a lock that we hold; it is then told to stop."""
    with embedded.start(folder / "data") as server:
        home, data = server.home, server.data
    lock = os.open(home / "lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    process = subprocess.Popen(
        [str(COMMAND), "db", "status"], env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not waits_for(process, home / "lock"):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    time.sleep(0.2)
    os.close(lock)
    with process:
        assert process.wait(300) == 130
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
    assert embedded._running(data) is None


def test_with_a_database_of_ones_own(folder: Path) -> None:
    with embedded.start(folder / "theirs") as server:
        done = call(folder, "migrate", DATABASE_URL=server.url)
        assert done.returncode == 0, done.stderr
        status = json.loads(call(folder, "status", DATABASE_URL=server.url).stdout)
        assert (status["database"], status["pending"]) == ("own", [])
        assert server.url.split(":")[2].split("@")[0] not in json.dumps(status)
        assert not (folder / "data").exists()
