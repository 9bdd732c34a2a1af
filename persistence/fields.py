"""Frozen dataclasses as JSON and back, field by field, exactly. A field that is missing has its default.

Texts, integers, booleans, enums, dates, aware times, other such dataclasses, tuples and sets of them, and None.
"""

from __future__ import annotations

import dataclasses
import types
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def dump(value: Any) -> Any:
    """Turn a value into what JSON can hold; what equals its default is left out."""
    match value:
        case None | bool() | int():
            return value
        case Enum():
            return value.value
        case str():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case tuple() | list():
            return [dump(one) for one in value]
        case frozenset():
            return sorted(dump(one) for one in value)
    return {
        field.name: dump(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if field.default is dataclasses.MISSING or getattr(value, field.name) != field.default
    }


def load(kind: type[T], value: Any) -> T:
    """Turn what ``dump`` made back into a value of its type."""
    found: T = _load(kind, value)
    return found


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _load(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in {Union, types.UnionType}:
        if value is None:
            return None
        (kind,) = (one for one in get_args(kind) if one is not type(None))
        return _load(kind, value)
    if origin is tuple:
        parts = get_args(kind)
        kinds = [parts[0]] * len(value) if parts[1:] == (...,) else parts
        return tuple(_load(one, part) for one, part in zip(kinds, value, strict=True))
    if origin is frozenset:
        return frozenset(_load(get_args(kind)[0], part) for part in value)
    if kind is datetime or kind is date:
        return kind.fromisoformat(value)
    if dataclasses.is_dataclass(kind):
        record: Any = kind
        hints = _hints(record)
        return record(**{name: _load(hints[name], part) for name, part in value.items()})
    return kind(value)
