"""From a request's bearer token (RFC 6750) to the actor of a use case.

A token alone is not believed for its hour: the client is looked up again every ``CACHE_SECONDS``, so that revoking it
or taking a scope away holds within seconds. A reseller's is looked up for every request: the resellers that it has just
made below it are its to reach in its next request, whichever process answers that.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from api.auth.tokens import TokenRefused, Tokens
from domain.access.actor import OPERATOR_ONLY, Action, Actor
from domain.ports.credentials import Credentials, Known

CACHE_SECONDS: Final = 5.0
CLIENTS_CACHED_MAX: Final = 10_000


class Bearer:
    """Knows who is calling."""

    def __init__(
        self, tokens: Tokens, credentials: Credentials, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.tokens = tokens
        self._credentials = credentials
        self._monotonic = monotonic
        self._seen: OrderedDict[str, tuple[float, Known | None]] = OrderedDict()

    async def actor(self, authorization: str, *, address: str | None = None) -> Actor:
        """Return the caller that an Authorization header names. Raises TokenRefused."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenRefused("not a bearer token")
        claims = self.tokens.check(token.strip())
        known = await self._known(str(claims["client_id"]))
        if known is None or known.client.revoked_at is not None:
            raise TokenRefused("client revoked")
        client = known.client
        if claims["operator"] != client.operator or claims.get("reseller") != client.reseller:
            raise TokenRefused("client moved")
        return Actor(
            operator=client.operator,
            client=client.client_id,
            scopes=_granted(claims) & client.scopes,
            reseller=client.reseller,
            resellers=known.resellers,
            address=address,
            edition=known.edition,
        )

    async def client(self, authorization: str, *, address: str | None = None) -> Actor:
        """Return the client that HTTP Basic (RFC 7617) names by its id and secret. Raises TokenRefused.

        For routes that are called by programs which know no tokens, such as a switch.
        """
        scheme, _, pair = authorization.partition(" ")
        if scheme.lower() != "basic":
            return await self.actor(authorization, address=address)
        try:
            client_id, colon, secret = base64.b64decode(pair.strip(), validate=True).decode().partition(":")
        except ValueError:
            raise TokenRefused("not a pair of client and secret") from None
        if not colon:
            raise TokenRefused("not a pair of client and secret")
        known = await self._known(client_id)
        # An unknown client takes the same work as a wrong secret.
        held = known.client.secret_sha256 if known is not None else bytes(32)
        right = hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), held)
        if known is None or not right or known.client.revoked_at is not None:
            raise TokenRefused("unknown client, wrong secret or revoked")
        client = known.client
        return Actor(
            operator=client.operator,
            client=client.client_id,
            scopes=client.scopes if client.reseller is None else client.scopes - OPERATOR_ONLY,
            reseller=client.reseller,
            resellers=known.resellers,
            address=address,
            edition=known.edition,
        )

    async def _known(self, client_id: str) -> Known | None:
        now = self._monotonic()
        if (hit := self._seen.get(client_id)) is not None and now - hit[0] < CACHE_SECONDS:
            return hit[1]
        known = await self._credentials.find(client_id)
        if known is not None and known.client.reseller is not None:
            return known
        self._seen[client_id] = (now, known)
        self._seen.move_to_end(client_id)
        if len(self._seen) > CLIENTS_CACHED_MAX:
            self._seen.popitem(last=False)
        return known


def _granted(claims: dict[str, Any]) -> frozenset[Action]:
    asked = set(str(claims["scope"]).split())
    return frozenset(action for action in Action if action.value in asked)
