"""An API client: a machine that authenticates by itself, or a portal through which people sign in."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from domain.access.actor import Action
from domain.ids import LevelId, OperatorId, ResellerId
from domain.refusal import BadValue

URIS_MAX = 10
URI_MAX = 500
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """What makes a client a portal: where codes may be sent, and which pages may call from a browser.

    ``redirect_uris`` are compared letter by letter (RFC 9700 § 2.1). ``origins``: as a browser sends them, such as
    ``https://portal.example``. ``login_url``: the portal's own page, which ``GET /oauth/authorize`` leads to.
    ``public``: it has no secret, since it runs in a browser (RFC 6749 § 2.1); PKCE protects its codes either way.
    """

    redirect_uris: tuple[str, ...]
    origins: tuple[str, ...] = ()
    login_url: str | None = None
    public: bool = True

    def __post_init__(self) -> None:
        """Refuses with: BadValue, naming the field."""
        if not 1 <= len(self.redirect_uris) <= URIS_MAX or len(self.origins) > URIS_MAX:
            raise BadValue(
                "a portal has 1 to {most} addresses to lead back to, and up to as many origins",
                most=URIS_MAX,
                field="redirectUris",
            )
        for index, uri in enumerate(self.redirect_uris):
            check_address(uri, field=f"redirectUris.{index}")
        for index, origin in enumerate(self.origins):
            check_address(origin, field=f"origins.{index}")
            parts = urlsplit(origin)
            if origin != f"{parts.scheme}://{parts.netloc}" or origin != origin.lower():
                raise BadValue(
                    "an origin is a scheme, a host in small letters and perhaps a port, as https://portal.example",
                    field=f"origins.{index}",
                )
        if self.login_url is not None:
            check_address(self.login_url, field="loginUrl")


def check_address(uri: str, *, field: str) -> None:
    """Look at an address that a browser is sent to: https, or http on this machine. Refuses with: BadValue.

    >>> check_address("https://portal.example/back", field="redirectUris")
    >>> check_address("http://portal.example/back", field="redirectUris")
    Traceback (most recent call last):
    ...
    domain.refusal.BadValue: an address is https:// (http:// on this machine alone), without a fragment or a user
    """
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    plain = uri.isascii() and uri.isprintable() and len(uri) <= URI_MAX and not set(uri) & set(' "<>\\#@')
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not plain or not host or not safe or port == 0:
        raise BadValue(
            "an address is https:// (http:// on this machine alone), without a fragment or a user", field=field
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """A caller's identity. The secret is random with 256 bits, so one SHA-256 keeps it; only the hash is stored.

    ``portal``: people sign in through it. ``jwks``: the public keys that it signs assertions with (RFC 7523), instead
    of a secret. ``sealed_secret``: its secret once more, sealed by the installation's key, where the client asked for
    WS-Security's PasswordDigest, which cannot be checked against a hash. ``level``: it may do what its scopes and that
    both say. ``made_by`` is who made it (``Actor.person``).
    """

    client_id: str
    operator: OperatorId
    name: str
    secret_sha256: bytes
    scopes: frozenset[Action]
    reseller: ResellerId | None = None
    created_at: datetime
    revoked_at: datetime | None = None
    portal: Portal | None = None
    jwks: Mapping[str, Any] | None = None
    sealed_secret: bytes | None = field(default=None, repr=False)
    level: LevelId | None = None
    made_by: str | None = None

    @property
    def has_secret(self) -> bool:
        """Whether it authenticates by a secret: not a portal in a browser, nor one that signs assertions."""
        return self.jwks is None and not (self.portal is not None and self.portal.public)

    def knows(self, secret: str) -> bool:
        """Compare a presented secret in constant time."""
        presented = hashlib.sha256(secret.encode()).digest()
        same = hmac.compare_digest(presented, self.secret_sha256)
        return same and self.revoked_at is None and self.has_secret
