"""Files that we send: each is what its guide says, to the letter, and is read again as what was asked."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import sepaxml
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from typer.testing import CliRunner

from api.cli.payments import app
from domain.payments.orders import Ask, Batch, Creditor, Debit, MandateRequest, Payout
from domain.payments.record import Kind
from domain.payments.refund import check_bic
from domain.refusal import BadValue, Unreadable
from integrations.payments import formats
from integrations.payments.writing import WRITTEN, write

MADE = dt.datetime(2026, 11, 22, 12, 30, tzinfo=dt.UTC)
CREDITOR = Creditor(
    name="Exempel Telekom AB",
    bankgiro="9912346",
    customer_no="471117",
    nets_sender="123",
    nets_account="99991042764",
    cvr="12345678",
    pbs_number="1234567",
    creditor_id="DE98ZZZ09999999999",
    iban="SE45 5000 0000 0583 9825 7466",
    bic="ESSESESS",
)
CURRENCY = {"autogiro": "SEK", "avtalegiro": "NOK", "bs0601": "DKK"}
DEBIT = Debit(
    key="D-1",
    payer_number="101",
    amount=Decimal("249.50"),
    currency="SEK",
    due_on=dt.date(2026, 12, 1),
    reference="1000019",
    name="Åsa Öberg",
)
ORDER = "82202612010    00000000000001010000000249500009912346{:<16}           \r\n"


def batch(*debits: Debit, **more: object) -> Batch:
    return replace(Batch(creditor=CREDITOR, number=7, made_at=MADE, debits=debits), **more)


def test_autogiro_orders_and_requests_stand_in_their_columns() -> None:
    requests = (
        MandateRequest(ask=Ask.REGISTER, payer_number="101", account="8901-3232323232", identity="005556000521"),
        MandateRequest(ask=Ask.REGISTER, payer_number="102"),
        MandateRequest(ask=Ask.REJECT, payer_number="103"),
        MandateRequest(ask=Ask.CANCEL, payer_number="104"),
    )
    written = write("autogiro", batch(DEBIT, requests=requests))
    assert written.decode("iso-8859-1") == (
        "0120261122AUTOGIRO                                            4711170009912346  \r\n"
        "04000991234600000000000001018901003232323232005556000521                        \r\n"
        "0400099123460000000000000102                                                    \r\n"
        "0400099123460000000000000103                                                AV  \r\n"
        "0300099123460000000000000104                                                    \r\n" + ORDER.format("1000019")
    )
    found = formats.read(written)
    assert [(one["request"], one["payer_number"]) for one in found.mandates] == [
        ("register", "101"),
        ("register", "102"),
        ("reject", "103"),
        ("cancel", "104"),
    ]
    assert found.records[0].date == dt.date(2026, 12, 1)


def test_betalingsservice_counts_and_sums_its_records() -> None:
    one = replace(
        DEBIT, currency="DKK", text=("November", "Telefoni"), street="Nygade 1", postcode="8000", account="42"
    )
    written = write("bs0601", batch(one, replace(one, key="D-2", payer_number="102", account="")))
    lines = written.decode("iso-8859-1").split("\r\n")
    assert {len(line) for line in lines[:-1]} == {128}
    assert lines[0].rstrip() == f"BS00212345678BS106010000000007{'':19}221126"
    assert lines[2].startswith("BS022012345670240000010000100000000000010100000" + "0042Åsa Öberg")
    assert lines[5].rstrip().endswith("01122026" + "1" + "0000000024950" + f"{'1000019':<30}" + "00")
    assert [line[13:17] for line in lines if line.startswith("BS042")] == ["0280", "0285"]
    assert lines[-2].rstrip() == (
        f"BS99212345678BS1060100000000001{2:011d}{49900:015d}{4:011d}{'0' * 15}{6:011d}{'0' * 34}"
    )
    found = formats.read(written)
    assert found.records[0].text == ("November", "Telefoni")
    assert found.totals == {"records": 2, "amount": "499.00"}


def test_a_trial_delivery_of_betalingsservice_says_so() -> None:
    found = formats.read(write("bs0601-test", batch(replace(DEBIT, currency="DKK"))))
    assert "never post" in found.attention[0]


@pytest.mark.parametrize("name", ["autogiro", "avtalegiro", "bs0601"])
@given(
    amounts=st.lists(st.integers(1, 10**9), min_size=1, max_size=10),
    references=st.from_regex(r"[1-9][0-9]{1,14}", fullmatch=True),
)
def test_what_is_written_is_read(name: str, amounts: list[int], references: str) -> None:
    debits = [
        replace(
            DEBIT, key=f"D{number}", payer_number=str(number), amount=Decimal(cents).scaleb(-2),
            currency=CURRENCY[name], reference=references,
        )
        for number, cents in enumerate(amounts, 1)
    ]  # fmt: skip
    found = formats.read(write(name, batch(*debits)))
    assert [(one.kind, one.amount, one.references[0].ref, one.date) for one in found.records] == [
        (Kind.ORDER, one.amount, one.reference, one.due_on) for one in debits
    ]


@pytest.mark.parametrize("name", ["avtalegiro", "bs0601", "pain008.02", "pain008.08"])
def test_no_changed_amount_of_ours_passes(name: str) -> None:
    debits = [
        replace(
            DEBIT, currency=CURRENCY.get(name, "EUR"), key=f"D{number}", amount=Decimal("135.79") * number,
            account="FI2112345600000785" if name.startswith("pain") else "", signed_on=dt.date(2026, 1, 1),
        )
        for number in (1, 2)
    ]  # fmt: skip
    data = write(name, batch(*debits))
    for cents in ("13579", "27158", "40737"):
        shown = f"{cents[:3]}.{cents[3:]}" if name.startswith("pain") else cents
        start = 0
        while (at := data.find(shown.encode(), start)) >= 0:
            start = at + 1
            for place in range(at, at + len(shown)):
                if chr(data[place]).isdigit():
                    other = data[:place] + (b"9" if data[place : place + 1] != b"9" else b"8") + data[place + 1 :]
                    with pytest.raises(Unreadable, match="its records make"):
                        formats.read(other)


def schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(Path(sepaxml.__file__).parent / "schemas" / f"{name}.xsd"))


@pytest.mark.parametrize("name", [name for name in WRITTEN if name.startswith("pain008")])
def test_direct_debits_hold_their_schema_and_are_read(name: str) -> None:
    one = replace(
        DEBIT, payer_number="M-1", currency="EUR", account="FI21 1234 5600 0007 85", signed_on=dt.date(2026, 1, 2),
        text=("Tele & mobil <11>",),
    )  # fmt: skip
    later = replace(
        one, key="D-2", due_on=dt.date(2026, 12, 5), sequence="FRST", bic="NDEAFIHH", amount=Decimal("0.50")
    )
    data = write(name, batch(one, later))
    message = f"pain.008.001.{name.partition('.')[2][:2]}"
    schema(message).assertValid(etree.fromstring(data))
    found = formats.read(data)
    assert found.summary["version"] == message
    assert found.summary["control_sums"] == ["249.50", "0.50"]
    assert [
        (r.amount, r.details["end_to_end"], r.details["mandate_id"], r.details["sequence"], r.details["scheme"])
        for r in found.records
    ] == [
        (Decimal("249.50"), "D-1", "M-1", "RCUR", "B2B" if name.endswith("b2b") else "CORE"),
        (Decimal("0.50"), "D-2", "M-1", "FRST", "B2B" if name.endswith("b2b") else "CORE"),
    ]
    assert found.records[0].text == ("1000019 Tele & mobil <11>",)


@pytest.mark.parametrize("version", ["03", "09"])
def test_refunds_hold_their_schema(version: str) -> None:
    payouts = tuple(
        Payout(
            key=f"R-{number}", name="Åsa Öberg", account=account, scheme=scheme, amount=Decimal("100.05"),
            currency=currency, on=dt.date(2026, 12, 1), text="Återbetalning",
        )
        for number, (account, scheme, currency) in enumerate(
            [("FI2112345600000785", "IBAN", "EUR"), ("9912346", "BGNR", "SEK"), ("50001234567", "BBAN", "SEK")]
        )
    )  # fmt: skip
    data = write(f"pain001.{version}", batch(payouts=payouts))
    root = etree.fromstring(data)
    schema(f"pain.001.001.{version}").assertValid(root)
    space = {"p": f"urn:iso:std:iso:20022:tech:xsd:pain.001.001.{version}"}
    assert root.findtext(".//p:GrpHdr/p:CtrlSum", namespaces=space) == "300.15"
    assert [one.text for one in root.findall(".//p:PmtInf/p:CtrlSum", namespaces=space)] == ["100.05", "200.10"]
    assert [one.text for one in root.findall(".//p:EndToEndId", namespaces=space)] == ["R-0", "R-1", "R-2"]


@pytest.mark.parametrize(
    ("name", "wrong", "reason"),
    [
        ("autogiro", {"currency": "EUR"}, "takes SEK"),
        ("autogiro", {"amount": Decimal("0.001")}, "no amount that this file can hold"),
        ("autogiro", {"amount": Decimal(-1)}, "no amount"),
        ("autogiro", {"amount": Decimal("NaN")}, "no amount"),
        ("autogiro", {"payer_number": "12a"}, "not 16 digits"),
        ("autogiro", {"reference": "1" * 17}, "16 characters at most"),
        ("autogiro", {"reference": "1\n82"}, "16 characters at most"),
        ("autogiro", {"reference": "日本"}, "not a letter of ISO-8859-1"),
        ("bs0601", {"currency": "DKK", "text": ("x",) * 100}, "99 lines"),
        ("pain008.08", {"currency": "EUR", "account": "FI2112345600000786"}, "is no IBAN"),
        (
            "pain008.08",
            {"currency": "EUR", "signed_on": None, "account": "FI2112345600000785"},
            "the date it was signed",
        ),
        ("pain008.08", {"currency": "EUR", "sequence": "NOW"}, "one of FRST"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, wrong: dict[str, object], reason: str) -> None:
    good = replace(DEBIT, signed_on=dt.date(2026, 1, 1))
    with pytest.raises(BadValue, match=reason):
        write(name, batch(replace(good, **wrong)))


def test_a_creditor_without_an_agreement_is_told_what_is_missing() -> None:
    with pytest.raises(BadValue, match="the creditor's customer_no is not set"):
        write("autogiro", batch(DEBIT, creditor=Creditor(name="X", bankgiro="9912346")))


@pytest.mark.shared
def test_the_official_orders_are_written_to_the_letter(shared: Path) -> None:
    data = (shared / "data/payments/autogiro/payment_request_2008.txt").read_bytes()
    once = [one for one in formats.read(data).records if one.details["period_code"] == "0" and one.date is not None]
    debits = [
        replace(
            DEBIT, payer_number=one.payer["payer_number"], amount=one.amount, due_on=one.date,
            reference=one.references[0].ref,
        )
        for one in once
        if one.details["direction"] == "payment"
    ]  # fmt: skip
    payouts = [
        Payout(
            key="P", name="", scheme="AUTOGIRO", account=one.payer["payer_number"], amount=one.amount, currency="SEK",
            on=one.date, text=one.references[0].ref,
        )
        for one in once
        if one.details["direction"] == "payout"
    ]  # fmt: skip
    made = dt.datetime(2008, 6, 11, tzinfo=dt.UTC)
    creditor = replace(CREDITOR, bankgiro="9902346")
    written = write("autogiro", batch(*debits, made_at=made, payouts=tuple(payouts), creditor=creditor))
    lines = {line.rstrip() for line in data.splitlines()}
    assert {line.rstrip() for line in written.splitlines()} <= lines
    assert len(written.splitlines()) == 1 + len(debits) + len(payouts) == 7


def test_the_command_writes_what_it_is_told(tmp_path: Path) -> None:
    orders = tmp_path / "orders.json"
    told = {
        "creditor": {"name": "X", "bankgiro": "9912346", "customerNo": "471117"},
        "number": 3,
        "madeAt": "2026-11-22T12:00:00Z",
        "debits": [
            {
                "key": "a", "payerNumber": "101", "amount": "249.50", "currency": "SEK", "dueOn": "2026-12-01",
                "reference": "1000019",
            }
        ],
    }  # fmt: skip
    orders.write_text(json.dumps(told))
    out = tmp_path / "out.txt"
    run = CliRunner()
    done = run.invoke(app, ["write", "--format", "autogiro", "--out", str(out), str(orders)], standalone_mode=False)
    assert done.return_value == 0, done.output
    assert out.read_bytes().decode().endswith(ORDER.format("1000019"))
    orders.write_text(json.dumps(told | {"debits": [{"key": "a"}]}))
    refused = run.invoke(app, ["write", "--format", "autogiro", str(orders)], standalone_mode=False)
    assert isinstance(refused.exception, BadValue)
    assert refused.exception.field == "debits.0.payerNumber"


@pytest.mark.parametrize("text", ["X", "SWEDSESS1", "A<B>CDEF", "NDEA5ESS"])
def test_a_bic_that_is_none_stops_one_refund_and_not_the_file(text: str) -> None:
    with pytest.raises(BadValue, match="is no BIC") as no:
        check_bic(text)
    assert no.value.field == "bic"
