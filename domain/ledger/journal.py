"""The journal of a bill run: one voucher of everything it booked, and the vouchers that accrue it by day.

The first voucher is what the ledger has, added up by account. What of a fee belongs to months after the invoice's own
is moved to deferred income on the invoice's date, and back to revenue on the last day of each such month; the parts are
those of ``domain.invoicing.accruals``, so that deferred income comes to zero exactly.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from domain.invoicing.accruals import accrue
from domain.invoicing.invoice import Invoice, Line, decimals_of
from domain.ledger.entry import BAS, Chart, Entry, postings_of


@dataclass(frozen=True, slots=True)
class Row:
    """An amount on an account in the journal's currency; debit is positive."""

    account: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """Rows of one day that come to zero. ``series``: ``F`` invoices, ``P`` accruals, ``L`` what suppliers are owed."""

    series: str
    dated_on: dt.date
    text: str
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        assert sum((row.amount for row in self.rows), Decimal(0)) == 0, f"{self.text} does not come to zero"


@dataclass(slots=True)
class Journal:
    """Adds invoices of one currency up, in any order and any number; memory grows with accounts and days alone."""

    currency: str
    chart: Chart = BAS
    count: int = 0
    total: Decimal = Decimal(0)
    vat: dict[tuple[str, Decimal], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _first: str = ""
    _last: str = ""
    _booked: dict[dt.date, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    _deferred: dict[tuple[dt.date, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _earned: dict[tuple[dt.date, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _owed: dict[dt.date, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def add(self, invoice: Invoice) -> None:
        """Add an issued invoice or credit note in the journal's currency."""
        assert invoice.currency == self.currency
        self.count += 1
        self.total += invoice.total
        self._first = min(self._first or invoice.number, invoice.number, key=_by_number)
        self._last = max(self._last, invoice.number, key=_by_number)
        for posting in postings_of(invoice, self.chart):
            self._booked[invoice.issued_on][posting.account] += posting.amount_minor
        for each in invoice.vat:
            self.vat[each.treatment.category, each.treatment.percent] += each.tax
        for line in invoice.lines:
            self._accrue(invoice.issued_on, line)

    def owe(self, entry: Entry) -> None:
        """Add what was booked of a document that was written for a supplier, in the journal's currency."""
        for posting in entry.postings:
            assert posting.currency == self.currency
            self._owed[entry.booked_on][posting.account] += posting.amount_minor

    def _accrue(self, issued_on: dt.date, line: Line) -> None:
        """Move what belongs to later months than the invoice's own out of its revenue, and into theirs."""
        account = line.account
        for share in accrue(line.net, line.period, decimals=decimals_of(self.currency)):
            last = share.period.end - dt.timedelta(days=1)
            if (last.year, last.month) > (issued_on.year, issued_on.month) and share.amount:
                self._deferred[issued_on, account] += share.amount
                self._earned[_month_end(last), account] += share.amount

    def booked(self) -> Mapping[str, Decimal]:
        """Return what the invoices booked, by account."""
        sums: dict[str, int] = defaultdict(int)
        for accounts in self._booked.values():
            for account, minor in accounts.items():
                sums[account] += minor
        return {account: self._major(minor) for account, minor in sorted(sums.items())}

    def vouchers(self, name: str) -> list[Voucher]:
        """Return the vouchers by date; ``name`` says which run they are of."""
        made = [
            Voucher(
                series="F",
                dated_on=day,
                text=f"{name}, {self._first}-{self._last}",
                rows=tuple(Row(account, self._major(minor)) for account, minor in sorted(sums.items()) if minor),
            )
            for day, sums in sorted(self._booked.items())
        ]
        made.extend(
            Voucher(
                series="L",
                dated_on=day,
                text=f"{name}, self-billed",
                rows=tuple(Row(account, self._major(minor)) for account, minor in sorted(sums.items()) if minor),
            )
            for day, sums in sorted(self._owed.items())
        )
        made.extend(self._moved(f"{name}, deferred", self._deferred, sign=1))
        made.extend(self._moved(f"{name}, earned", self._earned, sign=-1))
        return [voucher for voucher in made if voucher.rows]

    def _moved(self, text: str, sums: Mapping[tuple[dt.date, str], Decimal], *, sign: int) -> list[Voucher]:
        days: dict[dt.date, dict[str, Decimal]] = defaultdict(dict)
        for (day, account), amount in sorted(sums.items()):
            if amount:
                days[day][account] = amount * sign
        return [
            Voucher(
                series="P",
                dated_on=day,
                text=f"{text} {day:%Y-%m}",
                rows=(
                    *(Row(account, amount) for account, amount in amounts.items()),
                    *_against(self.chart.deferred, -sum(amounts.values(), Decimal(0))),
                ),
            )
            for day, amounts in sorted(days.items())
        ]

    def _major(self, minor: int) -> Decimal:
        return Decimal(minor).scaleb(-decimals_of(self.currency))


def _against(account: str, amount: Decimal) -> tuple[Row, ...]:
    return (Row(account, amount),) if amount else ()


def _month_end(day: dt.date) -> dt.date:
    following = dt.date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return following - dt.timedelta(days=1)


def _by_number(number: str) -> tuple[int, str]:
    return len(number), number
