"""Answers that are kept under the idempotency keys of commands."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0058_kept_answers.sql")
