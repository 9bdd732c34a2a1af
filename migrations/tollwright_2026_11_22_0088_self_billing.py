"""Suppliers who are billed for by the operator, and the documents that he writes for them."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0088_self_billing.sql")
