"""The same office that bills."""

from tests.invoicing.conftest import backing, office

__all__ = ["backing", "office"]
