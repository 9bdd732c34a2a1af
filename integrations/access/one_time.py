"""Time-based one-time passwords (RFC 6238) by pyotp."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import pyotp

STEP_SECONDS: Final = 30
WINDOW: Final = 1
_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)


class PyotpCodes:
    """Keeps ``domain.ports.factors.OneTimeCodes``."""

    def make_seed(self) -> str:
        """Return a random seed of 160 bits in base32."""
        return pyotp.random_base32()

    def uri(self, seed: str, *, account: str, issuer: str) -> str:
        """Return the ``otpauth://`` address that an app reads."""
        # A colon parts issuer and account in the label; pyotp would put one in a name there as it is.
        return pyotp.TOTP(seed).provisioning_uri(name=account, issuer_name=issuer.replace(":", " "))

    def step_of(self, seed: str, code: str, at: datetime) -> int | None:
        """Return the time step that a code is of, the one before and the one behind included; None: of none."""
        plain = re.sub(r"\s", "", code[:20])
        if not _CODE.fullmatch(plain):
            return None
        now = int(at.timestamp()) // STEP_SECONDS
        otp = pyotp.TOTP(seed)
        found = None
        for step in range(now - WINDOW, now + WINDOW + 1):  # all are compared, whichever fits
            if pyotp.utils.strings_equal(otp.generate_otp(step), plain):
                found = step
        return found
