"""From what was used and agreed to one payer's invoice, not yet numbered; or to the doubt that parks him."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import Final

from domain.customers.contact import Recipient
from domain.customers.customer import Customer, CustomerKind, Delivery
from domain.ids import InvoiceId
from domain.invoicing.bill import Bill, Doubt
from domain.invoicing.billing_rules import Unpriced
from domain.invoicing.bought import bought_lines
from domain.invoicing.charging import charge_lines, discount_lines
from domain.invoicing.invoice import (
    LINES_MAX,
    DocumentKind,
    Invoice,
    Line,
    LineKind,
    Party,
    Payment,
    check,
    placed,
    settle,
)
from domain.invoicing.lines import bucket_lines, lines_of, place_of_supply
from domain.invoicing.taxing import reverse_goods
from domain.invoicing.vat import in_eu, registered_in
from domain.ledger.accounts import accounted
from domain.operators import Operator
from domain.refusal import BadValue


def assemble(bill: Bill) -> Invoice | Doubt | None:
    """Return the payer's invoice, None where there is nothing to bill, or the doubt that parks him."""
    for checked in CHECKS:
        if (doubt := checked(bill)) is not None:
            return doubt
    try:
        made = lines_with_vat(bill)
    except BadValue as no:
        return _untaxed(bill, no)
    if not any(line.net for line in made) and not (made and bill.rules.zero_invoices):
        return None
    if (doubt := _mixes(bill, made)) is not None:
        return doubt
    lines = placed(sorted(made, key=in_order(bill)))
    if len(lines) > LINES_MAX:
        return Doubt("too_many_lines", f"the bill would have {len(lines)} lines, more than {LINES_MAX}")
    return check(_document(bill, lines))


def lines_with_vat(bill: Bill) -> list[Line]:
    """Return the lines with their VAT and accounts. Refuses with: BadValue (VAT cannot be decided)."""
    sold = [*chain(lines_of(bill), bought_lines(bill), charge_lines(bill))]
    made, off = _booked(bill, sold)
    # Whether goods are charged in reverse is decided by what discounts leave of them, which then follow them.
    decided = reverse_goods(
        made, bill.services, seller=bill.operator, payer=bill.payer, taxes=bill.taxes, discounts=off
    )
    if decided != made:
        made, off = _booked(bill, [replace(line, vat=one.vat) for line, one in zip(sold, decided, strict=True)])
    return made + off


def _booked(bill: Bill, sold: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """Return lines on their accounts, and the discounts on them."""
    made = accounted(sold, bill.accounts, bill.services, country=bill.payer.address.country, on=bill.run.issued_on)
    return made, [*discount_lines(bill, made)]


def _untaxed(bill: Bill, no: BadValue) -> Doubt:
    """Return why VAT cannot be decided."""
    payer = bill.payer
    if no.field == "vatId":
        return Doubt("unchecked_vat_id", no.message)
    abroad = payer.address.country != bill.operator.country and in_eu(payer.address.country, bill.run.issued_on)
    known = payer.vat_id is not None and registered_in(payer.vat_id) != bill.operator.country
    if payer.kind is not CustomerKind.ORGANISATION or not abroad or known:
        return Doubt("vat", no.message)
    return Doubt(
        "missing_vat_id",
        f"customer {payer.number} is a business in {payer.address.country}: give it its VAT id, by which it accounts"
        " for VAT itself",
    )


def _mixes(bill: Bill, made: Sequence[Line]) -> Doubt | None:
    """Return the doubt about an e-invoice with what is outside VAT beside other lines (EN 16931, BR-O-11 to 14)."""
    categories = {line.vat.category for line in made}
    if bill.payer.delivery not in _MODELLED or "O" not in categories or len(categories) == 1:
        return None
    return Doubt(
        "mixed_vat",
        f"customer {bill.payer.number} gets e-invoices, which cannot hold what is outside VAT (category O) beside other"
        " lines: bill the one and the other apart, give it category E, or choose another delivery",
    )


def _is_priced(bill: Bill) -> Doubt | None:
    events = sum(bill.unpriced.get(member.id, 0) for member in bill.members)
    if not events or bill.rules.unpriced is Unpriced.IGNORE:
        return None
    return Doubt(
        "missing_price",
        f"customer {bill.payer.number} has {events} events without a price: add the prices that are missing, and"
        " release the events from suspense",
    )


def _has_mandate(bill: Bill) -> Doubt | None:
    if bill.mandated is not False:
        return None
    return Doubt(
        "missing_mandate",
        f"customer {bill.payer.number} pays by direct debit, but no mandate of his holds: get one, or choose another"
        " way to pay",
    )


def _has_address(bill: Bill) -> Doubt | None:
    address = bill.payer.address
    if all(part.strip() for part in (address.street, address.postcode, address.city)):
        return None
    return Doubt("missing_address", f"customer {bill.payer.number} needs a street, a postcode and a city")


def _has_endpoint(bill: Bill) -> Doubt | None:
    if bill.payer.delivery not in ADDRESSED or payer_of(bill.payer).endpoint:
        return None
    if bill.payer.delivery is Delivery.FINVOICE:
        return Doubt(
            "missing_endpoint",
            f"customer {bill.payer.number} gets e-invoices, but has no electronic address such as 0216:003712345678",
        )
    return Doubt(
        "missing_endpoint",
        f"customer {bill.payer.number} gets e-invoices, but has no Peppol id such as 0007:5567037485",
    )


def _has_email(bill: Bill) -> Doubt | None:
    if bill.payer.delivery is not Delivery.EMAIL or payer_of(bill.payer).email:
        return None
    return Doubt(
        "missing_email",
        f"customer {bill.payer.number} gets invoices by e-mail, but has no address: give it one, or choose another"
        " delivery",
    )


def in_one_currency(bill: Bill) -> Doubt | None:
    """Return the doubt about usage in another currency than the operator's."""
    currencies = {total.currency for member in bill.members for total in bill.usage.get(member.id, ())}
    foreign = sorted(currencies - {bill.operator.currency})
    if not foreign:
        return None
    return Doubt(
        "currency",
        f"customer {bill.payer.number} has usage in {', '.join(foreign)}, but is invoiced in {bill.operator.currency}:"
        " give its contracts a price list in that currency and rate its usage again",
    )


def _has_home_rate(bill: Bill) -> Doubt | None:
    home = bill.taxes.home_currency
    if home in {None, bill.operator.currency} or bill.taxes.home is not None:
        return None
    return Doubt(
        "exchange_rate",
        f"VAT is told in {home}, too, and what {bill.operator.currency} was worth on {bill.run.issued_on} is not known:"
        " import the exchange rates of that day",
    )


# What goes to an electronic address.
ADDRESSED: Final = frozenset({Delivery.PEPPOL, Delivery.FINVOICE, Delivery.OIOUBL})
# Forms that follow EN 16931's model of VAT.
_MODELLED: Final = frozenset({Delivery.PEPPOL})
CHECKS: Final[tuple[Callable[[Bill], Doubt | None], ...]] = (
    _has_address,
    _has_endpoint,
    _has_email,
    _has_mandate,
    in_one_currency,
    _has_home_rate,
    _is_priced,
)
# On an invoice, fees come before usage, and behind everything discounts, and what paying late costs.
_LAST: Final = {LineKind.DISCOUNT: 1, LineKind.REMINDER_FEE: 2, LineKind.INTEREST: 3}


def in_order(bill: Bill) -> Callable[[Line], tuple[object, ...]]:
    """Order lines by member, contract, fees before usage, line in the network, text and time."""
    rank = {member.id: index for index, member in enumerate(bill.members)}

    def key(line: Line) -> tuple[object, ...]:
        return (
            rank[line.customer],
            _LAST.get(line.kind, 0),
            line.contract_number or "",
            line.kind is LineKind.USAGE,
            line.subscription or 0,
            line.text,
            line.period,
            line.fee.fee_start if line.fee else line.period.start,
            line.mode or "",
            line.charge or 0,
        )

    return key


def _document(bill: Bill, lines: Sequence[Line]) -> Invoice:
    operator, payer = bill.operator, bill.payer
    whole = operator.rounds_to_krona and operator.currency == "SEK"
    totals = settle(((line.vat, line.net) for line in lines), decimals=bill.window.decimals, whole=whole)
    terms = operator.payment_terms_days if payer.payment_terms_days is None else payer.payment_terms_days
    return Invoice(
        id=InvoiceId(0),
        operator=operator.id,
        run=bill.run.id or None,
        kind=DocumentKind.CREDIT_NOTE if totals.total < 0 else DocumentKind.INVOICE,
        number="",
        customer=payer.id,
        reseller=payer.reseller,
        currency=operator.currency,
        period=bill.run.period,
        issued_on=bill.run.issued_on,
        due_on=bill.run.issued_on + timedelta(days=terms),
        seller=seller_of(operator, place_of_supply(bill)),
        payer=payer_of(payer),
        payment=Payment(terms_days=terms, bankgiro=operator.bankgiro, iban=operator.iban),
        lines=tuple(lines),
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
        original=next((line.corrects for line in lines if line.corrects), None) if totals.total < 0 else None,
        sold_by=bill.sold_by,
        home=bill.taxes.home,
        look=bill.look,
        buckets=tuple(bucket_lines(bill)),
        bill_kind=bill.run.kind,
    )


def seller_of(operator: Operator, supplied_in: str) -> Party:
    """Return the operator as the seller on a document, with the VAT id he has in the country of supply."""
    return Party(
        name=operator.name,
        address=operator.address,
        identity_number=operator.organisation_number,
        vat_id=operator.vat_id_in(supplied_in),
        email=operator.email,
        phone=operator.phone,
        endpoint=operator.endpoint,
    )


def payer_of(customer: Customer) -> Party:
    """Return the customer as the payer on a document, reached as its recipient is."""
    to = customer.recipient or Recipient()
    return Party(
        name=customer.name,
        address=customer.address,
        kind=customer.kind,
        number=customer.number,
        identity_number=customer.identity_number,
        vat_id=customer.vat_id,
        email=to.email or customer.email,
        phone=customer.phone,
        endpoint=to.endpoint or customer.endpoint,
        attention=to.attention,
    )


def recipient_of(customer: Customer) -> Party | None:
    """Return whom a payer's documents are sent to; None: to the payer as he is."""
    to = customer.recipient
    if to is None or not (to.name or to.address or to.attention):
        return None
    return Party(
        name=to.name or customer.name,
        address=to.address or customer.address,
        kind=customer.kind,
        email=to.email or customer.email,
        endpoint=to.endpoint or customer.endpoint,
        attention=to.attention,
    )
