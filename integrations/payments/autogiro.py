"""Autogiro of Bankgirot, Sweden: 80 columns, ISO-8859-1, öre; the new layout and the old.

Bankgirot "Autogiro, teknisk manual". Files that come: payment specification with stopped payments, rejected orders,
mandate advice, amendments, the extract of pending orders. Orders and mandate requests are what the payee sends. The
new trailer counts what was paid; the old one sums everything, stopped payments too.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from domain.payments.record import Kind, PaymentFile, PaymentRecord, Reference
from domain.refusal import Unreadable
from integrations.payments.autogiro_registers import (
    AMENDMENTS,
    REQUESTS,
    amendment,
    asked,
    check_amendments,
    mandate,
    read_e_mandates,
    request,
)
from integrations.payments.fixed import Line, differ, lines

NAME: Final = "autogiro"
_REJECTED: Final = ("AVVISADE BET UPPDR", "FELLISTA REG.KONTRL")
_AMENDED: Final = "MAK"
_PENDING: Final = "BEVAKNINGSREG"
_IMMEDIATELY: Final = "GENAST"
_DIRECTION: Final = {"82": "payment", "32": "payout"}
_SECTIONS: Final = {"15": "82", "16": "32", "17": "77"}


@dataclass(slots=True)
class _Count:
    number: int = 0
    total: Decimal = Decimal(0)

    def add(self, amount: Decimal) -> None:
        self.number += 1
        self.total += amount


@dataclass(slots=True)
class _Run:
    """What has been read of one file."""

    header: Line
    new: bool
    content: str
    payee: str
    records: list[PaymentRecord] = field(default_factory=list)
    mandates: list[dict[str, Any]] = field(default_factory=list)
    sections: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, _Count] = field(default_factory=dict)
    section: tuple[Line, _Count] | None = None
    trailer: Line | None = None

    def count(self, name: str) -> _Count:
        return self.counts.setdefault(name, _Count())

    @property
    def ours(self) -> bool:
        """Tell whether the payee wrote it: orders and requests, with no trailer."""
        return not self.new and not self.content and not self.header.strip(19, 22)

    @property
    def rejected(self) -> bool:
        """Tell whether it lists orders that were rejected at registration."""
        return self.content in _REJECTED

    @property
    def amended(self) -> bool:
        """Tell whether it lists orders that were cancelled or changed."""
        return self.content.startswith(_AMENDED)


def recognises(data: bytes) -> bool:
    """Tell whether it begins as an Autogiro file of either layout, or as one of mandates."""
    if data.startswith(b"01"):
        return data[2:10] == b"AUTOGIRO" or data[10:18] == b"AUTOGIRO" or data[24:33] == b"AG-MEDAVI"
    return data.startswith(b"51") and data[24:34] == b"AG-EMEDGIV"


def read(data: bytes) -> PaymentFile:
    """Read an Autogiro file. Refuses with: Unreadable (an unknown record, no trailer, sums that do not hold)."""
    run: _Run | None = None
    if data.startswith(b"51"):
        return read_e_mandates(list(lines(data, width=80, tabs=True)))
    for line in lines(data, width=80, tabs=True):
        if run is None:
            run = _open(line)
            continue
        if run.trailer is not None:
            line.refuse("stands after the file's last record (09)")
        _take(line, run)
    if run is None:
        raise Unreadable("the file is empty; nothing was taken from it")
    if run.trailer is None and not run.ours:
        raise Unreadable(
            "the file is cut: its last record (09) is missing; ask for it again; nothing was taken from it"
        )
    if run.ours and not (run.records or run.mandates):
        raise Unreadable("the file is cut: it holds neither an order nor a request; nothing was taken from it")
    _end_section(run)
    totals: dict[str, Any] = {"sections": run.sections} if run.sections else {}
    if run.trailer is not None:
        _check(run.trailer, run)
        totals["trailer_raw"] = run.trailer.text.rstrip()
    return PaymentFile(
        format=NAME,
        file_id=_id(run),
        totals=totals,
        records=tuple(run.records),
        mandates=tuple(run.mandates),
        summary={"counted": _counted(run)},
    )


def _open(line: Line) -> _Run:
    if line.at(1, 10) == "01AUTOGIRO":
        return _Run(line, new=True, content=line.strip(45, 64), payee=line.strip(71, 80).lstrip("0"))
    if line.at(25, 33) == "AG-MEDAVI":
        return _Run(line, new=False, content=line.strip(25, 44), payee=line.strip(15, 24).lstrip("0"))
    if line.at(1, 2) != "01" or line.at(11, 18) != "AUTOGIRO":
        line.refuse("not an Autogiro file: it does not begin with a record 01 AUTOGIRO")
    if not line.digits(69, 78, "the bankgiro number"):
        line.refuse("it is cut, or of no Autogiro file: it names no bankgiro number (columns 69-78)")
    return _Run(line, new=False, content=line.strip(23, 42), payee=line.strip(69, 78).lstrip("0"))


def _id(run: _Run) -> dict[str, Any]:
    line = run.header
    made = line.date(25, 32, "the date") if run.new else line.date(3, 10, "the date")
    customer = line.strip(65, 70) if run.new else line.strip(63, 68)
    known = {
        "layout": "new" if run.new else "old",
        "date": made.isoformat() if made else None,
        "content": run.content,
        "customer_no": customer,
        "payee_bg": run.payee,
    }
    if run.trailer is not None:
        ended = run.trailer.date(3, 10, "the trailer's date")
        known["trailer_date"] = ended.isoformat() if ended else None
    return known


def _take(line: Line, run: _Run) -> None:
    """Take one record. Refuses with: Unreadable."""
    code = line.at(1, 2)
    if code in _SECTIONS:
        _end_section(run)
        date = line.date(38, 45, "the date")
        amount, count = line.hundredths(51, 68, "the amount"), line.digits(72, 79, "the number of payments")
        run.section = (line, _Count())
        run.sections.append(
            {
                "tc": code,
                "account": line.strip(3, 37).lstrip("0"),
                "date": date.isoformat() if date else None,
                "serial": line.strip(46, 50),
                "amount": f"{amount:.2f}",
                "count": count,
            }
        )
    elif code in _DIRECTION:
        _payment(line, _DIRECTION[code], run)
    elif code == "77":
        _refund(line, run)
    elif code == "73":
        run.mandates.append(mandate(line))
    elif code == "09" and not run.ours:
        run.trailer = line
    elif code in REQUESTS and run.ours:
        run.mandates.append(request(line, code))
    elif code in AMENDMENTS and run.ours:
        run.records.append(asked(line, code))
    elif code in AMENDMENTS and run.amended:
        run.records.append(amendment(line, code))
    else:
        line.refuse(f"an unknown transaction code {code!r}")


def _payment(line: Line, direction: str, run: _Run) -> None:
    """Read a payment or payout in the columns that the file's content has."""
    if run.rejected or run.content == _PENDING:
        _short(line, direction, run)
        return
    if 0 <= line.length < 53:
        line.refuse(f"it is cut: it ends at column {line.length}, before the bankgiro number (columns 44-53) does")
    raw = line.at(54, 69)
    reference = raw.strip() if run.ours or not run.new else raw.strip().lstrip("0")
    amount = line.hundredths(32, 43, "the amount")
    status = _status(line)
    ours = {"payment": Kind.PAYMENT, "payout": Kind.PAYOUT}[direction]
    failed = status not in ("0", "") and not run.ours
    kind = Kind.ORDER if run.ours else Kind.REJECTION if failed else ours
    run.count(f"{direction} all").add(amount)
    if not failed:
        run.count(f"{direction} paid").add(amount)
        if run.section is not None:
            run.section[1].add(amount)
    immediately = line.at(3, 10).strip() == _IMMEDIATELY
    details: dict[str, Any] = {
        "direction": direction,
        "period_code": line.at(11, 11).strip(),
        "recurrences": line.strip(12, 14),
        "raw_reference": raw,
    }
    if immediately:
        details["date"] = line.at(3, 10)
    run.records.append(
        PaymentRecord(
            kind=kind,
            amount=amount,
            currency="SEK",
            date=None if immediately else _date(line, 3, "the payment date"),
            references=(Reference(ref=reference),) if reference else (),
            payer={"payer_number": line.strip(16, 31).lstrip("0")},
            receiver_account=f"BG {line.strip(44, 53).lstrip('0')}",
            status=None if run.ours else status or "0",
            details=details,
        )
    )


def _short(line: Line, direction: str, run: _Run) -> None:
    """Read an order that was rejected at registration, or one that is still pending: the payee is not repeated."""
    rejected = run.rejected
    shift = 0 if rejected else 1  # a rejected order's columns stand one to the left, without the payee's
    amount = line.hundredths(31 + shift, 42 + shift, "the amount")
    run.count(f"{direction} all").add(amount)
    kind = Kind.REJECTION
    if not rejected:
        kind = Kind.PENDING_PAYMENT if direction == "payment" else Kind.PENDING_PAYOUT
    reference = line.strip(43, 58) if rejected else line.strip(54, 69)
    details: dict[str, Any] = {"period_code": line.at(11, 11).strip(), "recurrences": line.strip(12, 14)}
    run.records.append(
        PaymentRecord(
            kind=kind,
            amount=amount,
            currency="SEK",
            date=_date(line, 3, "the payment date"),
            references=(Reference(ref=_mended(reference)),) if reference else (),
            payer={"payer_number": line.strip(15 + shift, 30 + shift).lstrip("0")},
            status=line.strip(59, 60) if rejected else None,
            details=(details | {"direction": direction}) if rejected else details,
        )
    )


def _refund(line: Line, run: _Run) -> None:
    """Read a payment that the payer's bank took back."""
    amount = line.hundredths(32, 43, "the amount")
    run.count("refund").add(amount)
    if run.section is not None:
        run.section[1].add(amount)
    original = _date(line, 3, "the payment date")
    raw = line.at(54, 69)
    reference = raw.strip().lstrip("0")
    run.records.append(
        PaymentRecord(
            kind=Kind.RETURN,
            amount=amount,
            currency="SEK",
            date=_date(line, 70, "the refund date"),
            references=(Reference(ref=reference),) if reference else (),
            payer={"payer_number": line.strip(16, 31).lstrip("0")},
            receiver_account=f"BG {line.strip(44, 53).lstrip('0')}",
            details={
                "original_date": original.isoformat() if original else None,
                "raw_reference": raw,
                "reason": line.at(78, 79),
            },
        )
    )


def _status(line: Line) -> str:
    """Return the status of column 80, or what stands behind the reference where a file's blanks were lost."""
    return line.at(80, 80).strip() or line.text[69:].strip()[:1]


def _date(line: Line, first: int, what: str) -> dt.date | None:
    return line.date(first, first + 7, what)


def _mended(text: str) -> str:
    """Read text that was UTF-8 taken for ISO-8859-1 as what it was; other text stays as it is."""
    try:
        return text.encode("iso-8859-1").decode("utf-8")
    except UnicodeDecodeError:
        return text.replace("Ã\x85", "Å")


def _end_section(run: _Run) -> None:
    """Check a section against what it says of itself. Refuses with: Unreadable."""
    if run.section is None:
        return
    line, found = run.section
    said = run.sections[-1]
    if Decimal(said["amount"]) != found.total:
        differ(f"a section ({said['tc']}) of", said["amount"], f"{found.total:.2f}", line=line)
    if said["count"] != found.number:
        differ("a number of payments of", said["count"], found.number, line=line)
    run.section = None


def _counted(run: _Run) -> dict[str, int]:
    """Return what the records make, the sums in öre."""
    every_in, every_out = run.count("payment all"), run.count("payout all")
    return {
        "in_ok": run.count("payment paid").number,
        "out_ok": run.count("payout paid").number,
        "refund": run.count("refund").number,
        "in_all": every_in.number,
        "out_all": every_out.number,
        "in_sum": int(every_in.total.scaleb(2)),
        "out_sum": int(every_out.total.scaleb(2)),
        "mandates": len(run.mandates),
    }


def _check(line: Line, run: _Run) -> None:
    """Check the trailer by the rule of the file's layout and content. Refuses with: Unreadable."""
    if run.mandates:
        _equal(line, "a number of mandates of", line.digits(15, 21, "the number of records"), len(run.mandates))
        return
    every_in, every_out = run.count("payment all"), run.count("payout all")
    if run.amended:
        check_amendments(line, run.records)
    elif run.rejected:
        _equal(line, "a number of payouts of", line.digits(15, 20, "the number of payouts"), every_out.number)
        _equal(line, "payouts of", line.hundredths(21, 32, "the sum of payouts"), every_out.total)
        _equal(line, "a number of payments of", line.digits(33, 38, "the number of payments"), every_in.number)
        _equal(line, "payments of", line.hundredths(39, 50, "the sum of payments"), every_in.total)
    elif run.new and run.content != _PENDING:
        _equal(line, "sections of payments:", line.digits(15, 20, "sections"), _sections(run, "15"))
        _equal(line, "payments:", line.digits(21, 32, "payments"), run.count("payment paid").number)
        _equal(line, "sections of payouts:", line.digits(33, 38, "sections"), _sections(run, "16"))
        _equal(line, "payouts:", line.digits(39, 50, "payouts"), run.count("payout paid").number)
        _equal(line, "sections of refunds:", line.digits(51, 56, "sections"), _sections(run, "17"))
        _equal(line, "refunds:", line.digits(57, 68, "refunds"), run.count("refund").number)
    elif not run.new:
        _equal(line, "payouts of", line.hundredths(29, 40, "the sum of payouts"), every_out.total)
        _equal(line, "a number of payouts of", line.digits(41, 46, "the number of payouts"), every_out.number)
        _equal(line, "a number of payments of", line.digits(47, 52, "the number of payments"), every_in.number)
        _equal(line, "payments of", line.hundredths(57, 68, "the sum of payments"), every_in.total)


def _sections(run: _Run, code: str) -> int:
    return sum(section["tc"] == code for section in run.sections)


def _equal(line: Line, what: str, said: object, found: object) -> None:
    if said != found:
        differ(what, said, found, line=line)
