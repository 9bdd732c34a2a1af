"""Sums of a bill run are written without looking the run up for each."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0089_run_usage.sql")
