"""From what was used and agreed to one payer's invoice, not yet numbered; or to the doubt that parks him."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from domain.contracts.contract import Contract
from domain.contracts.service import Service
from domain.contracts.subscription import Subscription
from domain.customers.customer import Customer, CustomerKind, Delivery
from domain.ids import ContractId, CustomerId, InvoiceId, ServiceId, SubscriptionId
from domain.invoicing.bill_run import BilledFees, BillRun, UsageTotal
from domain.invoicing.fees import FeeCharge, Window, charges, due_fees
from domain.invoicing.invoice import (
    LINES_MAX,
    DocumentKind,
    Invoice,
    Line,
    LineKind,
    Party,
    Payment,
    Unit,
    check,
    positioned,
    settle,
)
from domain.invoicing.vat import VatTreatment, treat
from domain.invoicing.words import words
from domain.money import MICRO, divide, round_to
from domain.operators import Operator
from domain.period import Period
from domain.refusal import BadValue

USAGE_VAT_PERCENT: Final = Decimal(25)
USAGE_ACCOUNT: Final = "3041"
UNIT_PRICE_DECIMALS: Final = 8
_TIMED: Final = frozenset({"voice", "fax", "video", "premium"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Everything one payer's invoice is made of; ``members`` are the customers billed to him, himself first."""

    operator: Operator
    run: BillRun
    window: Window
    payer: Customer
    members: Sequence[Customer]
    contracts: Mapping[CustomerId, Sequence[Contract]]
    services: Mapping[ServiceId, Service]
    subscriptions: Mapping[SubscriptionId, Subscription]
    usage: Mapping[CustomerId, Sequence[UsageTotal]]
    billed: Mapping[ContractId, BilledFees]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a payer is parked: a stable reason, and a sentence that says what to do."""

    reason: str
    detail: str


def assemble(bill: Bill) -> Invoice | Doubt | None:
    """Return the payer's invoice, None where there is nothing to bill, or the doubt that parks him."""
    for checked in CHECKS:
        if (doubt := checked(bill)) is not None:
            return doubt
    try:
        lines = positioned(sorted(_lines(bill), key=_order(bill)))
    except BadValue as no:
        return Doubt("vat", no.message)
    if not any(line.net for line in lines):
        return None
    if len(lines) > LINES_MAX:
        return Doubt("too_many_lines", f"the bill would have {len(lines)} lines, more than {LINES_MAX}")
    return check(_document(bill, lines))


def unit_price(net: Decimal, quantity: Decimal) -> Decimal:
    """Return a price that gives the net back when multiplied, to the eight decimals that e-invoices allow.

    >>> unit_price(Decimal("10.00"), Decimal(3))
    Decimal('3.33333333')
    """
    assert quantity, "a line has a quantity"
    numerator, denominator = (net if quantity > 0 else -net).as_integer_ratio()
    times, parts = abs(quantity).as_integer_ratio()
    scale = 10**UNIT_PRICE_DECIMALS
    return Decimal(divide(numerator * parts * scale, denominator * times)).scaleb(-UNIT_PRICE_DECIMALS)


def _has_address(bill: Bill) -> Doubt | None:
    address = bill.payer.address
    if all(part.strip() for part in (address.street, address.postcode, address.city)):
        return None
    return Doubt("missing_address", f"customer {bill.payer.number} needs a street, a postcode and a city")


def _has_endpoint(bill: Bill) -> Doubt | None:
    if bill.payer.delivery is not Delivery.PEPPOL or bill.payer.endpoint:
        return None
    return Doubt(
        "missing_endpoint",
        f"customer {bill.payer.number} gets e-invoices, but has no Peppol id such as 0007:5567037485",
    )


def _in_one_currency(bill: Bill) -> Doubt | None:
    currencies = {total.currency for member in bill.members for total in bill.usage.get(member.id, ())}
    foreign = sorted(currencies - {bill.operator.currency})
    if not foreign:
        return None
    return Doubt(
        "currency",
        f"customer {bill.payer.number} has usage in {', '.join(foreign)}, but is invoiced in {bill.operator.currency}:"
        " give its contracts a price list in that currency and rate its usage again",
    )


CHECKS: Final[tuple[Callable[[Bill], Doubt | None], ...]] = (_has_address, _has_endpoint, _in_one_currency)


def _lines(bill: Bill) -> Iterator[Line]:
    for member in bill.members:
        known: dict[int, Contract] = {}
        for contract in bill.contracts.get(member.id, ()):
            known[contract.id] = contract
            due = due_fees(contract, bill.services, bill.window)
            for charge in charges(due, bill.billed.get(contract.id, {}), bill.window):
                yield _fee_line(bill, member, contract, charge)
        for total in bill.usage.get(member.id, ()):
            # What is free of charge, helplines above all, must not be seen on a bill.
            if total.amount_micro:
                yield _usage_line(bill, member, known.get(total.contract), total)


def _treatment(bill: Bill, percent: Decimal) -> VatTreatment:
    return treat(
        seller_country=bill.operator.country,
        buyer_country=bill.payer.address.country,
        buyer_is_business=bill.payer.kind is CustomerKind.ORGANISATION,
        buyer_vat_id=bill.payer.vat_id,
        percent=percent,
        on=bill.run.issued_on,
    )


def _fee_line(bill: Bill, member: Customer, contract: Contract, charge: FeeCharge) -> Line:
    service = bill.services[charge.key.service]
    sign = -1 if charge.amount < 0 else 1
    quantity = Decimal(charge.quantity * sign)
    exact = quantity * charge.unit_fee == charge.amount
    said = words(bill.payer.language)
    kind, text = LineKind.PERIODIC, service.name
    if charge.key.one_time:
        kind, text = LineKind.ONE_TIME, said.one_time.format(text=text)
    if charge.corrects is not None:
        kind, text = LineKind.CORRECTION, said.correction.format(text=text, number=charge.corrects)
    return Line(
        position=0,
        kind=kind,
        customer=member.id,
        customer_name=member.name,
        text=text,
        quantity=quantity,
        unit=Unit.PIECE,
        unit_price=charge.unit_fee if exact else unit_price(charge.amount, quantity),
        net=charge.amount,
        vat=_treatment(bill, service.vat_percent),
        period=charge.period,
        account=service.account,
        contract=contract.id,
        contract_number=contract.number,
        service=service.id,
        fee=charge.key,
        corrects=charge.corrects,
    )


def _usage_line(bill: Bill, member: Customer, contract: Contract | None, total: UsageTotal) -> Line:
    decimals = bill.window.decimals
    net = Decimal(divide(total.amount_micro * 10**decimals, MICRO)).scaleb(-decimals)
    quantity, unit = _measure(total)
    if net < 0:
        quantity = -quantity
    said = words(bill.payer.language)
    text = (
        f"{said.modes.get(total.mode, total.mode)}: {total.group}"
        if total.group
        else said.modes.get(total.mode, total.mode)
    )
    if total.direction == "in":
        text = f"{text}, {said.received}"
    if total.late:
        text = f"{text} ({said.late})"
    subscription = bill.subscriptions.get(total.subscription)
    return Line(
        position=0,
        kind=LineKind.USAGE,
        customer=member.id,
        customer_name=member.name,
        text=text,
        quantity=quantity,
        unit=unit,
        unit_price=unit_price(net, quantity),
        net=net,
        vat=_treatment(bill, USAGE_VAT_PERCENT),
        period=Period(min(total.first, bill.run.period.start), bill.run.period.start)
        if total.late
        else bill.run.period,
        account=USAGE_ACCOUNT,
        contract=total.contract,
        contract_number=contract.number if contract else None,
        subscription=total.subscription,
        label=_label(subscription),
        mode=total.mode,
        group=total.group,
        events=total.events,
        used=total.used,
        amount_micro=total.amount_micro,
    )


def _measure(total: UsageTotal) -> tuple[Decimal, Unit]:
    """Return minutes, megabytes or pieces; pieces where the other would round to nothing."""
    measured, unit = Decimal(0), Unit.PIECE
    if total.mode in _TIMED:
        measured, unit = round_to(Decimal(total.used) / 60, 2), Unit.MINUTE
    elif total.mode == "data":
        measured, unit = round_to(Decimal(total.used) / 1000, 3), Unit.MEGABYTE
    if measured > 0:
        return measured, unit
    return Decimal(max(total.events, 1)), Unit.PIECE


def _label(subscription: Subscription | None) -> str | None:
    """Return the line's label, or its number where it has none."""
    if subscription is None:
        return None
    return subscription.label or (subscription.numbers[0].number if subscription.numbers else None)


def _order(bill: Bill) -> Callable[[Line], tuple[object, ...]]:
    """Order lines by member, contract, fees before usage, line in the network, text and time."""
    rank = {member.id: index for index, member in enumerate(bill.members)}

    def key(line: Line) -> tuple[object, ...]:
        return (
            rank[line.customer],
            line.contract_number or "",
            line.kind is LineKind.USAGE,
            line.subscription or 0,
            line.text,
            line.period,
            line.fee.fee_start if line.fee else line.period.start,
            line.mode or "",
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
        seller=seller_of(operator),
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
        original=next((line.corrects for line in lines if line.corrects), None) if totals.total < 0 else None,
    )


def seller_of(operator: Operator) -> Party:
    """Return the operator as the seller on a document."""
    return Party(
        name=operator.name,
        address=operator.address,
        identity_number=operator.organisation_number,
        vat_id=operator.vat_id,
        email=operator.email,
        phone=operator.phone,
        endpoint=operator.endpoint,
    )


def payer_of(customer: Customer) -> Party:
    """Return the customer as the payer on a document."""
    return Party(
        name=customer.name,
        address=customer.address,
        kind=customer.kind,
        number=customer.number,
        identity_number=customer.identity_number,
        vat_id=customer.vat_id,
        email=customer.email,
        phone=customer.phone,
        endpoint=customer.endpoint,
    )
