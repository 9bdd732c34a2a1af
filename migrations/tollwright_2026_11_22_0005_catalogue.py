"""Drafts of the catalogue."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0005_catalogue.sql")
