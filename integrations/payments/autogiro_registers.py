"""Autogiro beside its payments: mandates that were asked for, told or left at an Internet bank, and changed orders.

Bankgirot "Autogiro, teknisk manual": 04, 03 and 05 are requests of the payee, 73 is the advice that answers them, 51 to
59 are mandates that payers left at their Internet bank, and 03, 11 and 21 to 29 are orders cancelled or changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from domain.payments.record import Kind, PaymentFile, PaymentRecord, Reference
from domain.refusal import Unreadable
from integrations.payments.fixed import Line, differ

REQUESTS: Final = {"03": "cancel", "04": "register", "05": "renumber"}
AMENDMENTS: Final = frozenset({"03", "11", "21", "22", "23", "24", "25", "26", "27", "28", "29"})
_DIRECTIONS: Final = {"82": "payment", "32": "payout"}
_DONE: Final = frozenset({"12", "14"})  # cancelled; changed


def mandate(line: Line) -> dict[str, Any]:
    """Read what became of a mandate (73); a payer's own columns are absent (None) where they are blank or zeros."""
    date = line.date(66, 73, "the date")
    return {
        "payer_number": line.strip(13, 28).lstrip("0"),
        "account": present(line.strip(29, 44)),
        "person_or_org_no": present(line.strip(45, 56)),
        "info_code": line.at(62, 63),
        "status_code": line.at(64, 65),
        "date": date.isoformat() if date else None,
    }


def request(line: Line, code: str) -> dict[str, Any]:
    """Read what the payee asks for; a 04 marked AV refuses an e-mandate."""
    told: dict[str, Any] = {"request": REQUESTS[code], "payer_number": line.strip(13, 28).lstrip("0")}
    if code == "05":
        return told | {"new_payer_number": line.strip(39, 54).lstrip("0")}
    if code == "04":
        if line.at(77, 78) == "AV":
            told["request"] = "reject"
        return told | {"account": present(line.strip(29, 44)), "person_or_org_no": present(line.strip(45, 56))}
    return told


def _day(text: str) -> dt.date | None:
    """Return a day; None where there is none, or one that is in no calendar, which is why it was refused."""
    try:
        return dt.datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  (a day alone)
    except ValueError:
        return None


def present(text: str) -> str | None:
    """Return columns without their leading zeros; None where nothing is left."""
    return text.lstrip("0") or None


def amendment(line: Line, code: str) -> PaymentRecord:
    """Read an order that was cancelled or changed before it moved any money; ``status`` 12 and 14 say that it was."""
    direction = _DIRECTIONS.get(line.at(27, 28))
    old, new = _day(line.at(3, 10)), _day(line.at(49, 56))
    reference = line.strip(57, 72).strip("0") and line.strip(57, 72)
    details: dict[str, Any] = {
        "record": code,
        "direction": direction,
        "new_date": new.isoformat() if new else None,
        "raw": line.text.rstrip(),
    }
    return PaymentRecord(
        kind=Kind.CANCELLATION,
        amount=line.hundredths(29, 40, "the amount"),
        currency="SEK",
        date=old,
        references=(Reference(ref=reference),) if reference else (),
        payer={"payer_number": number} if (number := line.strip(11, 26).lstrip("0")) else {},
        status=line.strip(73, 74),
        details=details,
    )


def asked(line: Line, code: str) -> PaymentRecord:
    """Read the payee's own request to cancel (23 to 25) or move (26 to 29) orders."""
    date, new = _day(line.at(29, 36)), _day(line.at(51, 58))
    return PaymentRecord(
        kind=Kind.CANCELLATION,
        amount=line.hundredths(37, 48, "the amount") if line.strip(37, 48) else None,
        currency="SEK",
        date=date,
        references=(Reference(ref=reference),) if (reference := line.strip(59, 74)) else (),
        payer={"payer_number": number} if (number := line.strip(13, 28).lstrip("0")) else {},
        details={
            "record": code,
            "direction": _DIRECTIONS.get(line.at(49, 50)),
            "new_date": new.isoformat() if new else None,
        },
    )


def check_amendments(line: Line, records: Sequence[PaymentRecord]) -> None:
    """Check the trailer of a list of changed orders, which counts those that were done. Refuses with: Unreadable."""
    done = [one for one in records if one.status in _DONE]
    sums: Mapping[str, list[Decimal]] = {
        way: [one.amount or Decimal(0) for one in done if one.details["direction"] == way]
        for way in _DIRECTIONS.values()
    }
    told = (
        ("payouts of", line.hundredths(29, 40, "the sum of payouts"), sum(sums["payout"], Decimal(0))),
        ("a number of payouts of", line.digits(41, 46, "the number of payouts"), len(sums["payout"])),
        ("a number of payments of", line.digits(47, 52, "the number of payments"), len(sums["payment"])),
        ("payments of", line.hundredths(57, 68, "the sum of payments"), sum(sums["payment"], Decimal(0))),
    )
    for what, said, found in told:
        if said != found:
            differ(what, said, found, line=line)


def read_e_mandates(lines: Sequence[Line]) -> PaymentFile:
    """Read mandates that payers left at their Internet bank (51 to 59). Refuses with: Unreadable."""
    first, *rest = lines
    mandates: list[dict[str, Any]] = []
    end: Line | None = None
    for line in rest:
        code = line.at(1, 2)
        if end is not None:
            line.refuse("stands after the file's last record (59)")
        elif code == "52":
            mandates.append(_e_mandate(line))
        elif code == "59":
            end = line
        elif code in {"53", "54", "55", "56"}:
            if not mandates:
                line.refuse(f"a record {code} before the first mandate (52)")
            _more(line, code, mandates[-1])
        else:
            line.refuse(f"an unknown transaction code {code!r}")
    if end is None:
        raise Unreadable(
            "the file is cut: its last record (59) is missing; ask for it again; nothing was taken from it"
        )
    if end.digits(15, 21, "the number of records") != len(rest) - 1:
        said = end.digits(15, 21, "the number of records")
        differ("a number of records of", said, len(rest) - 1, line=end)
    made: dt.date | None = first.date(3, 10, "the date")
    return PaymentFile(
        format="autogiro",
        file_id={
            "layout": "e-mandates",
            "date": made.isoformat() if made else None,
            "content": first.strip(25, 44),
            "payee_bg": first.strip(15, 24).lstrip("0"),
        },
        totals={"trailer_raw": end.text.rstrip()},
        records=(),
        mandates=tuple(mandates),
        summary={"counted": {"mandates": len(mandates)}},
    )


def _e_mandate(line: Line) -> dict[str, Any]:
    return {
        "record": "52",
        "payer_number": line.strip(13, 28).lstrip("0"),
        "account": present(line.strip(29, 44)),
        "person_or_org_no": present(line.strip(45, 56)),
        "info_code": line.at(62, 62),
    }


def _more(line: Line, code: str, told: dict[str, Any]) -> None:
    """Add the payer's own words (53), name (54), street (55) or town (56) to a mandate."""
    if code == "56":
        told["postcode"], told["city"] = line.strip(3, 7), line.strip(8, 38)
        return
    name = {"53": "text", "54": "name", "55": "street"}[code]
    parts = [part for part in (line.strip(3, 38), line.strip(39, 74)) if part]
    joined = (" " if code == "53" else ", ").join(parts)
    told[name] = f"{told[name]} {joined}" if name in told else joined
