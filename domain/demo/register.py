"""Who buys from the demo's operator: customers in hierarchies, their contracts, lines and numbers.

Ids are the register's own, from 1; whoever loads it maps them to the keys its store gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain, count
from zoneinfo import ZoneInfo

from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.service import Service
from domain.contracts.subscription import NumberAssignment, Subscription, SubscriptionKind
from domain.customers.customer import CallSpecification, Customer, CustomerKind, Delivery
from domain.demo import operator
from domain.demo.people import (
    address,
    company_name,
    mailbox,
    organisation_number,
    person_name,
    personal_number,
    vat_id,
)
from domain.demo.prices import AGREED, BUSINESS, PRIVATE, RESOLD, SME
from domain.demo.size import ZONE, Dice, Size
from domain.ids import ContractId, CustomerId, ResellerId, SubscriptionId

# Customers come in rounds of twenty: a group of companies, people, small companies, resellers' customers.
ROUND = 20
HEAD, DEPARTMENT, TEAM, SUBSIDIARY = 0, 1, 2, 3
MOVES_IN, LATE_START, MOVES_OUT, UPGRADES = 4, 5, 6, 7
PEOPLE = frozenset({4, 6, 8, 10, 12, 14, 16, 18})
OF_RESELLER = {8: ResellerId(1), 9: ResellerId(2), 19: ResellerId(1)}
MOBILES = frozenset({HEAD, 11, 15})
DAY_OF_THE_MOVE = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Everything under contract. ``strangers`` are numbers of the fictitious series that belong to nobody here."""

    customers: tuple[Customer, ...]
    contracts: tuple[Contract, ...]
    subscriptions: tuple[Subscription, ...]
    strangers: tuple[str, ...]


def fixed_numbers() -> Iterator[str]:
    """Yield geographic numbers: the regulator's four fictitious series in turn, then a made-up block of 010."""
    series = (range(46_846_500_400, 46_846_500_500), range(46_313_900_600, 46_313_900_700))
    more = (range(46_406_280_400, 46_406_280_500), range(46_980_319_200, 46_980_319_300))
    yield from map(str, chain.from_iterable(zip(*series, *more, strict=True)))
    yield from (f"4610{number}" for number in range(8_000_000, 9_000_000))


def mobile_numbers() -> Iterator[str]:
    """Yield mobile numbers: the regulator's fictitious series, then made-up ones behind 070-00."""
    yield from map(str, range(46_701_740_605, 46_701_740_700))
    yield from (f"467000{number:05d}" for number in range(100_000))


def midnight(day: date) -> datetime:
    """Return the instant at which a day begins where the operator is."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


@dataclass(slots=True)
class _Writing:
    """The register while it is being written."""

    size: Size
    dice: Dice
    customers: list[Customer] = field(default_factory=list)
    contracts: list[Contract] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    fixed: Iterator[str] = field(default_factory=fixed_numbers)
    mobile: Iterator[str] = field(default_factory=mobile_numbers)
    moved: NumberAssignment | None = None
    keys: Iterator[int] = field(default_factory=lambda: count(1))


def make_register(size: Size) -> Register:
    """Make the register of a size."""
    writing = _Writing(size, Dice(size.seed, "register"))
    for index in range(size.customers):
        customer = _customer(writing, index)
        contract = _contract(writing, index, customer)
        writing.customers.append(customer)
        writing.contracts.append(contract)
        _lines(writing, index, contract)
    _move_a_number(writing)
    # A handful of strangers of each kind is enough to call and to be called by.
    strangers = [next(writing.fixed) for _ in range(8)] + [next(writing.mobile) for _ in range(40)]
    return Register(
        customers=tuple(writing.customers),
        contracts=tuple(writing.contracts),
        subscriptions=tuple(writing.subscriptions),
        strangers=tuple(strangers),
    )


def _customer(writing: _Writing, index: int) -> Customer:
    """Make the ``index``-th customer; who stands above it was made before it."""
    dice, place, key = writing.dice, index % ROUND, index + 1
    person = place in PEOPLE
    head = key - place
    parent = {DEPARTMENT: head, TEAM: head + 1, SUBSIDIARY: head}.get(place)
    name = person_name(dice) if person else company_name(dice)
    if index == HEAD:
        name = "Fjällfrakt Logistik AB"
    if place in {DEPARTMENT, TEAM} and parent is not None:
        above = writing.customers[head - 1].name
        name = f"{above}, {'Lager' if place == DEPARTMENT else 'Nattskift'}"
    within = place in {DEPARTMENT, TEAM}
    number = organisation_number(writing.customers[head - 1].id + 100 if within else key + 100)
    peppol = place in {HEAD, SUBSIDIARY, UPGRADES}
    delivery = Delivery.PEPPOL if peppol else dice.pick((Delivery.PDF, Delivery.EMAIL, Delivery.PRINT))
    specifications = (CallSpecification.ITEMISED,) * 7 + (CallSpecification.SUMMARY, CallSpecification.NONE)
    return Customer(
        id=CustomerId(key),
        operator=operator.OWN,
        number=f"{10_000 + key}",
        kind=CustomerKind.PERSON if person else CustomerKind.ORGANISATION,
        name=name,
        address=address(dice),
        identity_number=personal_number(index) if person else number,
        vat_id=None if person else vat_id(number),
        parent=CustomerId(parent) if parent else None,
        through_parent=within,
        reseller=OF_RESELLER.get(place),
        email=mailbox(name, key),
        delivery=delivery,
        endpoint=f"0007:{number}" if peppol else None,
        call_specification=CallSpecification.ITEMISED if peppol else dice.pick(specifications),
        mask_digits=3 if within else 0,
        price_list=_price_list(place, person=person),
    )


def _price_list(place: int, *, person: bool) -> str:
    """Return the default price list of a customer."""
    if place in OF_RESELLER:
        return RESOLD
    if person:
        return PRIVATE
    return BUSINESS if place <= SUBSIDIARY else SME


def _contract(writing: _Writing, index: int, customer: Customer) -> Contract:
    """Make the customer's contract; some begin or end inside the month."""
    dice, place, period = writing.dice, index % ROUND, writing.size.period
    start = period.start - timedelta(days=dice.between(40, 1_400))
    end = None
    if place == LATE_START:
        start = period.start + timedelta(days=dice.between(2, 24))
    if place == MOVES_OUT:
        day = DAY_OF_THE_MOVE if index == MOVES_OUT else dice.between(8, 27)
        end = period.start + timedelta(days=day - 1)
    return Contract(
        id=ContractId(index + 1),
        operator=operator.OWN,
        customer=customer.id,
        number=f"A{20_000 + index + 1}",
        start=start,
        end=end,
        state=ContractState.ACTIVE,
        price_list=AGREED if index == HEAD else None,
        reseller=customer.reseller,
        services=tuple(_services(dice, place, start, end, period.start)),
    )


def _services(dice: Dice, place: int, start: date, end: date | None, month: date) -> Iterator[ContractService]:
    """Yield what is on the contract."""

    def line(service: Service, first: date = start, last: date | None = end, quantity: int = 1) -> ContractService:
        return ContractService(service=service.id, start=first, end=last, quantity=quantity)

    if place in PEOPLE:
        yield line(operator.PHONE)
        if dice.chance(400):
            yield line(operator.VOICEMAIL)
        if start > month:
            yield line(operator.START)
        return
    if place in {HEAD, SUBSIDIARY}:
        yield line(operator.SIP)
        yield line(operator.SUPPORT)
    else:
        yield line(operator.OFFICE, quantity=2 if place in {DEPARTMENT, 9, 19} else 1)
    if place in MOBILES:
        yield line(operator.MOBILE)
    if place == LATE_START:
        yield line(operator.START)
    if place == UPGRADES:
        # Recording is given up in the middle of the month for a voice mailbox: one day's end is the other's start.
        change = month.replace(day=dice.between(9, 22))
        yield line(operator.RECORDING, start, change)
        yield line(operator.VOICEMAIL, change)


def _assign(number: str, contract: Contract) -> NumberAssignment:
    """Return a number held for as long as the contract."""
    end = midnight(contract.end) if contract.end else None
    return NumberAssignment(number=number, valid_from=midnight(contract.start), valid_to=end)


def _lines(writing: _Writing, index: int, contract: Contract) -> None:
    """Add the contract's subscriptions with their numbers."""
    place = index % ROUND
    kinds = [(SubscriptionKind.FIXED, 1)]
    if place in {HEAD, SUBSIDIARY}:
        kinds = [(SubscriptionKind.TRUNK, 3 if place == HEAD else 2)]
    elif place in {DEPARTMENT, 9, 19}:
        kinds = [(SubscriptionKind.SIP, 1), (SubscriptionKind.SIP, 1)]
    elif place in PEOPLE:
        kinds = [(SubscriptionKind.SIP, 1)]
    if place in MOBILES:
        kinds.append((SubscriptionKind.MOBILE, 1))
    for kind, amount in kinds:
        numbers = writing.mobile if kind is SubscriptionKind.MOBILE else writing.fixed
        held = [_assign(next(numbers), contract) for _ in range(amount)]
        if index == MOVES_OUT:
            writing.moved = held[0]
        writing.subscriptions.append(
            Subscription(
                id=SubscriptionId(next(writing.keys)),
                operator=operator.OWN,
                customer=contract.customer,
                contract=contract.id,
                kind=kind,
                label="Växel" if kind is SubscriptionKind.TRUNK else "",
                reseller=contract.reseller,
                numbers=tuple(held),
            )
        )


def _move_a_number(writing: _Writing) -> None:
    """Give the number of the first customer who left to another, from the day on which he left."""
    moved = writing.moved
    assert moved is not None, "a register has at least ten customers"
    assert moved.valid_to is not None
    taker = writing.contracts[MOVES_IN]
    writing.subscriptions.append(
        Subscription(
            id=SubscriptionId(next(writing.keys)),
            operator=operator.OWN,
            customer=taker.customer,
            contract=taker.id,
            kind=SubscriptionKind.SIP,
            label="Övertaget nummer",
            numbers=(NumberAssignment(number=moved.number, valid_from=moved.valid_to),),
        )
    )
