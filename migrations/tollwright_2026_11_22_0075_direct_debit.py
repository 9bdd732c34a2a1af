"""Who pays by direct debit."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0075_direct_debit.sql")
