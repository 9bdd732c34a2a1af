"""What re-rating and simulation need of the world: stored events in bulk, and the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import polars as pl

from domain.ids import ChunkId, ReratingId
from domain.ports.page import Page, PageRequest
from domain.rerating.rerating import Position, Rerating, Selection


class Reratings(Protocol):
    """Runs of the unit's operator. All but ``page`` ask for a bulk unit."""

    async def start(self, run: Rerating) -> Rerating:
        """Keep a new run (its ``id`` is 0), or return the unfinished one that was asked for in the same words."""
        ...

    async def claim(self, key: ReratingId) -> Rerating:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep(self, run: Rerating) -> None:
        """Write how far a run is."""
        ...

    async def page(self, request: PageRequest) -> Page[Rerating]:
        """List by key."""
        ...

    async def count(self, selection: Selection) -> int:
        """Return about how many rated events the period of a selection has."""
        ...

    async def stored(self, selection: Selection, after: Position | None, *, first: int) -> pl.DataFrame:
        """Return the present versions of the next rated events, as ``domain.rerating.columns.STORED``, in order."""
        ...

    async def traffic(
        self, since: datetime, until: datetime, after: Position | None, *, first: int
    ) -> tuple[pl.DataFrame, Position | None]:
        """Return the present versions of the next events, about ``first``, as ``domain.rerating.traffic.TRAFFIC``.

        With them the place to go on after, None where nothing is left.
        """
        ...

    async def held(self, selection: Selection, after: int, *, first: int) -> pl.DataFrame:
        """Return the next unrated events in suspense, as ``domain.rerating.columns.HELD``, by key."""
        ...

    async def rates(self, keys: Sequence[int]) -> Mapping[int, tuple[str, str]]:
        """Return the price list and currency of rate versions, replaced ones too."""
        ...

    async def known(self, price_list: str | None, destination: str | None) -> tuple[bool, bool]:
        """Tell whether there is, or ever was, a price list and a destination of these names."""
        ...

    async def destinations(self, keys: Sequence[int]) -> Mapping[int, str]:
        """Return the names of destinations, replaced ones too."""
        ...

    async def write(
        self,
        run: Rerating,
        believed_at: datetime,
        rows: pl.DataFrame,
        released: Sequence[int],
        shares: pl.DataFrame | None = None,
    ) -> ChunkId:
        """Write rows of ``STORED`` as one chunk, with what they drew (``KEPT``), and resolve what they release.

        Raises ``Collision``.
        """
        ...
