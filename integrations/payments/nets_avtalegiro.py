"""AvtaleGiro of Nets (Mastercard Payment Services), Norway: mandates that come in, claims that go out.

Nets "AvtaleGiro, systembeskrivelse" 3.3. Service 21: assignment type 24 with records 70 tells mandates; types 00
(claims) and 36 (deletions) with records 30, 31 and 49 are what the creditor sends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from domain.payments.record import Kind, PaymentFile, PaymentRecord, Reference
from domain.refusal import BadValue, Unreadable
from integrations.payments.fixed import Line, differ, lines

NAME: Final = "nets_avtalegiro"
_REGISTERED: Final = {"0": "standing", "1": "new or changed", "2": "deleted"}


def recognises(data: bytes) -> bool:
    """Tell whether it is a transmission with assignments of AvtaleGiro."""
    return data.startswith(b"NY000010") and b"NY21" in data[80:170]


def read(data: bytes) -> PaymentFile:
    """Read an AvtaleGiro file. Refuses with: Unreadable (an unknown record, a missing end, counts that do not hold)."""
    start: Line | None = None
    end: Line | None = None
    assignment: Line | None = None
    mandates: list[dict[str, Any]] = []
    orders: list[PaymentRecord] = []
    count = inside = transactions = before = begun = 0
    total = Decimal(0)
    for line in lines(data, width=80):
        count += 1
        inside += 1
        head = line.at(1, 8)
        if end is not None:
            line.refuse("stands after the end of the transmission")
        if start is None and head != "NY000010":
            line.refuse("the file does not begin with NY000010")
        match head[:4], head[6:8]:
            case "NY00", "10" if start is None:
                start = line
            case "NY00", "89" if assignment is None:
                end = line
            case "NY21", "20" if assignment is None:
                assignment, inside, before, begun = line, 1, len(mandates) + len(orders), len(orders)
            case "NY21", "70" if assignment is not None:
                mandates.append(_mandate(line))
            case "NY21", "30" if assignment is not None:
                orders.append(_claim(line, assignment))
                total += orders[-1].amount or 0
            case "NY21", "31" | "49" if assignment is not None and orders:
                orders[-1] = _more(line, orders[-1])
            case "NY21", "88" if assignment is not None:
                found = len(mandates) + len(orders) - before
                _agree(line, found, inside)
                own = sum((one.amount or Decimal(0) for one in orders[begun:]), Decimal(0))
                if len(orders) > begun and line.hundredths(25, 41, "the sum") != own:
                    differ("a sum of", f"{line.hundredths(25, 41, 'the sum'):.2f}", f"{own:.2f}", line=line)
                transactions += found
                assignment = None
            case _:
                line.refuse(f"a record {head!r} that is not of AvtaleGiro, or not in its place")
    if start is None or end is None:
        raise Unreadable("not a whole AvtaleGiro file: its last record NY000089 is missing; nothing was taken from it")
    _agree(end, transactions, count)
    if orders and end.hundredths(25, 41, "the sum") != total:
        differ("a sum of", f"{end.hundredths(25, 41, 'the sum'):.2f}", f"{total:.2f}", line=end)
    file_id = {"sender": start.at(9, 16), "transmission": start.at(17, 23), "recipient": start.at(24, 31)}
    return PaymentFile(
        format=NAME,
        file_id=file_id,
        totals={"transactions": transactions, "amount": f"{total:.2f}"},
        records=tuple(orders),
        mandates=tuple(mandates),
        summary={"trailer_transactions": transactions},
    )


def _mandate(line: Line) -> dict[str, Any]:
    """Read what a payer registered: ``notify`` J asks for a letter or mail before each claim."""
    kind = line.at(16, 16)
    if kind not in _REGISTERED:
        line.refuse(f"a registration of type {kind!r}; there are {', '.join(_REGISTERED)}")
    return {"registration_type": kind, "kid": line.strip(17, 41), "notify": line.at(42, 42)}


def _claim(line: Line, assignment: Line) -> PaymentRecord:
    deleted = assignment.at(5, 6) == "36" or line.at(5, 6) == "93"
    return PaymentRecord(
        kind=Kind.CANCELLATION if deleted else Kind.ORDER,
        amount=line.hundredths(33, 49, "the amount"),
        currency="NOK",
        date=line.day_month_year(16, 21, "the due date"),
        references=(Reference(ref=line.strip(50, 74), type="KID"),),
        receiver_account=assignment.strip(25, 35) or None,
        details={"transaction_no": line.at(9, 15), "transaction_type": line.at(5, 6)},
    )


def _more(line: Line, order: PaymentRecord) -> PaymentRecord:
    """Add the payer's name (31) or a line of text (49) to a claim."""
    if line.at(7, 8) == "31":
        short, text = line.strip(16, 25), line.strip(51, 75)
        return replace(order, payer={"name": short} if short else {}, text=(*order.text, text) if text else order.text)
    return replace(order, text=(*order.text, line.at(21, 60).rstrip()))


def _agree(line: Line, transactions: int, records: int) -> None:
    said, of_records = line.digits(9, 16, "the number of transactions"), line.digits(17, 24, "the number of records")
    if said != transactions:
        differ("a number of transactions of", said, transactions, line=line)
    if of_records != records:
        differ("a number of records of", of_records, records, line=line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim to be taken from a payer's account: ``amount`` in kroner with two decimals at most."""

    kid: str
    due: dt.date
    amount: Decimal
    name: str = ""
    reference: str = ""
    text: tuple[str, ...] = ()
    notify: bool = False
    delete: bool = False


def write(claims: Iterable[Claim], *, sender: str, transmission: int, assignment: int, account: str) -> bytes:
    """Write claims and deletions of one account; a transmission number is used once.

    Refuses with: BadValue (a field that does not fit; more than 42 lines of text of 80 characters).
    """
    asked = list(claims)
    out: list[str] = [_padded(f"NY000010{_number(sender, 8)}{transmission:07d}00008080")]
    total, transactions = Decimal(0), 0
    for number, (type_, wanted) in enumerate((("00", False), ("36", True))):
        chosen = [claim for claim in asked if claim.delete is wanted]
        if not chosen:
            continue
        body = [record for index, claim in enumerate(chosen, 1) for record in _records(claim, index)]
        total += (summed := sum((claim.amount for claim in chosen), Decimal(0)))
        transactions += len(chosen)
        out.append(_padded(f"NY21{type_}20{'0' * 9}{assignment + number:07d}{_number(account, 11)}"))
        out.extend(body)
        out.append(
            _padded(
                f"NY21{type_}88{len(chosen):08d}{len(body) + 2:08d}{_cents(summed):017d}"
                f"{min(c.due for c in chosen):%d%m%y}{max(c.due for c in chosen):%d%m%y}"
            )
        )
    last = min((claim.due for claim in asked), default=None)
    out.append(
        _padded(
            f"NY000089{transactions:08d}{len(out) + 1:08d}{_cents(total):017d}{f'{last:%d%m%y}' if last else '000000'}"
        )
    )
    return ("\n".join(out) + "\n").encode("iso-8859-1", "replace")


def _records(claim: Claim, number: int) -> Iterator[str]:
    type_ = "93" if claim.delete else "21" if claim.notify else "02"
    if not 2 <= len(claim.kid) <= 25:
        raise BadValue("the KID {kid!r} has not 2 to 25 characters", kid=claim.kid, field="kid")
    head = f"NY21{type_}"
    yield _padded(f"{head}30{number:07d}{claim.due:%d%m%y}{' ' * 11}{_cents(claim.amount):017d}{claim.kid:>25}")
    yield _padded(f"{head}31{number:07d}{claim.name[:10]:<10}{' ' * 25}{claim.reference[:25]:<25}")
    if len(claim.text) > 42:
        raise BadValue(
            "the claim {kid} has {count} lines of text; 42 are the most",
            kid=claim.kid,
            count=len(claim.text),
            field="text",
        )
    for index, line in enumerate(claim.text, 1):
        for column, part in enumerate((line[:40], line[40:80]), 1):
            if part or column == 1:
                yield _padded(f"NY212149{number:07d}4{index:03d}{column}{part:<40}")


def _cents(amount: Decimal) -> int:
    if amount < 0 or amount != amount.quantize(Decimal("0.01")) or amount >= Decimal(10) ** 15:
        raise BadValue("{amount} is no amount in whole øre", amount=amount, field="amount")
    return int(amount.scaleb(2))


def _number(text: str, width: int) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= width):
        raise BadValue("{text!r} is not {width} digits at most", text=text, width=width)
    return text.zfill(width)


def _padded(record: str) -> str:
    return record.ljust(80, "0")
