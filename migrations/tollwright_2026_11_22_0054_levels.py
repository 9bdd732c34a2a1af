"""User levels."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0054_levels.sql")
