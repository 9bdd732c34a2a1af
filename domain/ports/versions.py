"""Versions of what people change as one thing and what stands in many rows of the database, or in none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol


class Versioned(StrEnum):
    """What has such a version. Its key: the list's name, reseller, customer, client id; '' of the operator's rules."""

    PRICES = "prices"
    RESELLER_TERMS = "reseller_terms"
    CUSTOMER_GROUPS = "customer_groups"
    GIFT_RULES = "gift_rules"
    MARGIN_RULES = "margin_rules"
    PORTALS = "portals"


class Versions(Protocol):
    """Versions from 1, which is what was never changed."""

    async def of(self, kind: Versioned, keys: Sequence[object]) -> Mapping[str, int]:
        """Return the version of each key, as text."""
        ...

    async def advance(self, kind: Versioned, key: object, expected: int | None) -> int:
        """Count a change, and return the version that it makes; whoever changes the same waits for this unit's end.

        ``expected``: the version that was read; None: whatever it is. Refuses with: Stale.
        """
        ...

    async def advance_all(self, kind: Versioned, keys: Sequence[object]) -> None:
        """Count a change of each."""
        ...
