"""Betalingsservice, Denmark, delivery 0601: what is to be collected (section 0112). 128 columns, ISO-8859-1, øre.

Mastercard Payment Services. BS002 delivery; BS012 section; BS022 the debtor's name and address (0240); BS042 the
collection (0280 by mandate, 0285 by slip), date DDMMYYYY, sign 1; BS052 lines of text (0241); BS092 and BS992 count the
records and sum the amounts. The guide is not public: columns follow a writer in use, so have a delivery tried by the
agency (subsystem KR9) before the first.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain.payments.orders import Batch, Debit, digits, whole
from domain.refusal import BadValue

TEXT_MAX = 60
LINES_MAX = 99


def write(batch: Batch, *, test: bool = False) -> bytes:
    """Write a delivery of one section. Refuses with: BadValue (a field that does not fit)."""
    creditor = batch.creditor
    creditor.need("cvr", "pbs_number")
    cvr = digits(creditor.cvr or "", 8, "cvr")
    number = digits(creditor.pbs_number or "", 8, "pbsNumber")
    group = digits(creditor.debtor_group, 5, "debtorGroup")
    system = "KR9" if test else "BS1"
    body = [record for order in batch.debits for record in _collection(order, number, group)]
    total = sum(whole(order.amount, most=13) for order in batch.debits)
    heads = [record[:5] for record in body]
    sums = f"{heads.count('BS042'):011d}{total:015d}{heads.count('BS052'):011d}"
    beside = f"{heads.count('BS022'):011d}"
    records = [
        f"BS002{cvr}{system}0601{batch.number:010d}{'':19}{batch.made_at:%d%m%y}",
        f"BS012{number}0112{'':5}{group}{'0' * 15}{'':4}{'0' * 8}",
        *body,
        f"BS092{number}0112{'0' * 5}{group}{'':4}{sums}{'':15}{beside}",
        f"BS992{cvr}{system}0601{1:011d}{sums}{'0' * 15}{beside}{'0' * 34}",
    ]
    try:
        return "".join(f"{record:<128}\r\n" for record in records).encode("iso-8859-1")
    except UnicodeEncodeError as wrong:
        letter = wrong.object[wrong.start]
        raise BadValue("{letter!r} is not a letter of ISO-8859-1", letter=letter, field="text") from None


def _collection(order: Debit, number: str, group: str) -> Iterator[str]:
    """Yield the records of one debtor."""
    if order.currency != "DKK":
        raise BadValue("Betalingsservice takes DKK, not {currency}", currency=order.currency, field="currency")
    if len(order.reference) > 30:
        raise BadValue("a reference in Betalingsservice has 30 characters at most", field="reference")
    if len(order.text) > LINES_MAX:
        raise BadValue("a collection has {most} lines of text at most", most=LINES_MAX, field="text")
    who = f"{group}{_customer(order.payer_number)}{digits(order.account or '0', 9, 'mandateNumber')}"
    for place, line in (("00001", order.name), ("00002", order.street)):
        if line:
            yield f"BS022{number}0240{place}{who}{line[:35]}"
    if order.postcode:
        yield f"BS022{number}0240{'00009'}{who}{'':15}{order.postcode[:4]:>4}"
    code = "0280" if order.account.strip("0") else "0285"
    amount = whole(order.amount, most=13)
    yield f"BS042{number}{code}{'0' * 5}{who}{order.due_on:%d%m%Y}1{amount:013d}{order.reference:<30}00"
    for index, line in enumerate(order.text, 1):
        yield f"BS052{number}0241{index:05d}{who} {line[:TEXT_MAX]}"


def _customer(text: str) -> str:
    """Return a customer number of fifteen places: digits with leading zeros."""
    return digits(text, 15, "payerNumber")
