"""Sessions across files, corrected and released suspense, withdrawn files, versions of profiles."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0013_sessions.sql")
