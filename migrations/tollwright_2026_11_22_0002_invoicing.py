"""Bill runs, invoices and the ledger."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0002_invoicing.sql")
