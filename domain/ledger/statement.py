"""A customer's statement of account: what moved on his accounts between two days, and what he owes at their ends.

A customer's accounts are the receivable, what is on its way from his bank, and his credit. What only moves between
them is no movement of his.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import Final

from domain.ids import CustomerId
from domain.ledger.ageing import Ageing

ROWS_MAX: Final = 10_000


class MovementKind(StrEnum):
    """What moved a customer's account."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PAYMENT = "payment"
    CLAIM = "claim"
    WRITE_OFF = "write_off"
    TOP_UP = "top_up"
    OTHER = "other"


_KINDS: Final = {
    "invoice": MovementKind.INVOICE,
    "credit_note": MovementKind.CREDIT_NOTE,
    "payment": MovementKind.PAYMENT,
    "claim": MovementKind.CLAIM,
    "settlement": MovementKind.WRITE_OFF,
    "topup": MovementKind.TOP_UP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """An entry as one customer sees it, in minor units: what he owes more by it is positive."""

    key: str
    booked_on: date
    text: str
    customer: CustomerId
    currency: str
    amount_minor: int

    @property
    def kind(self) -> MovementKind:
        """Return what it is, by its key."""
        return _KINDS.get(self.key.partition(":")[0], MovementKind.OTHER)

    @property
    def document(self) -> str:
        """Return the number of the invoice or credit note that it is; empty where it is none."""
        documents = {MovementKind.INVOICE, MovementKind.CREDIT_NOTE}
        return self.key.partition(":")[2] if self.kind in documents else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """A movement, and what was owed after it."""

    movement: Movement
    balance_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One currency of a statement over ``[since, until]``; ``ageing`` is that of what is open when ``until`` ends."""

    currency: str
    since: date
    until: date
    opening_minor: int
    rows: tuple[StatementRow, ...]
    closing_minor: int
    ageing: Ageing


def states(movements: Iterable[Movement], since: date) -> dict[str, tuple[int, tuple[StatementRow, ...], int]]:
    """Return, per currency, what was owed before ``since``, each movement since, and what is owed after the last.

    ``movements`` begin with the first ever and are in the order of their days.
    """
    found = {}
    ordered = sorted(movements, key=lambda one: one.currency)
    for currency, group in groupby(ordered, key=lambda one: one.currency):
        opening, rows = 0, []
        balance = 0
        for one in group:
            balance += one.amount_minor
            if one.booked_on < since:
                opening = balance
            else:
                rows.append(StatementRow(movement=one, balance_minor=balance))
        found[currency] = (opening, tuple(rows), balance)
    return found


def statements(
    movements: Sequence[Movement], ageings: dict[str, Ageing], *, since: date, until: date, currency: str
) -> tuple[Statement, ...]:
    """Return a statement per currency, of ``currency`` also where nothing ever moved."""
    told = states(movements, since)
    codes = sorted(told.keys() | ageings.keys()) or [currency]
    made = []
    for code in codes:
        opening, rows, closing = told.get(code, (0, (), 0))
        ageing = ageings.get(code) or Ageing(currency=code)
        made.append(
            Statement(
                currency=code,
                since=since,
                until=until,
                opening_minor=opening,
                rows=rows,
                closing_minor=closing,
                ageing=ageing,
            )
        )
    return tuple(made)
