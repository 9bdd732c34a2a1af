"""Signatures as Standard Webhooks 1.0 writes them (standardwebhooks.com): HMAC-SHA256 over id, time and body.

A receiver may use that project's libraries. The secret is ``whsec_`` and the key in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

from domain.refusal import BadValue

PREFIX: Final = "whsec_"
KEY_BYTES: Final = 32
KEY_BYTES_MIN: Final = 24
KEY_BYTES_MAX: Final = 64
TOLERANCE_SECONDS: Final = 300


def write_secret(key: bytes) -> str:
    """Write a key of 24 to 64 bytes as a receiver is given it."""
    return PREFIX + base64.b64encode(key).decode()


def read_secret(secret: str, *, field: str = "secret") -> bytes:
    """Return the key of a secret. Refuses with: BadValue."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise BadValue(
            "a secret is whsec_ and {least} to {most} bytes in base64",
            least=KEY_BYTES_MIN,
            most=KEY_BYTES_MAX,
            field=field,
        )
    return key


def signature(secret: str, *, identity: str, seconds: int, body: bytes) -> str:
    """Return one signature. ``seconds`` since 1970, when it is sent; ``identity`` is the same each time it is sent.

    >>> signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", identity="msg_p5jXN8AQM9LWM0D4loKWxJek", seconds=1614265330,
    ...     body=b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    made = hmac.new(read_secret(secret), f"{identity}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


def signed(secrets: Sequence[str], *, identity: str, seconds: int, body: bytes) -> dict[str, str]:
    """Return the headers of a delivery. While a secret is changed there are two, and a signature by each."""
    made = (signature(one, identity=identity, seconds=seconds, body=body) for one in secrets)
    return {"webhook-id": identity, "webhook-timestamp": str(seconds), "webhook-signature": " ".join(made)}


def verified(secret: str, headers: Mapping[str, str], body: bytes, *, now: int) -> bool:
    """Tell whether a delivery is genuine and recent, as its receiver does. ``now``: seconds since 1970."""
    sent, identity = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
    if not (sent.isascii() and sent.isdecimal() and len(sent) <= 12) or abs(now - int(sent)) > TOLERANCE_SECONDS:
        return False
    right = signature(secret, identity=identity, seconds=int(sent), body=body).encode()
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(one, right) for one in given)
