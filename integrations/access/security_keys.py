"""Security keys by WebAuthn Level 2, with the library py_webauthn.

No attestation is asked for: which make of key somebody has is his own affair. That he was there is required, that the
key looked at a PIN or a finger is not, since it is the second factor beside a password.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import webauthn
from webauthn.helpers import base64url_to_bytes, options_to_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from domain.access.proof import SecurityKey
from domain.ports.factors import Asked, KeyRefused, Registered

SENT_MAX = 20_000
# What the library raises of its own, and what comes up where a part is of another kind than it thinks.
_WRONG = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)


class WebAuthnKeys:
    """Keeps ``domain.ports.factors.SecurityKeys``."""

    def registration(self, *, rp: str, title: str, person: bytes, account: str, known: Sequence[SecurityKey]) -> Asked:
        """Ask for a new key, none of the ``known``."""
        options = webauthn.generate_registration_options(
            rp_id=rp,
            rp_name=title,
            user_id=person,
            user_name=account,
            user_display_name=account,
            exclude_credentials=_descriptors(known),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=UserVerificationRequirement.PREFERRED
            ),
        )
        return Asked(challenge=options.challenge, options=options_to_json(options))

    def register(self, sent: str, *, challenge: bytes, rp: str, origins: Sequence[str]) -> Registered:
        """Look at what a browser answered. Raises KeyRefused."""
        try:
            found = webauthn.verify_registration_response(
                credential=_read(sent), expected_challenge=challenge, expected_rp_id=rp, expected_origin=list(origins)
            )
        except _WRONG as wrong:
            raise KeyRefused(str(wrong)) from None
        return Registered(
            credential=found.credential_id, public_key=found.credential_public_key, sign_count=found.sign_count
        )

    def request(self, *, rp: str, known: Sequence[SecurityKey]) -> Asked:
        """Ask for a signature by one of the ``known``."""
        options = webauthn.generate_authentication_options(rp_id=rp, allow_credentials=_descriptors(known))
        return Asked(challenge=options.challenge, options=options_to_json(options))

    def credential(self, sent: str) -> bytes:
        """Return which key an answer is by. Raises KeyRefused."""
        try:
            return base64url_to_bytes(str(_read(sent)["id"]))
        except _WRONG as wrong:
            raise KeyRefused(str(wrong)) from None

    def check(self, sent: str, *, challenge: bytes, origins: Sequence[str], key: SecurityKey) -> int:
        """Look at a signature; return the key's counter. Raises KeyRefused, also where the counter went back."""
        try:
            found = webauthn.verify_authentication_response(
                credential=_read(sent),
                expected_challenge=challenge,
                expected_rp_id=key.rp,
                expected_origin=list(origins),
                credential_public_key=key.public_key,
                credential_current_sign_count=key.sign_count,
            )
        except _WRONG as wrong:
            raise KeyRefused(str(wrong)) from None
        return found.new_sign_count


def _descriptors(known: Sequence[SecurityKey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=one.credential) for one in known]


def _read(sent: str) -> dict[str, object]:
    if len(sent) > SENT_MAX:
        raise KeyRefused("too long")
    read = json.loads(sent)
    if not isinstance(read, dict):
        raise KeyRefused("not an object")
    return read
