"""What two people agreed on: the currency of an amount, and schedules that run without asking again."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0086_agreed.sql")
