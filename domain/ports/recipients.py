"""Where recipients of e-invoices say what they can take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Recipients(Protocol):
    """The network's own register of its participants."""

    async def documents(self, participant: str, zone: str, *, ca: str | None = None) -> Sequence[str] | None:
        """Return the types of documents that a participant (``0007:5567037485``) takes; None: nobody knows him.

        ``zone`` is where the network's names are looked up. Raises TransportFault: nobody answers.
        """
        ...
