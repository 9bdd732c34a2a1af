"""How a type of the schema says which of the domain's objects it shows."""

from __future__ import annotations

from typing import Any


def shows(kind: Any) -> Any:
    """Return the ``is_type_of`` of a type that shows the domain's objects of a class, or of several (``A | B``)."""

    def is_type_of(thing: object, _info: object) -> bool:
        return isinstance(thing, kind)

    return staticmethod(is_type_of)
