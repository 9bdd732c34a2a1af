"""The period lock: what is booked on or before a day stays as it is.

Whole months are locked, up to and with one of them. A document (an invoice, a credit note) dated in a locked month is
refused: whoever issues it chooses another date. What happened elsewhere on a day that nobody chooses (a payment, a
return) and what corrects something (a move, a reversal, a write-off) is booked on the first open day instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from domain.ledger.entry import Entry
from domain.refusal import WrongState

_DOCUMENTS: Final = ("invoice:", "credit_note:", "self_billed:")


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLock:
    """``through`` is the last locked day, the last of a month; None: nothing is. ``version`` 0: it was never set."""

    through: date | None = None
    version: int = 0
    at: datetime | None = None
    client: str | None = None


def first_open(day: date, through: date | None) -> date:
    """Return the day on which what happened on a day is booked.

    >>> first_open(date(2026, 10, 30), date(2026, 10, 31)), first_open(date(2026, 11, 2), date(2026, 10, 31))
    (datetime.date(2026, 11, 1), datetime.date(2026, 11, 2))
    """
    return day if through is None or day > through else through + timedelta(days=1)


def dated(entry: Entry, through: date | None) -> Entry:
    """Return the entry as it is booked. Refuses with: WrongState (a document of a locked month)."""
    day = first_open(entry.booked_on, through)
    if day == entry.booked_on:
        return entry
    if entry.key.startswith(_DOCUMENTS):
        raise WrongState(
            "the ledger is locked through {through}, and {key} is dated {day}: choose a later date",
            through=through,
            key=entry.key,
            day=entry.booked_on,
            field="issuedOn",
        )
    return replace(entry, booked_on=day)
