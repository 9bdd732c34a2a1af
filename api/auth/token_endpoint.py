"""``/oauth/token``: client credentials (RFC 6749 § 4.4), codes with PKCE (§ 4.1, RFC 7636), refresh tokens (§ 6)."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Any, Final

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.auth.bearer import Bearer
from api.auth.client_auth import METHODS, NO_STORE, Asking, Unanswered, asking, error, once
from api.auth.tokens import LIFETIME
from domain.access.actor import OPERATOR_ONLY, Action
from domain.access.client import ApiClient
from domain.access.user import UserState
from domain.ports.unit import Begin
from domain.usecases.redeem_code import RedeemCode, Redeemed, redeem_code, renew_session

REFRESH: Final = "refresh_token"
_KNOWN_SCOPES: Final = frozenset(action.value for action in Action)


def granted_scope(client: ApiClient, asked: str | None) -> str:
    """Return what is granted: everything the client holds, or exactly what it asks. Raises InvalidScopeError."""
    held = {action.value for action in client.scopes if client.reseller is None or action not in OPERATOR_ONLY}
    if asked is None:
        return " ".join(sorted(held))
    wanted = asked.split()
    for scope in wanted:
        if scope not in _KNOWN_SCOPES:
            raise InvalidScopeError("An asked scope does not exist; scopes_supported lists them.")
        if scope not in held:
            raise InvalidScopeError(f"The client does not hold the scope {scope}.")
    return " ".join(dict.fromkeys(wanted))


class _Grant(ClientCredentialsGrant):  # type: ignore[misc]  # authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = list(METHODS)  # noqa: RUF012  (the attribute authlib reads)

    def validate_requested_scope(self) -> None:
        """Refuse what the client may not have, where authlib would leave it out in silence."""
        self.request.scope = granted_scope(self.request.client.known, self.request.payload.scope)

    def create_token_response(self) -> tuple[int, dict[str, object], list[tuple[str, str]]]:
        """Answer in the form of RFC 6749 § 5.1."""
        scope = self.request.scope
        factor = "key" if self.server.assertion.claims is not None else "secret"
        token = {
            "access_token": self.server.tokens.sign(self.request.client.known, scope, factor=factor),
            "token_type": "Bearer",
            "expires_in": int(LIFETIME.total_seconds()),
            "scope": scope,
        }
        return 200, token, self.TOKEN_RESPONSE_HEADER


class TokenEndpoint:
    """Answers ``POST /oauth/token``."""

    def __init__(self, bearer: Bearer, begin: Begin) -> None:
        self._bearer = bearer
        self._begin = begin

    async def __call__(self, request: Request) -> Response:
        """Answer one token request. Going on with a session counts as an attempt to sign in where it fails alone."""
        counted = False
        try:
            await self._bearer.keyring.fresh()
            asked = await asking(request, self._bearer.tokens, self._bearer.credentials)
            if asked.fields.get("grant_type") != REFRESH:
                counted = True
                await request.state.attempt()
            response = await self._answered(asked, request)
        except Unanswered as no:
            response = no.response
        if not counted and response.status_code != HTTPStatus.OK:
            await request.state.attempt()
        return response

    async def _answered(self, asked: Asking, request: Request) -> Response:
        if asked.fields.get("grant_type") in {"authorization_code", REFRESH}:
            return await self._person(asked, request)
        asked.server.register_grant(_Grant)
        response: Response = asked.server.create_token_response(asked.form)
        if response.status_code == HTTPStatus.OK:
            await once(asked, self._bearer.credentials, self._bearer.tokens.clock.now())
        return response

    async def _person(self, asked: Asking, request: Request) -> Response:
        portal = await authenticated(asked, self._bearer, public=True)
        if portal.portal is None:
            return error("unauthorized_client")
        clock, tokens, fields = self._bearer.tokens.clock, self._bearer.tokens, asked.fields
        common: dict[str, Any] = {
            "portal": portal,
            "address": request.client.host if request.client else None,
            "begin": self._begin,
            "clock": clock,
            "draw": secrets.token_urlsafe,
            "lifetimes": tokens.lifetimes,
        }
        done: Redeemed | None
        if fields["grant_type"] == REFRESH:
            done = await renew_session(fields.get("refresh_token", ""), **common)
        else:
            cmd = RedeemCode(
                code=fields.get("code", ""),
                redirect_uri=fields.get("redirect_uri", ""),
                verifier=fields.get("code_verifier", ""),
            )
            done = await redeem_code(cmd, **common)
        return error("invalid_grant") if done is None else await self._told(done, fields)

    async def _told(self, done: Redeemed, fields: dict[str, str]) -> Response:
        person = await self._bearer.credentials.person(done.session.sid)
        if person is None or person.state is not UserState.ACTIVE or person.session.ended_at is not None:
            return error("invalid_grant")
        held, wanted = done.session.scopes, fields.get("scope", "").split()
        if not set(wanted) <= set(held):
            return error("invalid_scope", "A scope is asked for that the session was not begun with.")
        scope = " ".join(dict.fromkeys(wanted) if wanted else held)
        tokens = self._bearer.tokens
        access = tokens.sign_person(done.session, scope)
        body: dict[str, object] = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": int(tokens.lifetimes.access.total_seconds()),
            "refresh_token": done.refresh_token,
            "scope": scope,
        }
        if "openid" in scope.split():
            body["id_token"] = tokens.identify(person, nonce=done.nonce, access_token=access)
        return JSONResponse(body, 200, NO_STORE)


async def authenticated(asked: Asking, bearer: Bearer, *, public: bool) -> ApiClient:
    """Return the client that has proved who it is; a ``public`` one only says so. Raises Unanswered."""
    methods = [*METHODS, "none"] if public else list(METHODS)
    try:
        client = asked.server.authenticate_client(asked.form, methods)
    except OAuth2Error as no:
        status, body, headers = no()
        raise Unanswered(asked.server.handle_response(status, dict(body), headers)) from None
    await once(asked, bearer.credentials, bearer.tokens.clock.now())
    found: ApiClient = client.known
    return found
