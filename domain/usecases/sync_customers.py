"""Take customers and lines from the system that has them, by its own names for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import check_texts
from domain.contracts.assigning import assigned
from domain.contracts.changes import ChangeKind
from domain.contracts.contract import Contract, ContractState
from domain.contracts.dialled import dialling
from domain.contracts.subscription import NumberAssignment, Subscription, SubscriptionKind, SubscriptionState
from domain.contracts.subscription import check as check_subscription
from domain.customers.customer import Customer, CustomerKind
from domain.customers.customer import check as check_customer
from domain.ids import ContractId, CustomerId, SubscriptionId
from domain.operators import Address
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Conflict, LimitExceeded, Refusal
from domain.usecases.fit_contract import day_in, done

CUSTOMERS_MAX: Final = 1000
LINES_MAX: Final = 1000
KEY_MAX: Final = 40
_EVER: Final = date(2000, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalLine:
    """A line as the other system knows it. ``price_list`` None: its customer's. ``numbers`` are all that it has."""

    key: str
    kind: SubscriptionKind = SubscriptionKind.FIXED
    label: str = ""
    price_list: str | None = None
    numbers: tuple[NumberAssignment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalCustomer:
    """A customer as the other system knows it; lines that it has here and that are not named stay as they are."""

    key: str
    name: str
    kind: CustomerKind = CustomerKind.ORGANISATION
    price_list: str | None = None
    lines: tuple[ExternalLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncCustomers:
    """Customers to be made or changed, each by itself."""

    customers: tuple[ExternalCustomer, ...]


class SyncOutcome(StrEnum):
    """What became of one customer."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What became of a customer, and the refusal where there was one: nothing of him was changed then."""

    key: str
    outcome: SyncOutcome
    customer: CustomerId | None = None
    refusal: Refusal | None = None


@operation(Action.SYNC_CUSTOMERS)
async def sync_customers(cmd: SyncCustomers, *, actor: Actor, begin: Begin, clock: Clock) -> Sequence[Synced]:
    """Make or change customers by the names another system has for them; the same again changes nothing.

    Each customer is one transaction, and one that is refused leaves the others. Refuses with: NotAllowed, BadValue (a
    customer named twice), LimitExceeded.
    """
    if len(cmd.customers) > CUSTOMERS_MAX:
        raise LimitExceeded("at most {most} customers come at a time", most=CUSTOMERS_MAX, field="customers")
    keys = [one.key for one in cmd.customers]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise BadValue("customer {key} is named twice", key=key, field=f"customers.{place}.key")
    answers = []
    for place, one in enumerate(cmd.customers):
        try:
            check_texts(one)
            async with begin(actor) as unit:
                answers.append(await _one(unit, one, actor, clock))
        except Refusal as no:
            field = f"customers.{place}" if no.field is None else f"customers.{place}.{no.field}"
            no.field = field
            answers.append(Synced(key=one.key, outcome=SyncOutcome.REFUSED, refusal=no))
    return answers


async def _one(unit: Unit, one: ExternalCustomer, actor: Actor, clock: Clock) -> Synced:
    _check_keys(one)
    content = _content(one)
    known = (await unit.basis.keys("customer", [one.key])).get(one.key)
    if known is not None and known[1] == content:
        return Synced(key=one.key, outcome=SyncOutcome.UNCHANGED, customer=CustomerId(known[0]))
    for place, line in enumerate(one.lines):
        if line.price_list is not None:
            await unit.catalogue.named(line.price_list, field=f"lines.{place}.priceList")
    if one.price_list is not None:
        await unit.catalogue.named(one.price_list, field="priceList")
    customer = await _customer(unit, one, None if known is None else CustomerId(known[0]), actor)
    lines = await unit.basis.keys("subscription", [line.key for line in one.lines])
    for place, line in enumerate(one.lines):
        await _line(unit, customer, line, lines.get(line.key), place, actor, clock)
    await unit.basis.put_key("customer", one.key, customer.id, content)
    outcome = SyncOutcome.CREATED if known is None else SyncOutcome.CHANGED
    detail = {"version": customer.version, "number": one.key, "changed": ["name", "priceList", "subscriptions"]}
    action = "create_customer" if known is None else "change_customer"
    await unit.audit.write(action, f"customer:{customer.id}", detail | {"lines": [line.key for line in one.lines]})
    return Synced(key=one.key, outcome=outcome, customer=customer.id)


def _check_keys(one: ExternalCustomer) -> None:
    if len(one.lines) > LINES_MAX:
        raise LimitExceeded("at most {most} lines of a customer come at a time", most=LINES_MAX, field="lines")
    named = [("key", one.key), *((f"lines.{place}.key", line.key) for place, line in enumerate(one.lines))]
    for field, key in named:
        if not key.strip() or len(key) > KEY_MAX:
            raise BadValue("a key has 1 to {most} characters", most=KEY_MAX, field=field)
    if len({line.key for line in one.lines}) != len(one.lines):
        raise BadValue("a line is named twice", field="lines")


def _content(one: ExternalCustomer) -> bytes:
    lines = [
        [
            *(line.key, line.kind.value, line.label, line.price_list),
            [
                [each.number, each.valid_from.isoformat(), each.valid_to.isoformat() if each.valid_to else None]
                for each in line.numbers
            ],
        ]
        for line in one.lines
    ]
    whole = [one.key, one.name, one.kind.value, one.price_list, lines]
    return hashlib.sha256(json.dumps(whole, ensure_ascii=False).encode()).digest()


async def _customer(unit: Unit, one: ExternalCustomer, key: CustomerId | None, actor: Actor) -> Customer:
    if key is not None:
        known = await unit.customers.claim(key)
        changed = check_customer(replace(known, name=one.name.strip(), kind=one.kind, price_list=one.price_list))
        return known if changed == known else await unit.customers.keep(changed)
    own = await unit.operators.own()
    new = Customer(
        id=CustomerId(0),
        operator=actor.operator,
        number=one.key,
        kind=one.kind,
        name=one.name.strip(),
        # Where he lives the other system knows, which writes to him.
        address=Address("", "", "", own.country),
        price_list=one.price_list,
        language=own.language,
    )
    return await unit.customers.add(check_customer(new))


async def _line(  # noqa: PLR0917  (what its caller has)
    unit: Unit,
    customer: Customer,
    line: ExternalLine,
    known: tuple[int, bytes] | None,
    place: int,
    actor: Actor,
    clock: Clock,
) -> None:
    now = clock.now()
    own = await unit.operators.own()
    numbers = assigned(line.numbers, dialling(own))
    if known is None:
        contract = await unit.contracts.add(
            Contract(
                id=ContractId(0),
                operator=actor.operator,
                customer=customer.id,
                number=line.key,
                start=_EVER,
                state=ContractState.ACTIVE,
                price_list=line.price_list,
            )
        )
        today = day_in(own, now)
        await unit.contract_changes.add(done(ChangeKind.CREATE, contract, actor=actor, at=now, on=today), contract)
        begins = min((one.valid_from for one in numbers), default=now)
        new = Subscription(
            id=SubscriptionId(0),
            operator=actor.operator,
            customer=customer.id,
            contract=contract.id,
            kind=line.kind,
            label=line.label,
            numbers=numbers,
            state=SubscriptionState.ACTIVE,
            state_since=begins,
            activated_at=begins,
        )
        kept = await unit.subscriptions.add(check_subscription(new))
        await unit.basis.put_key("subscription", line.key, kept.id, b"")
        return
    subscription = await unit.subscriptions.claim(SubscriptionId(known[0]))
    if subscription.customer != customer.id:
        raise Conflict("line {key} is another customer's", key=line.key, field=f"lines.{place}.key")
    changed = check_subscription(replace(subscription, kind=line.kind, label=line.label, numbers=numbers))
    if changed != subscription:
        await unit.subscriptions.keep(changed)
    contract = await unit.contracts.claim(subscription.contract)
    if contract.price_list != line.price_list:
        await unit.contracts.keep(replace(contract, price_list=line.price_list))
