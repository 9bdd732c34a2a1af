"""What another system is given of payers beside usage, and whose usage that is."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0099_basis_fees.sql")
