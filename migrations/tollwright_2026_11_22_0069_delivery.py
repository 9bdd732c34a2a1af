"""Documents on their way: dispatches, print batches, channels, and what recipients can take."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0069_delivery.sql")
