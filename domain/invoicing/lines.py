"""The lines of a bill: a fee or what is left of it, and the exact sum of a group of events."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from domain.contracts.contract import Contract
from domain.contracts.subscription import Subscription
from domain.customers.customer import Customer, CustomerKind
from domain.invoicing.bill import Bill
from domain.invoicing.bill_run import UsageTotal
from domain.invoicing.fees import FeeCharge, charges, due_fees
from domain.invoicing.invoice import Line, LineKind, Unit
from domain.invoicing.vat import VatTreatment, treat
from domain.invoicing.words import words
from domain.money import MICRO, divide, round_to
from domain.period import Period

USAGE_VAT_PERCENT: Final = Decimal(25)
USAGE_ACCOUNT: Final = "3041"
UNIT_PRICE_DECIMALS: Final = 8
_TIMED: Final = frozenset({"voice", "fax", "video", "premium"})


def lines_of(bill: Bill) -> Iterator[Line]:
    """Yield the lines in any order, not yet numbered. Refuses with: BadValue (VAT cannot be decided)."""
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
    if total.corrects is not None:
        text = said.correction.format(text=text, number=total.corrects)
    elif total.late:
        text = f"{text} ({said.late})"
    subscription = bill.subscriptions.get(total.subscription)
    return Line(
        position=0,
        kind=LineKind.USAGE if total.corrects is None else LineKind.CORRECTION,
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
        corrects=total.corrects,
    )


def _measure(total: UsageTotal) -> tuple[Decimal, Unit]:
    """Return minutes, megabytes or pieces; pieces where the other would round to nothing."""
    measured, unit = Decimal(0), Unit.PIECE
    if total.mode in _TIMED:
        measured, unit = round_to(Decimal(abs(total.used)) / 60, 2), Unit.MINUTE
    elif total.mode == "data":
        measured, unit = round_to(Decimal(abs(total.used)) / 1000, 3), Unit.MEGABYTE
    if measured > 0:
        return measured, unit
    return Decimal(max(abs(total.events), 1)), Unit.PIECE


def _label(subscription: Subscription | None) -> str | None:
    """Return the line's label, or its number where it has none."""
    if subscription is None:
        return None
    return subscription.label or (subscription.numbers[0].number if subscription.numbers else None)


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
