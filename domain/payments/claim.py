"""Claims beside invoices: reminder fees, interest, compensation and fees for returned debits.

A claim is a receivable of its own, shown apart from the invoice it is about; no interest runs on it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.ids import ClaimId, CustomerId, InvoiceId, OperatorId


class ClaimKind(StrEnum):
    """What a claim is for."""

    REMINDER_FEE = "reminder_fee"
    INTEREST = "interest"
    COMPENSATION = "compensation"
    RETURN_FEE = "return_fee"
    COLLECTION_FEE = "collection_fee"


COSTS: Final = frozenset(ClaimKind) - {ClaimKind.INTEREST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim on a customer; ``invoice`` is the principal's, ``entry`` the key of what was booked for it.

    Amounts are minor units. A withdrawn one is owed no more from ``withdrawn_on``.
    """

    id: ClaimId
    operator: OperatorId
    customer: CustomerId
    invoice: InvoiceId | None
    kind: ClaimKind
    currency: str
    amount_minor: int
    claimed_on: dt.date
    due_on: dt.date
    entry: str | None = None
    text: str = ""
    withdrawn_on: dt.date | None = None
    withdrawn_at: dt.datetime | None = None
    withdrawn_by: str | None = None
    version: int = 1
