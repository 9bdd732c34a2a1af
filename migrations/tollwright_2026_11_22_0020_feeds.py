"""Feeds: where files are fetched, and the log of it."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0020_feeds.sql")
