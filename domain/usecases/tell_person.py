"""Tell everything that is kept of a customer (GDPR articles 15 and 20)."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

from domain.access.actor import Action, Actor, allow
from domain.access.editions import editions_of
from domain.access.operations import operation
from domain.customers.customer import Customer
from domain.customers.everything import shown
from domain.customers.place import own_place
from domain.ids import CustomerId
from domain.numbers.ordering import OrderKind
from domain.ports.page import PAGE_MAX, Page
from domain.ports.unit import Begin, Unit
from domain.usecases.erase_person import about_him, each_page

NEEDED: Final = (Action.READ_CUSTOMERS, Action.READ_CONTRACTS, Action.READ_USAGE)
Part = tuple[str, Sequence[dict[str, Any]]]
Pages = Callable[..., Awaitable[Page[Any]]]  # of a request and ``customer``


@operation(*NEEDED)
async def tell_person(key: CustomerId, *, actor: Actor, begin: Begin) -> AsyncIterator[Part]:
    """Yield what is kept of a customer, and of doubles that were merged into it, as named parts of rows of JSON.

    Parts come in blocks; a name comes at least once, also where there is nothing. What others pay for his calls
    (costs, wholesale) is not his. The reading is left in the audit trail.

    Refuses with: NotAllowed, NotFound.
    """
    # Where another system makes the invoices there are none here.
    invoices = actor.edition in editions_of(Action.READ_INVOICES.value)
    if invoices:
        allow(actor, Action.READ_INVOICES, "tell_person")
    async with begin(actor) as unit:
        customer = await unit.customers.get(key)
        await unit.audit.write("read_person", f"customer:{customer.id}", {"number": customer.number})
        keys = [customer.id, *(await unit.persons.doubles([customer.id]))[customer.id]]
        everybody = await unit.customers.many(keys)
        yield "customer", [shown(everybody[one]) for one in keys]
        yield "places", [row for one in keys for row in await _places(unit, everybody[one])]
        yield "groups", [shown(row) for one in keys for row in await unit.groups.of(one)]
        async for part in _each(keys, "notes", lambda page, customer: unit.notes.page(customer, page)):
            yield part
        async for part in _agreed(unit, keys):
            yield part
        if invoices:
            for parts in (_invoiced(unit, keys), _paying(unit, keys), _credit(unit, keys)):
                async for part in parts:
                    yield part
        yield "usage", []
        for one in keys:
            async for block in unit.persons.usage(one):
                yield "usage", [shown(row) for row in block]
        yield "audit", []
        async for lines_of_audit in unit.persons.trail(await about_him(unit, keys)):
            yield "audit", [shown(line) for line in lines_of_audit]


async def _each(keys: Sequence[CustomerId], name: str, pages: Pages, most: int = PAGE_MAX) -> AsyncIterator[Part]:
    """Yield a part of what is listed by customer and page."""
    yield name, []
    for key in keys:
        async for items in each_page(functools.partial(pages, customer=key), most):
            yield name, [shown(one) for one in items]


async def _places(unit: Unit, customer: Customer) -> list[dict[str, Any]]:
    dated = (await unit.places.of([customer.id]))[customer.id]
    return [shown(one) for one in dated or [own_place(customer)]]


async def _agreed(unit: Unit, keys: Sequence[CustomerId]) -> AsyncIterator[Part]:
    """Yield contracts and lines with how they came to be as they are, and what was asked of the network."""
    async for part in _each(keys, "quotes", unit.quotes.page):
        yield part
    contracts = [one for each in (await unit.contracts.of_customers(keys)).values() for one in each]
    numbers = [one.id for one in contracts]
    yield "contracts", [shown(one) for one in contracts]
    yield "contract_changes", []
    for contract in numbers:
        async for items in each_page(functools.partial(unit.contract_changes.page, contract=contract)):
            yield "contract_changes", [shown(one) for one in items]
    plans = await unit.plans.of_contracts(numbers)
    yield "plans", [shown(one) for each in plans.values() for one in each]
    lines = [one for each in (await unit.subscriptions.of_contracts(numbers)).values() for one in each]
    yield "subscriptions", [shown(one) for one in lines]
    states = await unit.subscriptions.history([one.id for one in lines])
    yield "states", [{"subscription": key, **shown(one)} for key, each in states.items() for one in each]
    barrings = await unit.orders.barrings([one.id for one in lines], at=None)
    yield "bars", [shown(one) for each in barrings.values() for one in each]
    async for part in _each(keys, "orders", unit.orders.page):
        yield part
    pages = functools.partial(unit.number_orders.page, kinds=tuple(OrderKind))
    async for part in _each(keys, "number_orders", pages):
        yield part
    yield "grants", [shown(row) for one in keys for row in await unit.grants.of(one)]


async def _invoiced(unit: Unit, keys: Sequence[CustomerId]) -> AsyncIterator[Part]:
    """Yield what he is invoiced, how it was sent and what he disputes of it."""
    listed: tuple[tuple[str, Pages, int], ...] = (
        ("charges", unit.charges.page, PAGE_MAX),
        ("invoices", unit.invoices.page, PAGE_MAX // 10),
        ("dispatches", unit.dispatches.page, PAGE_MAX),
        ("disputes", unit.disputes.page, PAGE_MAX),
    )
    for name, pages, most in listed:
        async for part in _each(keys, name, pages, most):
            yield part


async def _paying(unit: Unit, keys: Sequence[CustomerId]) -> AsyncIterator[Part]:
    """Yield what he paid, what was agreed about paying, and what was done where nobody paid."""
    giro, collection = unit.giro, unit.collection
    yield "payments", [shown(row) for one in keys for row in await unit.persons.payments(one)]
    yield "mandates", [shown(one) for one in await giro.mandates.find(customer=keys)]
    yield "debits", [shown(one) for one in await giro.debits.find(customer=keys)]
    yield "refunds", [shown(one) for one in await giro.refunds.find(customer=keys)]
    yield "claims", [shown(one) for one in await giro.claims.find(customer=keys)]
    yield "settlements", [shown(one) for one in await giro.settlements.find(customer=keys)]
    yield "instalment_plans", [shown(one) for one in await giro.plans.find(customer=keys)]
    yield "collection_steps", [shown(one) for one in await collection.steps.find(customer=keys)]
    yield "letters", [shown(one) for one in await collection.letters.find(customer=keys)]
    yield "collection_holds", [shown(one) for one in await collection.holds.find(customer=keys)]
    yield "collection_cases", [shown(one) for one in await collection.cases.find(customer=keys)]
    yield "collection_messages", [shown(one) for one in await collection.messages.find(customer=keys)]


async def _credit(unit: Unit, keys: Sequence[CustomerId]) -> AsyncIterator[Part]:
    """Yield how much he may use, what was set aside for calls, and what was unusual."""
    yield "credit_overrides", [shown(one) for one in await unit.credit.overrides(keys)]
    listed: tuple[tuple[str, Pages], ...] = (
        ("credit_limits", unit.credit.page),
        ("reservations", unit.credit.reservations),
        ("suspicions", unit.fraud.page),
    )
    for name, pages in listed:
        async for part in _each(keys, name, pages):
            yield part
