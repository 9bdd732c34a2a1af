"""Sheets are tried in memory and on PostgreSQL, like the stores."""

from __future__ import annotations

from tests.stores.conftest import stores_database, world

__all__ = ["stores_database", "world"]
