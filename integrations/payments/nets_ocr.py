"""OCR giro of Nets (Mastercard Payment Services), Norway: 80 columns beginning ``NY``, ISO-8859-1, øre, DDMMYY.

Nets "OCR giro, systemhåndbok". Records: 10 transmission, 20 assignment, 30/31/32 the items of a payment, 88 end of an
assignment, 89 end of the transmission. Sums: an item with ``-`` (credit note) is subtracted, a reversal (type 18, 20
with no minus) is added as the handbook says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from domain.payments.record import Kind, PaymentFile, PaymentRecord, Reference
from domain.refusal import Unreadable
from integrations.payments.fixed import Line, differ, lines

NAME: Final = "nets_ocr"
SERVICE: Final = "09"
_REVERSALS: Final = frozenset({"18", "20"})


@dataclass(slots=True)
class _Item:
    first: Line
    second: Line | None = None
    text: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Assignment:
    line: Line
    records: int = 1
    items: dict[str, _Item] = field(default_factory=dict)


def recognises(data: bytes) -> bool:
    """Tell whether it is a transmission with assignments of OCR giro."""
    return data.startswith(b"NY000010") and b"NY09" in data[80:170]


def read(data: bytes) -> PaymentFile:
    """Read an OCR giro file. Refuses with: Unreadable (an unknown record, a missing end, sums that do not hold)."""
    start: Line | None = None
    end: Line | None = None
    current: _Assignment | None = None
    done: list[dict[str, Any]] = []
    records: list[PaymentRecord] = []
    count = 0
    for line in lines(data, width=80):
        count += 1
        if end is not None:
            line.refuse("stands after the end of the transmission")
        head = line.at(1, 8)
        if not head.startswith("NY"):
            line.refuse("does not begin with NY")
        if start is None and head != "NY000010":
            line.refuse("the file does not begin with NY000010")
        match head[2:4], head[6:8]:
            case "00", "10" if start is None:
                start = line
            case "00", "89" if current is None:
                end = line
            case "09", "20" if current is None:
                current = _Assignment(line)
            case "09", "30" | "31" | "32" if current is not None:
                current.records += 1
                _take(line, head[6:8], current)
            case "09", "88" if current is not None:
                current.records += 1
                done.append(_close(line, current, records))
                current = None
            case _:
                line.refuse(f"a record {head!r} that is not of OCR giro, or not in its place")
    if start is None or end is None:
        raise Unreadable("not a whole OCR giro file: its last record NY000089 is missing; nothing was taken from it")
    file_id = {
        "sender": start.at(9, 16),
        "transmission": start.at(17, 23),
        "recipient": start.at(24, 31),
        "trailer": _end(end, done, count),
        "trailer_ok": True,
    }
    return PaymentFile(
        format=NAME, file_id=file_id, totals=file_id["trailer"], records=tuple(records), summary={"assignments": done}
    )


def _take(line: Line, record: str, assignment: _Assignment) -> None:
    """Put one of a payment's records to the others of its number."""
    number = line.at(9, 15)
    if record == "30":
        if number in assignment.items:
            line.refuse(f"a second first record of the payment {number}")
        assignment.items[number] = _Item(line)
        return
    item = assignment.items.get(number)
    if item is None:
        line.refuse(f"a record {record} of the payment {number} before its first record (30)")
    if record == "31":
        if item.second is not None:
            line.refuse(f"a second record 31 of the payment {number}")
        item.second = line
    else:
        item.text.append(line.at(16, 55).rstrip())


def _close(line: Line, assignment: _Assignment, records: list[PaymentRecord]) -> dict[str, Any]:
    """Check an assignment against its end record. Refuses with: Unreadable."""
    account = assignment.line.strip(25, 35)
    total = Decimal(0)
    dates = []
    for number, item in assignment.items.items():
        if item.second is None:
            item.first.refuse(f"the payment {number} has no second record (31)")
        record = _record(item, account)
        assert record.amount is not None
        total += -record.amount if record.details["sign"] == "-" else record.amount
        dates.append(record.date)
        records.append(record)
    said = _sums(line, "date", "first", "last")
    _agree(line, said, len(assignment.items), assignment.records, total)
    return {
        "service": SERVICE,
        "agreement": assignment.line.at(9, 17),
        "number": assignment.line.at(18, 24),
        "account": account,
        "n": len(assignment.items),
        "rec": assignment.records,
        "sum": f"{total:.2f}",
        "trailer": said,
        "ok": True,
    }


def _record(item: _Item, account: str) -> PaymentRecord:
    first, second = item.first, item.second
    assert second is not None
    type_, sign = first.at(5, 6), "-" if first.at(32, 32) == "-" else "+"
    kid = first.strip(50, 74)
    kind = Kind.PAYMENT
    if type_ in _REVERSALS:
        kind = Kind.RETURN
    elif sign == "-":
        kind = Kind.DEDUCTION
    bank_date = second.day_month_year(42, 47, "the bank's date")
    sender = second.strip(48, 58)
    return PaymentRecord(
        kind=kind,
        amount=first.hundredths(33, 49, "the amount"),
        currency="NOK",
        date=first.day_month_year(16, 21, "the date"),
        references=(Reference(ref=kid, type="KID"),) if kid else (),
        sender_account=sender if sender.strip("0") else None,
        receiver_account=account,
        bank_ref=second.at(26, 34),
        text=tuple(item.text),
        details={
            "sign": sign,
            "transaction_type": type_,
            "transaction_no": first.at(9, 15),
            "statement_serial": first.at(27, 31),
            "bank_date": bank_date.isoformat() if bank_date else None,
            "form_number": second.at(16, 25),
        },
    )


def _sums(line: Line, *names: str) -> dict[str, Any]:
    """Return what an end record says: numbers, the sum and the dates of these names."""
    dates = {}
    for index, name in enumerate(names):
        date = line.day_month_year(42 + 6 * index, 47 + 6 * index, "a date")
        dates[name] = date.isoformat() if date else None
    return {
        "transactions": line.digits(9, 16, "the number of payments"),
        "records": line.digits(17, 24, "the number of records"),
        "amount": f"{line.hundredths(25, 41, 'the sum'):.2f}",
        **dates,
    }


def _agree(line: Line, said: dict[str, Any], payments: int, records: int, total: Decimal) -> None:
    if Decimal(said["amount"]) != abs(total):
        differ("a sum of", said["amount"], f"{total:.2f}", line=line)
    if said["transactions"] != payments:
        differ("a number of payments of", said["transactions"], payments, line=line)
    if said["records"] != records:
        differ("a number of records of", said["records"], records, line=line)


def _end(line: Line, assignments: list[dict[str, Any]], count: int) -> dict[str, Any]:
    """Check the transmission against its end record. Refuses with: Unreadable."""
    said = _sums(line, "date")
    total = sum((Decimal(assignment["sum"]) for assignment in assignments), Decimal(0))
    _agree(line, said, sum(assignment["n"] for assignment in assignments), count, total)
    return said
