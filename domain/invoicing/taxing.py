"""How a service is taxed and booked when it is sold to somebody: what it says for his country, or the rules."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from domain.contracts.service import CountryTax, Service
from domain.customers.customer import Customer, CustomerKind
from domain.invoicing.vat import EXPORT, REVERSE_CHARGE, SOLD_ABROAD, VatTreatment, treat
from domain.operators import Operator


def tax_of(service: Service, *, seller: Operator, payer: Customer, on: date) -> tuple[VatTreatment, str]:
    """Return the VAT and the revenue account of a service. Refuses with: BadValue (VAT cannot be decided).

    What its entry for the payer's country says goes before the rules, but for one thing: a business of another member
    state that would be charged VAT of its own country accounts for it itself.
    """
    tax = service.tax_in(payer.address.country)
    domestic = payer.address.country == seller.country
    if tax is None or (tax.vat_category is None and tax.vat_percent is None):
        found = treatment_of(service.vat_percent, seller=seller, payer=payer, on=on)
    elif domestic and tax.vat_category in {None, "S"}:
        found = treatment_of(tax.vat_percent or Decimal(0), seller=seller, payer=payer, on=on)
    else:
        found = _told(
            tax, treatment_of(service.vat_percent, seller=seller, payer=payer, on=on) if _rated(tax) else None
        )
    return found, (tax.account if tax and tax.account else SOLD_ABROAD.get(found.category, service.account))


def treatment_of(percent: Decimal, *, seller: Operator, payer: Customer, on: date) -> VatTreatment:
    """Return how a sale at a rate of ordinary domestic supply is taxed. Refuses with: BadValue."""
    return treat(
        seller_country=seller.country,
        buyer_country=payer.address.country,
        buyer_is_business=payer.kind is CustomerKind.ORGANISATION,
        buyer_vat_id=payer.vat_id,
        percent=percent,
        on=on,
    )


def _rated(tax: CountryTax) -> bool:
    return (tax.vat_category or ("S" if tax.vat_percent else "Z")) == "S"


def _told(tax: CountryTax, usual: VatTreatment | None) -> VatTreatment:
    """Return what a country's entry says; ``usual`` is what the rules say, where it names a rate."""
    if usual is not None:
        return usual if usual.category == "AE" else VatTreatment("S", tax.vat_percent or Decimal(0))
    if tax.vat_category == "AE":
        return REVERSE_CHARGE
    if tax.vat_category == "G":
        return EXPORT
    if tax.vat_category == "E":
        return VatTreatment("E", Decimal(0), None, "Undantag från moms")
    if tax.vat_category == "O":
        return VatTreatment("O", Decimal(0), "VATEX-EU-O", "Utanför momsens tillämpningsområde")
    return VatTreatment("Z", Decimal(0))
