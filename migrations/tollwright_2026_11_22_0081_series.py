"""Series that begin anew each year, and which payment reference is made of their numbers."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0081_series.sql")
