"""OpenID Connect Core 1.0 as a client: discovery, the code flow with PKCE, and the ID token's checks (§ 3.1.3.7)."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from domain.access.client import check_address
from domain.access.identity_provider import IdentityProvider
from domain.ports.oidc import Returned
from domain.ports.transports import TransportFault
from domain.ports.webhooks import Http
from domain.refusal import BadValue

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
FRESH_SECONDS: Final = 600.0
UNKNOWN_SECONDS: Final = 10.0
PROVIDERS_MAX: Final = 1000
SKEW_SECONDS: Final = 60
AGE_SECONDS_MAX: Final = 600
TOKEN_CHARACTERS_MAX: Final = 20_000
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(slots=True)
class _Known:
    """What a provider said of itself, and when it was asked."""

    document: Mapping[str, Any]
    keys: Mapping[str, Any]
    at: float


@dataclass(slots=True)
class CheckedOidc:
    """Keeps ``domain.ports.oidc.OidcClient`` over checked HTTP."""

    http: Http
    monotonic: Callable[[], float] = time.monotonic
    _known: dict[str, _Known] = field(default_factory=dict)

    async def check(self, provider: IdentityProvider) -> None:
        """Look whether there is such a provider. Refuses with: BadValue."""
        check_address(provider.issuer, field="issuer")
        await self.http.check(provider.issuer, field="issuer")
        try:
            await self._ask(provider.issuer)
        except TransportFault as no:
            raise BadValue("the provider cannot be used: {why}", why=no.message, field="issuer") from None

    async def address(
        self, provider: IdentityProvider, *, redirect_uri: str, state: str, nonce: str, challenge: str
    ) -> str:
        """Return where a browser is sent to sign in. Raises TransportFault."""
        known = await self._of(provider.issuer)
        uri = str(known.document["authorization_endpoint"])
        asked = urlencode(
            {
                "response_type": "code",
                "client_id": provider.client_id,
                "redirect_uri": redirect_uri,
                "scope": " ".join(provider.scopes),
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        return f"{uri}{'&' if urlsplit(uri).query else '?'}{asked}"

    async def claims(
        self, provider: IdentityProvider, secret: str | None, returned: Returned, *, now: datetime
    ) -> Mapping[str, Any]:
        """Redeem a code and return the checked claims of the ID token. Raises TransportFault."""
        known = await self._of(provider.issuer)
        fields = {
            "grant_type": "authorization_code",
            "code": returned.code,
            "redirect_uri": returned.redirect_uri,
            "code_verifier": returned.verifier,
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        methods = known.document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret is None:
            fields["client_id"] = provider.client_id
        elif "client_secret_basic" in methods:
            pair = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            fields |= {"client_id": provider.client_id, "client_secret": secret}
        endpoint = str(known.document["token_endpoint"])
        answer = await self.http.ask("POST", endpoint, headers=headers, body=urlencode(fields).encode())
        if not answer.good:
            raise TransportFault(f"the provider refused the code (HTTP {answer.status})")
        token = _object(answer.body).get("id_token")
        if not isinstance(token, str) or len(token) > TOKEN_CHARACTERS_MAX:
            raise TransportFault("the provider sent no ID token")
        try:
            return self._checked(token, known, provider, returned.nonce, now)
        except _KeyMissing:
            again = await self._of(provider.issuer, unknown=True)
            try:
                return self._checked(token, again, provider, returned.nonce, now)
            except _KeyMissing:
                raise TransportFault("the ID token is signed by a key that the provider does not publish") from None

    def _checked(
        self, token: str, known: _Known, provider: IdentityProvider, nonce: str, now: datetime
    ) -> Mapping[str, Any]:
        keys = KeySet.import_key_set(known.keys)  # type: ignore[arg-type]  # a JWK set as JSON
        at = int(now.timestamp())
        try:
            read = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
            jwt.JWTClaimsRegistry(
                now=at,
                leeway=SKEW_SECONDS,
                iss={"essential": True, "value": provider.issuer},
                aud={"essential": True, "value": provider.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(read.claims)
        except InvalidKeyIdError:
            raise _KeyMissing from None
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as wrong:
            raise TransportFault(f"the ID token is not right ({type(wrong).__name__})") from None
        claims = read.claims
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != provider.client_id:
            raise TransportFault("the ID token was made for another client")
        if (
            not isinstance(claims["sub"], str)
            or not 1 <= len(claims["sub"]) <= 255
            or at - claims["iat"] > AGE_SECONDS_MAX
        ):
            raise TransportFault("the ID token names nobody, or is old")
        return claims

    async def _of(self, issuer: str, *, unknown: bool = False) -> _Known:
        known = self._known.get(issuer)
        seconds = UNKNOWN_SECONDS if unknown else FRESH_SECONDS
        if known is not None and self.monotonic() - known.at < seconds:
            return known
        return await self._ask(issuer)

    async def _ask(self, issuer: str) -> _Known:
        """Read what a provider says of itself. Raises TransportFault."""
        document = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            raise TransportFault("the provider's issuer is not the one that is named")
        for name in _ENDPOINTS:
            try:
                check_address(str(document.get(name, "")), field=name)
            except BadValue:
                raise TransportFault(f"the provider names no {name}") from None
        challenges = document.get("code_challenge_methods_supported", ["S256"])
        if "code" not in document.get("response_types_supported", []) or "S256" not in challenges:
            raise TransportFault("the provider cannot do the code flow with PKCE")
        known = _Known(document, await self._get(str(document["jwks_uri"])), self.monotonic())
        if len(self._known) >= PROVIDERS_MAX:
            self._known.clear()
        self._known[issuer] = known
        return known

    async def _get(self, url: str) -> Mapping[str, Any]:
        answer = await self.http.ask("GET", url, headers={"accept": "application/json"})
        if not answer.good:
            raise TransportFault(f"{urlsplit(url).hostname} answered {answer.status}")
        return _object(answer.body)


class _KeyMissing(Exception):  # noqa: N818  (a reason to look again)
    """The ID token names a key that is not known."""


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise TransportFault("the provider's answer is not JSON") from None
    if not isinstance(found, dict):
        raise TransportFault("the provider's answer is no object")
    return found
