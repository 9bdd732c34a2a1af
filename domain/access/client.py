"""An API client: a machine that authenticates by OAuth2 client credentials (RFC 6749 § 4.4)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from domain.access.actor import Action
from domain.ids import OperatorId, ResellerId


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """A machine's identity. The secret is random with 256 bits, so one SHA-256 keeps it; only the hash is stored."""

    client_id: str
    operator: OperatorId
    name: str
    secret_sha256: bytes
    scopes: frozenset[Action]
    reseller: ResellerId | None = None
    created_at: datetime
    revoked_at: datetime | None = None

    def knows(self, secret: str) -> bool:
        """Compare a presented secret in constant time."""
        presented = hashlib.sha256(secret.encode()).digest()
        return self.revoked_at is None and hmac.compare_digest(presented, self.secret_sha256)
