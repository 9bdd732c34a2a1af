"""Each change is told by a participle: every verb that the use cases write into the audit trail has one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain.contracts.stepping import Step
from domain.webhooks.event import VERBS, named

USE_CASES = Path(__file__).resolve().parents[2] / "domain" / "usecases"
_WRITTEN = re.compile(r"(?:audit\.write|_tell|tell)\(\s*(?:unit,\s*)?\"([a-z]+)_[a-z_]+\"")


@pytest.mark.parametrize(
    ("action", "subject", "kind"),
    [
        ("give_numbers", "numbers:4687001000-4687001999", "numbers.given"),
        ("make_commission_statement", "commission_statement:1", "commission_statement.made"),
        ("request_port_in", "number_order:3", "number_order.requested"),
        ("classify_numbers", "number:4687000077", "number.classified"),
        ("redo_duplicates", "file:7", "file.redone"),
    ],
)
def test_what_was_done_is_told_as_done(action: str, subject: str, kind: str) -> None:
    assert named(action, subject) == kind


def test_every_step_of_a_line_has_its_word() -> None:
    assert [step.value for step in Step if step.value not in VERBS] == []


def test_every_verb_of_the_audit_trail_has_its_word() -> None:
    texts = [path.read_text(encoding="utf-8") for path in USE_CASES.glob("*.py")]
    written = {verb for text in texts for verb in _WRITTEN.findall(text)}
    assert len(written) > 40
    assert written - VERBS.keys() == set()
