"""Rings and buckets: what events drew, what is left, volumes, and customers' groups."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0012_buckets.sql")
