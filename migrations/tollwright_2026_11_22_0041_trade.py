"""Editions, the meter, resellers' terms and documents, commissions, and the basis for another system's invoices."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0041_trade.sql")
