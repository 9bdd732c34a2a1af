"""People and portals for tests: rows of them, and the way from a proved sign-in to tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from domain.access.actor import Action
from domain.access.user import SignedIn
from domain.ids import OperatorId, UserId
from domain.usecases.issue_code import IssueCode, issue_code
from persistence.engine import OWNER
from tests.api.conftest import NOW, SECRET, House

BACK = "https://portal.example/back"
ORIGIN = "https://portal.example"


def pkce() -> tuple[str, str]:
    """Return a verifier and its challenge."""
    verifier = secrets.token_urlsafe(48)
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return verifier, made


async def add_portal(
    house: House,
    client: str = "portal",
    *,
    operator: int = 1,
    reseller: int | None = None,
    public: bool = True,
    scopes: set[Action] | None = None,
    **fields: Any,
) -> str:
    """Keep a portal; a confidential one has the secret of its name."""
    told = {"redirect_uris": [BACK], "origins": [ORIGIN], "login_url": None, "public": public} | fields
    async with house.database.transaction(role=OWNER) as unit:
        await unit.connection.execute(
            "insert into api_client (client_id, operator, name, secret_sha256, scopes, reseller, created_at, portal)"
            " values ($1, $2, $1, $3, $4, $5, $6, $7)",
            *(client, operator, hashlib.sha256(SECRET.format(client).encode()).digest()),
            *([one.value for one in (scopes if scopes is not None else set(Action))], reseller, NOW, json.dumps(told)),
        )
    return client


async def add_user(
    house: House, email: str, *, level: str = "support", operator: int = 1, reseller: int | None = None
) -> int:
    """Keep somebody who may sign in, at a built-in level."""
    async with house.database.transaction(role=OWNER) as unit:
        key = await unit.connection.fetchval(
            "insert into app_user (operator, reseller, email, email_key, name, language, level, state, created_at)"
            " select $1, $2, $3, lower($3), $3, 'sv', l.id, 'active', $4 from user_level l"
            " where l.operator = $1 and l.built_in = $5 returning id",
            *(operator, reseller, email, NOW, level),
        )
    return int(key)


@dataclass
class Person:
    """Somebody who has signed in, and what his portal got."""

    user: int
    portal: str
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}


async def code_for(
    house: House, user: int, portal: str = "portal", *, operator: int = 1, challenge: str, **fields: Any
) -> str:
    """Return a code for somebody who has proved who he is."""
    factor = fields.pop("factor", "password+totp")
    signed = SignedIn(user=UserId(user), operator=OperatorId(operator), factor=factor)
    return await issue_code(
        IssueCode(signed_in=signed, client_id=portal, redirect_uri=BACK, code_challenge=challenge, **fields),
        begin=house.wiring.begin,
        clock=house.wiring.clock,
        draw=secrets.token_urlsafe,
        credentials=house.wiring.credentials,
        lifetimes=house.wiring.settings.lifetimes,
    )


def form(code: str, verifier: str, portal: str = "portal") -> dict[str, str]:
    """Return the request that redeems a code."""
    return {
        "grant_type": "authorization_code",
        "client_id": portal,
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": verifier,
    }


async def enter(house: House, user: int, portal: str = "portal", *, operator: int = 1, **fields: Any) -> Person:
    """Sign somebody in, from a code to tokens."""
    verifier, challenge = pkce()
    code = await code_for(house, user, portal, operator=operator, challenge=challenge, **fields)
    answer = await house.http.post("/oauth/token", data=form(code, verifier, portal))
    assert answer.status_code == 200, answer.text
    return Person(user, portal, answer.json())


async def ask(house: House, person: Person, query: str = "{ operator { name } }", **variables: Any) -> Any:
    """Ask over GraphQL as somebody who has signed in; return the response."""
    body = {"query": query, "variables": variables}
    return await house.http.post("/graphql", json=body, headers=person.bearer)


async def renewed(house: House, person: Person, token: str | None = None) -> Any:
    """Show a refresh token; return the response."""
    fields = {
        "grant_type": "refresh_token",
        "client_id": person.portal,
        "refresh_token": token or person.tokens["refresh_token"],
    }
    return await house.http.post("/oauth/token", data=fields)
