"""A quote as the document that its customer receives: who offers, what, at which prices, with VAT, until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from domain.contracts.contract import ContractService
from domain.contracts.lines import unpacked
from domain.contracts.service import Service
from domain.contracts.terms import Discount, Terms
from domain.customers.customer import Customer
from domain.ids import ServiceId
from domain.invoicing.assembly import payer_of, recipient_of, seller_of
from domain.invoicing.invoice import Look, Party, Totals, decimals_of, settle
from domain.invoicing.taxing import tax_of
from domain.invoicing.vat import VatTreatment
from domain.money import round_to
from domain.operators import Operator
from domain.quotes.quote import Quote, QuoteState


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferLine:
    """A service that is offered, or (``part``) what comes with the bundle above it. Fees are for one, without VAT.

    ``periodic_fee`` is for ``months``; ``once`` and ``monthly`` are what the whole line comes to.
    """

    text: str
    quantity: int
    one_time_fee: Decimal
    periodic_fee: Decimal
    months: int
    once: Decimal
    monthly: Decimal
    vat: VatTreatment
    part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The document. ``issued_on`` is the day it was sent, or of today where it is a ``draft``.

    ``once`` and ``monthly`` are what all lines come to with VAT, before ``discounts``. ``names`` are those of the
    services that discounts name.
    """

    number: str
    draft: bool
    issued_on: date
    valid_until: date
    start: date | None
    currency: str
    language: str
    seller: Party
    customer: Party
    recipient: Party | None
    lines: tuple[OfferLine, ...]
    once: Totals
    monthly: Totals
    terms: Terms
    discounts: tuple[Discount, ...]
    names: Mapping[ServiceId, str]
    text: str | None = None
    look: Look | None = None


def offer(
    quote: Quote, services: Mapping[ServiceId, Service], *, operator: Operator, customer: Customer, look: Look | None,
    on: date,
) -> Offer:  # fmt: skip
    """Return the document of a quote as of the day it was sent; prices that are not fixed are those of its start.

    ``operator`` is who sells; ``services`` are those of its lines with what they are made of. Refuses with: BadValue
    (VAT cannot be decided).
    """
    start = quote.start or on
    decimals = decimals_of(operator.currency)
    fixed = {line.service: line.parts for line in quote.lines if line.parts}
    made_of = {key: replace(one, parts=fixed.get(key, one.parts)) for key, one in services.items()}
    lines = tuple(
        _line(line, services[line.service], operator, customer, decimals, on)
        for line in unpacked(quote.agreed(start), made_of)
    )
    seller = seller_of(operator, customer.address.country)
    return Offer(
        number=quote.number,
        draft=quote.state is QuoteState.DRAFT,
        issued_on=on,
        valid_until=quote.valid_until,
        start=quote.start,
        currency=operator.currency,
        language=customer.language,
        seller=seller,
        customer=payer_of(customer),
        recipient=recipient_of(customer),
        lines=lines,
        once=_totals(((line.vat, line.once) for line in lines), decimals),
        monthly=_totals(((line.vat, line.monthly) for line in lines), decimals),
        terms=quote.terms,
        discounts=quote.discounts,
        names={
            key: services[key].name for one in quote.discounts if (key := one.service) is not None and key in services
        },
        text=quote.text,
        look=look,
    )


def _totals(pairs: Iterable[tuple[VatTreatment, Decimal]], decimals: int) -> Totals:
    return settle(((vat, net) for vat, net in pairs if net), decimals=decimals)


def _line(  # noqa: PLR0917  (what its caller has)
    line: ContractService, service: Service, operator: Operator, customer: Customer, decimals: int, on: date
) -> OfferLine:
    once, periodic = service.fees_on(line.start)
    once = once if line.one_time_fee is None else line.one_time_fee
    periodic = periodic if line.periodic_fee is None else line.periodic_fee
    vat, _ = tax_of(service, seller=operator, payer=customer, on=on)
    return OfferLine(
        text=service.name,
        quantity=line.quantity,
        one_time_fee=once,
        periodic_fee=periodic,
        months=service.interval_months,
        once=round_to(once * line.quantity, decimals),
        monthly=round_to(periodic * line.quantity / service.interval_months, decimals),
        vat=vat,
        part=line.bundle is not None,
    )
