"""A PostgreSQL server of our own, started from the programs of a wheel or of the system; nothing is installed.

    server = start(Path(".tollwright"))
    server.url                       # for Database.open
    server.close()

It lives in ``<data>/postgres-<major>/``: ``data/`` (PostgreSQL's), ``access.json`` (port, passwords; 0600), ``log``.
It listens on 127.0.0.1 alone, with SCRAM. Any number of commands share one server: the first starts it, the last one to
leave stops it, and a server that we did not start is only used. Durability is on.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from persistence.away import DatabaseAway
from persistence.binaries import ENVIRONMENT, Programs, Runner, every, runner

USER: Final = "tollwright"
NAME: Final = "tollwright"
MARK: Final = "cluster_name=tollwright"
START_SECONDS: Final = 300.0  # crash recovery of a large WAL takes its time
STOP_SECONDS: Final = 60.0
QUIT_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.02
ATTEMPTS_MAX: Final = 8
WAL_SEGMENT_BYTES: Final = 16 * 1024**2  # with less than one free, PostgreSQL stops
LOG_BYTES_MAX: Final = 50_000_000


@dataclass(slots=True)
class Server:
    """A running server. ``programs`` is where pg_dump and pg_restore of its version are."""

    url: str
    home: Path
    programs: Path
    data: Path
    shares: int
    process: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """Leave; stop the server when nobody else uses it and one of us started it."""
        if self.shares < 0:
            return
        shares, self.shares = self.shares, -1
        try:
            with _locked(self.home / "lock"):
                fcntl.flock(shares, fcntl.LOCK_UN)
                if _alone(self.home) and (pid := _ours(self.data)):
                    _stop(pid, self.process)
        finally:
            os.close(shares)
            if self.process is not None and self.process.poll() is None:
                self.process.returncode = 0  # it serves others now: not ours to wait for

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start(folder: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> Server:
    """Start the server whose data is below ``folder``, or join the one that runs. Raises ``DatabaseAway``.

    ``durable=False`` gives up safety against a crash for speed: for tests, never for books.
    """
    folder = folder.resolve()
    try:
        _private(folder, 0o755)
        programs = _programs(folder)
        home = folder / f"postgres-{programs.major}"
        _private(home, 0o755)
        with _locked(home / "lock"):
            how, place = runner(programs, home)
            data = _cluster(how, home, place)
            _forget_other_pid(data, _alone(home))
            shares = _share(home)
            try:
                options = {**_tuning(durable), **(settings or {})}
                return _join(how, home, data, shares) or _launch(how, home, data, shares, options)
            except BaseException:
                os.close(shares)
                raise
    except OSError as error:
        raise DatabaseAway(f"the embedded database cannot be started: {_words(error)}") from error


@contextlib.contextmanager
def reach(database_url: str | None, folder: Path) -> Iterator[str]:
    """Yield the URL of the database to use: one's own if it is given, else the embedded one's, running meanwhile."""
    if database_url:
        yield database_url
        return
    with start(folder) as server:
        yield server.url


def erase(folder: Path) -> list[Path]:
    """Remove the data of every embedded server below ``folder``; return the directories. Not while one runs."""
    removed = []
    for home in sorted(folder.resolve().glob("postgres-*")):
        if not (home / "lock").exists():
            continue
        with _locked(home / "lock"):
            if not _alone(home) or _running((home / "data").resolve()):
                raise DatabaseAway(f"{home} is in use: stop tollwright's other commands first")
            data = home / "data"
            if data.is_symlink():
                shutil.rmtree(data.resolve().parent)
            shutil.rmtree(home)
            removed.append(home)
    return removed


# ---- the data directory


def _programs(folder: Path) -> Programs:
    """Choose the programs: those of existing data's version, else the first there are."""
    sets = list(every())
    if not sets:
        raise DatabaseAway(
            "no PostgreSQL 15 or newer: install the locked dependencies again, install PostgreSQL, or set DATABASE_URL"
        )
    versions = [int(one.parent.name.rpartition("-")[2]) for one in folder.glob("postgres-*/access.json")]
    if not versions:
        return sets[0]
    for one in sets:
        if one.major == max(versions):
            return one
    raise DatabaseAway(
        f"the data in {folder} is of PostgreSQL {max(versions)}, and here is only {sets[0].major}: make a backup with "
        f"the release that made the data, move {folder}/postgres-{max(versions)} away, and `tollwright db restore` it"
    )


def _cluster(how: Runner, home: Path, place: Path) -> Path:
    """Return the data directory; make it on the first start. A half-made one has no access.json and is made anew."""
    data = place / "data"
    if (home / "access.json").exists() and (data / "PG_VERSION").exists():
        return data
    if (home / "access.json").exists():
        raise DatabaseAway(f"{data} is gone but {home}/access.json is there: restore the data, or remove {home}")
    # Made under another name: a killed command's initdb may still be writing where we are told to clear up.
    for leftover in place.glob("data*"):
        shutil.rmtree(leftover, ignore_errors=True)
    access: dict[str, str | int] = {
        "port": 0,
        "password": secrets.token_urlsafe(24),
        "superuser_password": secrets.token_urlsafe(24),
    }
    fresh = place / f"data-{secrets.token_hex(4)}"
    _initialise(how, fresh, access)
    fresh.rename(data)
    if place != home and not (home / "data").is_symlink():
        (home / "data").symlink_to(data)
    _keep(home, access)
    return data


def _initialise(how: Runner, data: Path, access: Mapping[str, str | int]) -> None:
    """Make a cluster with the login role and its database."""
    _private(data, 0o700)
    if how.user:
        os.chown(data, *how.user)
    with tempfile.NamedTemporaryFile("w", dir=data.parent, prefix=".password-") as file:
        file.write(str(access["superuser_password"]))
        file.flush()
        if how.user:
            os.chown(file.name, *how.user)
        builtin = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = how.run(
            "initdb",
            *("-D", str(data), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={file.name}", "--encoding=UTF8"),
            *(builtin if how.programs.major >= 17 else ["--locale=C.UTF-8"]),
            "--no-instructions",
        )
    if done.returncode != 0:
        raise DatabaseAway(f"the embedded database cannot be made: {_reason(done.stderr, data.parent)}")
    # The login role of everything. No superuser: row security would be silently off. It may bypass row security itself
    # (migrations, backup), and hands out the two roles that transactions take.
    script = (
        f"create role {USER} login createrole createdb bypassrls password '{access['password']}'\n"
        f"create database {NAME} owner {USER}\n"
    )
    done = how.run("postgres", "--single", "-D", str(data), "postgres", input=script)
    if done.returncode != 0 or "ERROR" in done.stderr:
        raise DatabaseAway(f"the embedded database cannot be made: {_reason(done.stderr, data.parent)}")


# ---- the server


def _join(how: Runner, home: Path, data: Path, shares: int) -> Server | None:
    """Join the server of this data directory if one runs; wait for one that is starting or stopping."""
    deadline = time.monotonic() + START_SECONDS
    while pid := _running(data):
        lines = _postmaster(data)
        if len(lines) > 7 and lines[7].strip() == "ready":
            return Server(_url(home, int(lines[3])), home, how.programs.folder, data, shares)
        if time.monotonic() > deadline:
            raise DatabaseAway(f"the embedded database (process {pid}) neither starts nor stops: see {home}/log")
        time.sleep(POLL_SECONDS)
    return None


def _launch(how: Runner, home: Path, data: Path, shares: int, options: Mapping[str, str]) -> Server:
    deadline = time.monotonic() + START_SECONDS
    reason = ""
    for _ in range(ATTEMPTS_MAX):
        port = _port(home)
        process, start_of_log = _spawn(how, home, data, {"port": str(port), **options})
        try:
            _keep(home, _access(home) | {"port": port})
            if _ready(process, home, data, deadline):
                return Server(_url(home, port), home, how.programs.folder, data, shares, process)
        except BaseException:  # its directory may be gone: nobody would stop it
            _stop(process.pid, process)
            raise
        with (home / "log").open(encoding="utf-8", errors="replace") as log:
            log.seek(start_of_log)
            reason = _reason(log.read(), data)
        if "address" in reason.lower():
            _keep(home, _access(home) | {"port": 0})  # taken by another program: another port
        elif "shared memory block" in reason:
            time.sleep(0.5)  # the children of a killed server are still going
        else:
            break
    raise DatabaseAway(f"the embedded database does not start: {reason} (all of it in {home}/log)")


def _ready(process: subprocess.Popen[bytes], home: Path, data: Path, deadline: float) -> bool:
    """Wait until the server answers: true, or until it has ended: false."""
    while process.poll() is None:
        lines = _postmaster(data)
        if len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
            return True
        if time.monotonic() > deadline:
            raise DatabaseAway(
                f"the embedded database was not ready within {START_SECONDS:.0f} seconds: see {home}/log"
            )
        time.sleep(POLL_SECONDS)
    return False


def _spawn(how: Runner, home: Path, data: Path, settings: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server in a session of its own, so that Ctrl-C reaches us first; return where its log begins."""
    log = home / "log"
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(home / "log.1")
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        begins = os.fstat(handle).st_size  # before the start: a server that refuses at once has written by then
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        process = subprocess.Popen(  # noqa: S603  (our own command line)
            how.command("postgres", "-D", str(data), "-c", MARK, *options),
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            start_new_session=True,
            **how.identity,
        )
        return process, begins
    finally:
        os.close(handle)


def _tuning(durable: bool) -> dict[str, str]:
    """Return settings for a small server that loads in bulk: 2 cores, shared with the application."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    buffers = max(128, min(512, memory // 8 // 1024**2))
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "60",
        "shared_buffers": f"{buffers}MB",
        "maintenance_work_mem": "128MB",
        "work_mem": "16MB",
        "effective_cache_size": f"{max(512, memory // 2 // 1024**2)}MB",
        "max_wal_size": "4GB",
        "wal_compression": "pglz",
        "checkpoint_timeout": "15min",
        "wal_buffers": "64MB",  # one import alone fills a segment faster than it is written
        "random_page_cost": "1.1",
        "jit": "off",
        "log_min_messages": "warning",
        "log_line_prefix": "%m [%p] ",
        "logging_collector": "off",
    }
    if not durable:
        settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "64MB"}
    return settings


def _stop(pid: int, process: subprocess.Popen[bytes] | None) -> None:
    """Stop the server at once but cleanly (PostgreSQL's fast shutdown)."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    # One that was told while it recovered from a crash may wait for itself (seen with 18). Stopped without a word, it
    # recovers at the next start: nothing that was committed is lost.
    for seconds, then in ((STOP_SECONDS, signal.SIGQUIT), (QUIT_SECONDS, None)):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ended = not alive(pid)
            if process is not None:
                process.poll()  # takes an ended child out of the process table
            if ended:
                return
            time.sleep(POLL_SECONDS)
        if then is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, then)
    raise DatabaseAway(f"the embedded database (process {pid}) did not stop within {STOP_SECONDS:.0f} seconds")


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and is not yet waited for does not."""
    return _state(pid) not in {"", "Z"}


def _state(pid: int) -> str:
    """Return a process's letter in the process table: ``Z`` has ended, empty is not there."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _postmaster(data: Path) -> list[str]:
    """Return the lines of postmaster.pid: pid, data directory, start, port, socket, address, memory, state."""
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _running(data: Path) -> int | None:
    """Return the pid of the server of this data directory.

    After a crash postmaster.pid may name any process that has got the same number since (always so in a restarted
    container): its command line must name our data.
    """
    lines = _postmaster(data)
    if not lines or not lines[0].isdecimal():
        return None
    process = Path("/proc") / lines[0]
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        if os.fsencode(data) in words:
            return int(lines[0])
        return int(lines[0]) if (process / "cwd").resolve() == data.resolve() else None
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def _forget_other_pid(data: Path, alone: bool) -> None:
    """Remove a postmaster.pid whose number is another program's now, or a dead server's that nobody has waited for.

    PostgreSQL would refuse to start. Another program's number is believed only while nobody else uses the server: it
    may run where we cannot see it, as in another container on this volume.
    """
    lines = _postmaster(data)
    if lines and lines[0].isdecimal() and _running(data) is None:
        state = _state(int(lines[0]))
        if state == "Z" or (state and alone):
            (data / "postmaster.pid").unlink()


def _ours(data: Path) -> int | None:
    """Return the pid of the running server if one of our commands started it: its command line carries our mark."""
    pid = _running(data)
    try:
        return pid if pid and MARK.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") else None
    except (FileNotFoundError, ProcessLookupError):
        return None


# ---- files of the home


def _private(place: Path, mode: int) -> None:
    """Make a directory and its parents with exactly this mode, whatever the umask; one that exists is left as it is."""
    for step in (*reversed(place.parents), place):
        if step.is_dir():
            continue
        try:
            step.mkdir()
        except FileExistsError:
            if not step.is_dir():  # and not another command that was quicker
                raise
        else:
            step.chmod(mode if step == place else 0o755)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of start and stop."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _share(home: Path) -> int:
    """Count ourselves as a user of the server: a shared lock, which the kernel takes back even when we are killed."""
    handle = os.open(home / "users", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def _alone(home: Path) -> bool:
    """Tell whether nobody else uses the server."""
    handle = os.open(home / "users", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(handle)


def _access(home: Path) -> dict[str, str | int]:
    try:
        found: dict[str, str | int] = json.loads((home / "access.json").read_text())
    except PermissionError as error:
        raise DatabaseAway(
            f"{home}/access.json belongs to another user: run as that user, or set DATABASE_URL"
        ) from error
    return found


def _keep(home: Path, access: Mapping[str, str | int]) -> None:
    """Write access.json: whole or not at all, readable by us alone."""
    fresh = home / "access.json.new"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(json.dumps(access))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(home / "access.json")


def _url(home: Path, port: int) -> str:
    return f"postgresql://{USER}:{_access(home)['password']}@127.0.0.1:{port}/{NAME}"


def _port(home: Path) -> int:
    """Return the port of last time, so that tools keep their settings, or a free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(_access(home)["port"])))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _reason(text: str, data: Path) -> str:
    """Say in plain words why a program of PostgreSQL gave up; the first complaint is the cause of the others."""
    full = ("No space left on device", "Check free disk space")
    if any(words in text for words in full) or shutil.disk_usage(data).free < WAL_SEGMENT_BYTES:
        return f"the disk of {data} is full: make room and start again"
    told = re.findall(r"(?:FATAL|PANIC|ERROR|error|could not[^:]*):\s+(.*)", text)
    lines = [line for line in text.splitlines() if line.strip()]
    return told[0].strip() if told else (lines[-1].strip() if lines else "it says nothing")


def _words(error: OSError) -> str:
    place = f" ({error.filename})" if error.filename else ""
    return f"{(error.strerror or str(error)).lower()}{place}"
