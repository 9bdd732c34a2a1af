"""The signature under an anchor of the audit trail: a JWS (RFC 7515) by the keys that sign tokens too.

Its private half is sealed by the master key, which is not in the database, so that whoever may write everything there
still cannot sign. The type ``trail-anchor`` keeps one from passing for an access token.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from domain.access.chain import Anchor
from domain.ports.credentials import SigningKey
from domain.ports.trail import Sign
from domain.refusal import Unreadable

ALGORITHM: Final = "ES256"
TYPE: Final = "trail-anchor+jws"
LINES_MAX: Final = 1_000_000


def signing(stored: Sequence[SigningKey], issuer: str) -> Sign:
    """Return what signs anchors with the newest of the keys."""
    newest = next(key for key in stored if key.retired_at is None)
    key = ECKey.import_key(newest.private_pem)

    def sign(operator: int, seq: int, hashed: bytes, at: datetime) -> tuple[str, str]:
        told = {"iss": issuer, "operator": operator, "seq": seq, "hash": hashed.hex(), "at": at.isoformat()}
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": newest.kid}
        token = jws.serialize_compact(header, json.dumps(told, sort_keys=True), key, algorithms=[ALGORITHM])
        return newest.kid, token

    return sign


def read_anchor(token: str, stored: Sequence[SigningKey]) -> Anchor | None:
    """Return what a token signed by any of the keys says, retired ones too; None where it is not."""
    keys = {key.kid: ECKey.import_key(key.private_pem) for key in stored}

    def chosen(signed: object) -> ECKey:
        kid = signed.headers().get("kid")  # type: ignore[attr-defined]  # joserfc's guest
        if kid not in keys:
            raise ValueError("no such key")
        return keys[kid]

    try:
        read = jws.deserialize_compact(token, chosen, algorithms=[ALGORITHM])
        header = read.headers()
        if header.get("typ") != TYPE:
            return None
        told = json.loads(read.payload)
        return Anchor(
            operator=int(told["operator"]),
            seq=int(told["seq"]),
            hash=bytes.fromhex(told["hash"]),
            made_at=datetime.fromisoformat(told["at"]).astimezone(UTC),
            kid=str(header["kid"]),
            token=token,
        )
    except (JoseError, ValueError, KeyError, TypeError):
        return None


def is_signed(anchor: Anchor, stored: Sequence[SigningKey]) -> bool:
    """Tell whether an anchor's token is ours and says what the anchor says."""
    read = read_anchor(anchor.token, stored)
    return read is not None and (read.operator, read.seq, read.hash) == (anchor.operator, anchor.seq, anchor.hash)


def hand_out(anchors: Sequence[Anchor], path: Path) -> None:
    """Add anchors to a file outside of the database, a token a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        for one in anchors:
            file.write(f"{one.token}\n")


def handed_out(path: Path, stored: Sequence[SigningKey]) -> list[Anchor]:
    """Read anchors that were handed out. Refuses with: Unreadable (also for one that is not signed by us)."""
    try:
        lines = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as fault:
        raise Unreadable("{path} cannot be read: {fault}", path=path, fault=fault) from None
    found = []
    for number, token in enumerate(lines[:LINES_MAX], start=1):
        one = read_anchor(token, stored)
        if one is None:
            raise Unreadable("line {line} of {path} is no anchor signed by us", line=number, path=path)
        found.append(one)
    return found
