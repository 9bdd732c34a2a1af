"""What each built-in level may do: operation by operation, as a table that a person can read (attack A6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.access.actor import Action, Actor
from domain.access.editions import Edition
from domain.access.level import BUILT_IN, Level, with_level
from domain.ids import LevelId, OperatorId, ResellerId
from domain.usecases.list_operations import every

LEVELS = (
    "administrator", "billing", "price_manager", "support", "seller", "reseller_administrator", "reseller_support",
    "auditor", "read_only", "machine",
)  # fmt: skip
#                        adm bil pri sup sel r.a r.s aud r/o mac
TABLE = """
list_customers            x   x   x   x   x   x   x   x   x   x
create_customer           x   .   .   .   x   x   .   .   .   x
change_customer           x   .   .   x   x   x   x   .   .   x
note_customer             x   x   .   x   x   x   x   .   .   x
erase_person              x   .   .   .   .   x   .   .   .   x
list_contracts            x   x   x   x   x   x   x   x   x   x
create_contract           x   .   .   .   x   x   .   .   .   x
swap_sim                  x   .   .   x   x   x   x   .   .   x
place_order               x   .   .   x   x   x   x   .   .   x
price_contract            x   .   .   .   .   .   .   .   .   .
list_rates                x   x   x   x   x   x   x   x   x   x
publish_draft             x   .   x   .   .   .   .   .   .   .
import_tariff             x   .   x   .   .   .   .   .   .   .
change_prices             x   .   x   .   .   x   .   .   .   .
rerate                    x   .   x   .   .   .   .   .   .   .
list_usage                x   x   x   x   .   x   x   x   x   x
sum_levels                x   .   x   .   .   .   .   x   .   .
import_cdr                x   .   .   .   .   .   .   .   .   x
list_invoices             x   x   .   x   .   x   x   x   x   x
run_bills                 x   x   .   .   .   .   .   .   .   .
list_bill_runs            x   x   .   .   .   .   .   x   .   .
credit_invoice            x   x   .   .   .   .   .   .   .   .
import_payments           x   x   .   .   .   .   .   .   .   x
list_payments             x   x   .   x   .   .   .   x   x   x
make_statement            x   x   .   .   .   .   .   .   .   .
decide_approval           x   x   x   .   .   .   .   .   .   .
create_client             x   .   .   .   .   x   .   .   .   .
create_level              x   .   .   .   .   x   .   .   .   .
list_users                x   .   .   .   .   x   .   x   .   .
invite_user               x   .   .   .   .   x   .   .   .   .
list_trail                x   .   .   .   .   x   .   x   .   .
create_webhook            x   .   .   .   .   x   .   .   .   x
change_operator           x   .   .   .   .   .   .   .   .   .
put_element               x   .   .   .   .   .   .   .   .   .
read_meter                x   x   .   .   .   .   .   x   .   x
"""


def rows() -> dict[str, list[bool]]:
    found = [line.split() for line in TABLE.strip().splitlines()]
    return {name: [mark == "x" for mark in marks] for name, *marks in found}


def somebody(name: str) -> Actor:
    """Return somebody of a built-in level, of a reseller's where it is one, through a portal that may everything."""
    own = Level(id=LevelId(1), operator=OperatorId(1), name=name, built_in=name)
    plain = Actor(operator=OperatorId(1), client="portal", scopes=frozenset(Action))
    if name.startswith("reseller"):
        plain = replace(plain, reseller=ResellerId(1), resellers=(ResellerId(1),))
    return with_level(plain, own)


def may(actor: Actor, name: str) -> bool:
    found = every()[name]
    any_one = not found.any_of or any(actor.may(scope, name) for scope in found.any_of)
    return any_one and all(actor.may(scope, name) for scope in found.scopes)


def test_the_table_is_of_every_built_in_level() -> None:
    assert set(LEVELS) == set(BUILT_IN)
    assert all(len(marks) == len(LEVELS) for marks in rows().values())
    assert set(rows()) <= set(every())
    assert len(rows()) > 30


@pytest.mark.parametrize("name", sorted(rows()))
def test_a_level_may_what_the_table_says(name: str) -> None:
    assert {level: may(somebody(level), name) for level in LEVELS} == dict(zip(LEVELS, rows()[name], strict=True))


def test_every_permission_of_a_built_in_level_is_one() -> None:
    scopes = {action.value for action in Action}
    for name, words in BUILT_IN.items():
        assert words, name
        for word in words:
            assert word in scopes or word in every(), (name, word)


def test_who_reads_alone_changes_nothing() -> None:
    """No operation of the auditor's or the read-only level asks for a scope that writes."""
    for name in ("auditor", "read_only"):
        for word, one in every().items():
            if may(somebody(name), word) and word not in BUILT_IN[name]:
                assert all(scope.value.endswith(":read") for scope in one.scopes), (name, word)


def test_the_administrator_may_everything_and_nobody_else_does() -> None:
    chiefs = [replace(somebody("administrator"), edition=edition) for edition in Edition]
    assert all(any(may(chief, name) for chief in chiefs) for name in every())
    for level in LEVELS[1:]:
        assert not all(may(somebody(level), name) for name in every())
