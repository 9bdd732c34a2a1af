"""Approvals by a second person, and limits of a day."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0062_approvals.sql")
