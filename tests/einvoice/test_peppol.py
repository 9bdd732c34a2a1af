"""What we write passes the XSD, EN 16931 and Peppol; what is tampered with does not."""

from __future__ import annotations

import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from domain.customers.customer import CustomerKind, Delivery
from domain.invoicing.bill_run import BilledFee, FeeKey
from domain.invoicing.invoice import DocumentKind
from domain.operators import Address
from domain.refusal import BadValue, LimitExceeded, Unreadable
from integrations.einvoice import rules
from integrations.einvoice.findings import early
from integrations.einvoice.peppol import Attachment, encode
from integrations.einvoice.reading import parse
from integrations.einvoice.rules import Checker, RulesAway, choose, rule_sets
from tests.invoicing.made import BRANCH, MOBILE, OPERATOR, PAYER, bill, contract, issued, usage

CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"


@pytest.fixture(scope="module")
def checker():
    with Checker() as made:
        yield made


@pytest.fixture(scope="module")
def peppol(shared: Path):
    with Checker(shared / "data" / "einvoice" / "rules") as made:
        yield made


def credit_note():
    ended = contract(date(2026, 10, 1), end=date(2026, 10, 2))
    key = FeeKey(ended.id, MOBILE.id, date(2026, 10, 1), date(2026, 10, 1), one_time=False)
    return issued(
        bill(contracts={PAYER.id: (ended,)}, billed={ended.id: {key: BilledFee(Decimal("299.00"), "99")}}), number="7"
    )


def made() -> dict:
    finn = replace(
        PAYER,
        vat_id="FI20774740",
        endpoint="0216:003720774740",
        identity_number="20774740",
        address=Address("Katu 1", "00100", "Helsinki", "FI"),
    )
    abroad = replace(PAYER, vat_id=None, identity_number=None, address=Address("Main 1", "10001", "New York", "US"))
    person = replace(PAYER, kind=CustomerKind.PERSON, vat_id=None, identity_number="8001013294")
    many = tuple(
        usage(index * 987_654_321 - 3_000_000, used=index * 61, group=f"Zon {index}", events=index + 1)
        for index in range(40)
    )
    other = contract(date(2026, 10, 7), customer=BRANCH.id, id=101, number="A-101")
    return {
        "plain": issued(),
        "reverse charge": issued(bill(payer=finn)),
        "export": issued(bill(payer=abroad)),
        "person": issued(bill(payer=person)),
        "many lines, some negative": issued(bill(usage={PAYER.id: many})),
        "through a parent": issued(
            bill(members=(PAYER, BRANCH), contracts={PAYER.id: (contract(date(2026, 10, 5)),), BRANCH.id: (other,)})
        ),
        "late": issued(bill(usage={PAYER.id: (usage(5_000_000, late=True, first=date(2026, 9, 3)),)})),
        "two rates": issued(
            bill(services={MOBILE.id: replace(MOBILE, vat_percent=Decimal(6))}, usage={PAYER.id: (usage(5_000_000),)})
        ),
        "no rounding": issued(bill(operator=replace(OPERATOR, rounds_to_krona=False))),
        "odd characters": issued(bill(payer=replace(PAYER, name='<&"\x00\x1b]]> Åäö 日本 {{7*7}}'))),
        "credit note": credit_note(),
    }


@pytest.mark.parametrize("name", made())
def test_passes_xsd_and_en16931(checker, name):
    assert checker.check(encode(made()[name]), rules_may_miss=True) == []


@pytest.mark.shared
@pytest.mark.parametrize("name", made())
def test_passes_peppol(peppol, name):
    assert peppol.check(encode(made()[name])) == []


@pytest.mark.shared
def test_the_publishers_examples_pass(peppol, shared):
    folder = shared / "data" / "einvoice" / "samples" / "peppol-bis3-2026.5"
    files = sorted(folder.glob("*.xml"))
    assert len(files) == 10
    for file in files:
        assert peppol.check(file.read_bytes()) == [], file.name


@pytest.mark.shared
def test_invented_organisation_numbers_in_swedish_samples_are_found(peppol, shared):
    sample = shared / "data/einvoice/samples/sfti-bis3-se/typfall/BIS_Billing_30-Telefoni.xml"
    assert {finding.rule for finding in peppol.check(sample.read_bytes())} == {"PEPPOL-COMMON-R049"}


def test_a_credit_note_turns_the_sign_and_names_its_original():
    invoice = credit_note()
    assert invoice.kind is DocumentKind.CREDIT_NOTE
    assert invoice.total < 0
    root = parse(encode(invoice))
    assert etree.QName(root.tag).localname == "CreditNote"
    assert Decimal(root.findtext(f".//{CBC}PayableAmount")) == -invoice.total
    assert root.findtext("{*}BillingReference/{*}InvoiceDocumentReference/{*}ID") == "99"


@pytest.mark.parametrize(("name", "make"), [("invoice", issued), ("credit-note", credit_note)])
def test_golden(name, make):
    """Byte for byte; where a change is meant, write the new document over the old one and read the difference."""
    assert encode(make()) == (Path(__file__).parent / f"{name}.golden.xml").read_bytes()


def test_a_rules_process_that_dies_or_hangs_is_started_anew(checker, monkeypatch):
    document = encode(issued())
    assert checker.check(document, rules_may_miss=True) == []
    checker._worker.kill()
    checker._worker.wait()
    assert checker.check(document, rules_may_miss=True) == []
    with monkeypatch.context() as patch:
        patch.setattr(rules, "ANSWER_SECONDS", 0.2)
        os.kill(checker._worker.pid, signal.SIGSTOP)
        with pytest.raises(RulesAway, match="did not answer"):
            checker.check(document, rules_may_miss=True)
    assert checker.check(document, rules_may_miss=True) == []


def test_threads_share_a_checker(checker):
    good = encode(issued())
    bad = good.replace(b">325.00<", b">326.00<")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda data: checker.check(data, rules_may_miss=True), [good, bad] * 8))
    assert [bool(each) for each in found] == [False, True] * 8


def test_a_csv_of_the_calls_can_travel_inside(checker):
    calls = Attachment("calls.csv", "text/csv", b"tid;nummer\n", "Samtalsspecifikation")
    assert checker.check(encode(issued(), (calls,)), rules_may_miss=True) == []
    with pytest.raises(BadValue, match="text/html"):
        encode(issued(), (replace(calls, mime="text/html"),))


def test_without_a_peppol_id_there_is_no_document():
    payer = replace(PAYER, endpoint=None, delivery=Delivery.PDF)
    with pytest.raises(BadValue, match="customer 1010 has no Peppol id"):
        encode(issued(bill(payer=payer)))


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("BR-CO-14", b'<cbc:TaxAmount currencyID="SEK">65.09<', b'<cbc:TaxAmount currencyID="SEK">66.09<'),
        ("BR-CO-16", b">325.00<", b">326.00<"),
        ("PEPPOL-EN16931-R120", b">199</cbc:PriceAmount", b">198</cbc:PriceAmount"),
        ("PEPPOL-COMMON-R049", b'"0007">5567037485', b'"0007">5567037486'),
        ("XSD", b"<cbc:ID>100001</cbc:ID>", b""),
        ("BR-02", b"<cbc:ID>100001</cbc:ID>", b"<cbc:ID></cbc:ID>"),
    ],
)
def test_what_is_tampered_with_is_found(checker, rule, old, new):
    document = encode(issued())
    assert old in document
    found = checker.check(document.replace(old, new, 1), rules_may_miss=True)
    assert rule in {finding.rule for finding in found}, found
    assert all(finding.place for finding in found)


def test_mutated_documents_are_refused_or_found_never_a_crash(checker):
    document = encode(issued())
    draw = random.Random(20261122)
    outcomes = set()
    for _ in range(150):
        mutated = bytearray(document)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(mutated))
            match draw.randrange(4):
                case 0:
                    mutated[place] = draw.randrange(256)
                case 1:
                    del mutated[place : place + draw.randint(1, 40)]
                case 2:
                    mutated[place:place] = mutated[draw.randrange(len(mutated)) :][: draw.randint(1, 60)]
                case 3:
                    mutated[place:place] = draw.choice([b"-", b"9" * 40, b"e9", b"NaN", "٣".encode(), b"&#x41;"])
        try:
            outcomes.add(bool(checker.check(bytes(mutated), rules_may_miss=True)))
        except (Unreadable, LimitExceeded):
            outcomes.add(None)
    assert outcomes == {True, False, None}
    assert checker.check(document, rules_may_miss=True) == []


def test_our_own_rule_that_something_to_pay_needs_a_day():
    root = parse(encode(issued()))
    assert early(root) == []
    root.remove(root.find(f"{CBC}DueDate"))
    assert early(root) == []  # the terms say when
    root.remove(root.find("{*}PaymentTerms"))
    assert [finding.rule for finding in early(root)] == ["BR-CO-25"]


def test_missing_rules_are_said(checker):
    assert [finding.rule for finding in checker.check(encode(issued()))] == ["rules_missing"]


def test_the_release_is_chosen_by_the_day_of_issue(tmp_path):
    for name in ("peppol-2025.11", "peppol-2026.5", "other", "peppol-x"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "PEPPOL-EN16931-UBL.xslt").touch()
    sets = rule_sets(tmp_path)
    assert [each.name for each in sets] == ["peppol-2025.11", "peppol-2026.5"]
    assert choose(sets, date(2026, 7, 31)).name == "peppol-2025.11"
    assert choose(sets, date(2026, 8, 17)).name == "peppol-2026.5"
    assert choose(sets, date(2017, 1, 1)).name == "peppol-2025.11"
    assert choose((), date(2026, 1, 1)) is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(min_size=1, max_size=60).filter(lambda text: text.strip()))
def test_any_text_gives_a_well_formed_document(text):
    root = parse(encode(issued(bill(payer=replace(PAYER, name=f"A{text}")))))
    assert root.findtext(".//{*}AccountingCustomerParty//{*}RegistrationName").startswith("A")
