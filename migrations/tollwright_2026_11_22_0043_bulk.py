"""Sheets in bulk."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0043_bulk.sql")
