"""The period lock of the ledger."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0072_period_lock.sql")
