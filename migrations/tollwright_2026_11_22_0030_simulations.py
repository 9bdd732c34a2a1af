"""The results of simulations."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0030_simulations.sql")
