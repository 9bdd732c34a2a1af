"""A value of the domain as JSON, every field with its name in the APIs: how a person is told what is kept of him."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from domain.commands import camel


def shown(value: Any) -> Any:
    """Return what JSON can hold of a value: decimals as text, times as ISO 8601, records by their fields.

    >>> shown({"net": Decimal("1.50"), "days": (date(2026, 3, 1),)})
    {'net': '1.50', 'days': ['2026-03-01']}
    """
    match value:
        case None | bool() | int():
            return value
        case Enum():
            return value.value
        case str():
            return value
        case bytes():
            return value.hex()
        case Decimal():
            return format(value, "f")
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            return {str(key): shown(one) for key, one in value.items()}
        case tuple() | list() | frozenset():
            return [shown(one) for one in value]
    if dataclasses.is_dataclass(value):
        return {camel(field.name): shown(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return str(value)
