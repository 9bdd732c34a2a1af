"""The store of what another system is given, and of the names it has for things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from domain.basis.batch import BasisBatch, BasisLine


class BasisStore(Protocol):
    """The operator's batches and external keys."""

    async def keys(self, kind: str, names: Sequence[str]) -> Mapping[str, tuple[int, bytes]]:
        """Return the key and the content of things that another system named, locked until the unit ends."""
        ...

    async def put_key(self, kind: str, name: str, key: int, content: bytes) -> None:
        """Keep what another system names a thing, and what it last said of it."""
        ...

    async def open(self) -> BasisBatch | None:
        """Return the batch that is not acknowledged; None where there is none, and nobody else makes one meanwhile."""
        ...

    async def make(self, *, made_at: datetime, zone: str, elsewhere: Mapping[str, bool] | None = None) -> BasisBatch:
        """Make the batch of everything rated since the last one, and of what runs have charged beside it.

        ``elsewhere``: by group of customers ('' is everybody in none of them) whether another system invoices them;
        only their usage is in it, by who pays, and of whoever has come since the last all that no batch gave and no
        invoice billed; none while a bill run is not finished. None: everybody's. The unit begins with ``bulk=True``.
        """
        ...

    async def get(self, key: int) -> BasisBatch:
        """Return one. Refuses with: NotFound."""
        ...

    async def lines(self, key: int, *, first: int, after: int) -> tuple[Sequence[BasisLine], bool]:
        """Return the lines behind a position; the second tells whether more follow."""
        ...

    async def acknowledge(self, key: int, *, at: datetime) -> BasisBatch:
        """Say that the other system has a batch; said again, nothing changes. Refuses with: NotFound."""
        ...
