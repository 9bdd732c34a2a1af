"""An order as plain fields, as the command line prints it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from domain.commands import camel
from domain.provisioning.order import Barring, Order, OrderNote


def shown(order: Order) -> dict[str, Any]:
    """Return an order with its steps."""
    fields = {camel(one.name): _plain(getattr(order, one.name)) for one in dataclasses.fields(order)}
    return {name: value for name, value in fields.items() if name not in {"operator", "request"}}


def shown_note(note: OrderNote) -> dict[str, Any]:
    """Return a line of an order's log."""
    fields = {camel(one.name): _plain(getattr(note, one.name)) for one in dataclasses.fields(note)}
    return {name: value for name, value in fields.items() if value not in (None, {})}


def shown_barring(barring: Barring) -> dict[str, Any]:
    """Return what a line is barred from."""
    return {camel(one.name): _plain(getattr(barring, one.name)) for one in dataclasses.fields(barring)}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {camel(one.name): _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value
