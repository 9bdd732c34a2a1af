"""The first schema: tenants, customers, catalogue, files and partitioned usage."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0001_ground.sql")
