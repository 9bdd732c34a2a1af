"""An API key: a bearer secret for a program that cannot fetch tokens, such as a simple reseller's.

``tw_ab12cd34_…``: its public beginning says which key it is, in lists and in the audit; the rest is random, of 256
bits, told once and kept as a SHA-256. To change a key without an interruption a second one is made that has its name,
and the first ends at a chosen moment; until then both are good.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from domain.access.actor import Action
from domain.ids import ApiKeyId, OperatorId, ResellerId

KEY = re.compile(r"(tw_[A-Za-z0-9]{8})_[A-Za-z0-9_-]{43}", re.ASCII)
NAME_MAX = 100
DAYS_MAX = 730


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key. ``ends_at`` is set for every key; ``replaces`` is the key that this one was made to replace."""

    id: ApiKeyId
    operator: OperatorId
    reseller: ResellerId | None
    prefix: str
    name: str
    sha256: bytes
    scopes: frozenset[Action]
    created_at: datetime
    created_by: str
    ends_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    replaces: ApiKeyId | None = None

    def holds(self, now: datetime) -> bool:
        """Tell whether it lets anybody in."""
        return self.revoked_at is None and now < self.ends_at
