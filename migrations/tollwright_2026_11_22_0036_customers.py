"""Customers whole: the dated tree, notes, the operator's own fields, and the words they are found by."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0036_customers.sql")
