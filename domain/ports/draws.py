"""What buckets and counted discounts need of the world: their standing, claimed by customer, and what events drew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import polars as pl

from domain.buckets.balance import Line
from domain.buckets.standing import Moved, Standing
from domain.ids import CustomerId
from domain.intake.subscribers import Pricing
from domain.ports.grants import Crossing


class Draws(Protocol):
    """Standings of the unit's operator. All but ``standing`` and ``shares`` ask for a bulk unit."""

    async def claim(self, customers: Sequence[int]) -> None:
        """Let nobody else draw for these customers until the unit ends. Once in a unit, against deadlock.

        Raises ``Collision`` where somebody else holds one of them for too long.
        """
        ...

    async def standing(self, customers: Sequence[int]) -> Standing:
        """Return what is stored of these customers."""
        ...

    async def balances(self, customer: int) -> Standing:
        """Return what is stored of a customer's buckets; no volumes, nor who was last."""
        ...

    async def lines(
        self, customer: int, contract: int | None, subscription: int | None, *, first: int
    ) -> Sequence[Line]:
        """Return a customer's lines, of one contract or one alone, by key."""
        ...

    async def lines_of(self, customers: Sequence[int]) -> Sequence[Line]:
        """Return the lines of all of these customers."""
        ...

    async def between(self, customers: Sequence[int], since: datetime, until: datetime) -> tuple[Standing, Standing]:
        """Return how these customers' buckets stood at two instants, by the time of events, gifts and losses."""
        ...

    async def put(self, moved: Moved, *, at: datetime) -> None:
        """Write how the standing of claimed customers changes, and what was drawn more or less by it.

        Balances are to say what they have reached; ``domain.buckets.keeping.keep_draws`` sees to that.
        """
        ...

    async def cross(self, found: Sequence[tuple[int, Crossing]]) -> None:
        """Keep thresholds that balances of customers crossed."""
        ...

    async def granted(self, customers: Sequence[int]) -> Sequence[int]:
        """Return those of these customers who were granted anything beside plans."""
        ...

    async def disturb(self, subscriptions: Sequence[int]) -> None:
        """Note that events of these subscriptions have gone, so that what came after them must be drawn again."""
        ...

    async def shares(self, events: pl.DataFrame) -> pl.DataFrame:
        """Return what events (``start`` in µs, ``source``, ``key``, ``version``) drew, as ``standing.KEPT``."""
        ...

    async def unsettled(self, customers: Sequence[int]) -> pl.DataFrame:
        """Return the present versions of these customers' events that are not settled, as ``STORED``."""
        ...

    async def pricings(self, keys: Sequence[int]) -> Mapping[int, Pricing]:
        """Return what subscriptions were rated by, by key."""
        ...

    async def disordered(self, customers: Sequence[CustomerId] | None, *, after: int, first: int) -> Sequence[int]:
        """Return the next customers, of these or of all, with a subscription that is disordered."""
        ...

    async def fence(self) -> bool:
        """Hold off every commit of usage until the unit ends; tell whether no bill run is unfinished."""
        ...

    async def close(self, customers: Sequence[CustomerId] | None, *, until: datetime, horizon: int) -> None:
        """Make the draws final of usage before ``until`` in chunks up to ``horizon``; never of less than before."""
        ...
