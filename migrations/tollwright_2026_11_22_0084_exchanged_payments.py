"""Payments in another currency than what they pay are exchanged by the rate of their day."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0084_exchanged_payments.sql")
