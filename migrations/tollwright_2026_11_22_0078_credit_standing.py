"""How a line stands in one question, and policies that ask for one row."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0078_credit_standing.sql")
