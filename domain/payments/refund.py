"""Money paid back to a customer: from the rest of a payment, or for a credit note that he is owed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stdnum import bic, iban
from stdnum.exceptions import ValidationError

from domain.ids import CustomerId, InvoiceId, OperatorId, OrderFileId, PaymentId, RefundId, SettlementId
from domain.refusal import BadValue


class RefundState(StrEnum):
    """Requested → sent (in a file) → paid (the statement says so); failed or cancelled: the credit stands again."""

    REQUESTED = "requested"
    SENT = "sent"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


# Money that is on its way out, or is out.
OUT: Final = frozenset({RefundState.REQUESTED, RefundState.SENT, RefundState.PAID})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund. ``scheme`` of its account: IBAN, BGNR or BBAN. ``entry`` booked it, ``ended`` what became of it."""

    id: RefundId
    operator: OperatorId
    customer: CustomerId
    currency: str
    amount_minor: int
    name: str
    account: str
    scheme: str
    state: RefundState
    entry: str
    made_at: dt.datetime
    client: str
    payment: PaymentId | None = None
    invoice: InvoiceId | None = None
    bic: str = ""
    text: str = ""
    file: OrderFileId | None = None
    ended: str | None = None
    settlement: SettlementId | None = None
    version: int = 1

    @property
    def key(self) -> str:
        """Our own name for it, which banks give back."""
        return f"R{self.id}"


def check_bic(text: str) -> str:
    """Return a bank's BIC (ISO 9362) in compact form, or that there is none. Refuses with: BadValue.

    One that is none would make the bank turn the whole file down.

    >>> check_bic("nde ase ss"), check_bic("")
    ('NDEASESS', '')
    """
    if not text.strip():
        return ""
    try:
        return str(bic.validate(text))
    except ValidationError:
        raise BadValue("{text!r} is no BIC", text=text[:40], field="bic") from None


def check_account(account: str, scheme: str) -> str:
    """Return an account that money can be paid to, in compact form. Refuses with: BadValue."""
    plain = account.replace(" ", "").replace("-", "")
    if scheme == "IBAN":
        try:
            return str(iban.validate(account))
        except ValidationError:
            raise BadValue("{text!r} is no IBAN", text=account, field="account") from None
    lengths = {"BGNR": (7, 8), "BBAN": (6, 20)}
    if scheme not in lengths:
        raise BadValue("an account is an IBAN, BGNR or BBAN", field="scheme")
    low, high = lengths[scheme]
    if not (plain.isascii() and plain.isdigit() and low <= len(plain) <= high):
        raise BadValue("an account has {low} to {high} digits", low=low, high=high, field="account")
    return plain
