"""Payment files of our own making: each fault is its own clear reason, and nothing of such a file is taken."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from api.cli.payments import app
from domain.payments.looking import misgivings
from domain.payments.record import FORMATS, Kind
from domain.refusal import BadValue, Refusal, Unreadable
from integrations.payments import formats, nets_avtalegiro


def bgmax(*payments: tuple[int, str], mark: str = "P", deposit: int | None = None, count: int | None = None) -> bytes:
    """A BgMax file of one section; amounts in öre."""
    total = sum(amount for amount, _ in payments) if deposit is None else deposit
    lines = [
        f"01BGMAX               0120261120173035010331{mark}",
        "050009912346          SEK",
        *(
            f"20{'1234567':>10}{reference:>25}{amount:018d}21{number:012d}0"
            for number, (amount, reference) in enumerate(payments, 1)
        ),
        f"15{'58410000010098232':0>35}2026112000001{total:018d}SEK{len(payments) if count is None else count:08d} ",
        f"70{len(payments):08d}{0:08d}{0:08d}{1:08d}",
    ]
    return "\r\n".join(line.ljust(80) for line in lines).encode("iso-8859-1")


def camt(entries: str, *, version: str = "08", summary: str = "", before: str = "", message: str = "M1") -> bytes:
    """A camt.054 of these entries."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.{version}">'
        f"<BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>{message}</MsgId></GrpHdr><Ntfctn><Id>N1</Id>"
        f"<Acct><Id><IBAN>SE4550000000058398257466</IBAN></Id></Acct>{summary}{entries}"
        "</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()


def entry(amount: str, details: str = "", *, sign: str = "CRDT", status: str = "BOOK", more: str = "") -> str:
    return (
        f'<Ntry><Amt Ccy="SEK">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{more}<Sts><Cd>{status}</Cd></Sts>'
        f"<BookgDt><Dt>2026-11-20</Dt></BookgDt><NtryDtls>{details}</NtryDtls></Ntry>"
    )


def detail(amount: str, reference: str = "1", *, more: str = "") -> str:
    return (
        f'<TxDtls><Amt Ccy="SEK">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><RmtInf><Strd><CdtrRefInf><Tp><CdOrPrtry>'
        f"<Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>{reference}</Ref></CdtrRefInf></Strd></RmtInf>{more}</TxDtls>"
    )


@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.from_regex(r"[0-9]{2,25}", fullmatch=True)), min_size=1, max_size=20)
)
def test_what_is_written_in_bgmax_is_read(payments: list[tuple[int, str]]) -> None:
    found = formats.read(bgmax(*payments))
    assert [(record.amount, record.references[0].ref) for record in found.records] == [
        (Decimal(amount).scaleb(-2), reference) for amount, reference in payments
    ]
    assert found.attention == ()


def test_a_changed_sum_names_the_record_and_both_sums() -> None:
    with pytest.raises(Unreadable, match=r"record 5: the file says a deposit of 151.00, its records make 150.00"):
        formats.read(bgmax((10000, "12"), (5000, "34"), deposit=15100))


def test_a_missing_record_is_found() -> None:
    with pytest.raises(Unreadable, match="a number of payments of 3, its records make 2"):
        formats.read(bgmax((10000, "12"), (5000, "34"), count=3))


def test_a_test_file_is_for_a_person_to_see() -> None:
    assert "never post" in formats.read(bgmax((10000, "12"), mark="T")).attention[0]


def test_a_date_to_come_is_for_a_person_to_see() -> None:
    found = formats.read(bgmax((10000, "12")))
    assert misgivings(found, dt.date(2026, 11, 20)) == ()
    assert misgivings(found, dt.date(2026, 11, 19)) == (), "a bank further east books its next day"
    assert "2026-11-20" in misgivings(found, dt.date(2026, 11, 1))[0]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\n \r\n", "empty"),
        (b"%PDF-1.7 not a payment file", "not a payment file of a format that is read"),
        (bgmax((100, "1")).replace(b"\r\n20", b"\r\n90"), "unknown transaction code '90'"),
        (bgmax((100, "1")).replace(b"000000000000000100", b"00000000000000010x", 1), "should be digits"),
        (bgmax((100, "1"))[:-80], "cut"),
        (bgmax((100, "1")) + b"\r\n20", "after the file's last record"),
        (bgmax((100, "1")).replace(b"20261120", b"20261399"), "no date"),
    ],
)
def test_each_fault_is_its_own_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        formats.read(data)


def test_another_format_is_told_by_its_name() -> None:
    with pytest.raises(Unreadable, match="it looks like bgmax"):
        formats.read(bgmax((100, "1")), "camt054")
    with pytest.raises(BadValue, match="no format 'bgmaxx'"):
        formats.read(bgmax((100, "1")), "bgmaxx")


def test_a_batch_in_a_notification_is_a_record_for_each_detail() -> None:
    found = formats.read(
        camt(entry("30.00", detail("10.00", "1") + detail("20.00", "2")) + entry("5.00", status="PDNG"))
    )
    assert [(r.kind, r.amount, r.status) for r in found.records] == [
        (Kind.PAYMENT, Decimal("10.00"), "BOOK"),
        (Kind.PAYMENT, Decimal("20.00"), "BOOK"),
        (Kind.PAYMENT, Decimal("5.00"), "PDNG"),
    ]
    assert [r.references[0].ref for r in found.records[:2]] == ["1", "2"]
    assert found.attention == ()


def test_details_that_do_not_make_their_entry_are_told() -> None:
    found = formats.read(camt(entry("31.00", detail("10.00") + detail("20.00"))))
    assert found.attention == ("statement 1, entry 1: the entry has 31.00, its details make 30.00",)


def test_one_detail_of_another_amount_is_told_too() -> None:
    found = formats.read(camt(entry("127.00", detail("126.00"))))
    assert found.records[0].amount == Decimal("127.00")
    assert found.attention == ("statement 1, entry 1: the entry has 127.00, its details make 126.00",)


def test_one_detail_takes_the_entry_s_amount_not_what_was_instructed() -> None:
    one = '<TxDtls><AmtDtls><InstdAmt><Amt Ccy="EUR">9.00</Amt></InstdAmt></AmtDtls></TxDtls>'
    record = formats.read(camt(entry("99.50", one))).records[0]
    assert (record.amount, record.currency, record.details["instructed"]) == (
        Decimal("99.50"),
        "SEK",
        {"amount": "9.00", "currency": "EUR"},
    )


def test_a_summary_that_differs_in_its_sum_refuses_the_file() -> None:
    said = "<TxsSummry><TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>30.01</Sum></TtlCdtNtries></TxsSummry>"
    with pytest.raises(Unreadable, match=r"30\.01, its records make 30\.00"):
        formats.read(camt(entry("30.00"), summary=said))


def test_a_return_is_known_by_each_of_its_marks() -> None:
    marks = [
        "<RvslInd>true</RvslInd>",
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>IDDT</Cd><SubFmlyCd>UPDD</SubFmlyCd></Fmly></Domn></BkTxCd>",
    ]
    for mark in marks:
        assert formats.read(camt(entry("1.00", sign="DBIT", more=mark))).records[0].kind is Kind.RETURN
    reason = "<RtrInf><Rsn><Cd>AC06</Cd></Rsn></RtrInf>"
    record = formats.read(camt(entry("1.00", detail("1.00", more=reason), sign="DBIT"))).records[0]
    assert (record.kind, record.details["return_reason"]) == (Kind.RETURN, "AC06")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (camt(entry("1,00")), "'1,00' is not a number"),
        (camt(entry("-1.00")), "'-1.00' is not a number"),
        (camt(entry("1.000001")), "is not a number"),
        (camt(entry("1.00", sign="IN")), "should be CRDT or DBIT"),
        (camt(entry("1.00"))[:-30], "not whole XML"),
        (camt(entry("1.00"), version="99"), "not a message of"),
        (camt(entry("1.00"), before='<!DOCTYPE x [<!ENTITY a "b">]>'), "document type"),
        (camt("<Ntry>" + "<X>" * 100 + "</X>" * 100 + "</Ntry>"), "nested too deeply"),
    ],
)
def test_a_message_that_is_not_right_is_refused_whole(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        formats.read(data, "camt054")


@given(st.binary(max_size=400), st.sampled_from(FORMATS))
def test_no_bytes_break_a_reader(data: bytes, name: str) -> None:
    heads = {
        "bgmax": b"01BGMAX",
        "autogiro": b"01AUTOGIRO",
        "dk_bs": b"BS002",
        "fi_tito": b"T00322",
        "nets_ocr": b"NY000010",
    }
    for whole in (data, heads.get(name, b"") + data):
        try:
            formats.read(whole, name)
        except Refusal:
            continue


def test_claims_that_are_written_are_read_back() -> None:
    claims = [
        nets_avtalegiro.Claim(
            kid="12344", due=dt.date(2026, 12, 1), amount=Decimal("249.50"), name="KARI", text=("Nov",)
        ),
        nets_avtalegiro.Claim(kid="55558", due=dt.date(2026, 12, 5), amount=Decimal("10.00"), notify=True),
        nets_avtalegiro.Claim(kid="77776", due=dt.date(2026, 12, 1), amount=Decimal("5.00"), delete=True),
    ]
    data = nets_avtalegiro.write(claims, sender="123", transmission=7, assignment=1, account="99991042764")
    assert all(len(line) == 80 for line in data.decode("iso-8859-1").splitlines())
    found = formats.read(data)
    assert [(r.kind, r.references[0].ref, r.amount) for r in found.records] == [
        (Kind.ORDER, "12344", Decimal("249.50")),
        (Kind.ORDER, "55558", Decimal("10.00")),
        (Kind.CANCELLATION, "77776", Decimal("5.00")),
    ]
    assert found.records[0].text == ("Nov",)
    assert found.totals["amount"] == "264.50"


def test_the_command_ends_by_what_it_found(tmp_path: Path) -> None:
    run = CliRunner()
    good, test, bad = tmp_path / "good", tmp_path / "test", tmp_path / "bad"
    good.write_bytes(bgmax((12345, "655969")))
    test.write_bytes(bgmax((100, "1"), mark="T"))
    bad.write_bytes(bgmax((100, "1"), deposit=1))
    done = run.invoke(app, ["read", str(good)], standalone_mode=False)
    assert done.return_value == 0
    assert json.loads(done.stdout)["amount"] == "123.45"
    assert json.loads(done.stderr)["valid"] is True
    held = run.invoke(app, ["read", "--format", "bgmax", str(test)], standalone_mode=False)
    assert held.return_value == 1
    assert "test file" in held.stderr
    refused = run.invoke(app, ["read", str(bad)], standalone_mode=False)
    assert isinstance(refused.exception, Unreadable)
    assert not refused.stdout
    assert str(bad) in refused.exception.message


def test_a_character_set_that_is_none_is_its_own_reason() -> None:
    with pytest.raises(Unreadable, match="character set"):
        formats.read(camt(entry("1.00")).replace(b"UTF-8", b"UTF-9"))


def test_a_record_that_ends_within_a_number_is_cut() -> None:
    whole = bgmax((12345, "655969"))
    record = next(line for line in whole.split(b"\r\n") if line.startswith(b"20"))
    with pytest.raises(Unreadable, match=r"record 3: it is cut: it ends at column 54, within the amount \(columns"):
        formats.read(whole.replace(record, record[:54]))


def test_an_order_file_without_its_payee_is_cut_and_not_empty() -> None:
    for head in (b"0120160725AUTOGIRO9", b"0120160725AUTOGIRO", b"0120160725AUTOGIRO" + b" " * 50):
        with pytest.raises(Unreadable, match="names no bankgiro number"):
            formats.read(head)
    whole = b"0120160725AUTOGIRO" + b" " * 44 + b"4711170009912346"
    with pytest.raises(Unreadable, match="it is cut: it ends at column 74, within the bankgiro number"):
        formats.read(whole[:74])
    with pytest.raises(Unreadable, match="neither an order nor a request"):
        formats.read(whole)
    order = f"82202611300{'':4}{101:016d}{29900:012d}"
    with pytest.raises(Unreadable, match="record 2: it is cut: it ends at column 43"):
        formats.read(whole + b"\r\n" + order.encode())


def test_payments_of_the_new_layout_without_their_section_are_refused() -> None:
    head = f"01AUTOGIRO{'':14}20261130{'':12}{'BET. SPEC & STOPP TK':<20}4711170009912346"
    debit = f"82202611300{'':4}{101:016d}{29900:012d}{9912346:010d}{'REF1':<16}{'':10}0"
    with pytest.raises(Unreadable, match="sections of payments: 1, its records make 0"):
        formats.read(
            "\r\n".join([head, debit, f"09202611309900{1:06d}{1:012d}{0:06d}{0:012d}{0:06d}{0:012d}"]).encode()
        )


def test_a_statement_s_sum_of_many_payments_is_no_payment() -> None:
    batch = "<Btch><NbOfTxs>{count}</NbOfTxs></Btch>"
    kinds = []
    for count, statement in ((2, True), (1, True), (2, False)):
        data = camt(entry("30.00", batch.format(count=count)))
        if statement:
            data = data.replace(b"camt.054", b"camt.053").replace(b"BkToCstmrDbtCdtNtfctn", b"BkToCstmrStmt")
            data = data.replace(b"Ntfctn", b"Stmt")
        kinds.append(formats.read(data).records[0].kind)
    assert kinds == [Kind.LUMP_SUM, Kind.PAYMENT, Kind.PAYMENT], "a notification's sum is told nowhere else"


def test_a_remittance_of_several_documents_refers_to_each() -> None:
    documents = "".join(f"<RfrdDocInf><Nb>{number}</Nb></RfrdDocInf>" for number in (1001, 1002, 1001))
    one = f'<TxDtls><Amt Ccy="SEK">9.00</Amt><RmtInf><Strd>{documents}</Strd></RmtInf></TxDtls>'
    (record,) = formats.read(camt(entry("9.00", one))).records
    assert [(found.ref, found.amount) for found in record.references] == [("1001", None), ("1002", None)]


@pytest.mark.parametrize("yes", ["true", "1"])
def test_a_reversal_is_told_by_either_word_for_yes(yes: str) -> None:
    (record,) = formats.read(camt(entry("9.00", detail("9.00"), more=f"<RvslInd>{yes}</RvslInd>"))).records
    assert record.kind is Kind.RETURN


@pytest.mark.parametrize(
    ("charges", "told"),
    [
        ("<Amt Ccy='SEK'>1.00</Amt><ChrgInclInd>true</ChrgInclInd>", ("1.00", "1.00")),
        ("<Amt Ccy='SEK'>1.00</Amt><ChrgInclInd>false</ChrgInclInd>", ("1.00", None)),
        ("<Amt Ccy='SEK'>1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>", (None, None)),
        ("<Amt Ccy='EUR'>1.00</Amt><ChrgInclInd>true</ChrgInclInd>", (None, None)),
    ],
)
def test_only_a_charge_that_is_in_the_amount_was_taken_off_it(
    charges: str, told: tuple[str | None, str | None]
) -> None:
    paid = detail("9.00", more=f"<Chrgs><Rcrd>{charges}</Rcrd></Chrgs>")
    (record,) = formats.read(camt(entry("9.00", paid))).records
    assert (record.details.get("charges"), record.details.get("deducted")) == told


def mt940(*rows: str, closing: str) -> bytes:
    head = [":20:STMT", ":25:NL91ABNA0417164300EUR", ":28C:1/1", ":60F:C260101EUR100,00"]
    return "\r\n".join([*head, *rows, f":62F:{closing}", "-"]).encode()


@pytest.mark.parametrize(
    ("sign", "closing", "kind"),
    [
        ("C", "110,00", Kind.PAYMENT),
        ("D", "90,00", Kind.OTHER),
        ("RC", "90,00", Kind.RETURN),
        ("RD", "110,00", Kind.RETURN),
    ],
)
def test_each_sign_of_mt940_moves_the_balance_its_way(sign: str, closing: str, kind: Kind) -> None:
    found = formats.read(mt940(f":61:2601020102{sign}10,00NTRF123//B1", ":86:x", closing=f"C260102EUR{closing}"))
    (record,) = found.records
    assert (record.kind, record.amount, found.attention) == (kind, Decimal("10.00"), ())


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            [
                ":86:/TRTP/SEPA OVERBOEKING/IBAN/NL02RABO0123456789/BIC/RABONL2U/NAME/J JAN",
                "SEN BV/REMI/100019/EREF/E-77",
            ],
            ("NL02RABO0123456789", "J JANSEN BV", "E-77", []),
        ),
        (
            [":86:/CNTP/NL02RABO0123456789/RABONL2U/J Jansen///REMI/STRD/CUR/RF18539007547034/EREF/NOTPROVIDED"],
            ("NL02RABO0123456789", "J Jansen", None, ["RF18539007547034"]),
        ),
        ([":86:/MARF/M-1/CSID/NL1/REMI/USTD//1000019/"], (None, None, None, [])),
        ([":86:OVERFORSEL 1000019 / FIRMA"], (None, None, None, [])),
    ],
)
def test_codes_between_strokes_are_told(lines: list[str], told: tuple[object, ...]) -> None:
    data = mt940(":61:2601020102C10,00NTRFNONREF//B1", *lines, closing="C260102EUR110,00")
    (record,) = formats.read(data).records
    said = record.details
    found = (said["counter_account"], said["counter_name"], said["tx_id"], [one.ref for one in record.references])
    assert found == told


def test_a_rejection_without_a_reason_of_its_own_has_its_batch_s() -> None:
    body = (
        "<OrgnlGrpInfAndSts><OrgnlMsgId>M-1</OrgnlMsgId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><PmtInfSts>RJCT</PmtInfSts>"
        "<StsRsnInf><Rsn><Cd>MS03</Cd></Rsn></StsRsnInf><TxInfAndSts><OrgnlEndToEndId>D1</OrgnlEndToEndId></TxInfAndSts>"
        "<TxInfAndSts><OrgnlEndToEndId>D2</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts></OrgnlPmtInfAndSts>"
    )
    space = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
    data = f'<Document xmlns="{space}"><CstmrPmtStsRpt>{body}</CstmrPmtStsRpt></Document>'.encode()
    found = [(one.kind, one.details["reason"]) for one in formats.read(data).records]
    assert found == [(Kind.REJECTION, "MS03"), (Kind.OTHER, None)]
