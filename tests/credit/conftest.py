"""The world of the intake's tests, on PostgreSQL and in memory."""

from tests.intake.conftest import intake_database, load, stored, wiring, world

__all__ = ["intake_database", "load", "stored", "wiring", "world"]
