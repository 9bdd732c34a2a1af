"""Where a run puts away what it cannot hold in memory, for its own time alone."""

from __future__ import annotations

from typing import Any, Protocol


class Spool(Protocol):
    """Keeps things under names until they are taken back; gone when the run ends."""

    def put(self, name: str, thing: Any) -> None:
        """Keep a thing of numpy arrays and polars series under a new name."""
        ...

    def get(self, name: str) -> Any:
        """Return what is kept under a name."""
        ...

    def take(self, name: str) -> Any:
        """Return what is kept under a name, and keep it no longer."""
        ...
