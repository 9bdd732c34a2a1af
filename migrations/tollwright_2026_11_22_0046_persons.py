"""Merging doubles and erasing a person."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0046_persons.sql")
