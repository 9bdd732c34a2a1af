"""Payment files, payments and their allocations."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0021_payments.sql")
