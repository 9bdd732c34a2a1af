"""Collection is that of the office that bills, on the memory twin and on PostgreSQL."""

from tests.invoicing.conftest import backing, office

__all__ = ["backing", "office"]
