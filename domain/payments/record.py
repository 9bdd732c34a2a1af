"""What a payment file says, neutral of its format: records, mandates, what identifies the file and what it sums up to.

A reader (``integrations/payments``) is a pure function from bytes to a :class:`PaymentFile`. It refuses the whole file
with ``Unreadable`` where the format's own counts and sums do not hold; what a person should look at before anything is
posted, though the file is sound, stands in ``attention``. Amounts are exact decimals in the currency's major unit and
never negative; which way the money went is the record's ``kind``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final


class Kind(StrEnum):
    """What happened to the money.

    ``payment`` came in; ``deduction`` lowers a payment of the same deposit (credit note); ``payout`` went out by our
    order; ``return`` takes an earlier payment back; ``rejection`` is an order that moved no money; ``cancellation`` an
    order taken back before it moved any; ``order`` and the ``pending_`` kinds are still to come; ``lump_sum`` repeats
    what another file tells in detail and is never posted to customers; ``other`` is no business of the ledger.
    """

    PAYMENT = "payment"
    DEDUCTION = "deduction"
    PAYOUT = "payout"
    RETURN = "return"
    REJECTION = "rejection"
    CANCELLATION = "cancellation"
    ORDER = "order"
    PENDING_PAYMENT = "pending_payment"
    PENDING_PAYOUT = "pending_payout"
    LUMP_SUM = "lump_sum"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A reference a payer gave; ``amount`` where he split the payment, negative for a credit note.

    ``type`` and ``code`` are the format's own words (``SCOR``, ``KID``; BgMax's reference code).
    """

    ref: str
    type: str | None = None
    code: str | None = None
    amount: Decimal | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form; keys that say nothing are left out."""
        named = {"ref": self.ref, "type": self.type, "code": self.code, "amount": _text(self.amount)}
        return {key: value for key, value in named.items() if value is not None} | dict(self.details)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRecord:
    """One payment, return, rejection or order.

    ``amount`` is unknown (None) only where the format leaves it so; ``date`` is when the bank booked it, or is to;
    ``bank_ref`` is the bank's own name for it; ``details`` are the format's further fields by their neutral names.
    """

    kind: Kind
    amount: Decimal | None
    currency: str | None
    date: dt.date | None
    references: tuple[Reference, ...] = ()
    payer: Mapping[str, str] = field(default_factory=dict)
    sender_account: str | None = None
    receiver_account: str | None = None
    bank_ref: str | None = None
    text: tuple[str, ...] = ()
    status: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form of ``payments read``: neutral keys always, the format's own if they say something."""
        return {
            "kind": self.kind.value,
            "amount": _text(self.amount),
            "currency": self.currency,
            "date": self.date.isoformat() if self.date else None,
            "references": [reference.as_dict() for reference in self.references],
            "payer": dict(self.payer),
            "sender_account": self.sender_account,
            "receiver_account": self.receiver_account,
            "bank_ref": self.bank_ref,
            "text": list(self.text),
            "status": self.status,
        } | {key: value for key, value in self.details.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFile:
    """A whole file that holds: ``file_id`` names it among its sender's files, ``totals`` is what its own sums say."""

    format: str
    file_id: Any
    totals: Any
    records: tuple[PaymentRecord, ...]
    mandates: tuple[Mapping[str, Any], ...] = ()
    attention: tuple[str, ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return what is told of the file beside its records."""
        told = {"format": self.format, "valid": True, "file_id": self.file_id, "totals": self.totals, **self.summary}
        if self.mandates:
            told["mandates"] = [dict(mandate) for mandate in self.mandates]
        return told | {"records": len(self.records), "attention": list(self.attention)}


FORMATS: Final = (
    "camt054", "camt053", "pain002", "pain008", "autogiro", "bgmax", "nets_ocr", "nets_avtalegiro", "fi_ktl",
    "fi_tito", "dk_bs", "mt940",
)  # fmt: skip


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
