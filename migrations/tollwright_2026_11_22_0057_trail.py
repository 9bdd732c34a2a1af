"""The trail of activities, chained; limits of rates; registered documents."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0057_trail.sql")
