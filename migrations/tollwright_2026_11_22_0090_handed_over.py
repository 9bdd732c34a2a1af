"""A document that a mail server may have taken is told as such, and not sent twice."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0090_handed_over.sql")
