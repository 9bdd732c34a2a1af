"""The application with its tenants, as ``tests/api`` has it."""

from __future__ import annotations

from tests.api.conftest import house, live

__all__ = ["house", "live"]
