"""A bill run adds up faster, and an entry's balance is looked at once for the statement that writes its postings."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0095_big_bill_runs.sql")
