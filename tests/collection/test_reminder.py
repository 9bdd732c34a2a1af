"""A letter of collection as EHF's reminder: what it says, by the publisher's rules, and who may have it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from domain.collection.progress import Letter
from domain.collection.rules import Channel, StepKind
from domain.ids import CollectionLetterId, CustomerId, OperatorId
from domain.refusal import BadValue, NotAllowed, NotFound
from domain.usecases.send_collection import write_reminder
from integrations.einvoice.kinds import Kind
from integrations.einvoice.rules import Checker
from integrations.ledger.letter_ehf import letter_ehf
from integrations.ledger.papers import PrintedPapers
from tests.collection.test_run import DUE, ruled, run  # noqa: F401  (the fixture)
from tests.einvoice.drawn import owed
from tests.invoicing.conftest import Office
from tests.ledger.test_reports import billed


@pytest.mark.shared
def test_it_says_what_is_open_and_what_is_added(shared: Path) -> None:
    invoice = owed("NO")
    total = int(invoice.total * 100)
    row = {"open_minor": total - 1000, "earlier_minor": 0, "fee_minor": 3500, "interest_minor": 127}
    letter = Letter(
        id=CollectionLetterId(7),
        operator=OperatorId(1),
        customer=CustomerId(10),
        kind=StepKind.REMINDER,
        channel=Channel.LETTER,
        made_on=date(2027, 1, 10),
        currency="NOK",
        content={"pay_by": "2027-01-24", "rows": [row]},
    )
    content = letter_ehf(letter, row, invoice)
    with Checker(shared / "data" / "einvoice" / "rules") as checker:
        assert checker.told(content) == (Kind.EHF_REMINDER, [])
    root = etree.fromstring(content)
    assert root.findtext("{*}ID") == "7"
    assert root.findtext("{*}BillingReference/{*}InvoiceDocumentReference/{*}ID") == invoice.number
    sums = root.find("{*}LegalMonetaryTotal")
    assert Decimal(sums.findtext("{*}PrepaidAmount")) == 10
    assert Decimal(sums.findtext("{*}PayableAmount")) == invoice.total - 10 + Decimal("36.27")
    assert [node.text for node in root.iterfind("{*}AllowanceCharge/{*}AllowanceChargeReason")] == [
        "Purregebyr",
        "Forsinkelsesrente",
    ]


async def test_a_norwegian_operator_fetches_it_and_nobody_else(ruled: Office) -> None:  # noqa: F811  (the fixture)
    (one,) = await billed(ruled, "1")
    for days in (5, 15):
        await run(ruled, DUE + timedelta(days=days))
    async with ruled.begin() as unit:
        (letter,) = await unit.collection.letters.find(kind=StepKind.REMINDER)
        own = await unit.operators.own()
    with Checker(rules_may_miss=True) as rules:
        given = {"papers": PrintedPapers(), "rules": rules, "begin": ruled.world.begin}
        with pytest.raises(BadValue, match="Norwegian"):
            await write_reminder(letter.id, actor=ruled.world.operator, **given)
        async with ruled.begin() as unit:
            home = replace(own, country="NO", address=replace(own.address, country="NO"), endpoint="0192:988077917")
            await unit.operators.keep(home)
        with pytest.raises(BadValue, match="name one invoice"):
            await write_reminder(letter.id, number="999", actor=ruled.world.operator, **given)
        for name, caller in ruled.world.callers.items():
            if name == "operator":
                continue
            with pytest.raises((NotAllowed, NotFound)):
                await write_reminder(letter.id, actor=caller, **given)
        with pytest.raises(BadValue, match="Peppol id"):  # what was issued keeps the addresses it had
            await write_reminder(letter.id, number=one.number, actor=ruled.world.operator, **given)
