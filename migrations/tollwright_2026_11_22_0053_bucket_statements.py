"""Statements of buckets on invoices."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0053_bucket_statements.sql")
