"""OpenID Connect towards an operator's own identity provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from domain.access.identity_provider import IdentityProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What came back from a provider, and what we had sent there."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)
    nonce: str
    redirect_uri: str


class OidcClient(Protocol):
    """Asks providers, at checked addresses alone. What a provider says is believed only where its signature holds."""

    async def check(self, provider: IdentityProvider) -> None:
        """Look whether there is such a provider, and it can do what is needed. Refuses with: BadValue."""
        ...

    async def address(
        self, provider: IdentityProvider, *, redirect_uri: str, state: str, nonce: str, challenge: str
    ) -> str:
        """Return where a browser is sent to sign in. Raises TransportFault."""
        ...

    async def claims(
        self, provider: IdentityProvider, secret: str | None, returned: Returned, *, now: datetime
    ) -> Mapping[str, Any]:
        """Redeem a code and return the checked claims of the ID token. Raises TransportFault."""
        ...
