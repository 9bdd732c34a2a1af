"""WS-Security's UsernameToken (OASIS UsernameToken Profile 1.1) in SOAP 1.1 and 1.2, for machines.

PasswordText carries the client's secret, or an API key whose user name is its beginning; it is taken where the way here
keeps it from being read: TLS, or this machine itself. PasswordDigest is ``Base64(SHA-1(nonce + created + secret))``: it
needs the secret itself, so it is for clients alone that were given one for it, kept sealed. Its nonce is good once and
its time for five minutes. The header is taken out of the envelope before the codec sees it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml import etree
from starlette.requests import Request

from api.auth.bearer import Bearer
from api.auth.tokens import TokenRefused
from domain.access.actor import Actor
from domain.ports.transports import TransportFault, Vault
from domain.usecases.create_portal import about

WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
SECURITY: Final = f"{{{WSSE}}}Security"
_PROFILE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
TEXT: Final = f"{_PROFILE}#PasswordText"
DIGEST: Final = f"{_PROFILE}#PasswordDigest"
WINDOW: Final = timedelta(minutes=5)
TEXT_MAX: Final = 500
NONCE_MIN, NONCE_MAX = 8, 128


@dataclass(frozen=True, slots=True, repr=False)
class UsernameToken:
    """What a client shows of itself."""

    username: str
    password: str
    digest: bool
    nonce: bytes | None = None
    created: str | None = None


def read_token(security: etree._Element) -> UsernameToken:
    """Return the token of a Security header; whatever else stands in it is no proof. Raises TokenRefused."""
    tokens = security.findall(f"{{{WSSE}}}UsernameToken")
    if len(tokens) != 1:
        raise TokenRefused("not one UsernameToken")
    found: dict[str, etree._Element] = {}
    for child in tokens[0].iterchildren(tag=etree.Element):
        name = etree.QName(child).localname
        if name in found or len(child.text or "") > TEXT_MAX or len(child):
            raise TokenRefused("a part of the UsernameToken is not of its form")
        found[name] = child
    if "Username" not in found or "Password" not in found:
        raise TokenRefused("no user name or password")
    kind = found["Password"].get("Type", TEXT)
    if kind not in {TEXT, DIGEST}:
        raise TokenRefused("a password of an unknown kind")
    nonce = None
    if "Nonce" in found:
        try:
            nonce = base64.b64decode((found["Nonce"].text or "").strip(), validate=True)
        except (binascii.Error, ValueError):
            raise TokenRefused("a nonce that is not base64") from None
    return UsernameToken(
        username=(found["Username"].text or "").strip(),
        password=found["Password"].text or "",
        digest=kind == DIGEST,
        nonce=nonce,
        created=(found["Created"].text or "").strip() if "Created" in found else None,
    )


def in_secret(request: Request) -> bool:
    """Tell whether nobody on the way could read the request: TLS, or this machine itself."""
    if request.url.scheme == "https":
        return True
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


class Security:
    """Knows who shows a token."""

    def __init__(self, bearer: Bearer, vault: Vault, *, anywhere: bool) -> None:
        """``anywhere``: PasswordText is taken over an open way too."""
        self._bearer = bearer
        self._vault = vault
        self._anywhere = anywhere

    async def actor(self, security: etree._Element, request: Request) -> Actor:
        """Return who calls. Raises TokenRefused."""
        token = read_token(security)
        address = request.client.host if request.client else None
        if token.digest:
            return await self._by_digest(token, address)
        if not self._anywhere and not in_secret(request):
            raise TokenRefused("a password in plain text over an open way")
        if token.created is not None:
            self._fresh(token.created)
        if token.password.startswith("tw_"):
            actor = await self._bearer.actor(f"Bearer {token.password}", address=address)
            if actor.client != token.username:
                raise TokenRefused("another key's name")
            return actor
        return await self._bearer.by_secret(token.username, token.password, address=address)

    async def _by_digest(self, token: UsernameToken, address: str | None) -> Actor:
        if token.nonce is None or token.created is None or not NONCE_MIN <= len(token.nonce) <= NONCE_MAX:
            raise TokenRefused("a digest without nonce and time")
        created = self._fresh(token.created)
        known = await self._bearer.known(token.username)
        client = known.client if known is not None else None
        secret = ""
        if client is not None and client.sealed_secret is not None:
            try:
                secret = self._vault.open(client.sealed_secret, about=about(client))
            except TransportFault:
                raise TokenRefused("a sealed secret that cannot be opened") from None
        made = hashlib.sha1(token.nonce + token.created.encode() + secret.encode(), usedforsecurity=False).digest()
        right = hmac.compare_digest(base64.b64encode(made), token.password.strip().encode())
        if known is None or client is None or not secret or not right or client.revoked_at is not None:
            raise TokenRefused("unknown client, wrong digest, revoked, or none for digests")
        now = self._bearer.tokens.clock.now()
        said = hashlib.sha256(token.nonce + token.created.encode()).digest()
        owner = f"wsse:{client.client_id}"
        # Kept for as long as its time would let it in, wherever in the window that lies.
        if not await self._bearer.credentials.once(owner, said, until=created + 2 * WINDOW, now=now):
            raise TokenRefused("a nonce that was shown before")
        return self._bearer.by_digest(known, address=address, behalf=None)

    def _fresh(self, text: str) -> datetime:
        try:
            created = datetime.fromisoformat(text)
        except ValueError:
            raise TokenRefused("a time that is none") from None
        created = created.replace(tzinfo=UTC) if created.tzinfo is None else created.astimezone(UTC)
        if abs(self._bearer.tokens.clock.now() - created) > WINDOW:
            raise TokenRefused("a time outside the window")
        return created
