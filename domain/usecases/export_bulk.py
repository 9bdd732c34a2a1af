"""Export customers, contracts, subscriptions or numbers as a sheet that can be imported again elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from domain.access.actor import Actor, allow
from domain.access.operations import operation
from domain.bulk.sheet import COLUMNS, OWN, WITH_FIELDS, SheetKind
from domain.contracts.contract import Contract
from domain.contracts.identifiers import IdentifierKind
from domain.contracts.subscription import Subscription
from domain.customers.customer import Customer
from domain.fields.definition import Aggregate
from domain.ids import ContractId, CustomerId
from domain.ports.clock import Clock
from domain.ports.page import PAGE_MAX, PageRequest
from domain.ports.unit import Begin, Unit
from domain.usecases.list_bulk import READS

AGGREGATES: Final = {
    SheetKind.CUSTOMERS: Aggregate.CUSTOMER,
    SheetKind.CONTRACTS: Aggregate.CONTRACT,
    SheetKind.SUBSCRIPTIONS: Aggregate.SUBSCRIPTION,
}
Cells = Sequence[str]


@operation(any_of=tuple(dict.fromkeys(READS.values())))
async def export_bulk(kind: SheetKind, *, actor: Actor, begin: Begin, clock: Clock) -> AsyncIterator[Cells]:
    """Yield the header and then the rows that the caller may see, by key, a page at a time.

    What came without an external id has the operator's own word for it there: the customer's or contract's number, or
    the key. What has ended is left out. Refuses with: NotAllowed.
    """
    allow(actor, READS[kind], "export_bulk")
    async with begin(actor) as unit:
        own = await _own(unit, kind)
        await unit.audit.write("export_bulk", kind.value)
    names = [one.name for one in COLUMNS[kind]]
    yield [*names, *(f"{OWN}{name}" for name in own)]
    after, now = None, clock.now()
    while True:
        async with begin(actor) as unit:
            rows, after = await _PAGES[kind](unit, after, now)
        for values, fields in rows:
            given = dict(fields)
            yield [*(_cell(values.get(name)) for name in names), *(given.get(name, "") for name in own)]
        if after is None:
            return


async def _own(unit: Unit, kind: SheetKind) -> list[str]:
    if kind not in WITH_FIELDS:
        return []
    return [one.name for one in await unit.field_definitions.all(AGGREGATES[kind])]


Rows = list[tuple[dict[str, Any], tuple[tuple[str, str], ...]]]


async def _customers(unit: Unit, after: int | None, now: datetime) -> tuple[Rows, int | None]:
    del now
    page = await unit.customers.page(PageRequest(PAGE_MAX, after))
    found = list(page.items)
    above = await unit.customers.many([one.parent for one in found if one.parent is not None])
    names = await unit.bulk.names(SheetKind.CUSTOMERS, [*(one.id for one in found), *above])
    resellers = {key: one.code for key, one in (await unit.resellers.tree()).items()}
    rows = [(_customer(one, names, above, resellers), one.fields) for one in found]
    return rows, found[-1].id if page.more else None


def _customer(
    one: Customer, names: Mapping[int, str], above: Mapping[CustomerId, Customer], resellers: Mapping[Any, str]
) -> dict[str, Any]:
    parent = above.get(one.parent) if one.parent is not None else None
    return {
        "externalId": names.get(one.id, one.number),
        "name": one.name,
        "kind": one.kind.value,
        "street": one.address.street,
        "street2": one.address.street2,
        "postcode": one.address.postcode,
        "city": one.address.city,
        "country": one.address.country,
        "number": one.number,
        "identityNumber": one.identity_number,
        "vatId": one.vat_id,
        "email": one.email,
        "phone": one.phone,
        "language": one.language,
        "paymentTermsDays": one.payment_terms_days,
        "delivery": one.delivery.value,
        "endpoint": one.endpoint,
        "callSpecification": one.call_specification.value,
        "maskDigits": one.mask_digits,
        "priceList": one.price_list,
        "creditLimit": one.credit_limit,
        "buyerReference": one.buyer_reference,
        "orderReference": one.order_reference,
        "costCentre": one.cost_centre,
        "billingDay": one.billing_day,
        "directDebit": one.direct_debit,
        "parent": None if parent is None else names.get(parent.id, parent.number),
        "throughParent": one.through_parent,
        "reseller": resellers.get(one.reseller),
    }


async def _contracts(unit: Unit, after: int | None, now: datetime) -> tuple[Rows, int | None]:
    page = await unit.contracts.page(PageRequest(PAGE_MAX, after))
    found = [one for one in page.items if one.end is None or one.end > now.date()]
    owners = await unit.customers.many([one.customer for one in found])
    names = await unit.bulk.names(SheetKind.CONTRACTS, [one.id for one in found])
    theirs = await unit.bulk.names(SheetKind.CUSTOMERS, list(owners))
    services = await unit.services.many([line.service for one in found for line in one.services])
    rows = [(_contract(one, names, theirs, owners, services), one.fields) for one in found]
    return rows, page.items[-1].id if page.more else None


def _contract(
    one: Contract,
    names: Mapping[int, str],
    theirs: Mapping[int, str],
    owners: Mapping[CustomerId, Customer],
    services: Mapping[Any, Any],
) -> dict[str, Any]:
    held = [
        services[line.service].code + (f"*{line.quantity}" if line.quantity != 1 else "")
        for line in one.services
        if line.end is None and line.bundle is None
    ]
    return {
        "externalId": names.get(one.id, one.number),
        "customer": theirs.get(one.customer, owners[one.customer].number),
        "start": one.start.isoformat(),
        "end": None if one.end is None else one.end.isoformat(),
        "number": one.number,
        "state": one.state.value,
        "priceList": one.price_list,
        "services": ";".join(held),
        "bindingMonths": one.terms.binding_months,
        "noticeMonths": one.terms.notice_months,
        "seller": one.terms.seller,
    }


async def _lines(unit: Unit, after: int | None, now: datetime) -> tuple[list[Subscription], dict[int, str], int | None]:
    page = await unit.subscriptions.page(PageRequest(PAGE_MAX, after))
    found = [one for one in page.items if one.ended_at is None or one.ended_at > now]
    names = dict(await unit.bulk.names(SheetKind.SUBSCRIPTIONS, [one.id for one in found]))
    return found, names, page.items[-1].id if page.more else None


async def _subscriptions(unit: Unit, after: int | None, now: datetime) -> tuple[Rows, int | None]:
    found, names, following = await _lines(unit, after, now)
    contracts = await unit.contracts.many([one.contract for one in found])
    theirs = await unit.bulk.names(SheetKind.CONTRACTS, list(contracts))
    return [(_subscription(one, names, theirs, contracts), one.fields) for one in found], following


def _subscription(
    one: Subscription, names: Mapping[int, str], theirs: Mapping[int, str], contracts: Mapping[ContractId, Contract]
) -> dict[str, Any]:
    held = [each for each in one.numbers if each.valid_to is None]
    if len({each.valid_from for each in held}) > 1:
        held = []  # each has a moment of its own: the sheet of numbers has them all
    since = max((each.valid_from for each in held), default=None)
    return {
        "externalId": names.get(one.id, str(one.id)),
        "contract": theirs.get(one.contract, contracts[one.contract].number),
        "kind": one.kind.value,
        "label": one.label,
        "numbers": ";".join(
            each.number if each.kind is IdentifierKind.NUMBER else f"{each.kind.value}:{each.number}" for each in held
        ),
        "validFrom": since,
        "pending": one.activated_at is None and one.ended_at is None,
    }


async def _numbers(unit: Unit, after: int | None, now: datetime) -> tuple[Rows, int | None]:
    found, names, following = await _lines(unit, after, now)
    rows: Rows = [
        (
            {
                "externalId": f"{names.get(one.id, str(one.id))}/{position}",
                "subscription": names.get(one.id, str(one.id)),
                "number": each.number,
                "kind": each.kind.value,
                "validFrom": each.valid_from,
                "validTo": each.valid_to,
            },
            (),
        )
        for one in found
        for position, each in enumerate(one.numbers, 1)
    ]
    return rows, following


_PAGES: Final = {
    SheetKind.CUSTOMERS: _customers,
    SheetKind.CONTRACTS: _contracts,
    SheetKind.SUBSCRIPTIONS: _subscriptions,
    SheetKind.NUMBERS: _numbers,
}


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat()
    return str(value)
