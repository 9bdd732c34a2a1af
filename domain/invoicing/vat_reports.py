"""What is declared of VAT beside the return: the one-stop shop by country and rate, and sales within the Union.

Amounts are in the currency of the seller's country, by each invoice's own rate where it is in another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from domain.invoicing.invoice import Invoice, decimals_of
from domain.invoicing.vat import in_eu
from domain.money import round_to

Key = tuple[str, Decimal]
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OssRow:
    """What was sold to consumers of one country at one rate, and its VAT."""

    country: str
    percent: Decimal
    currency: str
    taxable: Decimal
    tax: Decimal
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesRow:
    """What was sold without VAT to one business of another member state."""

    vat_id: str
    country: str
    currency: str
    services: Decimal
    documents: int


@dataclass(slots=True)
class VatReport:
    """Adds documents up in any order."""

    oss: dict[tuple[str, Decimal, str], list[Decimal]] = field(default_factory=dict)
    sales: dict[tuple[str, str, str], list[Decimal]] = field(default_factory=dict)

    def add(self, invoice: Invoice) -> None:
        """Add an issued invoice or credit note."""
        home = invoice.home
        currency = invoice.currency if home is None else home.currency
        for each in invoice.vat:
            treatment = each.treatment
            if treatment.category == "S" and treatment.country is not None:
                place = self.oss.setdefault((treatment.country, treatment.percent, currency), [_ZERO, _ZERO, _ZERO])
                place[0] += _told(invoice, each.taxable)
                place[1] += _told(invoice, each.tax)
                place[2] += 1
            country = invoice.payer.address.country
            abroad = country != invoice.seller.address.country and in_eu(country, invoice.issued_on)
            if treatment.category == "AE" and abroad and invoice.payer.vat_id:
                row = self.sales.setdefault((invoice.payer.vat_id, country, currency), [_ZERO, _ZERO])
                row[0] += _told(invoice, each.taxable)
                row[1] += 1

    def oss_rows(self) -> list[OssRow]:
        """Return the rows of the one-stop shop by country and rate."""
        return [
            OssRow(
                country=country, percent=percent, currency=currency, taxable=taxable, tax=tax, documents=int(documents)
            )
            for (country, percent, currency), (taxable, tax, documents) in sorted(self.oss.items())
        ]

    def sales_rows(self) -> list[SalesRow]:
        """Return the rows of the list of sales by VAT id; a buyer with nothing left is left out."""
        return [
            SalesRow(vat_id=vat_id, country=country, currency=currency, services=services, documents=int(documents))
            for (vat_id, country, currency), (services, documents) in sorted(self.sales.items())
            if services
        ]


def _told(invoice: Invoice, amount: Decimal) -> Decimal:
    if invoice.home is None:
        return amount
    return round_to(amount * invoice.home.factor, decimals_of(invoice.home.currency))


def skv5740(rows: list[SalesRow], *, own: str, period: str, contact: tuple[str, str, str]) -> str:
    """Write the file of Skatteverket's periodic statement (periodisk sammanställning, SKV 5740), whole kronor.

    ``period`` is ``2610`` for a month or ``26-4`` for a quarter; ``contact`` is a name, a telephone number, a mail.
    """
    name, phone, email = (part.replace(";", " ").strip() for part in contact)
    lines = ["SKV574008;", f"{own.removeprefix('SE')};{period};{name};{phone};{email};"]
    lines += [f"{row.vat_id};;;{round_to(row.services, 0):f};" for row in rows if round_to(row.services, 0)]
    return "".join(f"{line}\r\n" for line in lines)
