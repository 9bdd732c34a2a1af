"""Read the ledger: statements of account, how old what is owed is, and whether the books tie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.customers.customer import Customer
from domain.ids import CustomerId
from domain.ledger.ageing import Ageing, OpenAmount, age
from domain.ledger.statement import ROWS_MAX, Statement, statements
from domain.ledger.tying import Difference
from domain.operators import Operator
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, LimitExceeded

_NAMES_AT_A_TIME: Final = 1_000


class AgeBy(StrEnum):
    """What the ageing is told of."""

    CUSTOMER = "customer"
    GROUP = "group"
    RESELLER = "reseller"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateAccount:
    """The account of ``customer`` over ``[since, until]``; None: from the year's first day, until today."""

    customer: CustomerId
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatement:
    """A customer's statement, one part a currency, and what is open when it ends."""

    operator: Operator
    customer: Customer
    since: date
    until: date
    made_on: date
    parts: tuple[Statement, ...]
    items: tuple[OpenAmount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeReceivables:
    """How old what is owed is when a day ends; None: now."""

    on: date | None = None
    by: AgeBy = AgeBy.CUSTOMER


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeingRow:
    """The ageing of a customer, a group ('' is who is in none) or a reseller ('' is the operator himself).

    ``key`` is the customer's or reseller's; of a group there is none. ``code`` is its number, code or name.
    """

    key: int | None
    code: str
    name: str
    ageing: Ageing


@dataclass(frozen=True, slots=True, kw_only=True)
class AgedReceivables:
    """The rows by code and currency, and what all customers owe per currency, each counted once."""

    on: date
    by: AgeBy
    rows: tuple[AgeingRow, ...]
    totals: tuple[Ageing, ...]


@operation(Action.READ_PAYMENTS)
async def state_account(cmd: StateAccount, *, actor: Actor, begin: Begin, clock: Clock) -> AccountStatement:
    """Return a customer's statement of account, with those of doubles that were merged into it.

    Refuses with: NotAllowed, NotFound, BadValue (it ends before it begins), LimitExceeded (more than 10 000 rows).
    """
    async with begin(actor) as unit:
        operator = await unit.operators.own()
        customer = await unit.customers.get(cmd.customer)
        today = clock.now().astimezone(ZoneInfo(operator.zone)).date()
        until = cmd.until or today
        since = cmd.since or date(until.year, 1, 1)
        if until < since:
            raise BadValue("it ends before it begins", field="until")
        keys = [customer.id, *(await unit.persons.doubles([customer.id]))[customer.id]]
        moved = await unit.ledger.movements(keys, until=until, first=ROWS_MAX + 1)
        if len(moved) > ROWS_MAX:
            raise LimitExceeded("the account has more than {most} movements", most=ROWS_MAX, field="until")
        items = await with_credit(unit, on=until, customers=keys)
    ageings = {key[1]: one for key, one in age(items, until, lambda _: 0).items()}
    parts = statements(moved, ageings, since=since, until=until, currency=operator.currency)
    return AccountStatement(
        operator=operator,
        customer=customer,
        since=since,
        until=until,
        made_on=today,
        parts=parts,
        items=tuple(items),
    )


@operation(Action.READ_PAYMENTS)
async def age_receivables(cmd: AgeReceivables, *, actor: Actor, begin: Begin, clock: Clock) -> AgedReceivables:
    """Return how old what is owed is: not due, and due for up to 30, 60, 90 days and longer. Refuses with: NotAllowed.

    A customer who is in several groups is counted in each; the totals count him once.
    """
    async with begin(actor) as unit:
        zone = ZoneInfo((await unit.operators.own()).zone)
        on = cmd.on or clock.now().astimezone(zone).date()
        items = await with_credit(unit, on=on)
        rows = await _rows(unit, cmd.by, items, on, datetime.combine(on + timedelta(days=1), time(), zone))
    totals = tuple(one for _, one in sorted(age(items, on, lambda _: 0).items()))
    return AgedReceivables(on=on, by=cmd.by, rows=rows, totals=totals)


@operation(Action.READ_PAYMENTS)
async def check_ledger(*, actor: Actor, begin: Begin) -> Sequence[Difference]:
    """Return where the ledger does not tie to invoices, payments and what they were applied to; none: it ties.

    Refuses with: NotAllowed.
    """
    async with begin(actor) as unit:
        return await unit.receivables.differences()


async def with_credit(unit: Unit, *, on: date, customers: Sequence[CustomerId] | None = None) -> Sequence[OpenAmount]:
    """Return what is open when a day ends, and of each customer what he has paid and nothing has taken.

    The latter is what the ledger has beyond the former, so that both together are what he owes there.
    """
    items = list(await unit.receivables.open_amounts(on=on, customers=customers))
    wanted = None if customers is None else set(customers)
    owed: dict[tuple[CustomerId, str], int] = defaultdict(int)
    for key, amount in (await unit.ledger.standing(on=on)).items():
        if wanted is None or key[0] in wanted:
            owed[key] += amount
    for item in items:
        owed[item.customer, item.currency] -= item.open_minor
    rests = [
        OpenAmount(kind="credit", name="", customer=customer, currency=currency, open_minor=rest)
        for (customer, currency), rest in sorted(owed.items())
        if rest
    ]
    return [*items, *rests]


async def _rows(unit: Unit, by: AgeBy, items: Sequence[OpenAmount], on: date, at: datetime) -> tuple[AgeingRow, ...]:
    if by is AgeBy.CUSTOMER:
        found = age(items, on, lambda item: item.customer)
        named = await _customers(unit, sorted({key for key, _ in found}))
        rows = [
            AgeingRow(key=key, code=named[key].number, name=named[key].name, ageing=one)
            for (key, _), one in found.items()
        ]
    elif by is AgeBy.GROUP:
        groups = await unit.receivables.groups(at=at.astimezone(UTC) - timedelta(microseconds=1))
        each = [(name, item) for item in items for name in groups.get(item.customer, ("",))]
        rows = _grouped(each, on)
    else:
        owners = await unit.receivables.owners(sorted({item.customer for item in items}))
        tree = await unit.resellers.tree()
        told = age(items, on, lambda item: owners.get(item.customer))
        rows = [
            AgeingRow(key=key, code=tree[key].code, name=tree[key].name, ageing=one)
            if key is not None
            else AgeingRow(key=None, code="", name="", ageing=one)
            for (key, _), one in told.items()
        ]
    return tuple(sorted(rows, key=lambda row: (row.code, row.ageing.currency)))


def _grouped(each: Sequence[tuple[str, OpenAmount]], on: date) -> list[AgeingRow]:
    names: dict[str, list[OpenAmount]] = defaultdict(list)
    for name, item in each:
        names[name].append(item)
    return [
        AgeingRow(key=None, code=name, name=name, ageing=one)
        for name, items in names.items()
        for one in age(items, on, lambda _: 0).values()
    ]


async def _customers(unit: Unit, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Customer]:
    found: dict[CustomerId, Customer] = {}
    for place in range(0, len(keys), _NAMES_AT_A_TIME):
        found |= await unit.customers.many(keys[place : place + _NAMES_AT_A_TIME])
    return found
