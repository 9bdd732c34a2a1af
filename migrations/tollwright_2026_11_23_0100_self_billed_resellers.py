"""Whose commissions of a statement stand on a self-billed document."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0100_self_billed_resellers.sql")
