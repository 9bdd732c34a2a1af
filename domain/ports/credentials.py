"""What authentication reads before it is known for which operator a caller acts: clients, tiers, signing keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.access.client import ApiClient
from domain.access.editions import Edition
from domain.ids import ResellerId


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key that access tokens are signed with (ES256, PKCS#8 PEM). ``kid`` names its public half."""

    kid: str
    private_pem: str = field(repr=False)
    created_at: datetime
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A client as it is now, its operator's edition, and the resellers it may reach: none for the operator's own."""

    client: ApiClient
    resellers: tuple[ResellerId, ...] = ()
    edition: Edition = Edition.RETAIL


class Credentials(Protocol):
    """Clients of every operator, and the keys that sign their tokens. Only authentication holds this."""

    async def find(self, client_id: str) -> Known | None:
        """Return a client, revoked ones too; None where there is none."""
        ...

    async def keys(self, make: Callable[[], SigningKey]) -> Sequence[SigningKey]:
        """Return the signing keys, the newest first; where there is none, keep the one that ``make`` returns.

        Two processes that ask at once get the same key.
        """
        ...
