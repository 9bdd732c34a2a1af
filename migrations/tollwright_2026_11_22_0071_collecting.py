"""Settlements, claims, mandates, direct debits, refunds, instalment plans and the rules of payments."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0071_collecting.sql")
