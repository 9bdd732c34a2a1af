"""Subscriptions' states, typed identifiers, the inventory of numbers, and orders about numbers."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0038_numbers.sql")
