"""``/oauth/token``: the client credentials grant (RFC 6749 § 4.4) by authlib, which parses, authenticates and answers.

authlib asks for its client synchronously, so the client is fetched before it is asked. An unknown client and a wrong
secret get the same answer after the same work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.auth.tokens import LIFETIME, Tokens
from domain.access.actor import OPERATOR_ONLY, Action
from domain.access.client import ApiClient
from domain.ids import OperatorId
from domain.ports.credentials import Credentials

FORM: Final = "application/x-www-form-urlencoded"
METHODS: Final = ("client_secret_basic", "client_secret_post")
FIELDS_MAX: Final = 20
# What to do about it, where authlib names its own methods, or says nothing.
_DESCRIPTIONS: Final = {
    "invalid_client": "The client is unknown or revoked, or its secret is wrong; send client_id and client_secret "
    "by HTTP Basic or in the form.",
    "unsupported_grant_type": "The one grant_type here is client_credentials.",
}

# Whether the way here is secret is decided where the server listens (TLS, loopback), not by authlib's look at a URL.
_TRANSPORT: Final = "https://tollwright.invalid/oauth/token"
_KNOWN_SCOPES: Final = frozenset(action.value for action in Action)
# Nobody: what a secret is compared with when the client does not exist.
_NOBODY: Final = ApiClient(
    client_id="",
    operator=OperatorId(0),
    name="",
    secret_sha256=bytes(32),
    scopes=frozenset(),
    created_at=datetime(2000, 1, 1, tzinfo=UTC),
)


@dataclass(frozen=True, slots=True)
class _Client:
    """An API client in the words of authlib (``ClientMixin``)."""

    known: ApiClient

    def check_client_secret(self, secret: str) -> bool:
        return self.known.knows(secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in METHODS and endpoint == "token"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope: str) -> str:
        return scope


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
        token = {
            "access_token": self.server.tokens.sign(self.request.client.known, scope),
            "token_type": "Bearer",
            "expires_in": int(LIFETIME.total_seconds()),
            "scope": scope,
        }
        return 200, token, self.TOKEN_RESPONSE_HEADER


class _Form(OAuth2Request):  # type: ignore[misc]  # authlib has no types
    def __init__(self, headers: dict[str, str], fields: dict[str, str]) -> None:
        super().__init__("POST", _TRANSPORT, headers=headers)
        self.payload = BasicOAuth2Payload(fields)

    @property
    def form(self) -> Any:
        return self.payload.data


class _Server(AuthorizationServer):  # type: ignore[misc]  # authlib has no types
    """authlib's server for one request: it knows the one client that calls."""

    def __init__(self, tokens: Tokens, client: ApiClient) -> None:
        super().__init__()
        self.tokens = tokens
        self._client = _Client(client)
        self.register_grant(_Grant)

    def query_client(self, client_id: str) -> _Client:
        del client_id
        return self._client

    def create_oauth2_request(self, request: _Form) -> _Form:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        told = _DESCRIPTIONS.get(body.get("error", ""))
        return JSONResponse(body | {"error_description": told} if told else body, status, dict(headers))

    def send_signal(self, name: str, *arguments: object, **options: object) -> None:
        """Nobody listens."""


class TokenEndpoint:
    """Answers ``POST /oauth/token``."""

    def __init__(self, tokens: Tokens, credentials: Credentials) -> None:
        self._tokens = tokens
        self._credentials = credentials

    async def __call__(self, request: Request) -> Response:
        """Answer one token request."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            return _wrong(f"The body's Content-Type must be {FORM}.")
        try:
            body = (await request.body()).decode("ascii")
            pairs = parse_qsl(body, keep_blank_values=True, strict_parsing=bool(body), max_num_fields=FIELDS_MAX)
        except ValueError:
            return _wrong("The body cannot be read as a form.")
        fields = dict(pairs)
        if len(fields) != len(pairs):
            return _wrong("A parameter is given twice.")
        headers = {"Authorization": request.headers.get("authorization", "")}
        try:
            basic, _ = extract_basic_authorization(headers)
        except ValueError:
            return _wrong("The Authorization header cannot be read.")
        if basic and "client_secret" in fields:
            return _wrong("The client authenticates in two ways at once.")
        if "scope" in fields and not fields["scope"].strip():
            del fields["scope"]
        found = await self._credentials.find(basic or fields.get("client_id", ""))
        server = _Server(self._tokens, found.client if found else _NOBODY)
        response: Response = server.create_token_response(_Form(headers, fields))
        return response


def _wrong(description: str) -> Response:
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return JSONResponse({"error": "invalid_request", "error_description": description}, 400, headers)
