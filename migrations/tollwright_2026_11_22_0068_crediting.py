"""Credit notes of a part, invoices that are issued anew, disputes, and what an ERP has fetched."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0068_crediting.sql")
