"""Signing in without pages of ours: a portal draws them, and asks here. It ends in a code that the portal redeems.

``login`` answers with a code, or with what is still to be done; ``answerChallenge`` and the enrolments finish it. What
is refused is answered after a fixed time, so that it does not tell what was wrong (attack P2).
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

import strawberry

from api.graphql.context import Info
from api.graphql.refusals import outcome
from domain.access.client import ApiClient
from domain.access.proof import Done, Factor, Waiting
from domain.access.user import UserState
from domain.refusal import BadValue, NotAllowed
from domain.usecases.answer_challenge import AnswerChallenge, answer_challenge, ask_security_key, challenge_of
from domain.usecases.choose_password import ChoosePassword, accept_invitation, request_reset, reset_password
from domain.usecases.enrol_factor import (
    Himself,
    confirm_security_key,
    confirm_totp,
    enrol_security_key,
    enrol_totp,
)
from domain.usecases.issue_code import IssueCode, issue_code, portal_of
from domain.usecases.sign_in import SignIn, sign_in, visitor

T = TypeVar("T")

# Refusals come at the end of a slot of this length; a right password takes some 50 ms.
SLOT_SECONDS: Final = 0.25

for _enum, _name in ((Factor, "SecondFactor"), (UserState, "UserState")):
    strawberry.enum(_enum, name=_name, description=(_enum.__doc__ or "").strip())


@strawberry.type(name="SignedIn", description="Redeem the code at /oauth/token, with the portal's code verifier.")
class SignedInType:
    """``domain.access.proof.Done``, with its code."""

    code: str
    redirect_uri: str
    state: str | None
    recovery_codes: list[str] | None = strawberry.field(
        default=None, description="There where a first second factor was enrolled; they are not told again."
    )


@strawberry.type(
    name="Challenge", description="The password was right. This token opens nothing but the second step, for minutes."
)
class ChallengeType:
    """``domain.access.proof.Waiting``."""

    token: str
    factors: list[Factor]
    must_enrol: bool = strawberry.field(description="He has none, and his level asks for one: enrol it with the token.")
    expires_at: datetime


@strawberry.input(description="Who signs in, and what the portal wants: the parameters of RFC 6749 and 7636 (S256).")
class LoginInput:
    """``SignIn``."""

    email: str
    password: str
    client_id: str
    redirect_uri: str
    code_challenge: str
    scope: str | None = None
    nonce: str | None = None
    state: str | None = None


@strawberry.input(description="One of code (of the app), recoveryCode, and key (what the browser returned, as JSON).")
class AnswerChallengeInput:
    """``AnswerChallenge``."""

    token: str
    code: str | None = None
    recovery_code: str | None = None
    key: str | None = None


@strawberry.input(description="By the token of a challenge, or signed in with one's password once more.")
class EnrolInput:
    """``Himself``."""

    token: str | None = None
    password: str | None = None


@strawberry.input(description="The first code that the app shows; token where a challenge led here.")
class ConfirmTotpInput:
    """``confirm_totp``."""

    code: str
    token: str | None = None


@strawberry.input(description="What the browser returned, as JSON, and what the key is to be called.")
class ConfirmSecurityKeyInput:
    """``confirm_security_key``."""

    name: str
    key: str
    token: str | None = None


@strawberry.type(name="TotpSeed", description="What an app reads. It holds when confirmTotp was given a code of it.")
class SeedType:
    """``domain.usecases.enrol_factor.Seed``."""

    secret: str
    uri: str = strawberry.field(description="otpauth://totp/…")
    svg: str = strawberry.field(description="The address as a QR code.")
    png: str = strawberry.field(description="The same as PNG, in base64.")


@strawberry.type(name="SecurityKeyRequest", description="What the page hands to navigator.credentials, as JSON.")
class KeyRequestType:
    """Options of WebAuthn."""

    options: str


@strawberry.type(name="FactorEnrolled", description="The factor holds.")
class EnrolledType:
    """``domain.usecases.enrol_factor.Enrolled``."""

    recovery_codes: list[str] = strawberry.field(description="Of the first factor; they are not told again.")
    signed_in: SignedInType | None = strawberry.field(description="There where a challenge led here.")


@strawberry.type(name="Accepted", description="It was taken; what comes of it is not told here.")
class AcceptedType:
    """An answer that tells nothing."""

    accepted: bool = True


@strawberry.input(description="Whose password is forgotten; the portal says whose people he is among.")
class RequestResetInput:
    """``request_reset``."""

    email: str
    client_id: str


@strawberry.input(description="The token of the link, and the password that was chosen.")
class ChoosePasswordInput:
    """``ChoosePassword``."""

    token: str
    password: str
    name: str | None = None
    language: str | None = None


async def even(work: Awaitable[T]) -> T:
    """Do something, and refuse only at the end of a slot, so that the time does not tell why."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        return await work
    except NotAllowed:
        spent = loop.time() - began
        await asyncio.sleep(SLOT_SECONDS - spent % SLOT_SECONDS)
        raise


async def _login(info: Info, asked: Annotated[LoginInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    portal = await portal_of(
        asked.client_id, asked.redirect_uri, asked.code_challenge, scope=asked.scope, credentials=wiring.credentials
    )
    cmd = SignIn(
        email=asked.email,
        password=asked.password,
        request={
            name: getattr(asked, name)
            for name in ("client_id", "redirect_uri", "code_challenge", "scope", "nonce", "state")
        },
        address=info.context.actor.address,
    )
    found = await even(
        sign_in(
            cmd,
            portal=portal,
            begin=wiring.begin,
            clock=wiring.clock,
            passwords=wiring.passwords,
            draw=secrets.token_urlsafe,
        )
    )
    if isinstance(found, Waiting):
        return ChallengeType(
            token=found.token, factors=list(found.factors), must_enrol=found.must_enrol, expires_at=found.expires_at
        )
    return await signed_in(info, found)


async def signed_in(info: Info, done: Done) -> SignedInType:
    """Return the code for who has signed in."""
    wiring, request = info.context.wiring, done.request
    code = await issue_code(
        IssueCode(
            signed_in=done.signed_in,
            client_id=request["client_id"] or "",
            redirect_uri=request["redirect_uri"] or "",
            code_challenge=request["code_challenge"] or "",
            scope=request.get("scope"),
            nonce=request.get("nonce"),
            address=info.context.actor.address,
        ),
        begin=wiring.begin,
        clock=wiring.clock,
        draw=secrets.token_urlsafe,
        credentials=wiring.credentials,
        lifetimes=wiring.settings.lifetimes,
    )
    return SignedInType(
        code=code,
        redirect_uri=request["redirect_uri"] or "",
        state=request.get("state"),
        recovery_codes=list(done.recovery) or None,
    )


async def _answer(info: Info, asked: Annotated[AnswerChallengeInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    origins: tuple[str, ...] = ()
    if asked.key is not None:
        origins = (await _origin_of_challenge(info, asked.token))[1]
    cmd = AnswerChallenge(
        token=asked.token,
        code=asked.code,
        recovery_code=asked.recovery_code,
        key=asked.key,
        origins=origins,
        address=info.context.actor.address,
    )
    work = answer_challenge(cmd, begin=wiring.begin, clock=wiring.clock, factors=wiring.factors, vault=wiring.vault)
    return await signed_in(info, await even(work))


async def _ask_key(info: Info, token: str) -> Any:
    wiring = info.context.wiring
    rp, _ = await _origin_of_challenge(info, token)
    options = await ask_security_key(token, rp=rp, begin=wiring.begin, clock=wiring.clock, factors=wiring.factors)
    return KeyRequestType(options=options)


def himself(info: Info, token: str | None, password: str | None = None) -> Himself:
    """Return who enrols: by the token of a challenge, or who is signed in."""
    actor = info.context.actor
    return Himself(token=token, actor=None if token is not None else actor, password=password, address=actor.address)


async def _enrol_totp(info: Info, asked: Annotated[EnrolInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    seed = await even(
        enrol_totp(
            himself(info, asked.token, asked.password),
            begin=wiring.begin,
            clock=wiring.clock,
            passwords=wiring.passwords,
            factors=wiring.factors,
            vault=wiring.vault,
        )
    )
    return SeedType(secret=seed.secret, uri=seed.uri, svg=seed.svg, png=base64.b64encode(seed.png).decode())


async def _confirm_totp(info: Info, asked: Annotated[ConfirmTotpInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    enrolled = await even(
        confirm_totp(
            asked.code,
            himself(info, asked.token),
            begin=wiring.begin,
            clock=wiring.clock,
            factors=wiring.factors,
            vault=wiring.vault,
            draw=secrets.token_bytes,
        )
    )
    return await _enrolled(info, enrolled.recovery, enrolled.done)


async def _enrol_key(info: Info, asked: Annotated[EnrolInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    rp, _ = await _origin(info, asked.token)
    work = enrol_security_key(
        himself(info, asked.token, asked.password),
        rp=rp,
        begin=wiring.begin,
        clock=wiring.clock,
        passwords=wiring.passwords,
        factors=wiring.factors,
    )
    return KeyRequestType(options=await even(work))


async def _confirm_key(info: Info, asked: Annotated[ConfirmSecurityKeyInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    _, origins = await _origin(info, asked.token)
    enrolled = await even(
        confirm_security_key(
            asked.name,
            asked.key,
            himself(info, asked.token),
            origins=origins,
            begin=wiring.begin,
            clock=wiring.clock,
            factors=wiring.factors,
            draw=secrets.token_bytes,
        )
    )
    return await _enrolled(info, enrolled.recovery, enrolled.done)


async def _enrolled(info: Info, recovery: tuple[str, ...], done: Done | None) -> EnrolledType:
    return EnrolledType(recovery_codes=list(recovery), signed_in=None if done is None else await signed_in(info, done))


async def _origin(info: Info, token: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the host that security keys are made for, and the pages that may ask them."""
    if token is not None:
        return await _origin_of_challenge(info, token)
    known = await info.context.wiring.credentials.find(info.context.actor.client)
    return _pages(None if known is None else known.client, {})


async def _origin_of_challenge(info: Info, token: str) -> tuple[str, tuple[str, ...]]:
    wiring = info.context.wiring
    challenge = await challenge_of(token, begin=wiring.begin, clock=wiring.clock)
    known = await wiring.credentials.find(challenge.request.get("client_id") or "")
    return _pages(None if known is None else known.client, challenge.request)


def _pages(portal: ApiClient | None, request: Mapping[str, str | None]) -> tuple[str, tuple[str, ...]]:
    """Return a portal's host and origins. Refuses with: BadValue (it is none with pages)."""
    origins = () if portal is None or portal.portal is None else tuple(portal.portal.origins)
    led = urlsplit(request.get("redirect_uri") or "")
    own = f"{led.scheme}://{led.netloc}"
    chosen = own if own in origins else next(iter(origins), "")
    host = urlsplit(chosen).hostname
    if host is None:
        raise BadValue("security keys need a portal with an origin of its own", field="clientId")
    return host, tuple(one for one in origins if urlsplit(one).hostname == host)


async def _request_reset(info: Info, asked: Annotated[RequestResetInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    known = await wiring.credentials.find(asked.client_id)
    if known is None or known.client.portal is None or known.client.revoked_at is not None:
        raise BadValue("no portal has this client id", field="clientId")
    guest = visitor(known.client.operator, client=known.client.client_id, address=info.context.actor.address)
    await request_reset(asked.email, operator=guest, begin=wiring.begin)
    return AcceptedType()


def _chosen(info: Info, asked: ChoosePasswordInput) -> ChoosePassword:
    return ChoosePassword(
        token=asked.token,
        password=asked.password,
        name=asked.name,
        language=asked.language,
        address=info.context.actor.address,
    )


async def _accept(info: Info, asked: Annotated[ChoosePasswordInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    await even(
        accept_invitation(_chosen(info, asked), begin=wiring.begin, clock=wiring.clock, passwords=wiring.passwords)
    )
    return AcceptedType()


async def _reset(info: Info, asked: Annotated[ChoosePasswordInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    await even(reset_password(_chosen(info, asked), begin=wiring.begin, clock=wiring.clock, passwords=wiring.passwords))
    return AcceptedType()


@strawberry.type
class SigningInMutation:
    """What is asked without a token: one of these alone in its document."""

    login = strawberry.mutation(
        resolver=_login,
        graphql_type=outcome("LoginResult", SignedInType | ChallengeType),
        description="The first step, without a token: a code, or a challenge.",
    )
    answer_challenge = strawberry.mutation(
        resolver=_answer, graphql_type=outcome("AnswerChallengeResult", SignedInType), description="The second step."
    )
    ask_security_key = strawberry.mutation(
        resolver=_ask_key,
        graphql_type=outcome("AskSecurityKeyResult", KeyRequestType),
        description="For navigator.credentials.get; what it returns goes into answerChallenge.",
    )
    enrol_totp = strawberry.mutation(
        resolver=_enrol_totp,
        graphql_type=outcome("EnrolTotpResult", SeedType),
        description="A seed for an app, one for each person; a new one takes the place of the one before.",
    )
    confirm_totp = strawberry.mutation(resolver=_confirm_totp, graphql_type=outcome("ConfirmTotpResult", EnrolledType))
    enrol_security_key = strawberry.mutation(
        resolver=_enrol_key,
        graphql_type=outcome("EnrolSecurityKeyResult", KeyRequestType),
        description="For navigator.credentials.create; what it returns goes into confirmSecurityKey.",
    )
    confirm_security_key = strawberry.mutation(
        resolver=_confirm_key, graphql_type=outcome("ConfirmSecurityKeyResult", EnrolledType)
    )
    request_reset = strawberry.mutation(
        resolver=_request_reset,
        graphql_type=outcome("RequestResetResult", AcceptedType),
        description="Mails a link for a new password, where somebody signs in with this address.",
    )
    reset_password = strawberry.mutation(
        resolver=_reset,
        graphql_type=outcome("ResetPasswordResult", AcceptedType),
        description="By the token of the link. The second factor stays.",
    )
    accept_invitation = strawberry.mutation(
        resolver=_accept,
        graphql_type=outcome("AcceptInvitationResult", AcceptedType),
        description="By the token of the link; then he signs in.",
    )
