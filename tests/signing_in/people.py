"""People who sign in, for tests: a portal, users at levels, and the calls of a portal."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pyotp

from api.mailing import post_of
from domain.access.actor import Action, Actor, system
from domain.access.user import User
from domain.ids import OperatorId, ResellerId, UserId
from domain.usecases.choose_password import put_first_password
from domain.usecases.create_portal import CreatePortal, create_portal
from domain.usecases.invite_user import InviteUser, invite_user
from domain.usecases.mail_user import make_link
from tests.api.conftest import House

ORIGIN = "https://portal.example"
REDIRECT = f"{ORIGIN}/back"
PASSWORD = "Grönt te smakar bäst sent"
ADDRESS = "192.0.2.7"  # the tests' caller
REFUSALS = "... on Refusal { __typename code message field }"
SIGNED = "... on SignedIn { code redirectUri state recoveryCodes }"
CHALLENGE = "... on Challenge { token factors mustEnrol expiresAt }"


@dataclass
class Portal:
    """A portal's side: its id, and the verifier of its last sign-in."""

    house: House
    client_id: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    async def ask(self, query: str, variables: dict[str, Any] | None = None, token: str | None = None) -> Any:
        """Send a document, without a token unless one is given, and return its data."""
        answer = await self.raw(query, variables, token)
        body = answer.json()
        assert answer.status_code == 200, answer.text
        assert "errors" not in body, answer.text
        (value,) = body["data"].values()
        return value

    async def raw(
        self, query: str, variables: dict[str, Any] | None = None, token: str | None = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"query": query, "variables": variables or {}}
        return await self.house.http.post("/graphql", json=body, headers=headers)

    async def mutate(self, name: str, kind: str | None, value: Any, wanted: str, token: str | None = None) -> Any:
        """Call a mutation with an input."""
        query = f"mutation($i: {kind}!) {{ {name}(input: $i) {{ {wanted} {REFUSALS} }} }}"
        return await self.ask(query, {"i": value}, token)

    async def login(self, email: str, password: str = PASSWORD, **more: Any) -> Any:
        value = {
            "email": email,
            "password": password,
            "clientId": self.client_id,
            "redirectUri": REDIRECT,
            "codeChallenge": self.challenge,
            "state": "s",
        } | more
        return await self.mutate("login", "LoginInput", value, f"{SIGNED} {CHALLENGE}")

    async def answer(self, token: str, **by: Any) -> Any:
        return await self.mutate("answerChallenge", "AnswerChallengeInput", {"token": token} | by, SIGNED)

    async def redeem(self, code: str) -> str:
        """Return an access token for a code."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "code_verifier": self.verifier,
        }
        answer = await self.house.http.post("/oauth/token", data=fields)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def session(self, email: str, password: str = PASSWORD) -> str:
        """Sign somebody in who has no second factor, and return his access token."""
        signed = await self.login(email, password)
        assert "redirectUri" in signed, signed
        return await self.redeem(signed["code"])


async def make_portal(house: House, *, operator: int = 1, reseller: int | None = None) -> Portal:
    cmd = CreatePortal(
        name="Portal",
        scopes=frozenset(filter(system(OperatorId(operator)).may, Action)),
        redirect_uris=(REDIRECT,),
        origins=(ORIGIN,),
        reseller=None if reseller is None else ResellerId(reseller),
    )
    if reseller is not None:
        cmd = replace(cmd, scopes=frozenset({Action.READ_CUSTOMERS, Action.READ_USERS, Action.MANAGE_USERS}))
    made = await create_portal(
        cmd, actor=system(OperatorId(operator)), begin=house.wiring.begin, clock=house.clock, draw=secrets.token_urlsafe
    )
    return Portal(house, made.client.client_id)


async def level(house: House, built_in: str, operator: int = 1) -> Any:
    async with house.wiring.begin(system(OperatorId(operator))) as unit:
        return (await unit.levels.built_in(built_in)).id


async def invited(
    house: House, email: str, *, of: str = "support", reseller: int | None = None, operator: int = 1
) -> User:
    """Invite somebody at a built-in level."""
    cmd = InviteUser(
        email=email,
        name="Anna Berg",
        level=await level(house, of, operator),
        reseller=None if reseller is None else ResellerId(reseller),
    )
    return await invite_user(cmd, actor=system(OperatorId(operator)), begin=house.wiring.begin, clock=house.clock)


async def link_of(house: House, user: User) -> str:
    """Return the token of a new invitation."""
    link = await make_link(
        user.id,
        machine=system(user.operator),
        begin=house.wiring.begin,
        clock=house.clock,
        post=post_of(house.wiring),
    )
    return link.partition("#token=")[2]


async def person(
    house: House,
    email: str,
    *,
    of: str = "support",
    reseller: int | None = None,
    operator: int = 1,
    password: str = PASSWORD,
) -> User:
    """Return somebody who has accepted his invitation."""
    user = await invited(house, email, of=of, reseller=reseller, operator=operator)
    return await put_first_password(
        user.id,
        password,
        machine=system(OperatorId(operator)),
        begin=house.wiring.begin,
        clock=house.clock,
        passwords=house.wiring.passwords,
    )


async def enrolled(portal: Portal, email: str, password: str = PASSWORD) -> tuple[str, list[str], Any]:
    """Lead somebody through his first factor at login; return seed, recovery codes and what it ended in."""
    half = await portal.login(email, password)
    assert half["mustEnrol"], half
    seed = await portal.mutate(
        "enrolTotp", "EnrolInput", {"token": half["token"]}, "... on TotpSeed { secret uri svg png }"
    )
    code = pyotp.TOTP(seed["secret"]).at(portal.house.clock.now())
    done = await portal.mutate(
        "confirmTotp",
        "ConfirmTotpInput",
        {"token": half["token"], "code": code},
        "... on FactorEnrolled { recoveryCodes signedIn { code redirectUri state recoveryCodes } }",
    )
    return seed["secret"], done["recoveryCodes"], done["signedIn"]


def as_user(user: User | UserId) -> Actor:
    key = user.id if isinstance(user, User) else user
    return replace(system(OperatorId(1)), user=key, factor="password")
