"""The real process: it becomes ready, answers, and ends in order."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import free_port

CALL = (
    '"","46850000001","46701740605","from-internal","""A"" <46850000001>","SIP/a-1","SIP/T1-2","Dial","SIP/T1",'
    '"2026-03-02 10:00:00","2026-03-02 10:00:05","2026-03-02 10:01:05",65,60,"ANSWERED","DOCUMENTATION",'
    '"1772442000.1",""\n'
)
OPERATOR = (
    *("--organisation-number", "556703-7485", "--vat-id", "SE556703748501", "--street", "Storgatan 1"),
    *("--postcode", "111 22", "--city", "Stockholm"),
)
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


@pytest.fixture
def room() -> Iterator[Path]:
    """A place that stays reachable: not below pytest's own, which every start of pytest shuts again."""
    place = Path(tempfile.mkdtemp(prefix="tollwright-serve-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place, ignore_errors=True)


def _command(folder: Path, *words: str) -> str:
    command = [sys.executable, "-c", "from api.cli import main; main()", *words]
    environment = _environment(folder) | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _uploaded(folder: Path, port: int, name: str, content: bytes) -> tuple[httpx.Client, str]:
    """Upload a file as a new client; return who may ask for it, and where."""
    made = json.loads(_command(folder, "key", "create", name, "--scope", "cdr:import"))
    http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS_MAX)
    form = {"grant_type": "client_credentials"}
    token = http.post("/oauth/token", data=form, auth=(made["client_id"], made["secret"])).json()
    http.headers["Authorization"] = f"Bearer {token['access_token']}"
    answer = http.put(f"/rest/v1/cdr/asterisk/{name}", content=content)
    assert answer.status_code == 202, answer.text
    return http, answer.headers["location"]


def test_what_is_uploaded_is_imported_by_the_server_itself_or_by_a_worker(room: Path) -> None:
    folder, port = room, free_port()
    with _serving(folder, port) as process:
        _until_ready(process)
        _command(folder, "operator", "create", "nord", "--name", "Nord AB", *OPERATOR)
        http, place = _uploaded(folder, port, "a.csv", CALL.encode())
        ends = time.monotonic() + SECONDS_MAX
        while (file := http.get(place).json())["state"] in {"waiting", "importing"}:
            assert time.monotonic() < ends
            time.sleep(0.05)
        http.close()
        assert (file["state"], file["balance"]["records"]) == ("done", 1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=SECONDS_MAX)
        assert process.returncode == 0, errors
    with _serving(folder, port, TOLLWRIGHT_WORKER_JOBS="0") as process:
        _until_ready(process)
        http, place = _uploaded(folder, port, "b.csv", CALL.replace("1772442000", "1772442001").encode())
        assert http.get(place).json()["state"] == "waiting"
        _command(folder, "worker", "--until-idle")
        assert http.get(place).json()["state"] == "done"
        http.close()
        jobs = [json.loads(line) for line in _command(folder, "jobs", "list").splitlines()]
        assert [(job["kind"], job["state"]) for job in jobs] == [("import_cdr", "done")] * 2
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=SECONDS_MAX)
        assert process.returncode == 0, errors


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
