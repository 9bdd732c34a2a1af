"""TITO, the Finnish electronic account statement: records of their own length, ISO-8859-1, cents.

Finance Finland "Electronic account statement, system description". T00 header, T10 entry, T11 detail of the entry
before, T40 day's balance, T50 totals. Entry code 705 is the day's lump sum of a KTL file,
never posted to customers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from domain.payments.record import Kind, PaymentFile, PaymentRecord, Reference
from domain.refusal import Unreadable
from integrations.payments.fixed import Line, differ, lines

NAME: Final = "fi_tito"
_WIDTH: Final = 350
_LUMP_SUM: Final = "705"
_RETURNS: Final = frozenset({"730"})
_PERIODS: Final = {"1": "day", "2": "statement", "3": "month", "4": "year"}


@dataclass(slots=True)
class _Statement:
    header: Line
    opening: Decimal
    closing: Decimal | None = None
    total: Decimal = Decimal(0)


def recognises(data: bytes) -> bool:
    """Tell whether it begins as an account statement."""
    return data.startswith(b"T00") and data[3:6].isdigit()


def read(data: bytes) -> PaymentFile:
    """Read a TITO file. Refuses with: Unreadable (an unknown record, no balance, a balance the entries do not make)."""
    records: list[PaymentRecord] = []
    statements: list[_Statement] = []
    for line in lines(data, width=_WIDTH):
        kind = line.at(1, 3)
        if not statements and kind != "T00":
            line.refuse("the file does not begin with a header T00")
        match kind:
            case "T00":
                statements.append(_Statement(line, _signed(line, 72, 73, 90, "the opening balance")))
            case "T10":
                record, moved = _entry(line)
                if line.at(188, 188).strip() in ("", "0"):
                    statements[-1].total += moved  # deeper levels take an entry apart and are in its amount already
                    records.append(record)
                elif records:
                    records[-1] = replace(records[-1], details=dict(records[-1].details) | {"parts": True})
                    records.append(record)
            case "T11" if records:
                records[-1] = _detail(line, records[-1])
            case "T40":
                statements[-1].closing = _balance(line, statements[-1])
            case "T50":
                if line.at(7, 7) not in _PERIODS:
                    line.refuse(f"totals of an unknown period {line.at(7, 7)!r}")
            case "T60" | "T70" | "T80" | "T81":
                pass  # corrections and notices of the bank to the reader
            case _:
                line.refuse(f"an unknown record {kind!r}, or one outside its entry")
    if not statements or any(statement.closing is None for statement in statements):
        raise Unreadable("not a whole statement: its balance (T40) is missing; nothing was taken from it")
    ids = [_id(statement) for statement in statements]
    closing = [f"{statement.closing:.2f}" for statement in statements]
    return PaymentFile(
        format=NAME,
        file_id=ids[0] if len(ids) == 1 else ids,
        totals={"opening": [one["start_balance"] for one in ids], "closing": closing},
        records=tuple(records),
        summary={"end_balance": closing[-1]},
    )


def _signed(line: Line, sign: int, first: int, last: int, what: str) -> Decimal:
    if line.at(sign, sign) not in "+-":
        line.refuse(f"the sign of {what} (column {sign}) is {line.at(sign, sign)!r} and should be + or -")
    amount = line.hundredths(first, last, what)
    return -amount if line.at(sign, sign) == "-" else amount


def _id(statement: _Statement) -> dict[str, Any]:
    line = statement.header
    opened = line.date(66, 71, "the date of the opening balance")
    iban = line.at(291, 320).split()
    account = line.strip(10, 23)
    found = next((word for word in iban if word[:2].isalpha()), None)
    return {
        "statement": line.strip(24, 26),
        "account": account,
        "iban": found,
        "start_balance_date": opened.isoformat() if opened else None,
        "start_balance": f"{statement.opening:.2f}",
    }


def _entry(line: Line) -> tuple[PaymentRecord, Decimal]:
    """Read an entry; return it and what it moved the balance by."""
    code, moved = line.strip(50, 52), _signed(line, 88, 89, 106, "the amount")
    incoming = moved >= 0 and line.at(88, 88) == "+"
    kind = Kind.PAYMENT if incoming else Kind.OTHER
    if code == _LUMP_SUM:
        kind = Kind.LUMP_SUM
    elif line.at(49, 49) in "34" or code in _RETURNS:  # 3 and 4: a correction of a deposit or of a withdrawal
        kind = Kind.RETURN
    value = line.date(37, 42, "the value date")
    reference = line.strip(160, 179).lstrip("0")
    details: dict[str, Any] = {
        "direction": "credit" if incoming else "debit",
        "value_date": value.isoformat() if value else None,
        "sign": line.at(88, 88),
        "entry_code": code,
        "entry_text": line.strip(53, 87) or None,
        "note": "already reported in KTL; do not post to customers" if kind is Kind.LUMP_SUM else None,
    }
    if (account := line.strip(145, 158)) and account.strip("0"):
        details["counter_account"] = account
    return (
        PaymentRecord(
            kind=kind,
            amount=abs(moved),
            currency="EUR",
            date=line.date(31, 36, "the booking date"),
            references=(Reference(ref=reference, type="FI"),) if reference else (),
            payer={"name": name} if (name := _name(line)) else {},
            bank_ref=line.strip(13, 30),
            details=details,
        ),
        moved,
    )


def _name(line: Line) -> str:
    """Return the other side's name; it begins a column early where the bank leaves out how the entry came (A, J, K)."""
    return line.strip(109 if line.at(108, 108) in " AJK" else 108, 143)


def _detail(line: Line, record: PaymentRecord) -> PaymentRecord:
    """Add a detail to the entry before it. Refuses with: Unreadable (an unknown kind of detail)."""
    kind, details = line.at(7, 8), dict(record.details)
    match kind:
        case "00":
            said = line.at(9, _WIDTH).rstrip()
            parts = tuple(part for start in range(0, len(said), 35) if (part := said[start : start + 35].strip()))
            return replace(record, text=(*record.text, *parts))
        case "01":
            details["count"] = line.digits(9, 16, "the number of payments")
            return replace(record, details=details)
        case "04":
            details["original_ref"] = line.strip(9, 26) or None  # the archive id of what is corrected
            return replace(record, details=details)
        case "06":
            parts = tuple(part for first in (9, 44) if (part := line.strip(first, first + 34)))
            return replace(record, text=(*record.text, *parts))
        case "11":
            return _sepa(line, record)
        case _ if not kind.isdigit():
            line.refuse(f"an unknown kind of detail {kind!r}")
    return record  # cards, currency and the bank's own notices: the raw file keeps them


def _sepa(line: Line, record: PaymentRecord) -> PaymentRecord:
    """Add the SEPA detail: reference, IBAN and BIC of the other side, its name, its own identifier."""
    details, payer = dict(record.details), dict(record.payer)
    reference, iban = line.strip(9, 43), line.strip(44, 78)
    if iban:
        details["counter_account"] = iban
    if name := line.strip(114, 183):
        payer.setdefault("name", name)
    if end_to_end := line.strip(254, 288):
        details["end_to_end"] = end_to_end
    known = {given.ref for given in record.references}
    added = (Reference(ref=reference, type="RF" if reference.startswith("RF") else "FI"),)
    keep = not reference or reference.lstrip("0") in known
    sender = iban if record.kind is Kind.PAYMENT and iban else record.sender_account
    references = record.references if keep else (*record.references, *added)
    return replace(record, details=details, payer=payer, references=references, sender_account=sender)


def _balance(line: Line, statement: _Statement) -> Decimal:
    """Check a day's balance: opening and entries must make it. Refuses with: Unreadable."""
    said = _signed(line, 13, 14, 31, "the balance")
    if said != statement.opening + statement.total:
        differ("a balance of", f"{said:.2f}", f"{statement.opening + statement.total:.2f}", line=line)
    return said
