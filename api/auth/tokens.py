"""Access tokens: JWTs of the profile RFC 9068 (``at+jwt``), signed with ES256, at most an hour long.

Only the algorithm is trusted that we sign with, and only keys of our own that the token names by ``kid`` are looked up,
in memory; ``jku``, ``x5u`` and ``jwk`` in a header are never read (RFC 8725).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol

from domain.access.client import ApiClient
from domain.ports.clock import Clock
from domain.ports.credentials import SigningKey

ALGORITHM: Final = "ES256"
TYPE: Final = "at+jwt"
LIFETIME: Final = timedelta(hours=1)
TOKEN_CHARACTERS_MAX: Final = 4096


class TokenRefused(Exception):  # noqa: N818  (an answer to the caller, not an error of ours)
    """The token is not one of ours, or not valid now. Why is logged, never told.

    ``basic``: the route takes HTTP Basic too, which the challenge then says.
    """

    basic = False


def make_key(now: datetime) -> SigningKey:
    """Make a signing key: NIST P-256, named by its RFC 7638 thumbprint."""
    key = ECKey.generate_key("P-256")
    return SigningKey(kid=key.thumbprint(), private_pem=key.as_pem(private=True).decode(), created_at=now)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Signs and checks the tokens of one issuer. The first key signs, every key is believed."""

    issuer: str
    keys: Mapping[str, ECKey]
    signs_with: str
    clock: Clock

    @classmethod
    def of(cls, issuer: str, stored: Sequence[SigningKey], clock: Clock) -> Tokens:
        """Read the stored keys, the newest first."""
        believed = [key for key in stored if key.retired_at is None]
        keys = {key.kid: ECKey.import_key(key.private_pem) for key in believed}
        return cls(issuer, keys, believed[0].kid, clock)

    def sign(self, client: ApiClient, scope: str) -> str:
        """Return a token for the client with the granted scope."""
        now = int(self.clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": client.client_id,
            "client_id": client.client_id,
            "scope": scope,
            "operator": client.operator,
            "iat": now,
            "exp": now + int(LIFETIME.total_seconds()),
            "jti": secrets.token_urlsafe(16),
        }
        if client.reseller is not None:
            claims["reseller"] = client.reseller
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self.signs_with}
        return jwt.encode(header, claims, self.keys[self.signs_with], algorithms=[ALGORITHM])

    def check(self, token: str) -> dict[str, Any]:
        """Return the claims of a valid token. Raises TokenRefused for every other."""
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise TokenRefused("too long")
        try:
            read = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            if read.header.get("typ") != TYPE:
                raise TokenRefused("not an access token")
            now = int(self.clock.now().timestamp())
            jwt.JWTClaimsRegistry(
                now=now,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self.issuer},
                exp={"essential": True},
                iat={"essential": True},
                jti={"essential": True},
                client_id={"essential": True},
                scope={"essential": True, "allow_blank": True},
                operator={"essential": True},
            ).validate(read.claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as fault:
            raise TokenRefused(type(fault).__name__) from None
        if read.claims["exp"] - read.claims["iat"] > LIFETIME.total_seconds():
            raise TokenRefused("longer than we sign")
        return read.claims

    def public(self) -> dict[str, object]:
        """Return the JWK set (RFC 7517) of the public halves."""
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": ALGORITHM}
                for kid, key in self.keys.items()
            ]
        }

    def _key(self, signed: GuestProtocol) -> ECKey:
        kid = signed.headers().get("kid")
        key = self.keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise TokenRefused("no such key")
        return key
