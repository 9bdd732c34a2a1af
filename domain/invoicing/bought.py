"""The lines of what a reseller buys for his customers: their services' fees at his prices, by service and count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from domain.contracts.contract import Contract, ContractService
from domain.contracts.service import Service
from domain.customers.customer import Customer
from domain.ids import ServiceId
from domain.invoicing.as_charged import bought_as_charged
from domain.invoicing.bill import Bill
from domain.invoicing.bill_run import BilledFees
from domain.invoicing.fees import FeeCharge, Spans, Window, charges, due_fees
from domain.invoicing.invoice import Line, LineKind, Unit
from domain.invoicing.lines import taxed, unit_price
from domain.invoicing.words import words

# A line of a contract and the service it names, to the service with the fees that the buyer pays.
Priced = Callable[[ContractService, Service], Service]


def bought_fees(  # noqa: PLR0917  (what its caller has)
    contract: Contract,
    services: Mapping[ServiceId, Service],
    priced: Priced,
    billed: BilledFees,
    window: Window,
    spans: Spans,
) -> list[FeeCharge]:
    """Return what is left to charge the buyer for one contract of a customer below him.

    When fees are due is as on the contract itself. What its holder pays, discounts and what is left of his binding are
    between him and who sells to him.
    """
    due = []
    for line in contract.services:
        plain = replace(line, one_time_fee=None, periodic_fee=None)
        one = replace(contract, services=(plain,), discounts=(), ending=None)
        due += list(due_fees(one, {line.service: priced(line, services[line.service])}, window, spans))
    return charges(due, billed, window)


def bought_lines(bill: Bill) -> Iterator[Line]:
    """Yield one line for each service, kind of fee, price and days, with how many it is for.

    Refuses with: BadValue (VAT cannot be decided).
    """
    for member in bill.members:
        if not bill.pays_last(member.id):
            continue
        alike: defaultdict[tuple[object, ...], list[FeeCharge]] = defaultdict(list)
        for one in bill.bought.get(member.id, ()):
            price = one.unit_fee if one.corrects is None else one.amount < 0
            alike[one.key.service, one.key.one_time, one.period, price, one.corrects].append(one)
        for each in alike.values():
            yield _line(bill, member, bill.services[each[0].key.service], each)


def _line(bill: Bill, member: Customer, service: Service, each: Sequence[FeeCharge]) -> Line:
    first, said = each[0], words(bill.payer.language)
    net = sum((one.amount for one in each), Decimal(0))
    quantity = Decimal(sum(one.quantity for one in each)) * (-1 if net < 0 else 1)
    exact = first.corrects is None and quantity * first.unit_fee == net
    kind, text = LineKind.PERIODIC, service.name
    if first.key.one_time:
        kind, text = LineKind.ONE_TIME, said.one_time.format(text=text)
    if first.corrects is not None:
        kind, text = LineKind.CORRECTION, said.correction.format(text=text, number=first.corrects)
    before = bought_as_charged(bill, first.corrects, member.id, service.id)
    vat, account = before or taxed(bill, service, first.period)
    return Line(
        position=0,
        kind=kind,
        customer=member.id,
        customer_name=member.name,
        text=text,
        quantity=quantity,
        unit=Unit.PIECE,
        unit_price=first.unit_fee if exact else unit_price(net, quantity),
        net=net,
        vat=vat,
        period=first.period,
        account=account,
        service=service.id,
        corrects=first.corrects,
    )
