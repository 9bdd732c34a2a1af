"""Reminders, interest, barring and handing over of what is not paid."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0080_collection.sql")
