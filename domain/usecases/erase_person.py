"""Erase a person: what the law does not keep is anonymised in place, and what it keeps is named (GDPR article 17)."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.customers.customer import Customer, CustomerKind
from domain.ids import CustomerId
from domain.invoicing.charge import Charge, ChargeKind, occurrences
from domain.invoicing.invoice import Invoice
from domain.numbers.ordering import OrderKind
from domain.ports.clock import Clock
from domain.ports.page import PAGE_MAX, Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import NotAllowed, Stale, WrongState
from domain.usecases.move_customer import today_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasePerson:
    """The person is erased; it cannot be undone."""

    customer: CustomerId
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What stays, why, and the last day that it must. ``names`` are the numbers of documents."""

    what: str
    names: tuple[str, ...]
    reason: str
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was done: the customer as it is now, how many rows of each kind were changed, and what stays."""

    customer: Customer
    changed: Mapping[str, int]
    kept: Sequence[Kept]


@operation(Action.WRITE_CUSTOMERS)
async def erase_person(cmd: ErasePerson, *, actor: Actor, begin: Begin, clock: Clock) -> Erasure:
    """Anonymise a person in place, with the doubles that were merged into it; only the operator himself may.

    Invoices stay with their names and addresses, and with them the ledger and the payments, as long as the law of the
    operator's country says (``retention_rule``). The audit trail says that it was done, by whom, and not to whom.

    Refuses with: NotAllowed, NotFound, Stale, WrongState (an organisation; erased already; contracts, numbers, usage or
    charges that are not invoiced, debts or credits that are open, or customers below).
    """
    if actor.reseller is not None:
        raise NotAllowed("only the operator himself erases a person")
    async with begin(actor) as unit:
        customer = await unit.customers.claim(cmd.customer)
        if customer.version != cmd.version:
            raise Stale(
                "the customer is at version {version}; read it again", version=customer.version, field="version"
            )
        if customer.kind is not CustomerKind.PERSON:
            raise WrongState("an organisation is not a person; take its contacts away instead", field="customer")
        if customer.erased_at is not None:
            raise WrongState("customer {number} was erased", number=customer.number, field="customer")
        if customer.merged_into is not None:
            raise WrongState("it was merged into another; erase that one", field="customer")
        keys = [customer.id, *(await unit.persons.doubles([customer.id]))[customer.id]]
        for key in keys:
            await _check_finished(unit, key, clock)
        today = await today_of(unit, clock)
        children = await unit.customers.children(keys)
        if any(one.id not in keys for each in children.values() for one in each):
            raise WrongState("there are customers below it; move them first", field="customer")
        kept = await _kept(unit, keys, today)
        changed: dict[str, int] = defaultdict(int)
        for number, key in enumerate(keys):
            counts = await unit.persons.erase(key, name=f"Erased {number + 1}", at=clock.now())
            for what, count in counts.items():
                changed[what] += count
        detail = {"version": customer.version + 1, "changed": ["erasedAt"], "kept": [one.what for one in kept]}
        await unit.audit.erase("erase_person", f"customer:{customer.id}", detail, targets=await about_him(unit, keys))
        return Erasure(customer=await unit.customers.get(customer.id), changed=dict(changed), kept=kept)


async def about_him(unit: Unit, keys: Sequence[CustomerId]) -> list[str]:
    """Return what lines of the trail may be about that keep something of him."""
    contracts = [one.id for each in (await unit.contracts.of_customers(keys)).values() for one in each]
    lines = [one.id for each in (await unit.subscriptions.of_contracts(contracts)).values() for one in each]
    giro, collection = unit.giro, unit.collection

    async def listed(pages: Callable[..., Awaitable[Page[Any]]], **more: Any) -> list[int]:
        return [
            one.id
            for key in keys
            async for items in each_page(functools.partial(pages, customer=key, **more))
            for one in items
        ]

    named: tuple[tuple[str, Sequence[int]], ...] = (
        ("customer", keys),
        ("quote", await listed(unit.quotes.page)),
        ("order", await listed(unit.orders.page)),
        ("number_order", await listed(unit.number_orders.page, kinds=tuple(OrderKind))),
        ("charge", await listed(unit.charges.page)),
        ("dispatch", await listed(unit.dispatches.page)),
        ("contract", contracts),
        ("subscription", lines),
        ("mandate", [one.id for one in await giro.mandates.find(customer=keys)]),
        ("refund", [one.id for one in await giro.refunds.find(customer=keys)]),
        ("collection", [one.id for one in await collection.cases.find(customer=keys)]),
        ("collection_hold", [one.id for one in await collection.holds.find(customer=keys)]),
    )
    return [f"{kind}:{key}" for kind, some in named for key in some]


async def _check_finished(unit: Unit, key: CustomerId, clock: Clock) -> None:
    left = await unit.persons.still_open(key, at=clock.now())
    if left.contracts:
        raise WrongState("{count} contracts have not ended; end them first", count=left.contracts, field="customer")
    if left.numbers:
        raise WrongState("{count} numbers are still its own; release them first", count=left.numbers, field="customer")
    if left.unbilled_events:
        raise WrongState("there is usage that is not invoiced; bill it first", field="customer")
    if waiting := await _waiting(unit, key):
        raise WrongState(
            "{count} charges are not invoiced; bill them or withdraw them first", count=waiting, field="customer"
        )
    owed = [item.number for item in await unit.payments.open_items(key) if item.open_minor]
    if owed:
        raise WrongState("{numbers} are open; settle them first", numbers=", ".join(owed[:5]), field="customer")


async def _waiting(unit: Unit, key: CustomerId) -> int:
    """Count the charges of which something is still to be invoiced; a discount alone comes to nothing."""
    charges = (await unit.charges.of_customers([key], before=date.max)).get(key, ())
    billed = await unit.charges.billed([one.id for one in charges])

    def waits(charge: Charge) -> bool:
        if charge.kind is ChargeKind.DISCOUNT:
            return False
        if charge.interval_months is not None and charge.ends is None:
            return True
        due = occurrences(charge, until=date.max, ahead=charge.ends or date.max)
        return any(one.period.start not in billed.get(charge.id, ()) for one in due)

    return sum(waits(one) for one in charges)


async def _kept(unit: Unit, keys: Sequence[CustomerId], today: date) -> list[Kept]:
    """Return what the law keeps, by the day until which it does."""
    rule = await unit.persons.retention((await unit.operators.own()).country, today)
    until: dict[date, list[str]] = defaultdict(list)
    for invoice in await _invoices(unit, keys):
        until[date(invoice.issued_on.year + rule.years, 12, 31)].append(invoice.number)
    held = sorted((day, names) for day, names in until.items() if day >= today)
    kept = [Kept(what="invoices", names=tuple(names), reason=rule.source, until=day) for day, names in held]
    if held:
        last = held[-1][0]
        kept += [Kept(what=what, names=(), reason=rule.source, until=last) for what in ("ledger", "payments")]
    return kept


async def each_page(pages: Callable[[PageRequest], Awaitable[Page[Any]]], most: int = PAGE_MAX) -> AsyncIterator[Any]:
    """Yield the items of every page of a list, by key."""
    after, more = None, True
    while more:
        page = await pages(PageRequest(most, after))
        yield page.items
        more, after = page.more, page.items[-1].id if page.items else None


async def _invoices(unit: Unit, keys: Sequence[CustomerId]) -> list[Invoice]:
    return [
        one
        for key in keys
        async for items in each_page(functools.partial(unit.invoices.page, customer=key), PAGE_MAX // 10)
        for one in items
    ]
