"""What is told as it happens, alarms, and exchange rates."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0010_live.sql")
