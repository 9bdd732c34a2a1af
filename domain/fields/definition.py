"""What a field of the operator's own is called, what it holds, and the checks on its values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final, TypeAlias

from domain.ids import OperatorId
from domain.refusal import BadValue

FIELDS_MAX: Final = 100  # of one aggregate
VALUE_MAX: Final = 1000  # characters
CHOICES_MAX: Final = 200
INTEGER_MAX: Final = 2**63 - 1
DIGITS_MAX: Final = 30
_NAME: Final = re.compile(r"[a-z][A-Za-z0-9_]{0,59}", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)
_BOOLEANS: Final = {"true": "true", "false": "false", "1": "true", "0": "false"}

# Names with their values, in the order of the names.
Fields: TypeAlias = tuple[tuple[str, str], ...]
# What a caller gives: None empties a field, one that is not named stays.
FieldChanges: TypeAlias = tuple[tuple[str, str | None], ...]


class Aggregate(StrEnum):
    """What can have fields of the operator's own."""

    CUSTOMER = "customer"
    CONTRACT = "contract"
    SERVICE = "service"
    SUBSCRIPTION = "subscription"
    RESELLER = "reseller"


class FieldKind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    BOOLEAN = "boolean"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDefinition:
    """A field of an aggregate. ``ends_at``: from then on it is not asked for and takes no new values; old ones stay.

    ``searchable`` is decided when the field is defined. ``choices`` are those of the kind ``choice``.
    """

    operator: OperatorId
    aggregate: Aggregate
    name: str
    kind: FieldKind
    choices: tuple[str, ...] = ()
    required: bool = False
    searchable: bool = False
    ends_at: datetime | None = None
    version: int = 1

    def in_force(self, at: datetime) -> bool:
        """Tell whether the field takes values at an instant."""
        return self.ends_at is None or at < self.ends_at


def check(definition: FieldDefinition) -> FieldDefinition:
    """Return the definition. Refuses with: BadValue, naming the field."""
    if not _NAME.fullmatch(definition.name):
        raise BadValue(
            "a field's name is a small letter and then up to {most} letters, digits and underscores",
            most=59,
            field="name",
        )
    if (definition.kind is FieldKind.CHOICE) is not bool(definition.choices):
        raise BadValue("choices belong to the kind choice, and to no other", field="choices")
    if len(definition.choices) > CHOICES_MAX or len(set(definition.choices)) != len(definition.choices):
        raise BadValue("a field has at most {most} choices, each once", most=CHOICES_MAX, field="choices")
    for index, choice in enumerate(definition.choices):
        if not choice.strip() or choice != choice.strip() or len(choice) > VALUE_MAX:
            raise BadValue(
                "a choice has 1 to {most} characters, and no blanks around them",
                most=VALUE_MAX,
                field=f"choices.{index}",
            )
    return definition


def check_fields(
    definitions: Iterable[FieldDefinition],
    aggregate: Aggregate,
    values: Mapping[str, str | None],
    *,
    at: datetime,
    before: Fields = (),
) -> Fields:
    """Return an aggregate's fields after ``values`` are written over those ``before``: canonical, by name.

    A value of None, or an empty text, empties the field. Refuses with: BadValue, naming ``fields.<name>``.

    >>> from datetime import UTC
    >>> on = Aggregate.CUSTOMER
    >>> one = FieldDefinition(operator=OperatorId(1), aggregate=on, name="seats", kind=FieldKind.INTEGER)
    >>> check_fields([one], on, {"seats": " +07 "}, at=datetime(2026, 3, 1, tzinfo=UTC))
    (('seats', '7'),)
    """
    known = {one.name: one for one in definitions if one.aggregate is aggregate}
    fields = dict(before)
    for name, value in values.items():
        definition = known.get(name)
        if definition is None or not definition.in_force(at):
            raise BadValue(
                "a {aggregate} has no field {name}", aggregate=aggregate.value, name=name, field=f"fields.{name}"
            )
        if value is None or not value.strip():
            fields.pop(name, None)
        else:
            fields[name] = canonical(definition, value)
    for definition in known.values():
        if definition.required and definition.in_force(at) and definition.name not in fields:
            raise BadValue(
                "the field {name} must be filled in", name=definition.name, field=f"fields.{definition.name}"
            )
    return tuple(sorted(fields.items()))


def canonical(definition: FieldDefinition, value: str) -> str:
    """Return a value in the one form that its kind has. Refuses with: BadValue, naming ``fields.<name>``."""
    text, path = value.strip(), f"fields.{definition.name}"
    if len(text) > VALUE_MAX:
        raise BadValue("a value has at most {most} characters", most=VALUE_MAX, field=path)
    match definition.kind:
        case FieldKind.TEXT:
            return text
        case FieldKind.INTEGER:
            if _INTEGER.fullmatch(text) and abs(int(text)) <= INTEGER_MAX:
                return str(int(text))
            raise BadValue("{value} is not a whole number of 64 bits", value=repr(value), field=path)
        case FieldKind.DECIMAL:
            return _decimal(text, value, path)
        case FieldKind.DATE:
            try:
                return date.fromisoformat(text).isoformat()
            except ValueError:
                raise BadValue("{value} is not a date such as 2026-03-01", value=repr(value), field=path) from None
        case FieldKind.BOOLEAN:
            if text.lower() in _BOOLEANS:
                return _BOOLEANS[text.lower()]
            raise BadValue("{value} is neither true nor false", value=repr(value), field=path)
        case FieldKind.CHOICE:
            if text in definition.choices:
                return text
            raise BadValue(
                "{value} is none of {choices}", value=repr(value), choices=", ".join(definition.choices), field=path
            )


def _decimal(text: str, value: str, path: str) -> str:
    try:
        number = Decimal(text) if _DECIMAL.fullmatch(text) else None
    except InvalidOperation:
        number = None
    if number is None or len(number.as_tuple().digits) > DIGITS_MAX:
        raise BadValue(
            "{value} is not a number such as 12.5, of at most {most} digits",
            value=repr(value),
            most=DIGITS_MAX,
            field=path,
        )
    plain = format(number, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in {"-0", "0", ""} else plain
