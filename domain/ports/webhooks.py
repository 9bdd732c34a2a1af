"""HTTP towards addresses that others have given us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in lower case; ``body`` is the answer's beginning, at most 64 KiB."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def good(self) -> bool:
        """Whether the other side took it: a status of 2xx. A redirect is none, since it is not followed."""
        return 200 <= self.status < 300


class Http(Protocol):
    """Sends requests to checked addresses alone."""

    async def check(self, url: str, *, field: str = "url") -> None:
        """Look at an address before it is kept; a host that is not known yet may be kept. Refuses with: BadValue."""
        ...

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        ca: str | None = None,
        seconds: float = 10.0,
    ) -> Answer:
        """Send one request and return its answer, whatever its status. Raises ``TransportFault``."""
        ...
