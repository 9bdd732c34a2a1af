"""Orders to banks that write themselves, and bars that are taken again."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0085_debit_schedules.sql")
