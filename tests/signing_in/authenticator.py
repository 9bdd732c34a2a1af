"""A security key in software: an EC key, a counter, and the bytes that WebAuthn wants (CBOR, RFC 8949)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Authenticator:
    """One key; ``count`` is its counter."""

    origin: str
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    secret: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    count: int = 0

    def _client(self, kind: str, challenge: str, origin: str | None) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": origin or self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _data(self, rp: str, flags: int, more: bytes = b"") -> bytes:
        self.count += 1
        return hashlib.sha256(rp.encode()).digest() + bytes([flags]) + struct.pack(">I", self.count) + more

    def create(self, options: str, *, origin: str | None = None) -> str:
        """Answer navigator.credentials.create."""
        asked: dict[str, Any] = json.loads(options)
        numbers = self.secret.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        attested = bytes(16) + struct.pack(">H", len(self.credential)) + self.credential + encode_cbor(cose)
        data = self._data(asked["rp"]["id"], PRESENT | ATTESTED, attested)
        response = {
            "clientDataJSON": b64(self._client("webauthn.create", asked["challenge"], origin)),
            "attestationObject": b64(encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})),
        }
        return self._sent(response)

    def get(self, options: str, *, origin: str | None = None, count: int | None = None) -> str:
        """Answer navigator.credentials.get."""
        asked: dict[str, Any] = json.loads(options)
        if count is not None:
            self.count = count
        client = self._client("webauthn.get", asked["challenge"], origin)
        data = self._data(asked["rpId"], PRESENT)
        signature = self.secret.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
        return self._sent(response)

    def _sent(self, response: dict[str, str]) -> str:
        name = b64(self.credential)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
