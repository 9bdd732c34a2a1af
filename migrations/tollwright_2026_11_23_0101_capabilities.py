"""What a recipient can take is kept by kind of document."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0101_capabilities.sql")
