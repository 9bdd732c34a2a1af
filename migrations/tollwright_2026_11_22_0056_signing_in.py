"""Sessions, codes, API keys, identity providers, portals, and signing keys that take over from one another."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0056_signing_in.sql")
