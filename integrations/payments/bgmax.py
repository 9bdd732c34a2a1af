"""BgMax, Bankgirot's incoming payments: 80 columns, ISO-8859-1, amounts in öre.

Bankgirot "Bankgiro Inbetalningar, teknisk manual", BgMax 01. Transaction codes (TK): 01 file, 05 section, 20 payment,
21 deduction, 22/23 further references, 25 message, 26-29 payer, 15 deposit, 70 totals. No file is delivered after
27 November 2026; the format stays for replay and the parallel period.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from domain.payments.record import Kind, PaymentFile, PaymentRecord, Reference
from domain.refusal import Unreadable
from integrations.payments.fixed import Line, differ, lines

NAME: Final = "bgmax"
_OF_PAYMENT: Final = frozenset({"22", "23", "25", "26", "27", "28", "29"})
_KINDS: Final = {"20": Kind.PAYMENT, "21": Kind.DEDUCTION}


@dataclass(slots=True)
class _Payment:
    """A TK20 or TK21 and the records that belong to it."""

    line: Line
    kind: Kind
    amount: Decimal
    references: list[Reference]
    text: list[str] = field(default_factory=list)
    payer: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Section:
    receiver: str
    currency: str
    payments: list[_Payment] = field(default_factory=list)


def recognises(data: bytes) -> bool:
    """Tell whether it begins as a BgMax file."""
    return data.startswith(b"01BGMAX")


def read(data: bytes) -> PaymentFile:
    """Read a BgMax file. Refuses with: Unreadable (not BgMax, an unknown code, sums or counts that do not hold)."""
    if not recognises(data):
        raise Unreadable("not a BgMax file: the first record does not begin with 01BGMAX; nothing was taken from it")
    counted: Counter[str] = Counter()
    records: list[PaymentRecord] = []
    deposits: list[dict[str, Any]] = []
    section: _Section | None = None
    header: Line | None = None
    trailer: Line | None = None
    for line in lines(data, width=80, tabs=True):
        code = line.at(1, 2)
        if trailer is not None:
            line.refuse("stands after the file's last record (70)")
        if code != "01" and header is None:
            line.refuse("the file does not begin with a record 01")
        counted[code] += 1
        match code:
            case "01":
                if header is not None:
                    line.refuse("a second record 01; send each file by itself")
                header = line
            case "05":
                if section is not None:
                    line.refuse("a new section (05) though the last has no deposit (15)")
                section = _Section(f"BG {line.strip(3, 12).lstrip('0')}", line.strip(23, 25) or "SEK")
            case "15":
                if section is None:
                    line.refuse("a deposit (15) outside a section (05)")
                deposits.append(_deposit(line, section, records))
                section = None
            case "70":
                trailer = line
            case _:
                if section is None:
                    line.refuse(f"a record {code!r} outside a section (05)")
                _of_payment(line, code, section)
    if header is None or trailer is None or section is not None:
        raise Unreadable(
            "the file is cut: its last record (70) is missing; ask for it again; nothing was taken from it"
        )
    said = _trailer(trailer, counted)
    attention = ["a test file (T in record 01): never post it"] if header.at(45, 45) == "T" else []
    file_id = {
        "layout": "BGMAX",
        "version": header.strip(23, 24),
        "timestamp": header.strip(25, 44),
        "test": header.at(45, 45) == "T",
    }
    totals = {"deposits": deposits, "trailer": said}
    return PaymentFile(
        format=NAME,
        file_id=file_id,
        totals=totals,
        records=tuple(records),
        attention=tuple(attention),
        summary={"deposits": deposits, "trailer": said, "counted": said},
    )


def _of_payment(line: Line, code: str, section: _Section) -> None:
    """Take a record of a payment into its section."""
    if code in _KINDS:
        amount = line.hundredths(38, 55, "the amount")
        section.payments.append(_Payment(line, _KINDS[code], amount, list(_reference(line, 13, extra=False))))
        return
    if code not in _OF_PAYMENT:
        line.refuse(f"an unknown transaction code {code!r}")
    if not section.payments:
        line.refuse(f"a record {code!r} before any payment (20)")
    payment = section.payments[-1]
    match code:
        case "22" | "23":
            sign = 1 if code == "22" else -1
            payment.references.extend(_reference(line, 13, extra=True, sign=sign))
        case "25":
            payment.text.append(line.at(3, 52).rstrip())
        case "26":
            _put(payment.payer, line, {"name": (3, 37), "extra_name": (38, 72)})
        case "27":
            payment.payer["street"] = line.strip(3, 37)
            _put(payment.payer, line, {"postcode": (38, 46)})
        case "28":
            _put(payment.payer, line, {"city": (3, 37), "country": (38, 72), "country_code": (73, 74)})
        case "29":
            payment.payer["org_no"] = line.strip(3, 14).lstrip("0")


def _put(payer: dict[str, str], line: Line, fields: dict[str, tuple[int, int]]) -> None:
    payer.update({name: text for name, (first, last) in fields.items() if (text := line.strip(first, last))})


def _reference(line: Line, first: int, *, extra: bool, sign: int = 1) -> tuple[Reference, ...]:
    """Return the reference of a record, none where it is blank. An extra one without an amount has an unknown split."""
    text = line.strip(first, first + 24)
    if not text:
        return ()
    if not extra:
        return (Reference(ref=text, code=line.at(56, 56)),)
    amount = line.hundredths(38, 55, "the amount")
    given = None if amount == 0 else amount * sign
    details = {"extra": True} | ({"amount": None} if given is None else {})
    return (Reference(ref=text, code=line.at(56, 56), amount=given, details=details),)


def _deposit(line: Line, section: _Section, records: list[PaymentRecord]) -> dict[str, Any]:
    """Check a section against its deposit and turn its payments into records. Refuses with: Unreadable."""
    amount, count = line.hundredths(51, 68, "the deposit"), line.digits(72, 79, "the number of payments")
    found = sum((p.amount if p.kind is Kind.PAYMENT else -p.amount for p in section.payments), Decimal(0))
    if found != amount:
        differ("a deposit of", amount, f"{found:.2f}", line=line)
    if count != len(section.payments):
        differ("a number of payments of", count, len(section.payments), line=line)
    date, serial = line.date(38, 45, "the date of the deposit"), line.strip(46, 50)
    for payment in section.payments:
        own = payment.line
        records.append(
            PaymentRecord(
                kind=payment.kind,
                amount=payment.amount,
                currency=section.currency,
                date=date,
                references=tuple(payment.references),
                payer=payment.payer,
                sender_account=own.strip(3, 12).lstrip("0") or None,
                receiver_account=section.receiver,
                bank_ref=own.strip(58, 69),
                text=tuple(payment.text),
                details={
                    "channel": own.at(57, 57),
                    "image": own.at(70, 70) == "1",
                    "deduction_code": own.at(71, 71) if payment.kind is Kind.DEDUCTION else None,
                    "primary_reference_code": own.at(56, 56),
                    "deposit_serial": serial,
                },
            )
        )
    return {
        "account": line.strip(3, 37).lstrip("0"),
        "date": date.isoformat() if date else None,
        "serial": serial,
        "amount": f"{amount:.2f}",
        "currency": line.strip(69, 71) or section.currency,
        "count": count,
        "type": line.at(80, 80),
        "sum_ok": True,
        "count_ok": True,
    }


def _trailer(line: Line, counted: Counter[str]) -> dict[str, int]:
    """Check the file's counts. Refuses with: Unreadable."""
    said = {
        "payments": (line.digits(3, 10, "the number of payments"), counted["20"]),
        "deductions": (line.digits(11, 18, "the number of deductions"), counted["21"]),
        "extra_refs": (line.digits(19, 26, "the number of further references"), counted["22"] + counted["23"]),
        "deposits": (line.digits(27, 34, "the number of deposits"), counted["15"]),
    }
    for what, (number, found) in said.items():
        if number != found:
            differ(f"{what.replace('_', ' ')}:", number, found, line=line)
    return {what: number for what, (number, _) in said.items()}
