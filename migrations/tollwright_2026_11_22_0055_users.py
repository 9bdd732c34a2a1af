"""People who sign in, and what they prove themselves by."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0055_users.sql")
