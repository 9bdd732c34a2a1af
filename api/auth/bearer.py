"""From what a request shows to the actor of a use case: a token (RFC 6750), an API key, or a client's id and secret.

A token alone is not believed for its time: the client, or the person's session, level and state, are looked up again
after seconds, so that revoking, disabling, changing a password or taking a permission away holds within seconds (J6,
A10). A reseller's is looked up for every request: the resellers that it has just made below it are its to reach in its
next request, whichever process answers that.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Final, Generic, TypeVar

from api.auth.checked import CheckedTokens
from api.auth.keyring import KeyRing
from api.auth.tokens import KeyUnknown, TokenRefused, Tokens
from domain.access.actor import OPERATOR_ONLY, Action, Actor
from domain.access.api_key import KEY
from domain.access.client import ApiClient
from domain.access.level import with_level
from domain.access.session import digest
from domain.access.user import UserState
from domain.ports.credentials import Credentials, Known, KnownKey, KnownPerson

CACHE_SECONDS: Final = 5.0
SESSION_SECONDS: Final = 1.0
USED_SECONDS: Final = 60.0
CACHED_MAX: Final = 10_000
SCOPES: Final = {action.value: action for action in Action}

T = TypeVar("T")


class Remembered(Generic[T]):
    """What was found a moment ago; the one that was asked for first goes first."""

    def __init__(self, seconds: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._seen: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    async def get(self, key: Hashable, find: Callable[[], Awaitable[T]], keep: Callable[[T], bool]) -> T:
        """Return what was found, or find it; what is not to be kept is found each time."""
        now = self._monotonic()
        if (hit := self._seen.get(key)) is not None and now - hit[0] < self._seconds():
            return hit[1]
        found = await find()
        if keep(found):
            self._seen[key] = (now, found)
            self._seen.move_to_end(key)
            if len(self._seen) > CACHED_MAX:
                self._seen.popitem(last=False)
        return found


class Bearer:
    """Knows who is calling."""

    def __init__(
        self,
        tokens: Tokens,
        credentials: Credentials,
        *,
        key_days: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tokens = tokens
        self.credentials = credentials
        self._checked = CheckedTokens(tokens.clock)
        self.keyring = KeyRing(tokens, credentials, days=key_days, changed=self._checked.forget, monotonic=monotonic)
        self._monotonic = monotonic
        self._clients: Remembered[Known | None] = Remembered(lambda: CACHE_SECONDS, monotonic)
        self._people: Remembered[KnownPerson | None] = Remembered(lambda: SESSION_SECONDS, monotonic)
        self._keys: Remembered[KnownKey | None] = Remembered(lambda: CACHE_SECONDS, monotonic)
        self._used: Remembered[None] = Remembered(lambda: USED_SECONDS, monotonic)

    async def actor(self, authorization: str, *, address: str | None = None, behalf: str | None = None) -> Actor:
        """Return the caller that an Authorization header names. Raises TokenRefused."""
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise TokenRefused("not a bearer token")
        if token.startswith("tw_"):
            return await self._with_key(token, address=address, behalf=behalf)
        claims = await self.claims(token)
        known = await (self._person(claims) if "sid" in claims else self._machine(claims))
        if isinstance(known, KnownPerson):
            return _person(known, claims, address=address, behalf=behalf)
        factor = str(claims.get("factor", "secret"))
        return _machine(known, _granted(claims), factor=factor, address=address, behalf=behalf)

    async def claims(self, token: str) -> Mapping[str, Any]:
        """Return the claims of one of our access tokens that is in its time. Raises TokenRefused."""
        await self.keyring.fresh()
        if (known := self._checked.get(token)) is not None:
            return known
        try:
            claims = self.tokens.check(token)
        except KeyUnknown:
            if not await self.keyring.unknown():
                raise
            claims = self.tokens.check(token)
        self._checked.put(token, claims)
        return claims

    async def _person(self, claims: Mapping[str, Any]) -> KnownPerson:
        sid = str(claims["sid"])
        known = await self._people.get(sid, lambda: self.credentials.person(sid), _of_operator)
        now = self.tokens.clock.now()
        if known is None or known.session.ended_at is not None or now >= known.session.ends_at:
            raise TokenRefused("session ended")
        if known.state is not UserState.ACTIVE or known.portal.revoked_at is not None:
            raise TokenRefused("user disabled, or portal revoked")
        session = known.session
        if known.level.requires_second_factor and "+" not in session.factor:
            raise TokenRefused("the level asks for a second factor by now")
        if claims["operator"] != session.operator or claims["client_id"] != session.client_id:
            raise TokenRefused("not this session's")
        return known

    async def _machine(self, claims: Mapping[str, Any]) -> Known:
        known = await self.known(str(claims["client_id"]))
        if known is None or known.client.revoked_at is not None:
            raise TokenRefused("client revoked")
        if claims["operator"] != known.client.operator or claims.get("reseller") != known.client.reseller:
            raise TokenRefused("client moved")
        return known

    async def _with_key(self, text: str, *, address: str | None, behalf: str | None) -> Actor:
        if not KEY.fullmatch(text):
            raise TokenRefused("not an API key")
        sha256, now = digest(text), self.tokens.clock.now()
        known = await self._keys.get(
            sha256, lambda: self.credentials.api_key(sha256), lambda one: not _of_reseller(one)
        )
        if known is None or not known.key.holds(now):
            raise TokenRefused("API key unknown, revoked or ended")
        key = known.key
        await self._used.get(key.id, lambda: self.credentials.used(key.id, key.operator, at=now), lambda _: True)
        return Actor(
            operator=key.operator,
            client=key.prefix,
            scopes=key.scopes if key.reseller is None else key.scopes - OPERATOR_ONLY,
            reseller=key.reseller,
            resellers=known.resellers,
            address=address,
            edition=known.edition,
            factor="api-key",
            behalf=behalf,
        )

    async def client(self, authorization: str, *, address: str | None = None, behalf: str | None = None) -> Actor:
        """Return the client that HTTP Basic (RFC 7617) names by its id and secret. Raises TokenRefused.

        For routes that are called by programs which know no tokens, such as a switch.
        """
        scheme, _, pair = authorization.partition(" ")
        if scheme.lower() != "basic":
            return await self.actor(authorization, address=address, behalf=behalf)
        try:
            client_id, colon, secret = base64.b64decode(pair.strip(), validate=True).decode().partition(":")
        except ValueError:
            raise TokenRefused("not a pair of client and secret") from None
        if not colon:
            raise TokenRefused("not a pair of client and secret")
        return await self.by_secret(client_id, secret, address=address, behalf=behalf)

    async def by_secret(
        self, client_id: str, secret: str, *, address: str | None = None, behalf: str | None = None
    ) -> Actor:
        """Return the client of an id and a secret, with everything it holds. Raises TokenRefused."""
        known = await self.known(client_id)
        # An unknown client takes the same work as a wrong secret.
        held = known.client.secret_sha256 if known is not None else bytes(32)
        right = hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), held)
        if known is None or not right or not _by_itself(known.client):
            raise TokenRefused("unknown client, wrong secret or revoked")
        return _machine(known, known.client.scopes, factor="secret", address=address, behalf=behalf)

    def by_digest(self, known: Known, *, address: str | None, behalf: str | None) -> Actor:
        """Return a client that has proved its secret otherwise, with everything it holds. Raises TokenRefused."""
        if not _by_itself(known.client):
            raise TokenRefused("a client that may not act by a secret")
        return _machine(known, known.client.scopes, factor="secret", address=address, behalf=behalf)

    async def known(self, client_id: str) -> Known | None:
        """Return a client as it was a moment ago; None where there is none."""
        return await self._clients.get(client_id, lambda: self.credentials.find(client_id), _machine_of_operator)


def _machine(known: Known, scopes: frozenset[Action], *, factor: str, address: str | None, behalf: str | None) -> Actor:
    client = known.client
    held = scopes & client.scopes
    actor = Actor(
        operator=client.operator,
        client=client.client_id,
        scopes=held if client.reseller is None else held - OPERATOR_ONLY,
        reseller=client.reseller,
        resellers=known.resellers,
        address=address,
        edition=known.edition,
        factor=factor,
        behalf=behalf,
    )
    return actor if known.level is None else with_level(actor, known.level)


def _person(known: KnownPerson, claims: Mapping[str, Any], *, address: str | None, behalf: str | None) -> Actor:
    session = known.session
    held = _granted(claims) & known.portal.scopes
    actor = Actor(
        operator=session.operator,
        client=session.client_id,
        scopes=held if known.reseller is None else held - OPERATOR_ONLY,
        reseller=known.reseller,
        resellers=known.resellers,
        address=address,
        edition=known.edition,
        user=session.user,
        factor=session.factor,
        session=session.sid,
        behalf=behalf,
        language=known.language,
    )
    return with_level(actor, known.level)


def _by_itself(client: ApiClient) -> bool:
    """Tell whether a client may act for itself by its secret: a portal acts for people alone."""
    return client.revoked_at is None and client.has_secret and client.portal is None


def _granted(claims: Mapping[str, Any]) -> frozenset[Action]:
    return frozenset(SCOPES[word] for word in str(claims["scope"]).split() if word in SCOPES)


def _machine_of_operator(known: Known | None) -> bool:
    return known is None or known.client.reseller is None


def _of_operator(known: KnownPerson | None) -> bool:
    return known is None or known.reseller is None


def _of_reseller(known: KnownKey | None) -> bool:
    return known is not None and known.key.reseller is not None
