"""A client's public keys for signed assertions: read as a JWK set, with nothing private, weak or of another kind."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Final

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from domain.refusal import BadValue
from domain.usecases.create_portal import KEYS_MAX

BITS_MIN: Final = 2048
BITS_MAX: Final = 8192
CURVES: Final = frozenset({"P-256", "P-384", "Ed25519"})
KID_MAX: Final = 100


def read_keys(keys: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a JWK set (RFC 7517) of public keys, each with its ``kid``. Refuses with: BadValue."""
    listed = keys.get("keys")
    if not isinstance(listed, list) or not 1 <= len(listed) <= KEYS_MAX:
        raise BadValue("keys is a JWK set with 1 to {most} keys", most=KEYS_MAX, field="keys")
    found = [_one(key, index) for index, key in enumerate(listed)]
    if len({key["kid"] for key in found}) != len(found):
        raise BadValue("two keys have one kid", field="keys")
    return {"keys": found}


def _one(key: Any, index: int) -> dict[str, Any]:
    field = f"keys.{index}"
    kid = key.get("kid") if isinstance(key, dict) else None
    if not isinstance(kid, str) or not 1 <= len(kid) <= KID_MAX or not kid.isprintable():
        raise BadValue("a key has a kid of 1 to {most} characters", most=KID_MAX, field=field)
    if any(name in key for name in ("d", "p", "q", "k", "dp", "dq", "qi")):
        raise BadValue("this key is private: keep it, and give its public half", field=field)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # of a short key, which is refused below
            (read,) = KeySet.import_key_set({"keys": [key]}).keys
    except (JoseError, ValueError, TypeError, KeyError):
        raise BadValue("this is no key (RFC 7517)", field=field) from None
    match read:
        case RSAKey() if BITS_MIN <= read.public_key.key_size <= BITS_MAX:
            kept: tuple[str, ...] = ("kty", "n", "e")
        case ECKey() | OKPKey() if key.get("crv") in CURVES:
            kept = ("kty", "crv", "x", "y")
        case _:
            raise BadValue(
                "a key is RSA of {least} bits or more, EC of P-256 or P-384, or Ed25519", least=BITS_MIN, field=field
            )
    return {"kid": kid} | {name: key[name] for name in kept if name in key}
