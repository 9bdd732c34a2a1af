"""What an operator's edition holds: which permissions there are in it, and what else it sells.

Every use case asks ``allow`` for a permission, and ``allow`` looks here first; so what is outside an edition is refused
once and everywhere, whoever asks and over whatever protocol. An action that is not named below is in every edition.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Edition(StrEnum):
    """What an operator uses the system for.

    ``retail``: everything. ``wholesale``: sells to organisations and resellers, not to persons. ``rating_only``: prices
    events for another system, which has the customers and makes the invoices.
    """

    RETAIL = "retail"
    WHOLESALE = "wholesale"
    RATING_ONLY = "rating_only"


class Part(StrEnum):
    """What an edition may lack besides permissions; its value is how a refusal names it."""

    PERSONS = "customers who are persons"
    PRESELECTION = "carrier preselection"
    GIFTS = "gifts between subscriptions"


ALL: Final = frozenset(Edition)
_INVOICING: Final = frozenset({Edition.RETAIL, Edition.WHOLESALE})

# By the permission's own word, so that this stands below domain.access.actor.
ACTIONS: Final[Mapping[str, frozenset[Edition]]] = {
    # The other system has them, and says so by syncCustomers.
    "customers:write": _INVOICING,
    "contracts:write": _INVOICING,
    "network:manage": _INVOICING,
    "bills:run": _INVOICING,
    "invoices:read": _INVOICING,
    "payments:read": _INVOICING,
    "payments:write": _INVOICING,
    "payouts:write": _INVOICING,
    "commissions:read": _INVOICING,
    "credit:authorise": _INVOICING,
    "credit:manage": _INVOICING,
    "commissions:write": _INVOICING,
    # Only where another system makes the invoices.
    "customers:sync": frozenset({Edition.RATING_ONLY}),
}
PARTS: Final[Mapping[Part, frozenset[Edition]]] = {
    Part.PERSONS: ALL - {Edition.WHOLESALE},
    Part.PRESELECTION: frozenset({Edition.RETAIL}),
    Part.GIFTS: frozenset({Edition.RETAIL}),
}


def editions_of(action: str) -> frozenset[Edition]:
    """Return the editions that a permission is in."""
    return ACTIONS.get(action, ALL)


def names(editions: frozenset[Edition]) -> str:
    """Return editions as a refusal lists them.

    >>> names(frozenset({Edition.WHOLESALE, Edition.RETAIL}))
    'retail, wholesale'
    """
    return ", ".join(each.value for each in Edition if each in editions)
