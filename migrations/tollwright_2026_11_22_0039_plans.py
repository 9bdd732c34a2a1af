"""Price plans, grants, gifts, and how balances move."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0039_plans.sql")
