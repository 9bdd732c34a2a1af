"""Access tokens whose signature and claims were just checked, so that a client's next request need not verify it again.

Verifying ES256 costs some 0.3 ms, which is more than all else that is asked of a caller. What is kept is the SHA-256 of
the token, never the token. Only that it is one of ours and in its time is remembered: who it stands for, and whether he
still may, is looked up as ever.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from domain.ports.clock import Clock

TOKENS_MAX: Final = 10_000
BELIEVED_SECONDS: Final = 30  # a signing key that is retired is believed no longer than this, whoever forgets to tell


class CheckedTokens:
    """A bounded memory of checked tokens; the one that was asked for longest ago goes first."""

    def __init__(
        self, clock: Clock, *, tokens_max: int = TOKENS_MAX, believed_seconds: float = BELIEVED_SECONDS
    ) -> None:
        self._clock = clock
        self._max = tokens_max
        self._believed = believed_seconds
        self._known: OrderedDict[bytes, tuple[float, float, Mapping[str, Any]]] = OrderedDict()

    def get(self, token: str) -> Mapping[str, Any] | None:
        """Return the claims of a token that was checked within the last seconds and has not expired, else None."""
        key = _key(token)
        if (found := self._known.get(key)) is None:
            return None
        since, until, claims = found
        # Not before it was put either: a clock that is set back must not make a token valid longer.
        if not since <= self._clock.now().timestamp() < until:
            del self._known[key]
            return None
        self._known.move_to_end(key)
        return claims

    def put(self, token: str, claims: Mapping[str, Any]) -> None:
        """Remember the claims of a token that was found right just now; ``exp`` among them, in seconds (RFC 7519)."""
        now = self._clock.now().timestamp()
        until = min(float(claims["exp"]), now + self._believed)
        key = _key(token)
        self._known[key] = (now, until, MappingProxyType(dict(claims)))
        self._known.move_to_end(key)
        if len(self._known) > self._max:
            self._known.popitem(last=False)

    def forget(self) -> None:
        """Forget every token: the signing keys are others now."""
        self._known.clear()

    def __len__(self) -> int:
        return len(self._known)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
