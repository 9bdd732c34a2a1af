"""An invoice issued anew: what the credit note took back, to whom it should have gone, as he is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from domain.contracts.contract import Contract
from domain.contracts.service import Service
from domain.customers.customer import Customer, CustomerKind
from domain.ids import ContractId, InvoiceId, ServiceId
from domain.invoicing.assembly import ADDRESSED, payer_of, recipient_of, seller_of
from domain.invoicing.invoice import (
    CreditScope,
    DocumentKind,
    Invoice,
    Line,
    Party,
    check,
    decimals_of,
    positioned,
    settle,
)
from domain.invoicing.lines import USAGE_VAT_PERCENT
from domain.invoicing.tax_rules import USUAL, Taxes
from domain.invoicing.taxing import reverse_goods, tax_of, treatment_of
from domain.invoicing.vat import SOLD_ABROAD
from domain.operators import Operator
from domain.refusal import BadValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What tells how lines are taxed anew: the services and contracts that they are of."""

    services: Mapping[ServiceId, Service]
    contracts: Mapping[ContractId, Contract]
    taxes: Taxes = USUAL


def anew(invoice: Invoice, note: Invoice, *, seller: Operator, payer: Customer, on: date, agreed: Agreed) -> Invoice:
    """Return the invoice that stands for one that a credit note has taken back as a whole, not yet numbered.

    Its lines are those of the note turned round, in the words of the invoice; what was credited before is not charged
    again. Where the payer is taxed otherwise now, so are they.

    Refuses with: BadValue (no address or e-address, another currency or seller, VAT that cannot be decided).
    """
    assert note.credit is CreditScope.REISSUE
    _check(invoice, payer)
    party = payer_of(payer)
    taxed_anew = _taxed_as(party) != _taxed_as(invoice.payer)
    originals = {line.position: line for line in invoice.lines}
    lines = []
    for given in note.lines:
        line = _turned(given, originals.get(given.corrects_line or 0))
        lines.append(_taxed(line, seller, payer, on, agreed) if taxed_anew else line)
    whole = bool(invoice.rounding) or (seller.rounds_to_krona and invoice.currency == "SEK")
    if taxed_anew:
        lines = reverse_goods(lines, agreed.services, seller=seller, payer=payer, taxes=agreed.taxes)
    totals = settle(((line.vat, line.net) for line in lines), decimals=decimals_of(invoice.currency), whole=whole)
    terms = seller.payment_terms_days if payer.payment_terms_days is None else payer.payment_terms_days
    abroad = party.kind is CustomerKind.ORGANISATION or any(line.vat.category != "S" for line in lines)
    supplied_in = payer.address.country if abroad else seller.country
    return check(
        replace(
            invoice,
            id=InvoiceId(0),
            run=None,
            kind=DocumentKind.INVOICE,
            number="",
            customer=payer.id,
            reseller=payer.reseller,
            issued_on=on,
            due_on=on + timedelta(days=terms),
            seller=seller_of(seller, supplied_in) if taxed_anew else invoice.seller,
            payer=party,
            payment=replace(
                invoice.payment, terms_days=terms, bankgiro=seller.bankgiro, iban=seller.iban, reference=""
            ),
            lines=positioned(lines),
            vat=totals.vat,
            net=totals.net,
            vat_total=totals.vat_total,
            rounding=totals.rounding,
            total=totals.total,
            language=payer.language,
            delivery=payer.delivery,
            call_specification=payer.call_specification,
            mask_digits=payer.mask_digits,
            recipient=recipient_of(payer),
            buyer_reference=payer.buyer_reference,
            order_reference=payer.order_reference,
            cost_centre=payer.cost_centre,
            replaces=invoice.number,
            home=agreed.taxes.home or invoice.home,
        )
    )


def _check(invoice: Invoice, payer: Customer) -> None:
    if payer.reseller != invoice.reseller:
        raise BadValue("customer {number} is of another seller", number=payer.number, field="customer")
    address = payer.address
    if not all(part.strip() for part in (address.street, address.postcode, address.city)):
        raise BadValue("customer {number} needs a street, a postcode and a city", number=payer.number, field="customer")
    if payer.delivery in ADDRESSED and not payer_of(payer).endpoint:
        raise BadValue(
            "customer {number} gets e-invoices, but has no Peppol id such as 0007:5567037485",
            number=payer.number,
            field="customer",
        )


def _taxed_as(party: Party) -> tuple[object, ...]:
    """Return what of a payer decides how he is taxed."""
    return (party.address.country, party.kind, bool(party.vat_id))


def _turned(given: Line, original: Line | None) -> Line:
    """Return a credit note's line as a charge again; one that took a line back whole is that line."""
    if original is not None and given.net == -original.net:
        return original
    return replace(
        given,
        kind=given.kind if original is None else original.kind,
        text=given.text if original is None else original.text,
        quantity=-given.quantity,
        net=-given.net,
        corrects=None if original is None else original.corrects,
        corrects_line=None,
    )


def _taxed(line: Line, seller: Operator, payer: Customer, on: date, agreed: Agreed) -> Line:
    on = min(on, line.period.end - timedelta(days=1))  # by the rules of its time, as a bill run's lines
    service = agreed.services.get(line.service) if line.service is not None else None
    contract = agreed.contracts.get(line.contract) if line.contract is not None else None
    if service is None and contract is not None:
        # Usage is taxed as the service says whose price list it is rated by.
        priced = (agreed.services.get(one.service) for one in contract.services)
        service = next((one for one in priced if one is not None and one.price_list is not None), None)
    if service is not None:
        vat, account = tax_of(service, seller=seller, payer=payer, on=on, taxes=agreed.taxes)
        return replace(line, vat=vat, account=account)
    percent = line.vat.percent if line.vat.category == "S" else USAGE_VAT_PERCENT
    vat = treatment_of(percent, seller=seller, payer=payer, on=on, taxes=agreed.taxes)
    return replace(line, vat=vat, account=SOLD_ABROAD.get(vat.category, line.account))
