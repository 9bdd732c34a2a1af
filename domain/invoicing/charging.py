"""The lines of what is charged beside contracts, and the discounts on the whole of an invoice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from domain.customers.customer import Customer
from domain.invoicing.bill import Bill
from domain.invoicing.charge import LINE_KINDS, Charge, ChargeKind, Occurrence, holds, occurrences
from domain.invoicing.invoice import Line, LineKind
from domain.invoicing.lines import treated, unit_price
from domain.invoicing.vat import SOLD_ABROAD, VatTreatment
from domain.money import round_to
from domain.period import Period

# What a discount on the invoice is taken off; what a late payer owes for it is not.
_DISCOUNTED: Final = frozenset(LineKind) - {LineKind.DISCOUNT, LineKind.REMINDER_FEE, LineKind.INTEREST}
_EXEMPT: Final = {
    "E": VatTreatment("E", Decimal(0), None, "Undantag från moms"),
    "O": VatTreatment("O", Decimal(0), "VATEX-EU-O", "Utanför momsens tillämpningsområde"),
}


def charge_lines(bill: Bill) -> Iterator[Line]:
    """Yield the lines of charges that are due and not billed. Refuses with: BadValue (VAT cannot be decided)."""
    for member in bill.members:
        if not bill.pays_last(member.id):
            continue
        for charge in bill.charges.get(member.id, ()):
            if charge.kind is not ChargeKind.DISCOUNT:
                for one in _open(bill, charge):
                    if one.amount:
                        yield _line(bill, member, charge, one)


def discount_lines(bill: Bill, lines: Sequence[Line]) -> Iterator[Line]:
    """Yield what discounts take off these lines: per cent first, then amounts, of what is left.

    The payer's own discounts act on the whole invoice, those of a customer billed through him on that one's lines.
    Those are first, so that together they take off no more than there is.
    """
    found = list(lines)
    for member in sorted(bill.members, key=lambda one: one.id == bill.payer.id):
        if not bill.pays_last(member.id):
            continue
        mine = [one for one in bill.charges.get(member.id, ()) if one.kind is ChargeKind.DISCOUNT]
        for charge in sorted(mine, key=lambda one: (one.percent is None, one.id)):
            made = list(_discounts(bill, member, charge, found))
            found += made
            yield from made


def _open(bill: Bill, charge: Charge) -> list[Occurrence]:
    window, billed = bill.window, bill.charged.get(charge.id, frozenset())
    due = occurrences(charge, until=window.period.end, ahead=window.fees_until, decimals=window.decimals)
    return [one for one in due if one.period.start not in billed]


def _discounts(bill: Bill, member: Customer, charge: Charge, lines: Iterable[Line]) -> Iterator[Line]:
    whole = member.id == bill.payer.id
    bases: dict[tuple[VatTreatment, str], Decimal] = {}
    for line in lines:
        if (whole or line.customer == member.id) and (line.kind in _DISCOUNTED or line.kind is LineKind.DISCOUNT):
            place = (line.vat, line.account)
            bases[place] = bases.get(place, Decimal(0)) + line.net
    decimals = bill.window.decimals
    if charge.percent is not None:
        if holds(charge, bill.window.period.end):
            for place, base in bases.items():
                yield from _taken_off(bill, member, charge, place, round_to(base * charge.percent / 100, decimals))
        return
    for one in _open(bill, charge):
        there = {place: base for place, base in bases.items() if base > 0}
        left = sum(there.values(), Decimal(0))
        # What is given back of earlier invoices lowers what there is to take off.
        amount = max(min(one.amount, sum(bases.values(), Decimal(0))), Decimal(0))
        for place, base in there.items():
            part = round_to(amount * base / left, decimals)
            left, amount = left - base, amount - part
            bases[place] -= part
            yield from _taken_off(bill, member, charge, place, part, one.period)


def _taken_off(  # noqa: PLR0917  (what its caller has)
    bill: Bill,
    member: Customer,
    charge: Charge,
    place: tuple[VatTreatment, str],
    amount: Decimal,
    period: Period | None = None,
) -> Iterator[Line]:
    if not amount:
        return
    vat, account = place
    quantity = Decimal(-1 if amount > 0 else 1)
    text = charge.text if charge.percent is None else f"{charge.text} {charge.percent.normalize():f} %"
    yield Line(
        position=0,
        kind=LineKind.DISCOUNT,
        customer=member.id,
        customer_name=member.name,
        text=text,
        quantity=quantity,
        unit=charge.unit,
        unit_price=abs(amount),
        net=-amount,
        vat=vat,
        period=period or bill.window.period,
        account=account,
        label=charge.reference,
        charge=charge.id,
    )


def _line(bill: Bill, member: Customer, charge: Charge, one: Occurrence) -> Line:
    vat, account = _taxed(bill, charge, one.period)
    quantity = charge.quantity if one.amount > 0 else -charge.quantity
    price = abs(charge.unit_price or Decimal(0))
    exact = quantity * price == one.amount
    return Line(
        position=0,
        kind=LINE_KINDS.get(charge.kind, LineKind.MANUAL),
        customer=member.id,
        customer_name=member.name,
        text=charge.text,
        quantity=quantity,
        unit=charge.unit,
        unit_price=price if exact else unit_price(one.amount, quantity),
        net=one.amount,
        vat=vat,
        period=one.period,
        account=account,
        label=charge.reference,
        charge=charge.id,
    )


def _taxed(bill: Bill, charge: Charge, period: Period) -> tuple[VatTreatment, str]:
    if charge.vat_category is not None:
        return _EXEMPT[charge.vat_category], charge.account
    found = treated(bill, charge.vat_percent, period)
    return found, SOLD_ABROAD.get(found.category, charge.account)
