"""Signatures by the published vector, and by what a receiver checks (H5)."""

from __future__ import annotations

import pytest

from domain.refusal import BadValue
from domain.webhooks.signature import read_secret, signature, signed, verified, write_secret

# The vector that docs/webhooks.md publishes; it is the one of the standard's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
IDENTITY = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SECONDS = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
HEADERS = {"webhook-id": IDENTITY, "webhook-timestamp": str(SECONDS), "webhook-signature": SIGNATURE}


def test_the_published_vector() -> None:
    assert signature(SECRET, identity=IDENTITY, seconds=SECONDS, body=BODY) == SIGNATURE
    assert verified(SECRET, HEADERS, BODY, now=SECONDS + 300)


@pytest.mark.parametrize(
    ("changes", "body", "now"),
    [
        ({}, BODY + b" ", SECONDS),
        ({}, BODY, SECONDS + 301),  # replayed later
        ({}, BODY, SECONDS - 301),
        ({"webhook-timestamp": str(SECONDS + 1)}, BODY, SECONDS),
        ({"webhook-timestamp": "soon"}, BODY, SECONDS),
        ({"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"}, BODY, SECONDS),
        ({"webhook-id": "msg_other"}, BODY, SECONDS),
        ({"webhook-signature": ""}, BODY, SECONDS),
        ({"webhook-signature": SIGNATURE[:-2] + "8="}, BODY, SECONDS),
    ],
)
def test_forged_and_replayed_ones_are_told(changes: dict[str, str], body: bytes, now: int) -> None:
    assert not verified(SECRET, HEADERS | changes, body, now=now)


def test_while_a_secret_is_changed_either_verifies() -> None:
    new = write_secret(bytes(range(32)))
    headers = signed([new, SECRET], identity=IDENTITY, seconds=SECONDS, body=BODY)
    assert headers["webhook-signature"].count("v1,") == 2
    assert verified(SECRET, headers, BODY, now=SECONDS)
    assert verified(new, headers, BODY, now=SECONDS)
    assert not verified(write_secret(bytes(32)), headers, BODY, now=SECONDS)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%", "whsec_" + "A" * 200])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(BadValue, match="24 to 64 bytes"):
        read_secret(secret)
