"""Four partitions of usage a month."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0031_small_partitions.sql")
