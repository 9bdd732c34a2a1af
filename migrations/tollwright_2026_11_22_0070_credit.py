"""Credit limits, what is used of them, reservations, and unusual traffic."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0070_credit.sql")
