"""What stands in deploy/, Makefile, the locks and docs/operating.md agrees with the program."""

from __future__ import annotations

import configparser
import importlib.metadata
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from api import settings
from api.cli import VERBS
from api.cli.db import app as db

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
KNOWN = {settings.variable(name) for name in settings.FIELDS} | {"PYTHONUNBUFFERED"}


class Unit(configparser.RawConfigParser):
    """A unit file; a directive may stand several times, and the values are then lines."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, delimiters=("=",), interpolation=None)
        self.optionxform = str  # type: ignore[assignment,method-assign]  # directives have capitals
        self.read(path)
        lines = [line.partition("=") for line in path.read_text().splitlines() if not line.startswith(("#", "["))]
        self.lines = [(name, value) for name, _, value in lines if name]

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.lines if key == name]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_verb_that_exists(path: Path) -> None:
    words = shlex.split(Unit(path).every("ExecStart")[0].replace("exec ", ""))
    if words[0] == "/bin/sh":
        words = shlex.split(words[2])
    assert words[0] == "/opt/tollwright/.venv/bin/tollwright"
    assert words[1] in VERBS
    if words[1] == "db":
        assert words[2] in {command.name or command.callback.__name__ for command in db.registered_commands}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_is_an_ordinary_user_in_a_shut_room(path: Path) -> None:
    unit = Unit(path)
    assert unit.get("Service", "User") == "tollwright"
    for name in ("NoNewPrivileges", "PrivateTmp", "ProtectHome", "PrivateDevices", "RestrictNamespaces"):
        assert unit.get("Service", name) == "true", name
    assert unit.get("Service", "ProtectSystem") == "strict"
    assert unit.get("Service", "CapabilityBoundingSet") == ""
    for line in unit.every("Environment"):
        assert line.partition("=")[0] in KNOWN
    environment = dict(line.split("=", 1) for line in unit.every("Environment"))
    assert environment["TOLLWRIGHT_DATA_DIR"] == f"/var/lib/{unit.get('Service', 'StateDirectory').split()[0]}"


def test_the_service_stops_before_its_database() -> None:
    unit = Unit(DEPLOY / "tollwright.service")
    assert unit.get("Service", "KillMode") == "mixed"
    assert unit.get("Service", "RestartPreventExitStatus") == "2"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    command = Path(sys.prefix) / "bin" / "tollwright"
    for path in (*UNITS, *DEPLOY.glob("*.timer")):
        text = path.read_text().replace("/opt/tollwright/.venv/bin/tollwright", str(command))
        (tmp_path / path.name).write_text(text)
    files = [str(path) for path in tmp_path.iterdir()]
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    options = ["--offline=true", "--threshold=20", str(tmp_path / "tollwright.service")]
    done = subprocess.run(["systemd-analyze", "security", *options], capture_output=True, text=True, check=False)
    if "unrecognized option" not in done.stderr:
        assert done.returncode == 0, done.stdout[-300:]


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_the_container_copies_what_there_is_and_all_that_is_needed() -> None:
    copied = {word for name, rest in instructions() if name == "COPY" for word in rest.split()[:-1]}
    assert [name for name in sorted(copied) if not (ROOT / name).exists()] == []
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.rstrip("*") for name in packages} <= copied


def test_the_container_installs_as_make_does() -> None:
    """Its pip lines are the Makefile's: the same locks, in the same order, with the same safety."""
    makefile = (ROOT / "Makefile").read_text()
    runs = [rest for name, rest in instructions() if name == "RUN" and " -r " in rest]
    assert [run.split()[-1] for run in runs] == ["requirements-build.lock", "requirements.lock"]
    for run in runs:
        options = {word for word in run.split() if word.startswith("--")} - {"--no-cache-dir"}
        assert options <= set(makefile.split()), options
        assert {"--require-hashes", "--no-build-isolation"} <= options
    compiled = re.search(r"--only-binary (\S+)", runs[1])
    assert compiled
    assert f"COMPILED = {compiled.group(1)}\n" in makefile


def test_the_container_is_an_ordinary_user_with_a_name() -> None:
    steps = instructions()
    last = max(place for place, (name, _) in enumerate(steps) if name == "USER")
    number = steps[last][1]
    assert int(number) > 0
    made = [place for place, (name, rest) in enumerate(steps) if name == "RUN" and f"--uid {number} " in rest]
    assert made
    assert made[0] < last
    assert not [rest for name, rest in steps[last:] if name in {"RUN", "COPY"}], "nothing is installed as that user"


def test_the_container_starts_and_watches_the_command() -> None:
    steps = dict(instructions())
    assert json.loads(steps["ENTRYPOINT"]) == ["/opt/tollwright/.venv/bin/tollwright"]
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="tollwright")
    assert script.value == "api.cli:main"
    assert json.loads(steps["CMD"])[0] in VERBS
    variables = dict(word.split("=") for word in steps["ENV"].split())
    assert variables.keys() <= KNOWN
    assert variables["TOLLWRIGHT_DATA_DIR"].startswith(steps["VOLUME"])
    check = steps["HEALTHCHECK"]
    assert f":{variables['TOLLWRIGHT_PORT']}/readyz" in check
    assert steps["EXPOSE"] == variables["TOLLWRIGHT_PORT"]
    compile(json.loads(check.partition("CMD ")[2])[2], "healthcheck", "exec")


def test_the_page_lists_every_setting_as_it_is() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    rows = {
        tuple(cell.strip(" `") for cell in line.split("|")[1:5]) for line in page.splitlines() if line.startswith("| `")
    }
    default = settings.Settings()
    for name, words in settings.FIELDS.items():
        value = getattr(default, name)
        assert (settings.variable(name), name, "" if value is None else str(value), words.help) in rows


def test_the_locks_are_whole_and_name_no_place() -> None:
    names = ["requirements-build.lock", "requirements.lock", "requirements-dev.lock"]
    pinned = {}
    for name in names:
        text = (ROOT / name).read_text()
        assert not re.search(r"://|--index|--find-links|^-|/work|/opt|/home", text, re.MULTILINE), name
        blocks = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)(.*(?:\n    --hash=\S+.*)*)", text, re.MULTILINE)
        assert blocks, name
        assert all("--hash=sha256:" in rest for _, _, rest in blocks), name
        pinned[name] = {re.sub(r"[-_.]+", "-", package).lower(): version for package, version, _ in blocks}
    runtime, development = pinned["requirements.lock"], pinned["requirements-dev.lock"]
    assert runtime.items() <= development.items()


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def missing(wanted: list[str], name: str) -> list[str]:
        locked = {
            line.partition("==")[0].strip().lower() for line in (ROOT / name).read_text().splitlines() if "==" in line
        }
        plain = [re.split(r"[\[<>=;! ]", one)[0].replace("_", "-").lower() for one in wanted]
        return [one for one in plain if one not in {name.replace("_", "-") for name in locked}]

    assert missing(project["dependencies"], "requirements.lock") == [], "make lock"
    assert missing(project["optional-dependencies"]["dev"], "requirements-dev.lock") == [], "make lock"


def make(folder: Path, *words: str, path: str) -> subprocess.CompletedProcess[str]:
    """Run make on a copy of the Makefile, where nothing is installed."""
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("requirements-build.lock", "requirements.lock", "pyproject.toml"):
        (folder / name).touch()
    command = [shutil.which("make") or "make", *words]
    return subprocess.run(command, cwd=folder, env={"PATH": path}, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_make_says_which_python_it_wants(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "sh").symlink_to("/bin/sh")
    folder = tmp_path / "project"
    folder.mkdir()
    done = make(folder, "setup", path=str(tools))
    assert done.returncode == 2
    assert "No Python 3.11, 3.12 or 3.13 found: install one" in done.stderr
    done = make(folder, "setup", "PYTHON=/nowhere/python", path=str(tools))
    assert "found at /nowhere/python" in done.stderr
    poor = tools / "python3.12"
    poor.write_text(f'#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    poor.chmod(0o755)
    done = make(folder, "setup", path=str(tools))
    assert "python3.12 cannot make virtual environments" in done.stderr
    assert not (folder / ".venv").exists()
