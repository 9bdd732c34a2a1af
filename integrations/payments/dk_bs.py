"""Betalingsservice, Denmark: deliveries 0602 (payments), 0603 (mandates) and our own 0601. 128 columns, øre.

Mastercard Payment Services. Records: BS002 delivery, BS012 section, BS042 data, BS092 end of a section, BS992 end of
the delivery; BS022 and BS052 are a debtor's address and text. Transaction codes of 0602: 0236 paid, 0237 rejected, 0238
cancelled, 0239 charged back, 0297 slip paid, 0299 slip charged back; of 0603: 0230 to 0234, a mandate stands, was
registered, or ended by the payer's bank, the creditor or the agency; of 0601: 0280 and 0285, to be collected.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from domain.payments.record import Kind, PaymentFile, PaymentRecord, Reference
from domain.refusal import Unreadable
from integrations.payments.fixed import Line, differ, lines

NAME: Final = "dk_bs"
_DEBITS: Final = frozenset({"0236", "0239"})
_KINDS: Final = {
    "0236": Kind.PAYMENT,
    "0237": Kind.REJECTION,
    "0238": Kind.CANCELLATION,
    "0239": Kind.RETURN,
    "0297": Kind.PAYMENT,
    "0299": Kind.RETURN,
}
_ORDERS: Final = frozenset({"0280", "0285"})
_MANDATES: Final = {
    "0230": "active",
    "0231": "active",
    "0232": "cancelled",
    "0233": "cancelled",
    "0234": "cancelled",
}
_CODES: Final = {"0601": _ORDERS, "0602": frozenset(_KINDS), "0603": frozenset(_MANDATES)}
_TEST: Final = "KR9"


def recognises(data: bytes) -> bool:
    """Tell whether it begins as a delivery of Betalingsservice."""
    return data.startswith(b"BS002")


def read(data: bytes) -> PaymentFile:
    """Read a delivery. Refuses with: Unreadable (another delivery, an unknown code, sums that do not hold)."""
    delivery = ""
    mandates: list[dict[str, Any]] = []
    start: Line | None = None
    end: Line | None = None
    section: Line | None = None
    records: list[PaymentRecord] = []
    inside: list[PaymentRecord] = []
    sections = data_records = before = 0
    for line in lines(data, width=128):
        if end is not None:
            line.refuse("stands after the end of the delivery")
        head = line.at(1, 5)
        if start is None and head != "BS002":
            line.refuse("the file does not begin with BS002")
        match head:
            case "BS002" if start is None:
                start = line
                delivery = line.at(17, 20)
                if delivery not in _CODES:
                    line.refuse(f"a delivery {delivery!r}; there are {', '.join(_CODES)}")
            case "BS012" if section is None:
                section, inside, sections, before = line, [], sections + 1, len(mandates)
            case "BS042" if section is not None:
                if line.at(14, 17) not in _CODES[delivery]:
                    line.refuse(
                        f"a transaction code {line.at(14, 17)!r}; there are {', '.join(sorted(_CODES[delivery]))}"
                    )
                if delivery == "0603":
                    mandates.append(_mandate(line))
                else:
                    inside.append(_order(line, section) if delivery == "0601" else _record(line, section))
            case "BS022" | "BS052" if section is not None and delivery == "0601":
                inside[-1:] = [_with_text(line, inside[-1])] if head == "BS052" and inside else inside[-1:]
            case "BS092" if section is not None:
                found = len(inside) + len(mandates) - before
                data_records += found
                _agree(line, inside, found, delivery)
                records.extend(inside)
                section = None
            case "BS992" if section is None:
                end = line
            case _:
                line.refuse(f"a record {head!r} that is unknown, or not in its place")
    if start is None or end is None:
        raise Unreadable("not a whole delivery: its last record BS992 is missing; nothing was taken from it")
    if end.digits(21, 31, "the number of sections") != sections:
        differ("a number of sections of", end.digits(21, 31, "the number of sections"), sections, line=end)
    _agree(end, records, data_records, delivery)
    file_id = {"cvr": start.strip(6, 13), "subsystem": start.strip(14, 16), "delivery": start.at(17, 20)}
    file_id |= {"serial": start.strip(21, 30), "created": start.strip(50, 55)}
    totals: dict[str, Any] = {"records": data_records, "amount": f"{_moved(records, delivery):.2f}"}
    return PaymentFile(
        format=NAME,
        file_id=file_id,
        totals=totals,
        records=tuple(records),
        mandates=tuple(mandates),
        attention=tuple(_attention(records, file_id["subsystem"])),
    )


def _attention(records: list[PaymentRecord], subsystem: str) -> Iterator[str]:
    """Tell a test delivery, and debits that moved another amount than was claimed; a slip's payer chooses his own."""
    if subsystem == _TEST:
        yield f"a test delivery ({_TEST}): never post it"
    for number, record in enumerate(records, 1):
        claimed = record.details.get("claimed")
        if claimed is not None and record.details["code"] in _DEBITS:
            yield f"payment {number}: {claimed} was claimed and {record.amount} moved"


def _record(line: Line, section: Line) -> PaymentRecord:
    code = line.at(14, 17)
    kind = _KINDS[code]
    due = line.day_month_year(50, 55, "the date")
    asked, moved = line.hundredths(57, 69, "the amount"), line.hundredths(116, 128, "the amount that moved")
    paid = line.day_month_year(104, 109, "the payment date")
    booked = line.day_month_year(110, 115, "the booking date")
    reference = line.strip(70, 99)
    details: dict[str, Any] = {"code": code, "creditor": line.at(6, 13), "section": section.at(14, 17)}
    if moved and asked and moved != asked:
        details["claimed"] = f"{asked:.2f}"
    if kind is Kind.RETURN:
        details["original_date"] = paid.isoformat() if paid else None
        date = booked or due
    else:
        details["booking_date"] = booked.isoformat() if booked else None
        date = paid or due
    return PaymentRecord(
        kind=kind,
        amount=moved or asked,
        currency="DKK",
        date=date,
        references=(Reference(ref=reference),) if reference else (),
        payer={
            "debtor_group": line.at(21, 25),
            "customer_no": line.strip(26, 40).lstrip("0"),
            "mandate_no": line.strip(41, 49).lstrip("0"),
        },
        details=details,
    )


def _order(line: Line, section: Line) -> PaymentRecord:
    """Read what we asked to be collected; its date has the century."""
    due = Line(line.number, line.at(56, 59) + line.at(54, 55) + line.at(52, 53)).date(1, 8, "the date")
    reference = line.strip(74, 103)
    return PaymentRecord(
        kind=Kind.ORDER,
        amount=line.hundredths(61, 73, "the amount"),
        currency="DKK",
        date=due,
        references=(Reference(ref=reference),) if reference else (),
        payer={
            "debtor_group": line.at(23, 27),
            "customer_no": line.strip(28, 42).lstrip("0"),
            "mandate_no": line.strip(43, 51).lstrip("0"),
        },
        details={"code": line.at(14, 17), "creditor": line.at(6, 13), "section": section.at(14, 17)},
    )


def _with_text(line: Line, order: PaymentRecord) -> PaymentRecord:
    return replace(order, text=(*order.text, line.at(53, 112).rstrip()))


def _mandate(line: Line) -> dict[str, Any]:
    """Read what became of a mandate."""
    date = line.day_month_year(50, 55, "the date")
    ends = line.day_month_year(56, 61, "the day it ends")
    return {
        "code": line.at(14, 17),
        "state": _MANDATES[line.at(14, 17)],
        "debtor_group": line.at(21, 25),
        "customer_no": line.strip(26, 40).lstrip("0"),
        "mandate_no": line.strip(41, 49).lstrip("0"),
        "date": date.isoformat() if date else None,
        "ends_on": ends.isoformat() if ends else None,
    }


def _moved(records: list[PaymentRecord], delivery: str) -> Decimal:
    """Return what came in less what was taken back; of orders, what is to come in."""
    signs = {Kind.PAYMENT: 1, Kind.RETURN: -1} if delivery == "0602" else {Kind.ORDER: 1}
    return sum((signs.get(record.kind, 0) * (record.amount or Decimal(0)) for record in records), Decimal(0))


def _agree(line: Line, records: list[PaymentRecord], found: int, delivery: str) -> None:
    """Check what an end says of its data records (BS042) and of what they come to. Refuses with: Unreadable."""
    count, total = line.digits(32, 42, "the number of records"), line.hundredths(43, 57, "the sum")
    if count != found:
        differ("a number of records of", count, found, line=line)
    # The guide's word on the sign of charge-backs is not public: the absolute net is compared, as deliveries have it.
    moved = _moved(records, delivery)
    if total != abs(moved):
        differ("a sum of", total, f"{moved:.2f}", line=line)
