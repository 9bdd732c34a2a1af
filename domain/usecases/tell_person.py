"""Tell everything that is kept of a customer (GDPR articles 15 and 20)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from domain.access.actor import Action, Actor, allow
from domain.access.editions import editions_of
from domain.access.operations import operation
from domain.customers.customer import Customer
from domain.customers.everything import shown
from domain.customers.place import own_place
from domain.ids import CustomerId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.ports.unit import Begin, Unit

NEEDED: Final = (Action.READ_CUSTOMERS, Action.READ_CONTRACTS, Action.READ_USAGE)
Part = tuple[str, Sequence[dict[str, Any]]]


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
        async for part in _notes(unit, keys):
            yield part
        targets = [f"customer:{one}" for one in keys]
        contracts = [one for each in (await unit.contracts.of_customers(keys)).values() for one in each]
        yield "contracts", [shown(one) for one in contracts]
        lines = [
            one
            for each in (await unit.subscriptions.of_contracts([one.id for one in contracts])).values()
            for one in each
        ]
        yield "subscriptions", [shown(one) for one in lines]
        targets += [f"contract:{one.id}" for one in contracts] + [f"subscription:{one.id}" for one in lines]
        if invoices:
            async for part in _invoices(unit, keys):
                yield part
            async for part in _disputes(unit, keys):
                yield part
            yield "payments", [shown(row) for one in keys for row in await unit.persons.payments(one)]
            async for part in _paying(unit, keys):
                yield part
        yield "usage", []
        for one in keys:
            async for block in unit.persons.usage(one):
                yield "usage", [shown(row) for row in block]
        yield "audit", []
        async for lines_of_audit in unit.persons.trail(targets):
            yield "audit", [shown(line) for line in lines_of_audit]


async def _places(unit: Unit, customer: Customer) -> list[dict[str, Any]]:
    dated = (await unit.places.of([customer.id]))[customer.id]
    return [shown(one) for one in dated or [own_place(customer)]]


async def _notes(unit: Unit, keys: Sequence[CustomerId]) -> AsyncIterator[Part]:
    yield "notes", []
    for key in keys:
        after, more = None, True
        while more:
            page = await unit.notes.page(key, PageRequest(PAGE_MAX, after))
            yield "notes", [shown(one) for one in page.items]
            more = page.more
            after = page.items[-1].id if page.items else None


async def _invoices(unit: Unit, keys: Sequence[CustomerId]) -> AsyncIterator[Part]:
    yield "invoices", []
    for key in keys:
        after, more = None, True
        while more:
            page = await unit.invoices.page(PageRequest(PAGE_MAX // 10, after), customer=key)
            yield "invoices", [shown(one) for one in page.items]
            more = page.more
            after = page.items[-1].id if page.items else None


async def _paying(unit: Unit, keys: Sequence[CustomerId]) -> AsyncIterator[Part]:
    """Yield what was agreed about paying, what was done where nobody paid, and what was set about his credit."""
    giro, collection = unit.giro, unit.collection
    yield "mandates", [shown(one) for one in await giro.mandates.find(customer=keys)]
    yield "refunds", [shown(one) for one in await giro.refunds.find(customer=keys)]
    yield "claims", [shown(one) for one in await giro.claims.find(customer=keys)]
    yield "settlements", [shown(one) for one in await giro.settlements.find(customer=keys)]
    yield "instalment_plans", [shown(one) for one in await giro.plans.find(customer=keys)]
    yield "letters", [shown(one) for one in await collection.letters.find(customer=keys)]
    yield "collection_holds", [shown(one) for one in await collection.holds.find(customer=keys)]
    yield "collection_cases", [shown(one) for one in await collection.cases.find(customer=keys)]
    yield "collection_messages", [shown(one) for one in await collection.messages.find(customer=keys)]
    yield "credit_overrides", [shown(one) for one in await unit.credit.overrides(keys)]


async def _disputes(unit: Unit, keys: Sequence[CustomerId]) -> AsyncIterator[Part]:
    yield "disputes", []
    for key in keys:
        after, more = None, True
        while more:
            page = await unit.disputes.page(PageRequest(PAGE_MAX, after), customer=key)
            yield "disputes", [shown(one) for one in page.items]
            more = page.more
            after = page.items[-1].id if page.items else None
