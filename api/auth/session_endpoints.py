"""The endpoints around a session: authorize, userinfo, introspection (RFC 7662), revocation (RFC 7009), logout."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from api.auth.bearer import Bearer
from api.auth.client_auth import NO_STORE, Unanswered, asking, error, read_form
from api.auth.token_endpoint import authenticated
from api.auth.tokens import ALGORITHM, TOKEN_CHARACTERS_MAX, TokenRefused
from api.rest.refusals import Malformed
from domain.access.actor import Actor
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotFound
from domain.usecases.end_session import end_own_session
from domain.usecases.issue_code import checked
from domain.usecases.redeem_code import drop_session

PASSED_ON: Final = (
    *("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge"),
    *("code_challenge_method", "login_hint", "ui_locales", "prompt"),
)


def with_query(uri: str, **values: str | None) -> str:
    """Return an address with more in its query.

    >>> with_query("https://p.example/back?a=1", code="x", state=None)
    'https://p.example/back?a=1&code=x'
    """
    told = urlencode({name: value for name, value in values.items() if value is not None})
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{told}"


class Authorize:
    """Answers ``GET /oauth/authorize``: it leads a browser to the portal's own page, which signs people in."""

    def __init__(self, bearer: Bearer) -> None:
        self._bearer = bearer

    async def __call__(self, request: Request) -> Response:
        """Lead on, or back with an error; where the address itself is wrong, nowhere (RFC 6749 § 4.1.2.1)."""
        asked = request.query_params
        state = asked.get("state")
        known = await self._bearer.known(asked.get("client_id", ""))
        back = asked.get("redirect_uri", "")
        portal = known.client.portal if known is not None and known.client.revoked_at is None else None
        if portal is None or back not in portal.redirect_uris:
            raise Malformed(HTTPStatus.BAD_REQUEST, "bad_value", "no portal has this client_id with this redirect_uri")
        if asked.get("response_type") != "code":
            return _back(back, "unsupported_response_type", "response_type is code", state)
        if asked.get("code_challenge_method") != "S256":
            return _back(back, "invalid_request", "code_challenge_method is S256", state)
        if asked.get("response_mode", "query") != "query":
            return _back(back, "invalid_request", "response_mode is query", state)
        if "none" in asked.get("prompt", "").split():
            return _back(back, "login_required", "nobody is signed in without the portal's page", state)
        try:
            checked(known, back, asked.get("code_challenge", ""), asked.get("scope"))
        except BadValue as no:
            word = "invalid_scope" if no.field == "scope" else "invalid_request"
            return _back(back, word, no.message, state)
        if portal.login_url is None:
            return _back(back, "temporarily_unavailable", "the portal has named no page to sign in at", state)
        passed = {name: asked[name] for name in PASSED_ON if name in asked}
        return RedirectResponse(with_query(portal.login_url, **passed), HTTPStatus.SEE_OTHER)


def _back(uri: str, word: str, description: str, state: str | None) -> Response:
    return RedirectResponse(
        with_query(uri, error=word, error_description=description, state=state), HTTPStatus.SEE_OTHER
    )


class UserInfo:
    """Answers ``GET`` and ``POST /oauth/userinfo`` (OpenID Connect Core § 5.3)."""

    def __init__(self, bearer: Bearer) -> None:
        self._bearer = bearer

    async def __call__(self, request: Request) -> Response:
        """Tell who has signed in; the gate has let him in."""
        actor: Actor = request.state.actor
        person = await self._bearer.credentials.person(actor.session) if actor.session else None
        if person is None:
            raise Malformed(HTTPStatus.FORBIDDEN, "not_allowed", "only somebody who has signed in is anybody here")
        told: dict[str, Any] = {
            "sub": f"user:{person.session.user}",
            "name": person.name,
            "email": person.email,
            "email_verified": True,  # an invitation or a reset came there, or a provider said so
            "locale": person.language,
            "operator": person.session.operator,
            "level": person.level.name,
        }
        if person.reseller is not None:
            told["reseller"] = person.reseller
        return JSONResponse(told, headers=NO_STORE)


class Introspect:
    """Answers ``POST /oauth/introspect``: what a client's own access token is worth now."""

    def __init__(self, bearer: Bearer) -> None:
        self._bearer = bearer

    async def __call__(self, request: Request) -> Response:
        """Answer one question; of a token that is not the client's own nothing is told but that."""
        try:
            asked = await asking(request, self._bearer.tokens, self._bearer.credentials)
            client = await authenticated(asked, self._bearer, public=False)
        except Unanswered as no:
            return no.response
        return JSONResponse(await self._told(asked.fields.get("token", ""), client.client_id), headers=NO_STORE)

    async def _told(self, token: str, client_id: str) -> dict[str, object]:
        try:
            actor = await self._bearer.actor(f"Bearer {token}")
            claims = await self._bearer.claims(token)
        except TokenRefused:
            return {"active": False}
        if claims["client_id"] != client_id:
            return {"active": False}
        words = str(claims["scope"]).split()
        held = [word for word in words if word in actor.scopes or word in {"openid", "profile", "email"}]
        same = ("client_id", "sub", "iss", "aud", "exp", "iat", "jti", "sid", "operator", "reseller", "amr", "acr")
        told = {name: claims[name] for name in same if name in claims}
        return {"active": True, "token_type": "Bearer", "scope": " ".join(held), **told}


class Revoke:
    """Answers ``POST /oauth/revoke``: a portal gives a session back, by its refresh token or an access token."""

    def __init__(self, bearer: Bearer, begin: Begin) -> None:
        self._bearer = bearer
        self._begin = begin

    async def __call__(self, request: Request) -> Response:
        """Answer 200, whether there was such a token or not (RFC 7009 § 2.2)."""
        try:
            asked = await asking(request, self._bearer.tokens, self._bearer.credentials)
            portal = await authenticated(asked, self._bearer, public=True)
        except Unanswered as no:
            return no.response
        token, address = asked.fields.get("token", ""), request.client.host if request.client else None
        clock = self._bearer.tokens.clock
        if token.count(".") != 2:  # no JWT
            await drop_session(token, portal=portal, address=address, begin=self._begin, clock=clock)
            return Response(status_code=HTTPStatus.OK)
        try:
            claims = await self._bearer.claims(token)
            if claims["client_id"] != portal.client_id:
                return Response(status_code=HTTPStatus.OK)
            if "sid" not in claims:
                return error("unsupported_token_type", "A machine's token ends by itself; revoke its client instead.")
            actor = await self._bearer.actor(f"Bearer {token}", address=address)
            await end_own_session(None, actor=actor, begin=self._begin, clock=clock)
        except (TokenRefused, NotFound):
            return Response(status_code=HTTPStatus.OK)
        return Response(status_code=HTTPStatus.OK)


class Logout:
    """Answers ``GET`` and ``POST /oauth/logout`` (OpenID Connect RP-Initiated Logout 1.0)."""

    def __init__(self, bearer: Bearer, begin: Begin) -> None:
        self._bearer = bearer
        self._begin = begin

    async def __call__(self, request: Request) -> Response:
        """End the session that an ID token of ours names, and lead back to an address of its portal."""
        try:
            fields = dict(request.query_params) if request.method == "GET" else (await read_form(request))[1]
        except Unanswered as no:
            return no.response
        claims = self._hint(fields.get("id_token_hint", ""))
        known = await self._bearer.known(str(claims.get("aud"))) if claims else None
        if claims is None or known is None or known.client.portal is None:
            raise Malformed(HTTPStatus.BAD_REQUEST, "bad_value", "id_token_hint is none of our ID tokens")
        address = request.client.host if request.client else None
        person = await self._bearer.credentials.person(str(claims.get("sid")))
        if person is not None and person.session.client_id == known.client.client_id:
            session = person.session
            actor = Actor(
                operator=session.operator,
                client=session.client_id,
                scopes=frozenset(),
                address=address,
                user=session.user,
                factor=session.factor,
                session=session.sid,
            )
            await end_own_session(None, actor=actor, begin=self._begin, clock=self._bearer.tokens.clock)
        back = fields.get("post_logout_redirect_uri")
        if back is None:
            return JSONResponse({"signed_out": True}, headers=NO_STORE)
        if back not in known.client.portal.redirect_uris:
            raise Malformed(HTTPStatus.BAD_REQUEST, "bad_value", "this is none of the portal's addresses")
        state = fields.get("state")
        uri = back if state is None else with_query(back, state=state)
        return RedirectResponse(uri, HTTPStatus.SEE_OTHER)

    def _hint(self, token: str) -> dict[str, Any] | None:
        """Return the claims of an ID token of ours, also one whose time is over; None for anything else."""
        if not token or len(token) > TOKEN_CHARACTERS_MAX:
            return None
        try:
            read = jwt.decode(token, self._bearer.tokens.key, algorithms=[ALGORITHM])
        except (JoseError, ValueError, TypeError, KeyError, RecursionError, TokenRefused):
            return None
        right = read.header.get("typ") == "JWT" and read.claims.get("iss") == self._bearer.tokens.issuer
        return read.claims if right else None
