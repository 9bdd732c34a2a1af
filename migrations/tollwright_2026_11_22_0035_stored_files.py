"""The bytes of files, in the database."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0035_stored_files.sql")
