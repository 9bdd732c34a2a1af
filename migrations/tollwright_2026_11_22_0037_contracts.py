"""Services with rules, contracts with terms and dated changes, quotes."""

from persistence.migrate import sql_migration

ID, forwards = sql_migration(__file__, "0037_contracts.sql")
