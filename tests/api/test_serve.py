"""The real process: it becomes ready, answers, and ends in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import free_port

# Nothing is measured here: only a process that hangs is given up.
SECONDS_MAX = 300


def _environment(folder: Path, **more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TOLLWRIGHT_", "DATABASE_URL"))}
    return clean | {"TOLLWRIGHT_DATA_DIR": str(folder / "data"), "PYTHONUNBUFFERED": "1"} | more


@contextmanager
def _serving(folder: Path, port: int, **more: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", str(port)]
    root = Path(__file__).resolve().parents[2]
    environment = _environment(folder, **more) | {"PYTHONPATH": str(root)}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if "is ready at" in line:
            return
    pytest.fail("it ended before it was ready")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place that the embedded server's own user may reach."""
    for one in (tmp_path, *tmp_path.parents[:2]):
        one.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_with_its_own_database_and_stops_both(folder: Path, number: signal.Signals) -> None:
    port = free_port()
    with _serving(folder, port) as process:
        _until_ready(process)
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=SECONDS_MAX).json() == {"status": "ready"}
        answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json={}, timeout=SECONDS_MAX)
        assert answer.status_code == 401
        process.send_signal(number)
        _, errors = process.communicate(timeout=SECONDS_MAX)
        assert process.returncode == 0, errors
        assert "Traceback" not in errors
    running = list((folder / "data").rglob("postmaster.pid"))
    assert running == [], "the database was stopped too"
    with _serving(folder, port) as process:
        _until_ready(process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS_MAX)
        assert process.returncode == 0


def test_a_port_in_use_is_told_in_one_line(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with _serving(folder, port) as process:
            _, errors = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 3
    assert len(errors.splitlines()) == 1
    assert f"port {port} is in use" in errors
    assert "--port" in errors
    assert not (folder / "data").exists(), "nothing was started for it"


def test_a_database_that_cannot_be_reached_is_told_in_one_line(folder: Path) -> None:
    url = f"postgresql://nobody:secret@127.0.0.1:{free_port()}/nothing"
    with _serving(folder, free_port(), DATABASE_URL=url) as process:
        _, errors = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 3
    assert len(errors.splitlines()) == 1
    assert "secret" not in errors
