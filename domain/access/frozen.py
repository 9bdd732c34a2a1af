"""A command as JSON, to be kept until somebody has approved it, and back by the types that its fields say.

>>> from domain.usecases.credit_invoice import CreditInvoice
>>> thaw(CreditInvoice, freeze(CreditInvoice(invoice=7, amount=Decimal("12.50")))).amount
Decimal('12.50')
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

from domain.commands import Unchanged

T = TypeVar("T")


def freeze(value: Any) -> Any:
    """Return a command, or a part of one, as JSON."""
    match value:
        case Unchanged():
            return {"unchanged": True}
        case Enum():
            return value.value
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case frozenset() | set():
            return sorted(freeze(one) for one in value)
        case tuple() | list():
            return [freeze(one) for one in value]
        case Mapping():
            return {str(name): freeze(one) for name, one in value.items()}
        case None | bool() | int() | str():
            return value
    assert dataclasses.is_dataclass(value), f"{type(value)} in a command"
    return {field.name: freeze(getattr(value, field.name)) for field in dataclasses.fields(value)}


def thaw(kind: type[T], kept: Any) -> T:
    """Return the command of a type that was kept."""
    found: T = _thawed(kind, kept)
    return found


def _thawed(kind: Any, kept: Any) -> Any:
    if isinstance(kind, NewType):
        return _thawed(kind.__supertype__, kept)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, kept)
    if origin is tuple:
        kinds = (arguments[0],) * len(kept) if arguments[-1] is Ellipsis else arguments
        return tuple(_thawed(one, part) for one, part in zip(kinds, kept, strict=True))
    if origin is frozenset or origin is AbstractSet:
        return frozenset(_thawed(arguments[0], part) for part in kept)
    if origin is not None and issubclass(origin, Mapping):
        return {name: _thawed(arguments[1], part) for name, part in kept.items()}
    if origin is not None:
        return [_thawed(arguments[0], part) for part in kept]
    if kind in (object, Any) or kept is None:
        return kept
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _thawed(hints[name], part) for name, part in kept.items() if name in hints})
    if kind is datetime or kind is date:
        return kind.fromisoformat(kept)
    return kind(kept)


def _one_of(kinds: tuple[Any, ...], kept: Any) -> Any:
    if kept is None:
        return None
    if Unchanged in kinds and kept == {"unchanged": True}:
        return Unchanged.UNCHANGED
    (kind,) = (one for one in kinds if one not in (type(None), Unchanged))
    return _thawed(kind, kept)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """Return the types of the fields that its constructor takes."""
    names = {field.name for field in dataclasses.fields(kind) if field.init}
    return {name: hint for name, hint in get_type_hints(kind).items() if name in names}
