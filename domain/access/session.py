"""A person's session at a portal: from a sign-in until it ends, with its one-use codes and rotating refresh tokens.

A session has one random name, ``sid``, drawn at the sign-in and told to nobody before; nothing that existed before the
sign-in becomes a session (attack P4). Codes and refresh tokens are random texts of 256 bits kept as their SHA-256. Each
is good once: who shows one a second time has stolen it, or was stolen from, so the session ends (attack J7).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.ids import OperatorId, ResellerId, SessionId, UserId

CODE_LIFETIME = timedelta(minutes=2)
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # base64url of a SHA-256 (RFC 7636 § 4.2)
TEXT_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long things live. ``session``: from the sign-in, whatever happens; ``idle``: since it was last renewed."""

    access: timedelta = timedelta(minutes=15)
    session: timedelta = timedelta(hours=12)
    idle: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSession:
    """One sign-in. ``scopes`` are what the portal asked for, as texts; ``factor`` as ``password+totp``."""

    id: SessionId
    operator: OperatorId
    reseller: ResellerId | None
    user: UserId
    sid: str
    client_id: str
    factor: str
    scopes: tuple[str, ...]
    address: str | None
    created_at: datetime
    renewed_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None
    ended_why: str | None = None

    def lives(self, now: datetime, idle: timedelta) -> bool:
        """Tell whether it can still be renewed."""
        return self.ended_at is None and now < self.ends_at and now < self.renewed_at + idle


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode:
    """What a portal redeems for tokens, once: bound to its client, its address and its PKCE challenge (S256)."""

    sha256: bytes
    session: SessionId
    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str | None
    expires_at: datetime


def digest(secret: str) -> bytes:
    """Return how a code, a refresh token or an API key is kept."""
    return hashlib.sha256(secret.encode()).digest()
