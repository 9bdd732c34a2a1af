"""A second person for resellers' people too, kept answers that ask again, keys set aside."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0065_gaps.sql")
