"""From a code to tokens, from a refresh token to the next; whoever shows one twice ends the session (attack J7)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from domain.access.actor import Action, Actor
from domain.access.client import ApiClient
from domain.access.session import Lifetimes, UserSession, digest
from domain.alarms.alarm import Raised, Severity
from domain.ports.clock import Clock
from domain.ports.sign_ins import Shown
from domain.ports.unit import Begin, Unit

SECRET_BYTES = 32
VERIFIER_MIN, VERIFIER_MAX = 43, 128  # RFC 7636 § 4.1
SECRET_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """A session that goes on: its next refresh token, which nobody can read again, and the nonce it began with."""

    session: UserSession
    refresh_token: str
    nonce: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemCode:
    """What an authenticated portal shows: its code, the address it was sent to, and the PKCE verifier."""

    code: str
    redirect_uri: str
    verifier: str


async def redeem_code(
    cmd: RedeemCode,
    *,
    portal: ApiClient,
    address: str | None,
    begin: Begin,
    clock: Clock,
    draw: Callable[[int], str],
    lifetimes: Lifetimes | None = None,
) -> Redeemed | None:
    """Return the session that a code is for; None where it is not good, used or too old. Any attempt uses it up."""
    if len(cmd.code) > SECRET_MAX:
        return None
    now = clock.now()
    async with begin(_portal(portal, address)) as unit:
        shown = await unit.sign_ins.show_code(digest(cmd.code), portal.client_id, at=now)
        if shown is None or shown.code is None:
            return None
        if not shown.first:
            await _stolen(unit, shown, "a code was shown twice", clock)
            return None
        good = cmd.redirect_uri == shown.code.redirect_uri and proves(cmd.verifier, shown.code.challenge)
        if not good or now >= shown.code.expires_at or not shown.session.lives(now, _idle(lifetimes)):
            await _end(unit, shown.session, "the code was not redeemed as it was asked for", clock)
            return None
        return await _next(unit, shown.session, clock, draw, nonce=shown.code.nonce)


async def renew_session(
    refresh_token: str,
    *,
    portal: ApiClient,
    address: str | None,
    begin: Begin,
    clock: Clock,
    draw: Callable[[int], str],
    lifetimes: Lifetimes | None = None,
) -> Redeemed | None:
    """Return the session of a refresh token, with the token that follows it; None where it is not good."""
    if len(refresh_token) > SECRET_MAX:
        return None
    now = clock.now()
    async with begin(_portal(portal, address)) as unit:
        shown = await unit.sign_ins.show_refresh(digest(refresh_token), portal.client_id, at=now)
        if shown is None:
            return None
        if not shown.first:
            await _stolen(unit, shown, "a refresh token was shown twice", clock)
            return None
        if not shown.session.lives(now, _idle(lifetimes)):
            return None
        return await _next(unit, shown.session, clock, draw)


async def drop_session(token: str, *, portal: ApiClient, address: str | None, begin: Begin, clock: Clock) -> None:
    """End the session of a refresh token that its portal gives back (RFC 7009); an unknown one is nothing."""
    if len(token) > SECRET_MAX:
        return
    async with begin(_portal(portal, address)) as unit:
        shown = await unit.sign_ins.show_refresh(digest(token), portal.client_id, at=clock.now())
        if shown is not None:
            await _end(unit, shown.session, "the portal gave it back", clock)


def proves(verifier: str, challenge: str) -> bool:
    """Tell whether a PKCE verifier is the challenge's (S256).

    >>> proves("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    True
    """
    if not VERIFIER_MIN <= len(verifier) <= VERIFIER_MAX or not verifier.isascii():
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return hmac.compare_digest(made, challenge)


async def _next(
    unit: Unit, session: UserSession, clock: Clock, draw: Callable[[int], str], *, nonce: str | None = None
) -> Redeemed:
    token, now = draw(SECRET_BYTES), clock.now()
    await unit.sign_ins.add_refresh(session.id, digest(token), at=now)
    await unit.sign_ins.renew(session.id, at=now)
    return Redeemed(session=session, refresh_token=token, nonce=nonce)


async def _end(unit: Unit, session: UserSession, why: str, clock: Clock) -> None:
    if await unit.sign_ins.finish(session.id, at=clock.now(), why=why):
        await unit.audit.write("end_session", f"session:{session.id}", {"user": session.user, "why": why})


async def _stolen(unit: Unit, shown: Shown, why: str, clock: Clock) -> None:
    """End the session, and tell the operator's people: one of the two who showed it is a thief."""
    session = shown.session
    if not await unit.sign_ins.finish(session.id, at=clock.now(), why=why):
        return
    await unit.audit.write("end_session", f"session:{session.id}", {"user": session.user, "why": why})
    found = Raised(
        kind="session_stolen",
        subject=f"user:{session.user}",
        text=f"{why}: the session {session.id} of the user {session.user} was ended",
        severity=Severity.CRITICAL,
        data={"session": session.id, "user": session.user, "portal": session.client_id},
    )
    await unit.alarms.raise_all([found], at=clock.now())


def _idle(lifetimes: Lifetimes | None) -> timedelta:
    return (lifetimes or Lifetimes()).idle


def _portal(portal: ApiClient, address: str | None) -> Actor:
    """Return whom the trail names: the portal, of the whole operator, which may nothing by itself."""
    return Actor(
        operator=portal.operator, client=portal.client_id, scopes=frozenset[Action](), address=address, factor="portal"
    )
