"""What leaves on paper and as files: every language has every word, and a spreadsheet runs nothing."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from lxml import etree

from domain.collection.progress import CaseFormat, Message, MessageKind
from domain.ids import CollectionCaseId, CollectionMessageId, CustomerId, OperatorId
from domain.ledger.statement import MovementKind
from domain.payments.claim import ClaimKind
from integrations.ledger.case_files import case_file
from integrations.ledger.tables import table
from integrations.ledger.words import LEDGER_WORDS

CONTENT = {
    "case": 7,
    "debtor": {"name": "Åsa & Co <AB>", "identity_number": None},
    "invoices": [{"number": "1", "left": "1.00"}, {"number": "2", "left": "-2.00"}],
}


def message() -> Message:
    return Message(
        id=CollectionMessageId(1),
        operator=OperatorId(1),
        customer=CustomerId(1),
        of_case=CollectionCaseId(7),
        number=1,
        kind=MessageKind.NEW,
        at=datetime(2026, 11, 22, tzinfo=UTC),
        content=CONTENT,
    )


@pytest.mark.parametrize("language", sorted(LEDGER_WORDS))
def test_every_language_has_every_word(language: str) -> None:
    said = LEDGER_WORDS[language]
    assert said.keys() == LEDGER_WORDS["en"].keys()
    assert all(said.values())
    assert {one.value for one in MovementKind} <= said.keys()
    assert {one.value for one in ClaimKind} <= said.keys()
    for key in ("sms_text", "interest_line", "disputed_text"):
        places = {part.partition("}")[0] for part in LEDGER_WORDS["en"][key].split("{")[1:]}
        assert {part.partition("}")[0] for part in said[key].split("{")[1:]} == places, key


def test_a_case_is_the_same_in_every_form() -> None:
    name, data = case_file(message(), CaseFormat.JSON)
    assert (name, json.loads(data)) == ("case-7-001-new.json", CONTENT)
    _, data = case_file(message(), CaseFormat.XML)
    root = etree.fromstring(data)
    assert root.findtext("debtor/name") == "Åsa & Co <AB>"
    assert [one.findtext("left") for one in root.findall("invoices")] == ["1.00", "-2.00"]
    _, data = case_file(message(), CaseFormat.CSV)
    rows = dict(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert (rows["invoices.2.left"], rows["debtor.name"]) == ("-2.00", "Åsa & Co <AB>")


def test_a_name_that_no_xml_can_hold_stops_no_case() -> None:
    odd = replace(message(), content={**CONTENT, "debtor": {"name": "Åsa\ufffe\x07 B"}})
    _, data = case_file(odd, CaseFormat.XML)
    assert etree.fromstring(data).findtext("debtor/name") == "Åsa B"


@pytest.mark.parametrize("text", ["=1+1", "+46701", "@SUM(A1)", "-x", "\tx"])
def test_a_text_that_a_spreadsheet_would_run_is_quoted(text: str) -> None:
    ((cell, amount),) = list(csv.reader(io.StringIO(table(("a", "b"), [(text, "-12.50")]).decode("utf-8-sig"))))[1:]
    assert (cell, amount) == (f"'{text}", "-12.50")
