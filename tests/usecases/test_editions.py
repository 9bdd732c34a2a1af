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
from domain.usecases.list_operations import every

FOLDER = Path(__file__).resolve().parents[2] / "domain" / "usecases"
# What asks for no permission, and why.
OPEN = {
    "find_document": "every caller may ask for what his operator registered, and does as himself",
    "level_names": "who sees a user may know what his level is called",
    "get_operator": "every caller may know for whom it works",
    "drive_order": "a worker's step of an order that was permitted when it was placed",
    "wake_orders": "a worker's look for such steps",
    "check_signature": "the network's own answer, which proves itself by its signature",
    **dict.fromkeys(
        ("check_credit", "tell_unrated", "watch_usage", "mail_notice", "text_notice"),
        "a worker's look at usage and debts that have moved",
    ),
    **dict.fromkeys(("watch_line", "attempt"), "a part of authorising a call, which asks"),
    "watch_covered": "a part of setting a limit, which asks",
    "raise_alarm": "what work that was permitted finds",
    "end_alarm": "what work that was permitted finds",
    "with_margins": "what work that was permitted needs",
    "with_lists_seen": "a part of an explanation, which asks",
    "checked_name": "a part of an import, which asks",
    "called": "a part of pricing a call, which asks",
    "why_refused": "everybody may ask of himself; of others it asks",
    "own_sessions": "everybody may see where he is signed in himself",
    "end_own_session": "everybody may sign himself out",
    "permissions": "everybody may know what he may do himself",
}
# Where a whole scope is looked at, and why.
WHOLE = {
    "create_client.create_client": "nobody gives a client what he has not himself",
    "export_tariff.export_tariff": "what is shown is cost, unless he writes prices",
    "why_refused.why_refused": "it is no operation that could be given by itself",
    "sum_margins.may_see_margins": "what is shown is cost, whoever asks",
}


def functions() -> dict[str, ast.AsyncFunctionDef | ast.FunctionDef]:
    """Return every function of the use cases by its module and name."""
    found: dict[str, ast.AsyncFunctionDef | ast.FunctionDef] = {}
    for file in sorted(FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                found[f"{file.stem}.{node.name}"] = node
    return found


def declared(node: ast.AsyncFunctionDef | ast.FunctionDef) -> bool:
    """Tell whether a function declares its permission."""
    return any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "operation"
        for each in node.decorator_list
    )


def test_every_use_case_declares_its_permission() -> None:
    whole = {
        key: node
        for key, node in functions().items()
        if isinstance(node, ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and {"actor", "begin"} <= {each.arg for each in (*node.args.args, *node.args.kwonlyargs)}
    }
    assert len(whole) > 250
    silent = {key for key, node in whole.items() if not declared(node)}
    assert {key.partition(".")[2] for key in silent} == set(OPEN)
    assert {node.name for key, node in whole.items() if key not in silent} == set(every())


def test_who_asks_once_more_asks_for_the_operation_that_it_is() -> None:
    asked = 0
    for key, node in functions().items():
        for call in ast.walk(node):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            if call.func.id not in {"allow", "may_write_prices", "may_see_margins"}:
                continue
            said = [one.value for one in call.args if isinstance(one, ast.Constant)]
            if call.func.id == "allow" and not said and key in WHOLE:
                continue
            assert len(said) == 1 or any(isinstance(one, ast.Name) for one in call.args[1:]), key
            assert said in ([], [node.name]) or node.name.startswith("_"), key
            assert set(said) <= set(every()), key
            asked += 1
    assert asked > 10


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
