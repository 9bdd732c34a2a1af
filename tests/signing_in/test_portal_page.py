"""The portal of docs/examples, by a real browser against a real server: password, TOTP, code, token, a query shown."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
import websockets

from domain.access.actor import Action, system
from domain.ids import OperatorId
from domain.usecases.create_portal import CreatePortal, create_portal
from persistence.engine import OWNER
from tests.api.conftest import House
from tests.signing_in import people

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "portal.html"
PATIENCE_SECONDS = 60.0

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine: apt install chromium")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its own name)
        """Say nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A folder that is served at an origin of its own, as a portal's pages are."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", folder
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Browser:
    """A page of a headless browser, spoken to by its DevTools protocol."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._count = 0

    async def send(self, method: str, **params: Any) -> Any:
        self._count += 1
        await self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        while True:
            told = json.loads(await self._socket.recv())
            if told.get("id") == self._count:
                assert "error" not in told, told
                return told["result"]

    async def run(self, script: str) -> Any:
        told = await self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until something is so, and return it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := await self.run(script)):  # noqa: ASYNC110  (the page has no event for it)
                await asyncio.sleep(0.05)
        return found

    async def fill(self, form: str, **fields: str) -> None:
        for name, value in fields.items():
            await self.run(f"document.getElementById({json.dumps(name)}).value = {json.dumps(value)}")
        await self.run(f"document.getElementById({json.dumps(form)}).requestSubmit()")


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    profile = tmp_path / "profile"
    assert BROWSER is not None
    process = await asyncio.create_subprocess_exec(
        BROWSER,
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
        *("--disable-background-networking", "--disable-extensions", "--remote-debugging-port=0"),
        *(f"--user-data-dir={profile}", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        told = profile / "DevToolsActivePort"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not told.exists() or not told.read_text().strip():  # noqa: ASYNC110  (the browser has no event for it)
                await asyncio.sleep(0.05)
        port = told.read_text().split()[0]
        async with httpx.AsyncClient() as http:
            pages = (await http.get(f"http://127.0.0.1:{port}/json/list")).json()
        (address,) = [one["webSocketDebuggerUrl"] for one in pages if one["type"] == "page"]
        async with websockets.connect(address, max_size=2**24, proxy=None) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        await process.wait()


async def test_somebody_signs_in_at_the_portal_of_the_docs(
    live: House, site: tuple[str, Path], browser: Browser
) -> None:
    origin, folder = site
    back = f"{origin}/portal.html"
    made = await create_portal(
        CreatePortal(
            name="of the docs",
            scopes=frozenset({Action.READ_CUSTOMERS, Action.MANAGE_USERS}),
            redirect_uris=(back,),
            origins=(origin,),
        ),
        actor=system(OperatorId(1)),
        begin=live.wiring.begin,
        clock=live.clock,
        draw=secrets.token_urlsafe,
    )
    text = PAGE.read_text(encoding="utf-8")
    for ours, theirs in (("http://127.0.0.1:8080", live.wiring.settings.address), ("portal_…", made.client.client_id)):
        assert text.count(f"'{ours}'") == 1
        text = text.replace(f"'{ours}'", f"'{theirs}'")
    (folder / "portal.html").write_text(text, encoding="utf-8")
    seed = await with_totp(live, people.Portal(live, made.client.client_id), back)

    await browser.send("Page.navigate", url=back)
    await browser.until("document.body && document.body.dataset.step === 'password' && typeof tokens !== 'undefined'")
    await browser.fill("password-step", email="anna@north.example", password="not her password")
    assert await browser.until("document.getElementById('trouble').textContent")
    await browser.fill("password-step", email="anna@north.example", password=people.PASSWORD)
    await browser.until("document.body.dataset.step === 'code'")
    await browser.fill("code-step", code=pyotp.TOTP(seed).at(live.clock.now()))
    await browser.until("document.body.dataset.step === 'in'")
    assert await browser.run("document.getElementById('operator').textContent") == "North Telecom AB"
    assert await browser.run("document.getElementById('who').textContent") == "anna@north.example"
    assert not await browser.run("localStorage.length + sessionStorage.length + document.cookie.length")
    # What is over is renewed by the page itself, and ends when she signs out.
    live.clock.at = live.clock.at.replace(minute=live.clock.at.minute + 20)
    assert (await browser.run("asked('{ operator { name } }')"))["name"] == "North Telecom AB"
    access = await browser.run("tokens.access_token")
    await browser.run("document.getElementById('out').click()")
    await browser.until("document.body.dataset.step === 'password'")
    await asyncio.sleep(1.1)
    headers = {"Authorization": f"Bearer {access}"}
    answer = await live.http.post("/graphql", json={"query": "{ operator { name } }"}, headers=headers)
    assert answer.status_code == 401
    async with live.database.transaction(role=OWNER) as unit:
        assert await unit.connection.fetchval("select factor from user_session order by id desc") == "password+totp"
    # Another page has no way in: the browser keeps the answer from it.
    assert (
        await browser.run(
            f"fetch({json.dumps(live.wiring.settings.address)} + '/soap?wsdl').then(() => 'read', () => 'kept')"
        )
        == "kept"
    )


async def with_totp(live: House, portal: people.Portal, back: str) -> str:
    """Make Anna, who has an authenticator; return its seed. A minute later its next code is good."""
    await people.person(live, "anna@north.example", of="administrator")
    challenge = await portal.login("anna@north.example", redirectUri=back)
    assert challenge["mustEnrol"]
    seed = await portal.mutate("enrolTotp", "EnrolInput", {"token": challenge["token"]}, "... on TotpSeed { secret }")
    code = pyotp.TOTP(seed["secret"]).at(live.clock.now())
    wanted = "... on FactorEnrolled { recoveryCodes }"
    told = await portal.mutate("confirmTotp", "ConfirmTotpInput", {"token": challenge["token"], "code": code}, wanted)
    assert told["recoveryCodes"]
    live.clock.at = live.clock.at.replace(minute=live.clock.at.minute + 1)
    return str(seed["secret"])
