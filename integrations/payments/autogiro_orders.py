"""Autogiro of Bankgirot: orders (82 in, 32 out) and requests about mandates (04, 03) that the payee sends.

Bankgirot "Autogiro, teknisk manual": 80 columns, ISO-8859-1, öre, no trailer; the layout of these files is one. What is
written is read again by ``integrations.payments.autogiro``.
"""

from __future__ import annotations

from typing import Final

from domain.payments.orders import Ask, Batch, Debit, MandateRequest, Payout, digits, whole
from domain.refusal import BadValue

_CODES: Final = {Ask.REGISTER: "04", Ask.REJECT: "04", Ask.CANCEL: "03"}


def write(batch: Batch) -> bytes:
    """Write requests and orders of one payee. Refuses with: BadValue (a field that does not fit)."""
    batch.creditor.need("bankgiro", "customer_no")
    payee = digits(batch.creditor.bankgiro or "", 10, "bankgiro")
    customer = digits(batch.creditor.customer_no or "", 6, "customerNo")
    records = [f"01{batch.made_at:%Y%m%d}AUTOGIRO{'':44}{customer}{payee}"]
    records.extend(_request(one, payee) for one in batch.requests)
    records.extend(_order(one, payee) for one in batch.debits)
    records.extend(_payout(one, payee) for one in batch.payouts)
    try:
        return "".join(f"{record:<80}\r\n" for record in records).encode("iso-8859-1")
    except UnicodeEncodeError as wrong:
        letter = wrong.object[wrong.start]
        raise BadValue("{letter!r} is not a letter of ISO-8859-1", letter=letter, field="reference") from None


def payer_number(text: str) -> str:
    """Return a payer number of sixteen digits. Refuses with: BadValue."""
    return digits(text, 16, "payerNumber")


def _order(order: Debit, payee: str) -> str:
    if order.currency != "SEK":
        raise BadValue("Autogiro takes SEK, not {currency}", currency=order.currency, field="currency")
    if len(order.reference) > 16 or not order.reference.isprintable():
        raise BadValue("a reference in Autogiro has 16 characters at most", field="reference")
    amount = whole(order.amount, most=12)
    return f"82{order.due_on:%Y%m%d}0{'':4}{payer_number(order.payer_number)}{amount:012d}{payee}{order.reference:<16}"


def _payout(one: Payout, payee: str) -> str:
    """Return an order to pay out to a payer with a mandate; ``account`` is his payer number."""
    if one.scheme != "AUTOGIRO":
        raise BadValue("Autogiro pays out to a payer number, not to an account", field="scheme")
    order = Debit(
        key=one.key,
        payer_number=one.account,
        amount=one.amount,
        currency=one.currency,
        due_on=one.on,
        reference=one.text,
    )
    return f"32{_order(order, payee)[2:]}"


def _request(one: MandateRequest, payee: str) -> str:
    record = f"{_CODES[one.ask]}{payee}{payer_number(one.payer_number)}"
    if one.ask is Ask.CANCEL:
        return record
    if one.account:
        record += account(one.account) + digits(one.identity, 12, "identityNumber")
    return f"{record:<76}AV" if one.ask is Ask.REJECT else record


def account(text: str) -> str:
    """Return clearing number and account in the sixteen columns that Autogiro has for them. Refuses with: BadValue."""
    plain = text.replace(" ", "").replace("-", "").replace(",", "")
    if not 6 <= len(plain) <= 16:
        raise BadValue("an account is a clearing number of four digits and the account's own", field="account")
    return digits(plain[:4], 4, "account") + digits(plain[4:], 12, "account")
