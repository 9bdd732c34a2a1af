"""From a mutation's input to the frozen command of its use case.

What is left out, or null, stays the command's own default. In a change a field is ``Maybe``: left out it stays as it
is, null empties it, and a field that cannot be empty refuses null.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import strawberry

from api.graphql.ids import key_of
from api.graphql.once import is_kept_key
from domain.commands import camel
from domain.operators import Address

C = TypeVar("C")


@strawberry.input(description="A postal address; the country is ISO 3166-1 alpha-2.")
class AddressInput:
    """``domain.operators.Address``."""

    street: str
    street2: str | None = None
    postcode: str
    city: str
    country: str


def given(value: Any, ids: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the fields that were given, global ids of the kinds in ``ids`` as keys. Refuses with: NotFound."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        one = getattr(value, field.name)
        if one is None or is_kept_key(field):
            continue
        plain = one.value if isinstance(one, strawberry.Some) else one
        if ids and field.name in ids and plain is not None:
            plain = key_of(plain, ids[field.name], camel(field.name))
        elif isinstance(plain, AddressInput):
            plain = Address(**{part.name: getattr(plain, part.name) for part in dataclasses.fields(plain)})
        elif isinstance(plain, list):
            plain = tuple(_own(one) for one in plain)
        else:
            plain = _own(plain)
        found[field.name] = plain
    return found


def _own(plain: Any) -> Any:
    """Return an input's part as the domain's, where it knows how."""
    return plain.domain() if hasattr(plain, "domain") else plain


def command(kind: type[C], value: Any, ids: Mapping[str, str] | None = None, **more: Any) -> C:
    """Return the command that an input says."""
    return kind(**(given(value, ids) | more))
