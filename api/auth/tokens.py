"""Access tokens: JWTs of the profile RFC 9068 (``at+jwt``), signed with ES256, at most an hour long.

Only the algorithm is trusted that we sign with, and only keys of our own that the token names by ``kid`` are looked up,
in memory; ``jku``, ``x5u`` and ``jwk`` in a header are never read (RFC 8725). A key is published before it signs and
believed until its last token has ended (``api.auth.keyring``).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Self

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol

from domain.access.client import ApiClient
from domain.access.session import Lifetimes, UserSession
from domain.ports.clock import Clock
from domain.ports.credentials import KnownPerson, SigningKey

ALGORITHM: Final = "ES256"
TYPE: Final = "at+jwt"
LIFETIME: Final = timedelta(hours=1)
TOKEN_CHARACTERS_MAX: Final = 4096
# How somebody signed in, in the words of RFC 8176.
_METHODS: Final = {
    "password": ("pwd",), "totp": ("otp",), "webauthn": ("hwk",), "recovery": ("kba",), "idp": ("fed",),
}  # fmt: skip


class TokenRefused(Exception):  # noqa: N818  (an answer to the caller, not an error of ours)
    """The token is not one of ours, or not valid now. Why is logged, never told.

    ``basic``: the route takes HTTP Basic too, which the challenge then says.
    """

    basic = False


class KeyUnknown(TokenRefused):
    """The token names a key that is not known here, perhaps not yet."""


def make_key(now: datetime, signs_from: datetime | None = None) -> SigningKey:
    """Make a signing key: NIST P-256, named by its RFC 7638 thumbprint."""
    key = ECKey.generate_key("P-256")
    pem = key.as_pem(private=True).decode()
    return SigningKey(kid=key.thumbprint(), private_pem=pem, created_at=now, signs_from=signs_from)


def subject(session: UserSession) -> str:
    """Return how tokens name a person: never as a client is named, whose id has no colon."""
    return f"user:{session.user}"


def methods(factor: str) -> list[str]:
    """Return how somebody signed in, as ``amr`` tells it.

    >>> methods("password+totp")
    ['pwd', 'otp', 'mfa']
    """
    parts = factor.split("+")
    told = [word for part in parts for word in _METHODS.get(part, ())]
    return told + ["mfa"] * (len(parts) > 1)


class Tokens:
    """Signs and checks the tokens of one issuer. Every key is believed; the newest that has begun signs."""

    def __init__(self, issuer: str, clock: Clock) -> None:
        self.issuer = issuer
        self.clock = clock
        self.keys: dict[str, ECKey] = {}
        self.lifetimes = Lifetimes()
        self._order: list[SigningKey] = []

    @classmethod
    def of(cls, issuer: str, stored: Sequence[SigningKey], clock: Clock) -> Self:
        """Read the stored keys, the newest first."""
        tokens = cls(issuer, clock)
        tokens.take(stored)
        return tokens

    def take(self, stored: Sequence[SigningKey]) -> bool:
        """Believe these keys, the newest first, and no others; tell whether they are others than before."""
        believed = [key for key in stored if key.retired_at is None]
        before = set(self.keys)
        self.keys = {key.kid: self.keys.get(key.kid) or ECKey.import_key(key.private_pem) for key in believed}
        self._order = believed
        return set(self.keys) != before

    @property
    def signs_with(self) -> str:
        """The kid of the key that signs now."""
        now = self.clock.now()
        return next((key.kid for key in self._order if key.begins <= now), self._order[-1].kid)

    def sign(self, client: ApiClient, scope: str, *, factor: str = "secret") -> str:
        """Return a token for the client with the granted scope."""
        claims: dict[str, Any] = {
            **self._registered(LIFETIME),
            "aud": self.issuer,
            "sub": client.client_id,
            "client_id": client.client_id,
            "scope": scope,
            "operator": client.operator,
            "factor": factor,
        }
        if client.reseller is not None:
            claims["reseller"] = client.reseller
        return self._signed(claims, TYPE)

    def sign_person(self, session: UserSession, scope: str) -> str:
        """Return a token for who signed in, through his session's portal."""
        claims: dict[str, Any] = {
            **self._registered(self.lifetimes.access),
            "aud": self.issuer,
            "sub": subject(session),
            "client_id": session.client_id,
            "scope": scope,
            "operator": session.operator,
            "sid": session.sid,
            "auth_time": int(session.created_at.timestamp()),
            "amr": methods(session.factor),
            "acr": "2" if "+" in session.factor else "1",
        }
        if session.reseller is not None:
            claims["reseller"] = session.reseller
        return self._signed(claims, TYPE)

    def identify(self, person: KnownPerson, *, nonce: str | None, access_token: str) -> str:
        """Return the ID token (OpenID Connect Core § 2) of who signed in, for his portal."""
        session = person.session
        half = hashlib.sha256(access_token.encode("ascii")).digest()[:16]
        claims: dict[str, Any] = {
            **self._registered(self.lifetimes.access),
            "aud": session.client_id,
            "sub": subject(session),
            "sid": session.sid,
            "auth_time": int(session.created_at.timestamp()),
            "amr": methods(session.factor),
            "acr": "2" if "+" in session.factor else "1",
            "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
            "name": person.name,
            "email": person.email,
            "locale": person.language,
        }
        if nonce is not None:
            claims["nonce"] = nonce
        return self._signed(claims, "JWT")

    def _registered(self, lifetime: timedelta) -> dict[str, Any]:
        now = int(self.clock.now().timestamp())
        until = now + int(lifetime.total_seconds())
        return {"iss": self.issuer, "iat": now, "exp": until, "jti": secrets.token_urlsafe(16)}

    def _signed(self, claims: dict[str, Any], kind: str) -> str:
        kid = self.signs_with
        header = {"alg": ALGORITHM, "typ": kind, "kid": kid}
        return jwt.encode(header, claims, self.keys[kid], algorithms=[ALGORITHM])

    def check(self, token: str) -> dict[str, Any]:
        """Return the claims of a valid token. Raises TokenRefused for every other."""
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise TokenRefused("too long")
        try:
            read = jwt.decode(token, self.key, algorithms=[ALGORITHM])
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

    def key(self, signed: GuestProtocol) -> ECKey:
        """Return the key that a token names. Raises KeyUnknown."""
        kid = signed.headers().get("kid")
        key = self.keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise KeyUnknown("no such key")
        return key
