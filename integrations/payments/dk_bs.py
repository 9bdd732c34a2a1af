"""Betalingsservice, Denmark, delivery 0602 (payments): 128 columns, ISO-8859-1, øre, DDMMYY.

Mastercard Payment Services. Records: BS002 delivery, BS012 section, BS042 data, BS092 end of a section, BS992 end of
the delivery. Transaction codes: 0236 paid, 0237 rejected, 0238 cancelled, 0239 charged back, 0297 slip paid, 0299 slip
charged back.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def recognises(data: bytes) -> bool:
    """Tell whether it begins as a delivery of Betalingsservice."""
    return data.startswith(b"BS002")


def read(data: bytes) -> PaymentFile:
    """Read a delivery 0602. Refuses with: Unreadable (another delivery, an unknown code, sums that do not hold)."""
    start: Line | None = None
    end: Line | None = None
    section: Line | None = None
    records: list[PaymentRecord] = []
    inside: list[PaymentRecord] = []
    sections = 0
    for line in lines(data, width=128):
        if end is not None:
            line.refuse("stands after the end of the delivery")
        head = line.at(1, 5)
        if start is None and head != "BS002":
            line.refuse("the file does not begin with BS002")
        match head:
            case "BS002" if start is None:
                start = line
                if line.at(17, 20) != "0602":
                    line.refuse(f"a delivery {line.at(17, 20)!r}; payments come in deliveries 0602")
            case "BS012" if section is None:
                section, inside, sections = line, [], sections + 1
            case "BS042" if section is not None:
                inside.append(_record(line, section))
            case "BS092" if section is not None:
                _agree(line, inside, line.digits(32, 42, "the number of records"), line.hundredths(43, 57, "the sum"))
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
    _agree(end, records, end.digits(32, 42, "the number of records"), end.hundredths(43, 57, "the sum"))
    file_id = {"cvr": start.strip(6, 13), "subsystem": start.strip(14, 16), "delivery": start.at(17, 20)}
    file_id |= {"serial": start.strip(21, 30), "created": start.strip(50, 55)}
    totals = {"records": len(records), "amount": f"{_moved(records):.2f}"}
    return PaymentFile(
        format=NAME, file_id=file_id, totals=totals, records=tuple(records), attention=tuple(_attention(records))
    )


def _attention(records: list[PaymentRecord]) -> Iterator[str]:
    """Tell debits that moved another amount than was claimed; a slip's payer chooses his own."""
    for number, record in enumerate(records, 1):
        claimed = record.details.get("claimed")
        if claimed is not None and record.details["code"] in _DEBITS:
            yield f"payment {number}: {claimed} was claimed and {record.amount} moved"


def _record(line: Line, section: Line) -> PaymentRecord:
    code = line.at(14, 17)
    if code not in _KINDS:
        line.refuse(f"a transaction code {code!r}; there are {', '.join(_KINDS)}")
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


def _moved(records: list[PaymentRecord]) -> Decimal:
    """Return what came in less what was taken back."""
    signs = {Kind.PAYMENT: 1, Kind.RETURN: -1}
    return sum((signs.get(record.kind, 0) * (record.amount or Decimal(0)) for record in records), Decimal(0))


def _agree(line: Line, records: list[PaymentRecord], count: int, total: Decimal) -> None:
    if count != len(records):
        differ("a number of records of", count, len(records), line=line)
    # The guide's word on the sign of charge-backs is not public: the absolute net is compared, as deliveries have it.
    if total != abs(_moved(records)):
        differ("a sum of", total, f"{_moved(records):.2f}", line=line)
