"""The store of margins: what is rated, added up as a seller sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.ids import ChunkId
from domain.margins.margin import CallMargin, MarginBy, MarginFilter, MarginOrder, MarginSums, Terms
from domain.rating.rated_event import EventRef


class Margins(Protocol):
    """Margins of what the unit's actor may see. What the seller of the terms may see is the caller's to decide."""

    async def currencies(self) -> Sequence[str]:
        """Return every currency that any price list is or was in, by code."""
        ...

    async def sums(
        self,
        chosen: MarginFilter,
        by: MarginBy,
        terms: Terms,
        *,
        order: MarginOrder = MarginOrder.KEY,
        first: int,
        after: tuple[int, str] | None = None,
    ) -> tuple[Sequence[MarginSums], bool]:
        """Add up; ``after``: margin and key of the row before. The second tells whether more follow."""
        ...

    async def calls(
        self, chosen: MarginFilter, terms: Terms, *, below: bool, first: int, after: EventRef | None = None
    ) -> tuple[Sequence[CallMargin], bool]:
        """List events by (start, source, key); ``below``: only those with a margin below zero."""
        ...

    async def chunk(self, key: ChunkId) -> tuple[datetime, datetime, datetime] | None:
        """Return when a chunk was committed, and its events' first and last start; None where it has none."""
        ...

    async def chunks_since(self, at: datetime, *, first: int) -> Sequence[ChunkId]:
        """Return the chunks committed since an instant, by key; of more than ``first`` the last."""
        ...
