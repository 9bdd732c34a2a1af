"""A refusal's field in the words of the API that was called: use cases name their command's, which may be another."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

# What stands behind the thing's own name where an API takes it by its number, its code or its key.
_BY: Final = ("Number", "Code", "Id", "Key")


def named(field: str | None, known: Collection[str]) -> str | None:
    """Return a field's path with its first part as the API has it, whose arguments and their members are ``known``.

    >>> known = {"contract", "customerNumber", "number"}
    >>> named("customer", known), named("numbers.0", known), named("contract.end", known), named("colour", known)
    ('customerNumber', 'number.0', 'contract.end', 'colour')
    """
    if field is None:
        return None
    first, dot, rest = field.partition(".")
    if first in known:
        return field
    one = f"{first[:-3]}y" if first.endswith("ies") else first.removesuffix("s")
    several = f"{first[:-1]}ies" if first.endswith("y") else f"{first}s"
    found = next((each for each in (*(f"{first}{by}" for by in _BY), one, several) if each in known), first)
    return f"{found}{dot}{rest}"
