"""The return of the one-stop shop (Directive 2006/112/EC art. 369g), and the file that Skatteverket's service takes.

Per consumer country and rate what was sold, and its VAT, in euro; what is given back of an earlier return's period is a
correction of that, per country. Amounts in another currency count by the rate of the period's last day (art. 369h).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from domain.invoicing.invoice import Invoice, decimals_of
from domain.money import round_to
from domain.period import Period
from domain.refusal import BadValue

EURO: Final = "EUR"
_CODES: Final = {"GR": "EL"}  # as VAT names countries
_ZERO: Final = Decimal(0)


@dataclass(slots=True)
class OssReturn:
    """Adds the documents of one quarter up, in any order. Amounts stay in their own currency until they are written."""

    period: Period
    sold: dict[tuple[str, Decimal, str], list[Decimal]] = field(default_factory=dict)
    corrected: dict[tuple[str, str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def __post_init__(self) -> None:
        if self.period != quarter_of(self.period.start):
            raise BadValue("the one-stop shop takes a quarter such as 2026-Q4", field="period")

    def add(self, invoice: Invoice, issued: Mapping[str, date]) -> None:
        """Add an issued invoice or credit note; ``issued``: when what it gives back of was issued, by number."""
        places = decimals_of(invoice.currency)
        for each in invoice.vat:
            country, percent = each.treatment.country, each.treatment.percent
            if each.treatment.category != "S" or country is None:
                continue
            taxable, tax = each.taxable, each.tax
            earlier: dict[str, Decimal] = defaultdict(Decimal)
            for line in invoice.lines:
                day = issued.get(line.corrects or invoice.original or "")
                if line.vat == each.treatment and day is not None and day < self.period.start:
                    earlier[quarter_name(day)] += line.net
            for quarter, net in earlier.items():
                given = round_to(net * percent / 100, places)
                self.corrected[quarter, country, invoice.currency] += given
                taxable, tax = taxable - net, tax - given
            place = self.sold.setdefault((country, percent, invoice.currency), [_ZERO, _ZERO])
            place[0] += taxable
            place[1] += tax

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies that there are amounts in."""
        return tuple(sorted({key[2] for key in self.sold} | {key[2] for key in self.corrected}))

    def sales(self, euro: Mapping[str, Decimal]) -> list[tuple[str, Decimal, Decimal, Decimal]]:
        """Return country, rate, taxable amount and VAT in euro; ``euro`` is what each currency is worth."""
        sums: dict[tuple[str, Decimal], list[Decimal]] = {}
        for (country, percent, currency), (taxable, tax) in self.sold.items():
            place = sums.setdefault((country, percent), [_ZERO, _ZERO])
            place[0] += taxable * euro[currency]
            place[1] += tax * euro[currency]
        told = ((*key, round_to(taxable, 2), round_to(tax, 2)) for key, (taxable, tax) in sorted(sums.items()))
        return [row for row in told if row[2] or row[3]]

    def corrections(self, euro: Mapping[str, Decimal]) -> list[tuple[str, str, Decimal]]:
        """Return quarter, country and VAT in euro."""
        sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for (quarter, country, currency), tax in self.corrected.items():
            sums[quarter, country] += tax * euro[currency]
        told = ((*key, round_to(tax, 2)) for key, tax in sorted(sums.items()))
        return [row for row in told if row[2]]

    def file(self, own: str, euro: Mapping[str, Decimal]) -> str:
        """Write the file that Skatteverket's service One Stop Shop reads (``OSS_001``), services sold from Sweden."""
        number = quarter_name(self.period.start)
        lines = ["OSS_001", f"{own};{number[-1]};{number[:4]}"]
        lines += [
            ";".join(("SE", _CODES.get(country, country), _comma(percent), _comma(taxable), _comma(tax), "SERVICES"))
            for country, percent, taxable, tax in self.sales(euro)
        ]
        corrections = self.corrections(euro)
        lines += ["CORRECTIONS"] if corrections else []
        lines += [f"{quarter};{_CODES.get(country, country)};{_comma(tax)}" for quarter, country, tax in corrections]
        return "".join(f"{line};\r\n" for line in lines)


def quarter_of(day: date) -> Period:
    """Return the quarter that a day is in.

    >>> str(quarter_of(date(2026, 11, 30)).start), str(quarter_of(date(2026, 11, 30)).end)
    ('2026-10-01', '2027-01-01')
    """
    first = day.month - (day.month - 1) % 3
    return Period(date(day.year, first, 1), date(day.year + first // 10, (first + 2) % 12 + 1, 1))


def quarter_name(day: date) -> str:
    """Return the name of the quarter that a day is in.

    >>> quarter_name(date(2026, 11, 30))
    '2026Q4'
    """
    return f"{day.year}Q{(day.month + 2) // 3}"


def _comma(value: Decimal) -> str:
    return f"{value:.2f}".replace(".", ",")
