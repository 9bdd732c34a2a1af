"""Every test runs twice: in memory and on PostgreSQL."""

from __future__ import annotations

from tests.stores.conftest import stores_database, world

__all__ = ["stores_database", "world"]
