"""Provisioning: network elements, orders with their log, and barring."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0040_provisioning.sql")
