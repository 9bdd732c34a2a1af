"""The world of the intake's tests: costs in euro, prices in kronor, a reseller under a reseller, on both stores."""

from __future__ import annotations

from tests.intake.conftest import Importer, intake_database, load, stored, wiring, world

__all__ = ["Importer", "intake_database", "load", "stored", "wiring", "world"]
