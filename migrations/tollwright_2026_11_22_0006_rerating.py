"""Re-rating: its runs, their chunks, and the invoices that are corrected."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0006_rerating.sql")
