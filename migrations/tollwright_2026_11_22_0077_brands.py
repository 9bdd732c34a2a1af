"""How sellers' documents look, from a day on."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0077_brands.sql")
