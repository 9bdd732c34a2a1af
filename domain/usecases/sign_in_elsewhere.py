"""Sign in at an operator's own identity provider: the browser goes there, comes back here, and on to the portal."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from domain.access.actor import Action, Actor
from domain.access.identity_provider import IdentityProvider
from domain.access.session import TEXT_MAX, Lifetimes, digest
from domain.access.user import SignedIn, User, UserState, check, key_of
from domain.commands import check_texts
from domain.ids import OperatorId, UserId
from domain.ports.clock import Clock
from domain.ports.credentials import Credentials
from domain.ports.oidc import OidcClient, Returned
from domain.ports.sign_ins import Attempt
from domain.ports.transports import TransportFault, Vault
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotAllowed, NotFound, Refusal
from domain.telling.language import LANGUAGES
from domain.usecases.issue_code import IssueCode, checked, issue_code
from domain.usecases.manage_identity_providers import about

SECRET_BYTES = 32
PATIENCE = timedelta(minutes=10)
_TWICE = frozenset({"mfa", "otp", "hwk", "swk", "sms", "fpt", "face"})  # RFC 8176: more than a password


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginElsewhere:
    """Somebody at a portal wants to sign in at a provider; ``state`` is the portal's own, and comes back to it."""

    client_id: str
    provider: str
    redirect_uri: str
    code_challenge: str
    state: str
    scope: str | None = None
    nonce: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What both halves of a sign-in at a provider need. ``callback``: where the provider sends browsers back to."""

    callback: str
    begin: Begin
    clock: Clock
    draw: Callable[[int], str]
    credentials: Credentials
    vault: Vault
    oidc: OidcClient
    lifetimes: Lifetimes = field(default_factory=Lifetimes)


async def begin_elsewhere(cmd: BeginElsewhere, *, address: str | None, around: Elsewhere) -> str:
    """Return the address at the provider that the portal sends the browser to.

    Refuses with: BadValue (as ``issue_code``; no state), NotFound (provider), NotAllowed (the provider is away).
    """
    check_texts(cmd)
    known = checked(await around.credentials.find(cmd.client_id), cmd.redirect_uri, cmd.code_challenge, cmd.scope)
    if not 8 <= len(cmd.state) <= TEXT_MAX:
        raise BadValue("a state has 8 to {most} characters, which nobody can guess", most=TEXT_MAX, field="state")
    portal, draw = known.client, around.draw
    state, nonce, verifier = draw(SECRET_BYTES), draw(SECRET_BYTES), draw(48)
    actor = _nobody(portal.operator, portal.client_id, address)
    async with around.begin(actor) as unit:
        provider = await unit.identity_providers.by_name(cmd.provider)
    if not provider.active or (portal.reseller is not None and provider.reseller not in known.resellers):
        raise NotFound("no identity provider {key}", key=cmd.provider[:80], field="provider")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    try:
        url = await around.oidc.address(
            provider, redirect_uri=around.callback, state=state, nonce=nonce, challenge=challenge
        )
    except TransportFault as no:
        raise NotAllowed("the identity provider cannot be used at the moment: {why}", why=no.message) from None
    asked = {
        "client_id": cmd.client_id,
        "redirect_uri": cmd.redirect_uri,
        "code_challenge": cmd.code_challenge,
        "state": cmd.state,
        **({} if cmd.scope is None else {"scope": cmd.scope}),
        **({} if cmd.nonce is None else {"nonce": cmd.nonce}),
    }
    async with around.begin(actor) as unit:
        await unit.identity_providers.begin(
            Attempt(
                state_sha256=digest(state),
                provider=provider.id,
                nonce=nonce,
                sealed_verifier=around.vault.seal(verifier, about=verifier_about(digest(state))),
                asked=asked,
                expires_at=around.clock.now() + PATIENCE,
            )
        )
    return url


@dataclass(frozen=True, slots=True, kw_only=True)
class CameBack:
    """Where the browser goes on to: the portal's address, with a code or an error (RFC 6749 § 4.1.2)."""

    redirect_uri: str
    state: str
    code: str | None = None
    error: str | None = None
    description: str | None = None


async def finish_elsewhere(
    state: str, code: str | None, error: str | None, *, address: str | None, around: Elsewhere
) -> CameBack:
    """Return where a browser goes on to that comes back from a provider; whatever is wrong is told to the portal.

    Refuses with: BadValue (no such sign-in, or not any more: there is no portal to lead back to).
    """
    gone = BadValue("this sign-in is not known, or too old; begin again at the portal", field="state")
    if len(state) > TEXT_MAX or (operator := await around.credentials.operator_of_attempt(digest(state))) is None:
        raise gone
    async with around.begin(_nobody(operator, "identity provider", address)) as unit:
        attempt = await unit.identity_providers.take(digest(state))
        if attempt is None or around.clock.now() >= attempt.expires_at:
            raise gone
        provider = await unit.identity_providers.claim(attempt.provider)
    back = CameBack(redirect_uri=attempt.asked["redirect_uri"], state=attempt.asked["state"])
    if error is not None or code is None or len(code) > TEXT_MAX * 8:
        return replace(back, error="access_denied", description="the identity provider did not sign anybody in")
    try:
        verifier = around.vault.open(attempt.sealed_verifier, about=verifier_about(digest(state)))
        secret = None
        if provider.sealed_secret is not None:
            secret = around.vault.open(provider.sealed_secret, about=about(operator, provider.name))
        returned = Returned(code=code, verifier=verifier, nonce=attempt.nonce, redirect_uri=around.callback)
        claims = await around.oidc.claims(provider, secret, returned, now=around.clock.now())
        signed = await _user(provider, claims, attempt.asked["client_id"], address, around)
        made = await issue_code(
            IssueCode(
                signed_in=signed,
                client_id=attempt.asked["client_id"],
                redirect_uri=attempt.asked["redirect_uri"],
                code_challenge=attempt.asked["code_challenge"],
                scope=attempt.asked.get("scope"),
                nonce=attempt.asked.get("nonce"),
                address=address,
            ),
            begin=around.begin,
            clock=around.clock,
            draw=around.draw,
            credentials=around.credentials,
            lifetimes=around.lifetimes,
        )
    except (TransportFault, Refusal) as no:
        async with around.begin(_nobody(operator, attempt.asked["client_id"], address)) as unit:
            await unit.audit.write("read_refused_sign_in", f"identity_provider:{provider.id}", {"why": no.message})
        return replace(back, error="access_denied", description=no.message)
    return replace(back, code=made)


async def _user(
    provider: IdentityProvider, claims: Mapping[str, Any], client_id: str, address: str | None, around: Elsewhere
) -> SignedIn:
    """Find or make who it is, at the level that the rules give him. Refuses with: NotAllowed."""
    stranger = NotAllowed("the identity provider knows you, but nobody has let you in here")
    now = around.clock.now()
    if not provider.active:
        raise stranger
    level = provider.level(claims)
    if provider.rules and level is None:
        raise stranger
    async with around.begin(_nobody(provider.operator, client_id, address)) as unit:
        found = await _found(unit, provider, claims)
        if found is None:
            if not provider.makes_users or level is None or not _verified(claims):
                raise stranger
            found = await _made(unit, provider, claims, now)
        if found.state is UserState.DISABLED or found.erased_at is not None or found.reseller != provider.reseller:
            raise stranger
        changed = replace(found, state=UserState.ACTIVE, level=level or found.level)
        if changed != found:
            found = await unit.users.keep(changed)
            detail = {"after": {"level": changed.level, "state": changed.state.value}, "provider": provider.name}
            await unit.audit.write("change_user", f"user:{found.id}", detail)
        await unit.identity_providers.know(provider.id, claims["sub"], found.id)
        held = await unit.levels.get(found.level)
        twice = provider.asks_twice or _asked_twice(claims)
        if held.requires_second_factor and not twice:
            raise NotAllowed("your level asks for a second factor, and the identity provider did not ask for one")
    return SignedIn(user=found.id, operator=provider.operator, factor="idp+mfa" if twice else "idp")


async def _found(unit: Unit, provider: IdentityProvider, claims: Mapping[str, Any]) -> User | None:
    known: UserId | None = await unit.identity_providers.user_of(provider.id, claims["sub"])
    if known is not None:
        return await unit.users.claim(known)
    if not _verified(claims):
        return None
    invited = await unit.users.by_email(key_of(claims["email"]))
    return None if invited is None else await unit.users.claim(invited.id)


async def _made(unit: Unit, provider: IdentityProvider, claims: Mapping[str, Any], now: datetime) -> User:
    level = provider.level(claims)
    assert level is not None
    name = claims.get("name")
    spoken = str(claims.get("locale", ""))[:2].lower()
    operator = await unit.operators.own()
    user = await unit.users.add(
        check(
            User(
                id=UserId(0),
                operator=provider.operator,
                reseller=provider.reseller,
                email=claims["email"],
                name=(name if isinstance(name, str) and name.strip() else claims["email"])[:200],
                language=spoken if spoken in LANGUAGES else operator.language,
                level=level,
                state=UserState.ACTIVE,
                created_at=now,
            )
        )
    )
    await unit.audit.write("create_user", f"user:{user.id}", {"level": level, "provider": provider.name})
    return user


def verifier_about(state_sha256: bytes) -> str:
    """Return what a sealed PKCE verifier is bound to."""
    return f"verifier of {state_sha256.hex()}"


def _asked_twice(claims: Mapping[str, Any]) -> bool:
    told = claims.get("amr")
    return isinstance(told, list) and any(isinstance(one, str) and one in _TWICE for one in told)


def _verified(claims: Mapping[str, Any]) -> bool:
    return isinstance(claims.get("email"), str) and claims.get("email_verified") is True


def _nobody(operator: int, client: str, address: str | None) -> Actor:
    """Return whom the trail names while nobody is signed in yet: he may nothing."""
    return Actor(operator=OperatorId(operator), client=client, scopes=frozenset[Action](), address=address)
