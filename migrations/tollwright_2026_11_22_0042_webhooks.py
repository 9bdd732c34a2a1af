"""Events and webhooks."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0042_webhooks.sql")
