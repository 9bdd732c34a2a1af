"""The lines of a bill: a fee or what is left of it, and the exact sum of a group of events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

from domain.contracts.contract import Contract
from domain.contracts.service import Service
from domain.contracts.subscription import Subscription
from domain.customers.customer import Customer, CustomerKind
from domain.ids import SubscriptionId
from domain.invoicing.as_charged import fee_as_charged, usage_as_charged
from domain.invoicing.bill import Bill
from domain.invoicing.bill_run import UsageTotal
from domain.invoicing.fees import FeeCharge, Spans, charges, day_before, due_fees
from domain.invoicing.granted import grant_fees
from domain.invoicing.invoice import BucketLine, Line, LineKind, Unit
from domain.invoicing.room import Room
from domain.invoicing.shared import bought_then, mine
from domain.invoicing.taxing import tax_of, treatment_of
from domain.invoicing.vat import SOLD_ABROAD, VatTreatment, in_eu
from domain.invoicing.words import words
from domain.money import MICRO, divide
from domain.period import Period

USAGE_VAT_PERCENT: Final = Decimal(25)
USAGE_ACCOUNT: Final = "3041"
UNIT_PRICE_DECIMALS: Final = 8
_TIMED: Final = frozenset({"voice", "fax", "video", "premium"})


def lines_of(bill: Bill) -> Iterator[Line]:
    """Yield the lines in any order, not yet numbered. Refuses with: BadValue (VAT cannot be decided)."""
    spans, room = _spans(bill), Room(bill.lefts)
    for member in bill.members:
        known: dict[int, Contract] = {}
        taxes: dict[tuple[int, date | None], tuple[VatTreatment, str]] = {}
        for contract in bill.contracts.get(member.id, ()):
            known[contract.id] = contract
            bought = grant_fees(bill.granted.get(contract.id, ()), bill.window)
            billed = bill.billed.get(contract.id, {})
            if (paid := bill.paid.get(member.id)) is not None:
                bought = bought_then(bought, paid)
                billed = mine(billed, paid, decimals=bill.window.decimals)
            due = chain(due_fees(contract, bill.services, bill.window, spans, paid), bought)
            for charge in room.within(charges(due, billed, bill.window, zero=bill.rules.zero_invoices), billed):
                yield _fee_line(bill, member, contract, charge)
        for total in bill.usage.get(member.id, ()):
            # What is free of charge, helplines above all, must not be seen on a bill.
            if total.amount_micro:
                theirs = known.get(total.contract)
                since = total.first if total.late else None
                place = (total.contract, since)
                taxed_as = None if total.corrects is None else usage_as_charged(bill, total)
                if taxed_as is None and place not in taxes:
                    taxes[place] = _usage_taxed(bill, theirs, since)
                used = room.usage(_usage_line(bill, member, theirs, total, taxed_as or taxes[place]))
                if used is not None:
                    yield used


def bucket_lines(bill: Bill) -> Iterator[BucketLine]:
    """Yield what became of the buckets of everybody who is billed here, customer by customer."""
    for member in bill.members:
        if not bill.pays_last(member.id):
            continue
        numbers = {f"contract:{one.id}": one.number for one in bill.contracts.get(member.id, ())}
        for entry in bill.buckets.get(member.id, ()):
            kind, _, key = entry.owner.partition(":")
            line = bill.subscriptions.get(SubscriptionId(int(key))) if kind == "subscription" else None
            label = _label(line) or numbers.get(entry.owner) or member.name
            yield BucketLine(customer=member.id, label=label, entry=entry)


def _spans(bill: Bill) -> Spans:
    """Return the days of the subscriptions that fees of this bill are for; a page holds those of hundreds of bills."""
    held = (
        line.subscription
        for member in bill.members
        for one in bill.contracts.get(member.id, ())
        for line in one.services
    )
    mine = {key: bill.subscriptions[key] for key in held if key is not None and key in bill.subscriptions}
    return spans_of(mine, bill.operator.zone)


def spans_of(subscriptions: Mapping[SubscriptionId, Subscription], zone: str) -> Spans:
    """Return the days on which subscriptions were or are active, in the operator's zone."""
    return {
        key: (_day_of(one.activated_at, zone), None if one.ended_at is None else _day_of(one.ended_at, zone))
        for key, one in subscriptions.items()
        if one.activated_at is not None
    }


def _day_of(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


def tax_day(bill: Bill, period: Period) -> date:
    """Return the day whose rules of VAT hold for a period: its last; of what is paid in advance, the day of issue.

    So what is late or corrected follows the rules of its time.
    """
    return min(bill.run.issued_on, day_before(period.end))


def taxed(bill: Bill, service: Service, period: Period) -> tuple[VatTreatment, str]:
    """Return how a service of a period is taxed and booked for the bill's payer."""
    on = tax_day(bill, period)
    return tax_of(service, seller=bill.operator, payer=bill.payer, on=on, taxes=bill.taxes)


def treated(bill: Bill, percent: Decimal, period: Period) -> VatTreatment:
    """Return how a sale at a rate of ordinary domestic supply is taxed for the bill's payer. Refuses with: BadValue."""
    on = tax_day(bill, period)
    return treatment_of(percent, seller=bill.operator, payer=bill.payer, on=on, taxes=bill.taxes)


def place_of_supply(bill: Bill) -> str:
    """Return the country whose VAT holds: the payer's, or the seller's for a consumer within the EU at its own rate.

    Such a sale is below the threshold (Directive 2006/112/EC art. 59c) unless he declares it by the one-stop shop, or a
    service of his says otherwise.
    """
    seller, buyer = bill.operator.country, bill.payer.address.country
    on = tax_day(bill, bill.run.period)
    if bill.payer.kind is CustomerKind.ORGANISATION or not in_eu(buyer, on) or bill.taxes.oss(on):
        return buyer
    held = {line.service for each in bill.members for one in bill.contracts.get(each.id, ()) for line in one.services}
    told = (bill.services[key].tax_in(buyer) for key in held if key in bill.services)
    return buyer if any(tax and (tax.vat_category or tax.vat_percent) for tax in told) else seller


def _fee_line(bill: Bill, member: Customer, contract: Contract, charge: FeeCharge) -> Line:
    service = bill.services[charge.key.service]
    sign = -1 if charge.amount < 0 else 1
    quantity = Decimal(charge.quantity * sign)
    exact = quantity * charge.unit_fee == charge.amount
    said = words(bill.payer.language)
    treatment, account = fee_as_charged(bill, charge.corrects, charge.key) or taxed(bill, service, charge.period)
    line = SubscriptionId(charge.key.subscription) if charge.key.subscription else None
    kind, text = LineKind.PERIODIC, service.name
    if charge.bound_until is not None:
        kind, text = LineKind.ONE_TIME, said.binding.format(text=text, day=said.language.day(charge.bound_until))
    elif charge.key.one_time:
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
        vat=treatment,
        period=charge.period,
        account=account,
        contract=contract.id,
        contract_number=contract.number,
        service=service.id,
        subscription=line,
        label=_label(bill.subscriptions.get(line)) if line else None,
        fee=charge.key,
        corrects=charge.corrects,
    )


def _usage_line(
    bill: Bill, member: Customer, contract: Contract | None, total: UsageTotal, taxed_as: tuple[VatTreatment, str]
) -> Line:
    decimals = bill.window.decimals
    net = Decimal(divide(total.amount_micro * 10**decimals, MICRO)).scaleb(-decimals)
    quantity, unit = measured(total.mode, used=total.used, events=total.events)
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
    treatment, account = taxed_as
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
        vat=treatment,
        period=Period(min(total.first, bill.run.period.start), bill.run.period.start)
        if total.late
        else _days(bill, member),
        account=account,
        contract=total.contract or None,
        contract_number=contract.number if contract else None,
        subscription=total.subscription or None,
        label=_label(subscription),
        mode=total.mode,
        group=total.group,
        events=total.events,
        used=total.used,
        amount_micro=total.amount_micro,
        corrects=total.corrects,
    )


def _days(bill: Bill, member: Customer) -> Period:
    """Return the days of the run's period that this payer pays for, from the first to the last."""
    if member.id not in bill.paid:
        return bill.run.period
    parts = [bill.run.period.overlap(*days) for days in bill.paid[member.id]]
    held = [part for part in parts if part is not None]
    return Period(held[0].start, held[-1].end) if held else bill.run.period


def _usage_taxed(bill: Bill, contract: Contract | None, since: date | None) -> tuple[VatTreatment, str]:
    """Return how usage is taxed and booked: as the service says whose price list it is rated by, where one is.

    ``since``: its first day, where it lies before the run's period; what was held then tells, also where it has ended.
    """
    start = bill.run.period.start
    period = bill.run.period if since is None else Period(min(since, day_before(start)), start)
    for line in contract.services if contract else ():
        service = bill.services[line.service]
        if service.price_list is not None and period.overlap(line.start, line.end) is not None:
            return taxed(bill, service, period)
    found = treated(bill, USAGE_VAT_PERCENT, period)
    return found, SOLD_ABROAD.get(found.category, USAGE_ACCOUNT)


def measured(mode: str, *, used: int, events: int) -> tuple[Decimal, Unit]:
    """Return minutes, megabytes or pieces; pieces where the other would round to nothing."""
    if mode in _TIMED and (hundredths := divide(abs(used) * 100, 60)):
        return Decimal(hundredths).scaleb(-2), Unit.MINUTE
    if mode == "data" and used:
        return Decimal(abs(used)).scaleb(-3), Unit.MEGABYTE
    return Decimal(max(abs(events), 1)), Unit.PIECE


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
