"""What resellers pay for services, and whose days a moved customer's bills are."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0059_wholesale_fees.sql")
