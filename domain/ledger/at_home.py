"""An invoice as it is accounted for in the currency of the seller's country, by the rate at which it was issued."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from domain.invoicing.invoice import Invoice, decimals_of
from domain.invoicing.vat import VatSum
from domain.money import round_to


def at_home(invoice: Invoice) -> Invoice:
    """Return the invoice with every amount in the home currency; what rounding leaves stands as its rounding.

    It is for the journal alone: no such document was ever issued.
    """
    home = invoice.home
    if home is None:
        return invoice
    places = decimals_of(home.currency)

    def told(amount: Decimal) -> Decimal:
        return round_to(amount * home.factor, places)

    lines = tuple(replace(line, net=told(line.net)) for line in invoice.lines)
    vat = tuple(VatSum(each.treatment, told(each.taxable), told(each.tax)) for each in invoice.vat)
    net = sum((line.net for line in lines), Decimal(0))
    vat_total, total = sum((each.tax for each in vat), Decimal(0)), told(invoice.total)
    return replace(
        invoice,
        currency=home.currency,
        home=None,
        lines=lines,
        vat=vat,
        net=net,
        vat_total=vat_total,
        total=total,
        rounding=total - net - vat_total,
    )
