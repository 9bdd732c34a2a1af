"""What a sign-in ends in: a new session, and a code that the portal redeems for tokens, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.access.actor import Action, Actor
from domain.access.client import ApiClient
from domain.access.session import CHALLENGE, CODE_LIFETIME, TEXT_MAX, AuthorizationCode, Lifetimes, UserSession, digest
from domain.access.user import SignedIn, UserState
from domain.ids import SessionId
from domain.ports.clock import Clock
from domain.ports.credentials import Credentials, Known
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotAllowed

SECRET_BYTES = 32
IDENTITY = ("openid", "profile", "email")  # scopes that are no permission


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCode:
    """Somebody has signed in through a portal: ``redirect_uri`` is one of its own, ``code_challenge`` S256 (RFC 7636).

    ``scope``: words with blanks between, of those that the portal has; None: all of them. ``address``: where from.
    """

    signed_in: SignedIn
    client_id: str
    redirect_uri: str
    code_challenge: str
    scope: str | None = None
    nonce: str | None = None
    address: str | None = None


async def portal_of(
    client_id: str, redirect_uri: str, code_challenge: str, *, scope: str | None = None, credentials: Credentials
) -> ApiClient:
    """Return the portal through which somebody wants to sign in, before anything of him is looked at.

    Refuses with: BadValue (no such portal, an address that is not its own, no S256 challenge, a scope it has not).
    """
    known = await credentials.find(client_id)
    return checked(known, redirect_uri, code_challenge, scope).client


def checked(known: Known | None, redirect_uri: str, code_challenge: str, scope: str | None) -> Known:
    """Check what a portal asks for. Refuses with: BadValue."""
    if known is None or known.client.portal is None or known.client.revoked_at is not None:
        raise BadValue("no portal has this client id", field="clientId")
    if redirect_uri not in known.client.portal.redirect_uris:
        raise BadValue("this is none of the portal's addresses, letter by letter", field="redirectUri")
    if not CHALLENGE.fullmatch(code_challenge):
        raise BadValue(
            "a code challenge is the base64url of a SHA-256, 43 characters without padding (S256)",
            field="codeChallenge",
        )
    asked(known.client, scope)
    return known


def asked(portal: ApiClient, scope: str | None) -> tuple[str, ...]:
    """Return the scopes that a portal asks for: its own, all of them where it names none. Refuses with: BadValue."""
    held = sorted(action.value for action in portal.scopes)
    if scope is None or not scope.strip():
        return (*IDENTITY, *held)
    words = tuple(dict.fromkeys(scope.split()))
    for word in words:
        if word not in held and word not in IDENTITY:
            raise BadValue("the portal does not hold the scope {scope}", scope=word[:80], field="scope")
    return words


async def issue_code(
    cmd: IssueCode,
    *,
    begin: Begin,
    clock: Clock,
    draw: Callable[[int], str],
    credentials: Credentials,
    lifetimes: Lifetimes | None = None,
) -> str:
    """Begin a session of who has signed in and return the code for it; ``draw(n)`` returns a text of n random bytes.

    Refuses with: BadValue (as ``portal_of``; a text that is too long), NotAllowed (a person of another operator or
    reseller than the portal's, or disabled).
    """
    known = checked(await credentials.find(cmd.client_id), cmd.redirect_uri, cmd.code_challenge, cmd.scope)
    portal, signed, now = known.client, cmd.signed_in, clock.now()
    if cmd.nonce is not None and (len(cmd.nonce) > TEXT_MAX or not cmd.nonce.isprintable()):
        raise BadValue("a nonce has at most {most} printable characters", most=TEXT_MAX, field="nonce")
    if signed.operator != portal.operator:
        raise NotAllowed("this portal is not for you")
    lives, code = lifetimes or Lifetimes(), draw(SECRET_BYTES)
    async with begin(signing_in(known, signed, cmd.address)) as unit:
        user = await unit.users.get(signed.user)
        if user.state is not UserState.ACTIVE:
            raise NotAllowed("this portal is not for you")
        if portal.reseller is not None and user.reseller not in known.resellers:
            raise NotAllowed("this portal is not for you")
        session = await unit.sign_ins.add(
            UserSession(
                id=SessionId(0),
                operator=user.operator,
                reseller=user.reseller,
                user=user.id,
                sid=draw(SECRET_BYTES),
                client_id=portal.client_id,
                factor=signed.factor,
                scopes=asked(portal, cmd.scope),
                address=cmd.address,
                created_at=now,
                renewed_at=now,
                ends_at=now + lives.session,
            )
        )
        await unit.sign_ins.add_code(
            AuthorizationCode(
                sha256=digest(code),
                session=session.id,
                client_id=portal.client_id,
                redirect_uri=cmd.redirect_uri,
                challenge=cmd.code_challenge,
                nonce=cmd.nonce,
                expires_at=now + CODE_LIFETIME,
            )
        )
        await unit.users.signed_in(user.id, now)
        detail = {"user": user.id, "portal": portal.client_id, "factor": signed.factor}
        await unit.audit.write("start_session", f"session:{session.id}", detail)
    return code


def signing_in(known: Known, signed: SignedIn, address: str | None) -> Actor:
    """Return whom the trail names while somebody signs in: he may nothing yet."""
    return Actor(
        operator=known.client.operator,
        client=known.client.client_id,
        scopes=frozenset[Action](),
        address=address,
        edition=known.edition,
        user=signed.user,
        factor=signed.factor,
    )
