"""Who a client is that calls an endpoint of OAuth2 by a form: by its secret, a signed assertion, or by name alone.

authlib parses, authenticates and words the errors. It asks for its client synchronously, so the client is fetched
before it is asked. An unknown client and a wrong secret get the same answer after the same work.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidClientError, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from authlib.oauth2.rfc7523.client import ASSERTION_TYPE, JWTBearerClientAssertion
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.auth.tokens import Tokens
from domain.access.client import ApiClient
from domain.ids import OperatorId
from domain.ports.credentials import Credentials, Known

FORM: Final = "application/x-www-form-urlencoded"
SECRETS: Final = ("client_secret_basic", "client_secret_post")
ASSERTION: Final = "client_assertion_jwt"  # authlib's word for what the standard calls private_key_jwt
METHODS: Final = (*SECRETS, ASSERTION)
FIELDS_MAX: Final = 20
ALGORITHMS: Final = ("ES256", "ES384", "PS256", "RS256", "EdDSA")
ASSERTION_MAX: Final = timedelta(minutes=5)
SKEW_SECONDS: Final = 60
NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
# What to do about it, where authlib names its own methods, or says nothing.
DESCRIPTIONS: Final = {
    "invalid_client": "The client is unknown or revoked, or its secret is wrong; send client_id and client_secret "
    "by HTTP Basic or in the form, or a client_assertion.",
    "unsupported_grant_type": "The grant_type here is client_credentials, authorization_code or refresh_token.",
    "invalid_grant": "The code or refresh token is not good, or not any more; sign in again.",
    "unauthorized_client": "This client may not ask for that.",
}
# Whether the way here is secret is decided where the server listens (TLS, loopback), not by authlib's look at a URL.
_TRANSPORT: Final = "https://tollwright.invalid/oauth/token"
# Nobody: what a secret is compared with when the client does not exist.
_NOBODY: Final = ApiClient(
    client_id="",
    operator=OperatorId(0),
    name="",
    secret_sha256=bytes(32),
    scopes=frozenset(),
    created_at=datetime(2000, 1, 1, tzinfo=UTC),
)


class Unanswered(Exception):  # noqa: N818  (an answer to the caller)
    """The request is answered with an error of RFC 6749 § 5.2."""

    def __init__(self, response: Response) -> None:
        super().__init__("refused")
        self.response = response


@dataclass(frozen=True, slots=True)
class Client:
    """An API client in the words of authlib (``ClientMixin``)."""

    known: ApiClient

    def check_client_secret(self, secret: str) -> bool:
        """Compare a secret."""
        return self.known.knows(secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Tell whether the client is one that authenticates so."""
        del endpoint
        portal = self.known.portal
        if method == "none":
            return portal is not None and portal.public and self.known.revoked_at is None
        if method == ASSERTION:
            return self.known.jwks is not None and self.known.revoked_at is None
        return self.known.has_secret

    def check_grant_type(self, grant_type: str) -> bool:
        """Tell whether the client asks for tokens so: a portal for people, every other for itself."""
        return grant_type == "client_credentials" and self.known.portal is None

    def get_allowed_scope(self, scope: str) -> str:
        """Leave scopes to us."""
        return scope


class Form(OAuth2Request):  # type: ignore[misc]  # authlib has no types
    """A request in the words of authlib."""

    def __init__(self, headers: dict[str, str], fields: dict[str, str]) -> None:
        super().__init__("POST", _TRANSPORT, headers=headers)
        self.payload = BasicOAuth2Payload(fields)

    @property
    def form(self) -> Any:
        """The fields."""
        return self.payload.data


class _Assertion(JWTBearerClientAssertion):  # type: ignore[misc]  # authlib has no types
    """A client's signed assertion (RFC 7523 § 3): for us, of at most five minutes, good once."""

    CLIENT_AUTH_METHOD = ASSERTION

    def __init__(self, audiences: tuple[str, ...], now: datetime) -> None:
        super().__init__(validate_jti=False)
        self._audiences = audiences
        self._now = int(now.timestamp())
        self.claims: dict[str, Any] | None = None

    def resolve_client_public_key(self, client: Client) -> KeySet:
        """Return the client's own keys: registered ones, never what the assertion brings along."""
        if client.known.jwks is None:
            raise InvalidClientError
        return KeySet.import_key_set(client.known.jwks)  # type: ignore[arg-type]  # a JWK set as JSON

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> dict[str, Any]:
        """Verify the signature and the claims. Raises InvalidClientError."""
        try:
            read = jwt.decode(assertion, resolve_key, algorithms=list(ALGORITHMS))
            jwt.JWTClaimsRegistry(
                now=self._now,
                leeway=SKEW_SECONDS,
                iss={"essential": True},
                sub={"essential": True},
                aud={"essential": True, "values": list(self._audiences)},
                exp={"essential": True},
                jti={"essential": True},
            ).validate(read.claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise InvalidClientError from None
        claims = read.claims
        beyond = self._now + ASSERTION_MAX.total_seconds() + SKEW_SECONDS
        if claims["iss"] != claims["sub"] or not isinstance(claims["jti"], str) or claims["exp"] > beyond:
            raise InvalidClientError
        self.claims = claims
        return claims


class Server(AuthorizationServer):  # type: ignore[misc]  # authlib has no types
    """authlib's server for one request: it knows the one client that calls."""

    def __init__(self, tokens: Tokens, client: ApiClient) -> None:
        super().__init__()
        self.tokens = tokens
        self._client = Client(client)
        audiences = (f"{tokens.issuer}/oauth/token", tokens.issuer)
        self.assertion = _Assertion(audiences, tokens.clock.now())
        self.register_client_auth_method(ASSERTION, self.assertion)

    def query_client(self, client_id: str) -> Client:
        """Return the client that was fetched."""
        del client_id
        return self._client

    def create_oauth2_request(self, request: Form) -> Form:
        """Return the request as it is."""
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        """Answer."""
        told = DESCRIPTIONS.get(body.get("error", ""))
        return JSONResponse(body | {"error_description": told} if told else body, status, dict(headers))

    def send_signal(self, name: str, *arguments: object, **options: object) -> None:
        """Nobody listens."""


def error(word: str, description: str | None = None, status: int = 400) -> Response:
    """Return an error in the form of RFC 6749 § 5.2."""
    told = description or DESCRIPTIONS.get(word, word)
    return JSONResponse({"error": word, "error_description": told}, status, NO_STORE)


async def read_form(request: Request) -> tuple[dict[str, str], dict[str, str]]:
    """Return a form's headers and fields as authlib takes them. Raises Unanswered."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Unanswered(error("invalid_request", f"The body's Content-Type must be {FORM}."))
    try:
        body = (await request.body()).decode("ascii")
        pairs = parse_qsl(body, keep_blank_values=True, strict_parsing=bool(body), max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Unanswered(error("invalid_request", "The body cannot be read as a form.")) from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Unanswered(error("invalid_request", "A parameter is given twice."))
    if "scope" in fields and not fields["scope"].strip():
        del fields["scope"]
    return {"Authorization": request.headers.get("authorization", "")}, fields


@dataclass(frozen=True, slots=True)
class Asking:
    """A client that asks, authlib's server for it, and its form."""

    known: Known | None
    server: Server
    form: Form
    fields: dict[str, str]


async def asking(request: Request, tokens: Tokens, credentials: Credentials) -> Asking:
    """Return who says that he asks; whether it is true is not looked at yet. Raises Unanswered."""
    headers, fields = await read_form(request)
    try:
        basic, _ = extract_basic_authorization(headers)
    except ValueError:
        raise Unanswered(error("invalid_request", "The Authorization header cannot be read.")) from None
    if sum((bool(basic), "client_secret" in fields, "client_assertion" in fields)) > 1:
        raise Unanswered(error("invalid_request", "The client authenticates in two ways at once."))
    named = basic or _subject(fields) or fields.get("client_id", "")
    if fields.get("client_id", named) != named:
        raise Unanswered(error("invalid_client", status=401))
    known = await credentials.find(named)
    return Asking(known, Server(tokens, known.client if known else _NOBODY), Form(headers, fields), fields)


async def once(asked: Asking, credentials: Credentials, now: datetime) -> None:
    """Look whether an assertion comes a second time. Raises Unanswered."""
    claims = asked.server.assertion.claims
    if claims is None:
        return
    until = datetime.fromtimestamp(claims["exp"] + SKEW_SECONDS, UTC)
    said = hashlib.sha256(claims["jti"].encode()).digest()
    if not await credentials.once(f"assertion:{claims['sub']}", said, until=until, now=now):
        raise Unanswered(error("invalid_client", status=401))


def _subject(fields: dict[str, str]) -> str | None:
    """Return whom an assertion names; whether it is his is looked at later."""
    if fields.get("client_assertion_type") != ASSERTION_TYPE:
        return None
    try:
        _, claims = JWTBearerClientAssertion().extract_assertion(fields.get("client_assertion", ""))
    except InvalidClientError:
        return None
    subject = claims.get("sub")
    return subject if isinstance(subject, str) else None
