"""How a domain object becomes a type of the WSDL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from api.catalogues.explaining import in_words
from api.soap import models, particulars
from api.soap.agreed import shown_discounts, shown_terms
from domain.contracts.contract import Contract
from domain.contracts.service import Service
from domain.contracts.subscription import Subscription
from domain.customers.customer import Customer
from domain.ids import ServiceId
from domain.invoicing.invoice import Invoice
from domain.operators import Address
from domain.rating.explanation import Explanation
from domain.rating.rated_event import RatedEvent
from domain.telling.data import data
from domain.telling.language import Language
from domain.telling.text import text
from domain.usecases.list_allowances import AllowanceLeft
from domain.usecases.price_call import Quote


def address(one: Address) -> models.Address:
    """Show an address."""
    return models.Address(
        street=one.street, street2=one.street2, postcode=one.postcode, city=one.city, country=one.country
    )


def customer(one: Customer) -> models.Customer:
    """Show a customer."""
    return models.Customer(
        number=one.number,
        kind=one.kind.value,
        name=one.name,
        address=address(one.address),
        identityNumber=one.identity_number,
        vatId=one.vat_id,
        throughParent=one.through_parent,
        email=one.email,
        phone=one.phone,
        language=one.language,
        paymentTermsDays=one.payment_terms_days,
        delivery=one.delivery.value,
        endpoint=one.endpoint,
        callSpecification=one.call_specification.value,
        maskDigits=one.mask_digits,
        priceList=one.price_list,
        recipient=particulars.recipient(one.recipient),
        contact=[particulars.contact(each) for each in one.contacts],
        creditLimit=plain(one.credit_limit),
        buyerReference=one.buyer_reference,
        orderReference=one.order_reference,
        costCentre=one.cost_centre,
        billingDay=one.billing_day,
        directDebit=one.direct_debit,
        field=particulars.own_fields(one.fields),
        closedAt=one.closed_at,
        erasedAt=one.erased_at,
        version=one.version,
    )


def allowances(found: Sequence[AllowanceLeft]) -> models.Allowances:
    """Show what buckets have left."""
    rows = [
        models.Allowance(
            bucket=one.bucket,
            owner=one.owner,
            unit=one.unit,
            currency=one.currency,
            since=one.since,
            until=one.until,
            ends=one.ends,
            granted=one.granted,
            used=one.used,
            lost=one.lost,
            left=one.left,
            given=one.given,
            grant=one.grant,
            cap=one.cap,
            usedByLine=one.used_by_line,
        )
        for one in found
    ]
    return models.Allowances(count=len(rows), allowance=rows)


def contract(
    one: Contract, *, owner: Customer, services: dict[int, Service], lines: Iterable[Subscription], now: datetime
) -> models.Contract:
    """Show a contract with its services by code and its lines."""
    return models.Contract(
        number=one.number,
        customerNumber=owner.number,
        start=one.start,
        end=one.end,
        state=one.state.value,
        priceList=one.price_list,
        terms=shown_terms(one.terms),
        discount=shown_discounts(one.discounts, {ServiceId(key): each.code for key, each in services.items()}),
        service=[
            models.ContractLine(
                serviceCode=services[line.service].code,
                start=line.start,
                end=line.end,
                quantity=line.quantity,
                oneTimeFee=plain(line.one_time_fee),
                periodicFee=plain(line.periodic_fee),
                subscription=line.subscription,
                bundleCode=None if line.bundle is None else services[line.bundle].code,
            )
            for line in one.services
        ],
        subscription=[line(each, now) for each in lines],
        version=one.version,
    )


def line(one: Subscription, now: datetime) -> models.Line:
    """Show a line in the network as it is now."""
    return models.Line(
        id=one.id,
        kind=one.kind.value,
        label=one.label,
        number=[
            models.NumberAssignment(
                number=each.number, validFrom=each.valid_from, validTo=each.valid_to, kind=each.kind.value
            )
            for each in one.numbers
        ],
        state=one.state_at(now).value,
        activatedAt=one.activated_at,
        endedAt=one.ended_at,
        version=one.version,
    )


def charge(one: Any) -> models.Charge | None:
    """Show what one level pays; None where there is no such level."""
    if one is None:
        return None
    return models.Charge(amount=plain(one.amount.value), currency=one.amount.currency, priceList=one.price_list)


def usage(one: RatedEvent) -> models.Usage:
    """Show an event."""
    return models.Usage(
        event=str(one.ref),
        start=one.start,
        mode=one.mode,
        direction=one.direction,
        a=one.a,
        b=one.b,
        destination=one.destination,
        used=one.used,
        billed=one.billed,
        retail=charge(one.retail),
        wholesale=[charge(each) for each in one.wholesale],
        cost=charge(one.cost),
    )


def quote(one: Quote) -> models.Quote:
    """Show a price."""
    return models.Quote(
        at=one.at,
        destination=one.destination,
        billed=one.billed,
        reason=one.reason,
        retail=charge(one.retail),
        wholesale=[charge(each) for each in one.wholesale],
        cost=charge(one.cost),
    )


def explanation(one: Explanation, language: Language) -> models.Explanation:
    """Show an explanation."""
    one = in_words(one, language)
    return models.Explanation(
        status=one.status,
        destination=one.destination,
        prefix=one.located.prefix,
        level=[
            models.LevelExplained(
                level=level.level,
                tier=level.tier or None,
                status=level.status,
                amount=plain(Decimal(level.amount).scaleb(-6)) if level.status == "rated" else None,
                currency=level.currency,
                priceList=level.price_list,
                band=level.band,
                billed=level.billed,
            )
            for level in one.levels
        ],
        language=language.code,
        text=text(one, language),
        data=json.dumps(data(one, language), ensure_ascii=False),
    )


def invoice(one: Invoice) -> models.Invoice:
    """Show an invoice."""
    return models.Invoice(
        number=one.number,
        kind=one.kind.value,
        issuedOn=one.issued_on,
        dueOn=one.due_on,
        periodStart=one.period.start,
        periodEnd=one.period.end,
        currency=one.currency,
        net=plain(one.net),
        vat=plain(one.vat_total),
        rounding=plain(one.rounding),
        total=plain(one.total),
        reference=one.payment.reference,
    )


def plain(value: Decimal | None) -> Decimal | None:
    """Return a decimal whose text has no exponent, since ``xs:decimal`` has none."""
    return None if value is None else Decimal(format(value, "f"))
