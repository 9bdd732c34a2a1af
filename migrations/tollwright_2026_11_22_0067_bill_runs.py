"""Bill runs by cycle, group and reseller, their pages, schedules and rules, and charges."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0067_bill_runs.sql")
