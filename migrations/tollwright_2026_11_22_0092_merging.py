"""Merging and erasing reach everything that hangs on a customer by now."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0092_merging.sql")
