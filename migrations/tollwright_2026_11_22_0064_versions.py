"""Versions of what is changed as one thing and stands in many rows, or in none."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0064_versions.sql")
