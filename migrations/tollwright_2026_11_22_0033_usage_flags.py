"""The flags of rated events."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0033_usage_flags.sql")
