"""Scalars without surprises: exact decimals and 64-bit integers as text, instants with an offset.

A GraphQL Int has 32 bits and a JSON number becomes a double in many clients, so neither carries money or counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NewType

import strawberry
from graphql import FloatValueNode, GraphQLError, IntValueNode, StringValueNode, ValueNode
from strawberry.types.scalar import ScalarDefinition

from domain.money import parse
from domain.refusal import BadValue

BigInt = NewType("BigInt", int)
JsonText = NewType("JsonText", str)

_INTEGER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DECIMALS_MAX: Final = 18


def _decimal(value: object) -> Decimal:
    if not isinstance(value, str):
        raise GraphQLError('a Decimal is written as text, such as "12.50"')
    try:
        return parse(value, decimals_max=_DECIMALS_MAX)
    except BadValue as no:
        raise GraphQLError(no.message) from None


def _big(value: object) -> int:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _INTEGER.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
        raise GraphQLError('a BigInt is a whole number of 64 bits written as text, such as "42"')
    return int(text)


def _instant(value: object) -> datetime:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise GraphQLError("a DateTime has an offset, such as 2026-03-01T00:00:00+01:00")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise GraphQLError(f"{value} does not exist in the calendar") from None


def _literal(read: Callable[[object], Any]) -> Callable[..., Any]:
    """Return a reader of literals that reads their own text, never a float made of it."""

    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        del variables
        if isinstance(node, StringValueNode | IntValueNode | FloatValueNode):
            return read(node.value)
        raise GraphQLError("a text is expected here")

    return parse_literal


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal as text, such as "0.490000"; never a JSON number.',
        serialize=lambda value: format(value, "f"),
        parse_value=_decimal,
        parse_literal=_literal(_decimal),
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description='A whole number of 64 bits as text, such as "42".',
        serialize=str,
        parse_value=_big,
        parse_literal=_literal(_big),
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant with an offset, ISO 8601: 2026-03-01T00:00:00+01:00. Answers are in UTC.",
        serialize=lambda value: value.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        parse_value=_instant,
        parse_literal=_literal(_instant),
    ),
    JsonText: strawberry.scalar(
        name="JsonText",
        description="A JSON document as text, so that no number in it passes through a double.",
        serialize=str,
        parse_value=str,
    ),
}
