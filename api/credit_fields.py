"""Limits, exposures and reservations as plain fields, as the command line prints them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from domain.commands import camel
from domain.credit.limit import CreditLimit, CreditOverride, shown
from domain.credit.reservation import Reservation

# Fields that are kept in micro-units.
_MICRO: Final = {CreditLimit: {"amount", "grace_amount"}, CreditOverride: {"amount"}, Reservation: {"amount"}}


def plainly(one: Any) -> Any:
    """Return a domain object as JSON data, amounts as texts."""
    if isinstance(one, Enum):
        return one.value
    if isinstance(one, datetime):
        return one.isoformat()
    if isinstance(one, Decimal):
        return f"{one:f}"
    if dataclasses.is_dataclass(one) and not isinstance(one, type):
        micro = _MICRO.get(type(one), set())
        fields = {field.name: getattr(one, field.name) for field in dataclasses.fields(one) if field.name != "operator"}
        fields |= {name: shown(fields[name]) for name in micro if fields[name] is not None}
        return {camel(name): plainly(value) for name, value in fields.items()}
    if isinstance(one, Mapping):
        return {str(name): plainly(value) for name, value in one.items()}
    if isinstance(one, Sequence | frozenset) and not isinstance(one, str):
        return [plainly(each) for each in (sorted(one) if isinstance(one, frozenset) else one)]
    return one
