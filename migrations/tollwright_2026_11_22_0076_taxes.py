"""What an operator says of his VAT, what registers said of VAT ids, and which accounts sales are booked on."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0076_taxes.sql")
