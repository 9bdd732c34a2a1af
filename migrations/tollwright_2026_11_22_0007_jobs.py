"""The queue of jobs, and files that wait for a worker."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0007_jobs.sql")
