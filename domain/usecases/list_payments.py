"""Read payments, payment files, open items and the trial balance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import CustomerId, PaymentId
from domain.payments.allocating import OpenClaim
from domain.payments.payment import Allocation, OpenItem, Payment, PaymentState, StoredFile
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@operation(Action.READ_PAYMENTS)
async def list_payments(
    request: PageRequest,
    *,
    actor: Actor,
    begin: Begin,
    state: PaymentState | None = None,
    customer: CustomerId | None = None,
) -> Page[Payment]:
    """List payments by key, in a state and of a customer. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.payments.page(request, state=state, customer=customer)


@operation(Action.READ_PAYMENTS)
async def get_payment(key: PaymentId, *, actor: Actor, begin: Begin) -> tuple[Payment, Sequence[Allocation]]:
    """Return a payment with all it was ever applied to. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        payment = await unit.payments.get(key)
        return payment, (await unit.payments.allocations([key]))[key]


@operation(Action.READ_PAYMENTS)
async def list_payment_files(request: PageRequest, *, actor: Actor, begin: Begin) -> Page[StoredFile]:
    """List payment files by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.payments.files(request)


@operation(Action.READ_PAYMENTS)
async def list_open_items(
    customer: CustomerId, *, actor: Actor, begin: Begin, on: dt.date | None = None
) -> Sequence[OpenItem]:
    """Return what is open of a customer's invoices, now or when a day ended. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        await unit.customers.get(customer)
        keys = [customer, *(await unit.persons.doubles([customer]))[customer]]
        return [item for key in keys for item in await unit.payments.open_items(key, on=on)]


@operation(Action.READ_PAYMENTS)
async def items_named(names: Sequence[str], *, actor: Actor, begin: Begin) -> Mapping[str, OpenItem]:
    """Return the invoices and credit notes whose reference or number is a name, by it. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.payments.items_named(list(names))


@operation(Action.READ_PAYMENTS)
async def list_claims(customer: CustomerId, *, actor: Actor, begin: Begin) -> Sequence[OpenClaim]:
    """Return a customer's claims with what is open of each, by key. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        await unit.customers.get(customer)
        keys = [customer, *(await unit.persons.doubles([customer]))[customer]]
        claims = await unit.giro.claims.find(customer=keys)
        applied = await unit.payments.applied_to([one.id for one in claims])
        return [
            OpenClaim(one, 0 if one.withdrawn_on is not None else one.amount_minor - applied[one.id]) for one in claims
        ]


@operation(Action.READ_PAYMENTS)
async def trial_balance(*, actor: Actor, begin: Begin, on: dt.date | None = None) -> Mapping[tuple[str, str], int]:
    """Return the sum of every account per currency in minor units, now or when a day ended; they come to zero.

    Refuses with: NotAllowed.
    """
    async with begin(actor) as unit:
        return await unit.ledger.balances(on=on)
