"""What commands have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from domain.commands import UNCHANGED, Change, check_texts, fingerprint, given
from domain.customers.customer import CustomerKind
from domain.operators import Address
from domain.refusal import BadValue

PLACE = Address("Storgatan 1", "111 22", "Stockholm", "SE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    name: str = "Anna"
    kind: CustomerKind = CustomerKind.PERSON
    address: Address = PLACE
    fee: Decimal = Decimal("1.50")
    at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    on: date = date(2026, 3, 1)
    lines: tuple[Address, ...] = (PLACE,)
    scopes: frozenset[CustomerKind] = frozenset(CustomerKind)
    fields: tuple[tuple[str, str | None], ...] = ()
    email: Change[str | None] = UNCHANGED
    idempotency_key: str | None = "k"


@dataclass(frozen=True, slots=True, kw_only=True)
class Other(Command):
    """The same content, another verb."""


@pytest.mark.parametrize(
    "same",
    [
        {"idempotency_key": "another"},
        {"fee": Decimal("1.5")},
        {"at": datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))},
        {"scopes": frozenset(reversed(CustomerKind))},
    ],
)
def test_the_same_content_has_the_same_fingerprint(same):
    assert fingerprint(replace(Command(), **same)) == fingerprint(Command())


@pytest.mark.parametrize(
    "other",
    [
        {"name": "anna"},
        {"fee": Decimal("1.51")},
        {"at": datetime(2026, 3, 1, 13, tzinfo=UTC)},
        {"lines": ()},
        {"lines": (PLACE, PLACE)},
        {"address": replace(PLACE, street2="c/o")},
        {"email": None},
        {"kind": CustomerKind.ORGANISATION},
        {"scopes": frozenset()},
    ],
)
def test_other_content_has_another_fingerprint(other):
    assert fingerprint(replace(Command(), **other)) != fingerprint(Command())


def test_another_verb_has_another_fingerprint():
    assert fingerprint(Other()) != fingerprint(Command())


def test_what_is_unchanged_is_not_given():
    assert given(Command(), "email", "name") == {"name": "Anna"}
    assert given(Command(email=None), "email") == {"email": None}


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"name": "a\x00"}, "name"),
        ({"name": "a\x85"}, "name"),
        ({"name": "\udfff"}, "name"),
        ({"name": "x" * 2001}, "name"),
        ({"lines": (PLACE, replace(PLACE, street2="\n"))}, "lines.1.street2"),
        ({"email": "\r"}, "email"),
        ({"at": datetime(1, 1, 1, tzinfo=UTC)}, "at"),
        ({"at": datetime(9999, 12, 31, tzinfo=UTC)}, "at"),
        ({"on": date(1, 1, 1)}, "on"),
        ({"on": date(9999, 12, 31)}, "on"),
        ({"fields": (("crm", "fine"), ("note", "a\x00"))}, "fields.note"),
        ({"fields": (("a\x00", None),)}, "fields.0"),
    ],
)
def test_a_text_or_time_that_cannot_be_kept_is_named(bad, field):
    check_texts(Command())
    with pytest.raises(BadValue) as no:
        check_texts(replace(Command(), **bad))
    assert no.value.field == field
