"""KTL, Finnish incoming reference payments and direct debits: 90 columns, ISO-8859-1, cents.

Finance Finland "Incoming reference payments", service description 2.1. Records: 0 batch, 3 reference payment,
5 direct debit, 9 totals. A file may hold several batches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from domain.payments.record import Kind, PaymentFile, PaymentRecord, Reference
from domain.refusal import Unreadable
from integrations.payments.fixed import Line, differ, lines

NAME: Final = "fi_ktl"
_WIDTH: Final = 90


@dataclass(slots=True)
class _Sums:
    """What one batch's records add up to, as its totals count them."""

    counts: dict[str, int] = field(default_factory=lambda: {"paid": 0, "corrections": 0, "failed": 0})
    amounts: dict[str, Decimal] = field(
        default_factory=lambda: {"paid": Decimal(0), "corrections": Decimal(0), "failed": Decimal(0)}
    )


def recognises(data: bytes) -> bool:
    """Tell whether it begins as a batch of reference payments: 0, a date, a time, a bank."""
    first = data.split(b"\n", 1)[0].rstrip()
    return 22 <= len(first) <= _WIDTH and first.startswith(b"0") and first[1:13].isdigit() and not first[23:].strip()


def read(data: bytes) -> PaymentFile:
    """Read a KTL file. Refuses with: Unreadable (an unknown record, a batch without totals, sums that do not hold)."""
    records: list[PaymentRecord] = []
    batches: list[dict[str, Any]] = []
    totals: list[dict[str, Any]] = []
    open_batch: Line | None = None
    sums = _Sums()
    for line in lines(data, width=_WIDTH):
        match line.at(1, 1):
            case "0":
                if open_batch is not None:
                    line.refuse("a new batch though the last has no totals (record 9)")
                open_batch, sums = line, _Sums()
                batches.append(_batch(line))
            case "3" | "5" if open_batch is not None:
                records.append(_record(line, sums))
            case "9" if open_batch is not None:
                totals.append(_totals(line, sums))
                open_batch = None
            case _:
                line.refuse(f"an unknown record {line.at(1, 1)!r}, or one outside a batch")
    if open_batch is not None or not batches:
        raise Unreadable("not a whole KTL file: the totals (record 9) are missing; nothing was taken from it")
    return PaymentFile(format=NAME, file_id=batches, totals=totals, records=tuple(records))


def _batch(line: Line) -> dict[str, Any]:
    date = line.date(2, 7, "the date")
    return {
        "date": date.isoformat() if date else None,
        "time": line.at(8, 11),
        "bank": line.strip(12, 13),
        "service_id": line.strip(14, 22),
        "currency": line.at(23, 23),
    }


def _record(line: Line, sums: _Sums) -> PaymentRecord:
    amount = line.hundredths(78, 87, "the amount")
    correction, feedback = line.at(88, 88) == "1", line.strip(90, 90)
    failed = line.at(1, 1) == "5" and feedback not in ("", "0")
    kind, counted = Kind.PAYMENT, "paid"
    if failed:
        kind, counted = Kind.REJECTION, "failed"
    elif correction:
        kind, counted = Kind.RETURN, "corrections"
    # The batch's first sum holds the failed debits too; the third tells them once more.
    for sum_of in {counted, "paid"} if failed else {counted}:
        sums.counts[sum_of] += 1
        sums.amounts[sum_of] += amount
    paid = line.date(22, 27, "the payment date")
    reference = line.strip(44, 63).lstrip("0")
    return PaymentRecord(
        kind=kind,
        amount=amount,
        currency="EUR",
        date=line.date(16, 21, "the booking date"),
        references=(Reference(ref=reference, type="RF" if reference.startswith("RF") else "FI"),) if reference else (),
        payer={"name": name} if (name := line.strip(64, 75)) else {},
        receiver_account=line.strip(2, 15),
        bank_ref=line.strip(28, 43),
        status=feedback,
        details={"payment_date": paid.isoformat() if paid else None, "method": line.at(89, 89).strip()},
    )


def _totals(line: Line, sums: _Sums) -> dict[str, Any]:
    """Check a batch's totals; failed debits have theirs only where they are given. Refuses with: Unreadable."""
    said = {
        "paid": (line.digits(2, 7, "the number of payments"), line.hundredths(8, 18, "the sum of payments")),
        "corrections": (line.digits(19, 24, "the number of corrections"), line.hundredths(25, 35, "their sum")),
    }
    if line.strip(36, 52):
        said["failed"] = (line.digits(36, 41, "the number of failed debits"), line.hundredths(42, 52, "their sum"))
    for what, (count, amount) in said.items():
        if amount != sums.amounts[what]:
            differ(f"a sum of {what} of", amount, f"{sums.amounts[what]:.2f}", line=line)
        if count != sums.counts[what]:
            differ(f"a number of {what} of", count, sums.counts[what], line=line)
    count, amount = said["paid"]
    corrections, corrected = said["corrections"]
    return {
        "count": count,
        "amount": f"{amount:.2f}",
        "corrections": corrections,
        "correction_amount": f"{corrected:.2f}",
        "ok": True,
    }
