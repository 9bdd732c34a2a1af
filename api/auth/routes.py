"""The routes of OAuth2 and OpenID Connect, as the table of routes takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.auth.bearer import Bearer
from api.auth.client_auth import FORM
from api.auth.discovery import metadata
from api.auth.elsewhere import PATH, Callback
from api.auth.session_endpoints import Authorize, Introspect, Logout, Revoke, UserInfo
from api.auth.token_endpoint import TokenEndpoint
from api.routes import SMALL, Endpoint, Operation
from api.wiring import Wiring

OBJECT: Final = {"type": "object"}
TEXT: Final = {"type": "string"}
JSON: Final = {"200": ("application/json", OBJECT)}
_FORM: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"enum": ["client_credentials", "authorization_code", "refresh_token"]},
        "scope": {"type": "string", "description": "Left out: everything the client, or the session, holds."},
        "client_id": {"type": "string", "description": "Here with client_secret, or both by HTTP Basic."},
        "client_secret": TEXT,
        "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
        "client_assertion": {"type": "string", "description": "Instead of a secret (RFC 7523)."},
        "code": TEXT,
        "redirect_uri": TEXT,
        "code_verifier": TEXT,
        "refresh_token": TEXT,
    },
}


def operations(wiring: Wiring, bearer: Bearer) -> list[Operation]:
    """Return the routes."""
    return [*_coming_in(wiring, bearer), *_standing(wiring, bearer), *_described(wiring, bearer)]


def _coming_in(wiring: Wiring, bearer: Bearer) -> list[Operation]:
    """Return how a token is come by."""
    return [
        Operation(
            method="POST",
            path="/oauth/token",
            endpoint=TokenEndpoint(bearer, wiring.begin),
            name="token",
            summary="An access token: for a client's credentials, for a code, or for a refresh token (RFC 6749).",
            public=True,
            body_max=SMALL,
            takes={FORM: _FORM},
            answers=JSON | {"400": ("application/json", OBJECT)},
        ),
        Operation(
            method="GET",
            path="/oauth/authorize",
            endpoint=Authorize(bearer),
            name="authorize",
            summary="Lead a browser to the portal's page, where people sign in (RFC 6749 section 4.1, PKCE required).",
            public=True,
            query=tuple(
                {"name": name, "schema": TEXT}
                for name in ("client_id", "redirect_uri", "response_type", "code_challenge", "code_challenge_method")
            ),
            answers={"303": ("text/plain", TEXT)},
            refuses=(400,),
        ),
        Operation(
            method="GET",
            path=PATH,
            endpoint=Callback(wiring),
            name="callback",
            summary="Where an operator's own identity provider sends browsers back to.",
            public=True,
            query=tuple({"name": name, "schema": TEXT} for name in ("state", "code", "error")),
            answers={"303": ("text/plain", TEXT)},
            refuses=(400,),
        ),
    ]


def _standing(wiring: Wiring, bearer: Bearer) -> list[Operation]:
    """Return what a token that one has is worth, and how it ends."""
    token = {"type": "object", "required": ["token"], "properties": {"token": TEXT}}
    logout = Logout(bearer, wiring.begin)
    return [
        *(
            Operation(
                method=method,
                path="/oauth/userinfo",
                endpoint=UserInfo(bearer),
                name=f"userInfo{suffix}",
                summary="Who has signed in (OpenID Connect Core section 5.3).",
                body_max=SMALL,
                answers=JSON,
                refuses=(403,),
            )
            for method, suffix in (("GET", ""), ("POST", "ByPost"))
        ),
        Operation(
            method="POST",
            path="/oauth/introspect",
            endpoint=Introspect(bearer),
            name="introspect",
            summary="What one of the client's own access tokens is worth now (RFC 7662).",
            public=True,
            body_max=SMALL,
            takes={FORM: token},
            answers=JSON,
        ),
        Operation(
            method="POST",
            path="/oauth/revoke",
            endpoint=Revoke(bearer, wiring.begin),
            name="revoke",
            summary="End the session of a refresh token or an access token (RFC 7009).",
            public=True,
            body_max=SMALL,
            takes={FORM: token},
            answers={"200": ("text/plain", TEXT)},
        ),
        *(
            Operation(
                method=method,
                path="/oauth/logout",
                endpoint=logout,
                name=f"logout{suffix}",
                summary="End the session that an ID token names, and lead back (OpenID Connect RP-Initiated Logout).",
                public=True,
                body_max=SMALL,
                query=() if suffix else ({"name": "id_token_hint", "schema": TEXT},),
                takes={FORM: OBJECT} if suffix else {},
                answers=JSON,
                refuses=(400,),
            )
            for method, suffix in (("GET", ""), ("POST", "ByPost"))
        ),
    ]


def _described(wiring: Wiring, bearer: Bearer) -> list[Operation]:
    """Return what the server says of itself."""
    documents = _constant(metadata(wiring.settings.address))
    return [
        Operation(
            method="GET",
            path="/oauth/jwks",
            endpoint=_keys(bearer),
            name="jwks",
            summary="The public keys that tokens are signed with (RFC 7517).",
            public=True,
            answers=JSON,
        ),
        *(
            Operation(
                method="GET",
                path=f"/.well-known/{name}",
                endpoint=documents,
                name=operation,
                summary=summary,
                public=True,
                answers=JSON,
            )
            for name, operation, summary in (
                ("oauth-authorization-server", "discovery", "What the authorisation server can do (RFC 8414)."),
                ("openid-configuration", "openidDiscovery", "The same for OpenID Connect (Discovery 1.0)."),
            )
        ),
    ]


def _keys(bearer: Bearer) -> Endpoint:
    async def answer(request: Request) -> Response:
        del request
        await bearer.keyring.fresh()
        return JSONResponse(bearer.tokens.public())

    return answer


def _constant(body: object) -> Endpoint:
    async def answer(request: Request) -> Response:
        del request
        return JSONResponse(body)

    return answer
