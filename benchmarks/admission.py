"""What letting a caller in takes: a token's check with a permission's, in process, and a person's login over HTTP."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

from api.auth.bearer import Bearer
from api.auth.tokens import Tokens, make_key
from api.settings import Settings
from api.wiring import Wiring, on_database
from benchmarks.asking import Client, body_of, percentile
from domain.access.actor import Action, Actor, allow
from domain.usecases.choose_password import put_first_password
from domain.usecases.create_portal import CreatePortal, create_portal
from domain.usecases.invite_user import InviteUser, invite_user
from persistence.engine import Database

CHECKS: Final = 2000
LOGINS: Final = 40
EMAIL: Final = "anna.berg@bench.example"
BACK: Final = "https://portal.example/back"
LOGIN: Final = (
    "mutation Login($input: LoginInput!) { login(input: $input) { __typename ... on SignedIn { code }"
    " ... on Refusal { code message } } }"
)


async def make_person(wiring: Wiring, actor: Actor) -> dict[str, str]:
    """Make somebody of the level support, without a second factor, and a portal; return what he signs in with."""
    made = await create_portal(
        CreatePortal(name="bench", scopes=frozenset({Action.READ_CUSTOMERS}), redirect_uris=[BACK]),
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        draw=secrets.token_urlsafe,
    )
    async with wiring.begin(actor) as unit:
        level = next(one for one in await unit.levels.all() if one.built_in == "support")
    asked = InviteUser(email=EMAIL, name="Anna Berg", level=level.id)
    user = await invite_user(asked, actor=actor, begin=wiring.begin, clock=wiring.clock)
    password = secrets.token_urlsafe(16)
    await put_first_password(
        user.id, password, machine=actor, begin=wiring.begin, clock=wiring.clock, passwords=wiring.passwords
    )
    return {"clientId": made.client.client_id, "email": EMAIL, "password": password}


async def log_in(client: Client, person: dict[str, str], out: Callable[[str], object]) -> float:
    """Tell how long a login takes, one after the other; return the 99th percentile in ms."""
    times: list[float] = []
    nobody = Client(client.host, client.port)
    for place in range(LOGINS + 1):
        challenge = base64.urlsafe_b64encode(hashlib.sha256(secrets.token_bytes(32)).digest()).rstrip(b"=").decode()
        asked = {**person, "redirectUri": BACK, "codeChallenge": challenge}
        seconds, answer = await nobody.ask(nobody.question(LOGIN, {"input": asked}))
        told = body_of(answer)
        assert "code" in told["data"]["login"], told
        assert told["data"]["login"]["__typename"] == "SignedIn", told
        if place:
            times.append(seconds * 1000)
    nobody.close()
    most = percentile(times, 0.99)
    out(f"  login by password, {LOGINS} one after the other: median {median(times):.0f} ms, 99 % within {most:.0f} ms")
    return most


async def check(database: Database, place: Path, port: int, token: str, out: Callable[[str], object]) -> float:
    """Tell how long a token's check and a permission's take, of a token that was seen before; return the median, ms."""
    wiring = on_database(database, Settings(data_dir=place / "data", port=port))
    stored = await wiring.credentials.keys(lambda: make_key(wiring.clock.now()))
    tokens = Tokens.of(wiring.settings.address, stored, wiring.clock)
    bearer = Bearer(tokens, wiring.credentials)
    known: list[float] = []
    for _ in range(CHECKS):
        began = time.perf_counter()
        actor = await bearer.actor(f"Bearer {token}", address="127.0.0.1")
        allow(actor, Action.READ_CUSTOMERS, "get_customer")
        known.append((time.perf_counter() - began) * 1000)
    new: list[float] = []
    for _ in range(CHECKS // 10):
        began = time.perf_counter()
        tokens.check(token)
        new.append((time.perf_counter() - began) * 1000)
    out(
        f"  token and permission: median {median(known):.3f} ms, 99 % within {percentile(known, 0.99):.3f} ms;"
        f" verifying a token that was not seen before takes {median(new):.3f} ms more"
    )
    return median(known)
