"""Who is erased is nobody to banks and agencies either."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0082_erasing.sql")
