"""The store of how sellers' documents look."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from domain.ids import ResellerId
from domain.invoicing.branding import Branding


class Brands(Protocol):
    """Brands of the operator and of his resellers, each from a day on; everybody's documents are drawn by them."""

    async def at(self, reseller: ResellerId | None, on: date) -> Branding | None:
        """Return a seller's brand that holds on a day; None where none has been set until then."""
        ...

    async def last(self, reseller: ResellerId | None) -> Branding | None:
        """Return a seller's brand that was set last, locked until the unit ends."""
        ...

    async def put(self, brand: Branding) -> Branding:
        """Keep a brand from its day on, in place of one of the same day."""
        ...
