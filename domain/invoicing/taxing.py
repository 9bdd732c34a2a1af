"""How a service is taxed and booked when it is sold to somebody: what it says for his country, or the rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from domain.contracts.service import CountryTax, Service
from domain.customers.customer import Customer, CustomerKind
from domain.ids import ServiceId
from domain.invoicing.invoice import Line
from domain.invoicing.tax_rules import USUAL, Taxes
from domain.invoicing.vat import (
    EXPORT,
    REVERSE_CHARGE,
    SOLD_ABROAD,
    SWEDISH_RATES,
    VatRate,
    VatTreatment,
    in_eu,
    treat,
)
from domain.invoicing.vat_rates import standard_rate
from domain.operators import Operator
from domain.refusal import BadValue


def tax_of(
    service: Service, *, seller: Operator, payer: Customer, on: date, taxes: Taxes = USUAL
) -> tuple[VatTreatment, str]:
    """Return the VAT and the revenue account of a service. Refuses with: BadValue (VAT cannot be decided).

    What its entry for the payer's country says goes before the rules, but for one thing: a business of another member
    state that would be charged VAT of its own country accounts for it itself.
    """
    tax = service.tax_in(payer.address.country)
    domestic = payer.address.country == seller.country
    if tax is None or (tax.vat_category is None and tax.vat_percent is None):
        found = treatment_of(service.vat_percent, seller=seller, payer=payer, on=on, taxes=taxes)
    elif domestic and tax.vat_category in {None, "S"}:
        found = treatment_of(tax.vat_percent or Decimal(0), seller=seller, payer=payer, on=on, taxes=taxes)
    else:
        found = _told(
            tax,
            treatment_of(service.vat_percent, seller=seller, payer=payer, on=on, taxes=taxes) if _rated(tax) else None,
            abroad=None if domestic else payer.address.country,
        )
    return found, (tax.account if tax and tax.account else SOLD_ABROAD.get(found.category, service.account))


def treatment_of(
    percent: Decimal, *, seller: Operator, payer: Customer, on: date, taxes: Taxes = USUAL
) -> VatTreatment:
    """Return how a sale at a rate of ordinary domestic supply is taxed.

    Refuses with: BadValue (VAT cannot be decided, a VAT id that is not checked, a rate that is not known).
    """
    country = payer.address.country
    foreign = country != seller.country and in_eu(country, on)
    within = foreign and in_eu(seller.country, on)
    business = payer.kind is CustomerKind.ORGANISATION
    rate = None
    if foreign and not business and percent and taxes.oss(on):
        rate = standard_rate(country, on, taxes.rules.rates)
        if rate is None:
            raise BadValue("the rate of VAT of {country} on {on} is not known", country=country, on=on)
    if within and business and payer.vat_id and taxes.rules.require_checked and not taxes.checked(payer.vat_id, on):
        raise BadValue(
            "the VAT id {vat_id} was not found valid in the last {days} days: check it",
            vat_id=payer.vat_id,
            days=taxes.rules.checked_days,
            field="vatId",
        )
    return treat(
        seller_country=seller.country,
        buyer_country=payer.address.country,
        buyer_is_business=payer.kind is CustomerKind.ORGANISATION,
        buyer_vat_id=payer.vat_id,
        percent=percent,
        on=on,
        rates=_rates(seller.country, taxes.rules.rates),
        abroad=rate,
    )


def _rates(country: str, own: tuple[VatRate, ...]) -> tuple[VatRate, ...]:
    """Return the rates that a seller's country has: what the operator says of it, or what comes with the system."""
    mine = tuple(one for one in own if one.country == country)
    return mine or SWEDISH_RATES


def reverse_goods(
    lines: Sequence[Line],
    services: Mapping[ServiceId, Service],
    *,
    seller: Operator,
    payer: Customer,
    taxes: Taxes,
    discounts: Sequence[Line] = (),
) -> list[Line]:
    """Return the lines of an invoice, with telephones and the like charged in reverse where they come to enough.

    That is for a buyer at home who pays VAT himself, in Sweden, above the rule's amount on one invoice (ML 16:16), less
    what ``discounts`` take off them. The amount is in kronor: what is invoiced in another currency counts at the rate
    by which its VAT is told.
    """
    at_home = payer.address.country == seller.country == "SE"
    registered = payer.kind is CustomerKind.ORGANISATION and payer.vat_id
    if not (taxes.rules.goods_groups and at_home and registered):
        return list(lines)
    goods = {key for key, one in services.items() if one.product_group in taxes.rules.goods_groups}
    mine = [line for line in lines if line.service in goods and line.vat.category == "S"]
    come_to = sum((line.net for line in mine), Decimal(0)) - _taken_off(mine, lines, discounts)
    if (come_to if taxes.home is None else come_to * taxes.home.factor) <= taxes.rules.goods_above:
        return list(lines)
    return [
        replace(line, vat=REVERSE_CHARGE) if line.service in goods and line.vat.category == "S" else line
        for line in lines
    ]


def _taken_off(mine: Iterable[Line], lines: Iterable[Line], discounts: Iterable[Line]) -> Decimal:
    """Return what discounts take off some of the lines: of each VAT and account their share of what stands there."""
    there: defaultdict[tuple[VatTreatment, str], Decimal] = defaultdict(Decimal)
    own: defaultdict[tuple[VatTreatment, str], Decimal] = defaultdict(Decimal)
    for line in lines:
        there[line.vat, line.account] += line.net
    for line in mine:
        own[line.vat, line.account] += line.net
    found = Decimal(0)
    for one in discounts:
        if whole := there[one.vat, one.account]:
            found -= one.net * own[one.vat, one.account] / whole
    return found


def _rated(tax: CountryTax) -> bool:
    return (tax.vat_category or ("S" if tax.vat_percent else "Z")) == "S"


def _told(tax: CountryTax, usual: VatTreatment | None, *, abroad: str | None) -> VatTreatment:
    """Return what a country's entry says; ``usual`` is what the rules say, where it names a rate.

    ``abroad`` is the country, where it is not the seller's own.
    """
    if usual is not None:
        return usual if usual.category == "AE" else VatTreatment("S", tax.vat_percent or Decimal(0), country=abroad)
    if tax.vat_category == "AE":
        return REVERSE_CHARGE
    if tax.vat_category == "G":
        return EXPORT
    if tax.vat_category == "E":
        return VatTreatment("E", Decimal(0), None, "Undantag från moms")
    if tax.vat_category == "O":
        return VatTreatment("O", Decimal(0), "VATEX-EU-O", "Utanför momsens tillämpningsområde")
    return VatTreatment("Z", Decimal(0))
