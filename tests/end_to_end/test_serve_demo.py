"""The newcomer's first minutes, as processes: ``serve --demo`` with a small demo, the printed calls, Ctrl-C, again."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from api.demo.page import HEADING
from tests.conftest import free_port

COMMAND = [str(Path(sys.executable).with_name("tollwright")), "serve", "--demo"]
# The same, but the job stops for ever at the fifth line that it loads, while others are being loaded.
HELD = [
    sys.executable,
    "-c",
    """
import asyncio, itertools
from api.cli import main
from api.demo import loading

real, calls = loading.add_subscription, itertools.count(1)

async def held(*args, **kwargs):
    if next(calls) == 5:
        print("held in the middle", flush=True)
        await asyncio.Event().wait()
    return await real(*args, **kwargs)

loading.add_subscription = held
main()
""",
    *COMMAND[1:],
]
# Nothing is measured here: only what hangs is given up.
SECONDS_MAX = 300
pytestmark = pytest.mark.slow


class Serving:
    """A running server and what it has printed so far."""

    def __init__(self, folder, port, command=COMMAND):
        self.address = f"http://127.0.0.1:{port}"
        self.log = (folder / "output.txt").open("w+", encoding="utf-8")
        self.folder = folder
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("TOLLWRIGHT", "DATABASE"))
        }
        environment |= {
            "TOLLWRIGHT_DATA_DIR": str(folder / "data"),
            "TOLLWRIGHT_PORT": str(port),
            "TOLLWRIGHT_DEMO_CUSTOMERS": "10",
            "TOLLWRIGHT_DEMO_CALLS": "500",
        }
        self.environment = environment
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True
        )

    def printed(self):
        self.log.flush()
        return Path(self.log.name).read_text(encoding="utf-8")

    def wait(self, words="Tollwright is ready"):
        """Wait until it says so."""
        until = time.monotonic() + SECONDS_MAX
        while words not in self.printed():
            assert self.process.poll() is None, self.printed()
            assert time.monotonic() < until, f"it hangs:\n{self.printed()}"
            time.sleep(0.05)

    def wait_until_ready(self):
        """Wait until it says that it is ready, and it is."""
        self.wait()
        with urllib.request.urlopen(f"{self.address}/readyz", timeout=SECONDS_MAX) as answer:
            assert answer.status == 200

    def stop(self, number=signal.SIGINT):
        """Press Ctrl-C, as a terminal does it: the signal goes to the whole foreground group. Return the exit code."""
        os.killpg(self.process.pid, number)
        code = self.process.wait(SECONDS_MAX)
        self.log.close()
        return code


@pytest.fixture
def folder():
    """A directory that the embedded server's own user can reach too, where the tests run as root."""
    place = Path(tempfile.mkdtemp(prefix="tollwright-serve-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place, ignore_errors=True)


def commands(printed):
    """Return the commands of the page, each as it would be pasted."""
    page = printed[printed.index(HEADING) + len(HEADING) :].strip()
    page = page[: page.index("Tollwright is ready")]
    found = [block for block in page.split("\n\n") if re.match(r"export |curl |\S*(python|tollwright)\S* ", block)]
    assert len(found) == 6, page
    return found


def run_in_shell(found, server):
    """Run the commands one after the other in one shell, as a newcomer would; return what each printed."""
    mark = "=== next ==="
    script = f"\necho '{mark}'\n".join(["set -e", *found])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=server.folder,
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(f"{mark}\n")[1:]


def ask(address, client, query):
    """Get a token for a client's id and secret, and ask GraphQL."""
    basic = base64.b64encode(":".join(client).encode()).decode()
    form = urllib.request.Request(
        f"{address}/oauth/token", b"grant_type=client_credentials", {"Authorization": f"Basic {basic}"}
    )
    with urllib.request.urlopen(form, timeout=SECONDS_MAX) as answer:
        token = json.load(answer)["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps({"query": query}).encode()
    with urllib.request.urlopen(
        urllib.request.Request(f"{address}/graphql", body, headers), timeout=SECONDS_MAX
    ) as answer:
        return json.load(answer)["data"]


def postgres_processes(folder):
    """Return the processes whose command line names the data directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in line and b"postgres" in line:
                found.append(entry.name)
    return found


def test_a_newcomer_sees_the_job_tries_the_calls_stops_and_starts_again(folder):
    port = free_port()
    server = Serving(folder, port)
    try:
        server.wait_until_ready()
        printed = server.printed()
        assert "The main job" in printed
        assert "invoices" in printed
        token, files, invoice, answer, soap, why = run_in_shell(commands(printed), server)
        assert token == invoice == ""
        assert len(json.loads(files)["files"]) == 2
        assert (folder / "invoice.pdf").read_bytes().startswith(b"%PDF-")
        data = json.loads(answer)
        assert "errors" not in data
        assert "Fjällfrakt Logistik AB" in answer
        assert "Fjällfrakt Logistik AB" in soap
        assert "Margin of Retail over Cost" in why
        # The reseller's client sees his own customer and that of the agent below him, and no cost.
        query = """{ customers { edges { node { number } } }
            usage(filter: {since: "2026-10-01T00:00:00Z", until: "2026-11-01T00:00:00Z"}, first: 20)
            { edges { node { cost { price_list: priceList } customer { number } } } } }"""
        operator, reseller = re.findall(r"client (\S+) +secret (\S+)", printed)
        seen = ask(server.address, reseller, query)
        # They were loaded side by side: which of them came first is chance.
        assert sorted(edge["node"]["number"] for edge in seen["customers"]["edges"]) == ["10009", "10010"]
        calls = [edge["node"] for edge in seen["usage"]["edges"]]
        assert {call["customer"]["number"] for call in calls} == {"10009", "10010"}
        assert all(call["cost"] is None for call in calls)
        seen = ask(server.address, operator, query)
        assert len(seen["customers"]["edges"]) == 10
        assert any(edge["node"]["cost"] for edge in seen["usage"]["edges"])
        for kind in ("pdf", "xml"):
            assert list((folder / "data" / "demo").glob(f"invoice-*.{kind}"))
    finally:
        code = server.stop()
    assert code == 0, printed
    assert "Traceback" not in printed
    assert not postgres_processes(folder)

    again = Serving(folder, port)
    try:
        again.wait_until_ready()
        printed_again = again.printed()
        assert "loaded already" in printed_again
        assert commands(printed_again) == commands(printed)
        assert run_in_shell(commands(printed_again), again)[1] == files
    finally:
        code = again.stop()
    assert code == 0
    assert not postgres_processes(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "killed"])
def test_stopped_in_the_middle_the_next_start_goes_on(folder, number):
    port = free_port()
    server = Serving(folder, port, HELD)
    server.wait("held in the middle")
    code = server.stop(number)
    if number == signal.SIGINT:
        assert code in {0, 130}
        assert "Traceback" not in Path(server.log.name).read_text(encoding="utf-8")
        assert not postgres_processes(folder)
    else:
        assert code == -signal.SIGKILL
    assert "The main job" not in Path(server.log.name).read_text(encoding="utf-8")
    again = Serving(folder, port)
    try:
        again.wait_until_ready()
        assert "The main job" in again.printed()
        assert "Traceback" not in again.printed()
    finally:
        assert again.stop() == 0
    assert not postgres_processes(folder)
