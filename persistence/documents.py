"""Frozen records as JSON documents and back, by their own annotations: for what is read and written as a whole."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def dumped(value: Any) -> Any:
    """Return a record as what JSON holds; fields that are as they are by default are left out.

    >>> dumped({"a": (Decimal("1.50"), date(2026, 3, 1))})
    {'a': ['1.50', '2026-03-01']}
    """
    match value:
        case Enum():
            return value.value
        case Decimal():
            return format(value, "f")
        case datetime() | date():
            return value.isoformat()
        case tuple() | list():
            return [dumped(one) for one in value]
        case Mapping():
            return {str(key): dumped(one) for key, one in value.items()}
        case None | bool() | int() | str():
            return value
    assert dataclasses.is_dataclass(value), f"{type(value)} in a document"
    return {
        field.name: dumped(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if getattr(value, field.name) != field.default
    }


def text(value: Any) -> str:
    """Return a record as JSON text."""
    return json.dumps(dumped(value), ensure_ascii=False)


def loaded(kind: type[T], document: Any) -> T:
    """Return the record that a document, or its text, holds."""
    if document == "{}":  # as most are
        return kind()
    made: T = _made(kind, json.loads(document) if isinstance(document, str) else document)
    return made


@functools.lru_cache(maxsize=1000)
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _made(kind: Any, value: Any) -> Any:
    if isinstance(kind, NewType):
        kind = kind.__supertype__
    origin = get_origin(kind)
    if origin in {Union, UnionType}:
        members = [one for one in get_args(kind) if one is not NoneType]
        assert len(members) == 1, f"{kind} in a document"
        return None if value is None else _made(members[0], value)
    if origin is tuple:
        return tuple(_made(get_args(kind)[0], one) for one in value)
    if origin is not None and issubclass(origin, Mapping):
        return value
    if dataclasses.is_dataclass(kind):
        hints = _hints(kind)  # type: ignore[arg-type]  # a class, which can be hashed
        return kind(**{name: _made(hints[name], one) for name, one in value.items()})  # type: ignore[operator]  # a class
    if kind is Decimal:
        return Decimal(value)
    if kind in {date, datetime}:
        return kind.fromisoformat(value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    return value
