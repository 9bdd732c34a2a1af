"""Who reaches customers of some groups alone."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0063_reach.sql")
