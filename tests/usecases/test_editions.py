"""What is outside an operator's edition is refused, whoever asks: no use case is forgotten."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from domain.access.actor import Action, allow, system, within
from domain.access.editions import ACTIONS, ALL, PARTS, Edition, Part, editions_of
from domain.ids import OperatorId
from domain.refusal import NotAllowed

FOLDER = Path(__file__).resolve().parents[2] / "domain" / "usecases"
# What asks for no permission, and why.
OPEN = {
    "get_operator": "every caller may know for whom it works",
    "drive_order": "a worker's step of an order that was permitted when it was placed",
    "wake_orders": "a worker's look for such steps",
    "check_signature": "the network's own answer, which proves itself by its signature",
    "raise_alarm": "what work that was permitted finds",
    "end_alarm": "what work that was permitted finds",
    "with_margins": "what work that was permitted needs",
    "with_lists_seen": "a part of an explanation, which asks",
    "checked_name": "a part of an import, which asks",
}


def functions() -> dict[str, ast.AsyncFunctionDef | ast.FunctionDef]:
    """Return every function of the use cases by name; a name that is used twice keeps the one that asks."""
    found: dict[str, ast.AsyncFunctionDef | ast.FunctionDef] = {}
    for file in sorted(FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                found[f"{file.stem}.{node.name}"] = node
    return found


def calls(node: ast.AST) -> set[str]:
    """Return the names that a function calls or hands on."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def asking() -> dict[str, bool]:
    """Tell of every use case whether it asks for a permission, by itself or by what it calls."""
    whole = functions()
    asks = {key for key, node in whole.items() if calls(node) & {"allow", "may_write_prices"}}
    while True:
        names = {key.partition(".")[2] for key in asks}
        more = {key for key, node in whole.items() if key not in asks and calls(node) & names}
        if not more:
            break
        asks |= more
    return {
        key: key in asks
        for key, node in whole.items()
        if isinstance(node, ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and {"actor", "begin"} <= {each.arg for each in (*node.args.args, *node.args.kwonlyargs)}
    }


def test_every_use_case_asks_for_a_permission() -> None:
    found = asking()
    assert len(found) > 150
    silent = {key for key, asks in found.items() if not asks}
    assert {key.partition(".")[2] for key in silent} == set(OPEN)


def test_every_permission_of_the_table_is_one_and_every_edition_has_some() -> None:
    assert set(ACTIONS) <= {action.value for action in Action}
    for edition in Edition:
        assert any(edition in editions_of(action) for action in Action)
        assert edition is Edition.RETAIL or any(edition not in editions_of(action) for action in Action) or PARTS
    assert set(PARTS) == set(Part)


@pytest.mark.parametrize("edition", list(Edition))
def test_a_permission_is_refused_outside_its_editions_with_the_reason(edition: Edition) -> None:
    actor = replace(system(OperatorId(1)), edition=edition)
    for action in Action:
        if edition in editions_of(action):
            allow(actor, action)
            assert actor.may(action)
            continue
        assert not actor.may(action)
        with pytest.raises(NotAllowed) as no:
            allow(actor, action)
        assert edition.value in no.value.message
        assert all(each.value in no.value.message for each in editions_of(action))
    for part in Part:
        if edition in PARTS[part]:
            within(actor, part)
            continue
        with pytest.raises(NotAllowed) as no:
            within(actor, part)
        assert part.value in no.value.message
        assert PARTS[part] < ALL
