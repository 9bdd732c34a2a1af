"""Apply a payment to invoices by hand, and take that back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import AllocationId, CustomerId, InvoiceId, PaymentId
from domain.payments.booking import moved, shares
from domain.payments.payment import Allocation, OpenItem, Payment, PaymentState, Reason
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, WrongState

_OPEN = frozenset({PaymentState.UNALLOCATED, PaymentState.CREDIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """``amount_minor`` of a payment for an invoice; None: as much as is open of it and left of the payment."""

    invoice: InvoiceId
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatePayment:
    """Apply ``payment`` to ``parts``; what is left is credit of the customer, whom they all belong to then."""

    payment: PaymentId
    parts: Sequence[Part]


@operation(Action.WRITE_PAYMENTS)
async def allocate_payment(cmd: AllocatePayment, *, actor: Actor, begin: Begin, clock: Clock) -> Payment:
    """Apply what is left of a payment.

    Refuses with: NotAllowed, NotFound, WrongState (all applied, held or returned), BadValue (another currency, more
    than is open or left, another customer's).
    """
    if not cmd.parts:
        raise BadValue("name at least one invoice", field="parts")
    async with begin(actor) as unit:
        await unit.payments.lock()
        payment = await unit.payments.get(cmd.payment)
        if payment.state not in _OPEN:
            raise WrongState(
                "payment {id} is {value}: nothing of it is left",
                id=payment.id,
                value=payment.state.value,
                field="payment",
            )
        made = (await unit.payments.allocations([payment.id]))[payment.id]
        left = payment.amount_minor - sum(one.amount_minor for one in made if one.undone_at is None)
        items = await unit.payments.items([part.invoice for part in cmd.parts])
        chosen = _chosen(payment, cmd.parts, items, left)
        now = clock.now()
        done = await _move(unit, payment, chosen, left, now.date())
        await unit.payments.allocate(
            [
                Allocation(
                    id=AllocationId(0),
                    operator=actor.operator,
                    payment=payment.id,
                    invoice=item.invoice,
                    customer=item.customer,
                    amount_minor=amount,
                    made_at=now,
                    client=actor.client,
                )
                for item, amount in chosen
            ]
        )
        await unit.payments.change(done)
        detail = {"invoices": [item.number for item, _ in chosen], "amount_minor": sum(amount for _, amount in chosen)}
        await unit.audit.write("payment.allocate", f"payment:{payment.id}", detail)
        await unit.outbox.promise("payment.allocated", detail, subject=f"payment:{payment.id}")
    return done


def _chosen(
    payment: Payment, parts: Sequence[Part], items: Mapping[InvoiceId, OpenItem], left: int
) -> list[tuple[OpenItem, int]]:
    """Return each document with what it gets. Refuses with: NotFound, BadValue."""
    chosen: list[tuple[OpenItem, int]] = []
    for index, part in enumerate(parts):
        place = f"parts.{index}"
        item = items.get(part.invoice)
        if item is None:
            raise NotFound("no invoice {invoice}", invoice=part.invoice, field=f"{place}.invoice")
        if item.currency != payment.currency:
            raise BadValue(
                "invoice {number} is in {currency}, the payment in {currency_2}",
                number=item.number,
                currency=item.currency,
                currency_2=payment.currency,
                field=place,
            )
        if payment.customer not in {None, item.customer}:
            raise BadValue(
                "invoice {number} is another customer's; release the payment first", number=item.number, field=place
            )
        amount = part.amount_minor if part.amount_minor is not None else min(item.open_minor, max(left, 0))
        open_ = item.open_minor
        if amount == 0 or (amount > 0) != (open_ > 0) or abs(amount) > abs(open_):
            raise BadValue(
                "of invoice {number} {open} is open, in minor units",
                number=item.number,
                open=open_,
                field=f"{place}.amount",
            )
        left -= amount
        chosen.append((item, amount))
    if left < 0:
        raise BadValue(
            "the parts are {value} more than is left of the payment, in minor units", value=-left, field="parts"
        )
    return chosen


async def _move(
    unit: Unit, payment: Payment, chosen: Sequence[tuple[OpenItem, int]], left: int, on: dt.date
) -> Payment:
    """Give the payment to the customers of the parts, and return it as it is now."""
    rest = left - sum(amount for _, amount in chosen)
    state = PaymentState.CREDIT if rest else PaymentState.ALLOCATED
    reason = Reason.OVERPAID if rest else None
    if payment.customer is not None:
        return replace(payment, state=state, reason=reason)
    customers = {item.customer for item, _ in chosen}
    if len(customers) > 1 and rest:
        raise BadValue("parts of several customers must come to what is left of the payment", field="parts")
    given = shares([(None, item.customer, amount) for item, amount in chosen])
    if rest:
        given = {next(iter(customers)): left}
    turn = await _turn(unit, payment)
    entries = [
        moved(payment, customer, amount, on=on, turn=turn + index)
        for index, (customer, amount) in enumerate(given.items())
    ]
    await unit.ledger.post(entries)
    customer: CustomerId | None = next(iter(customers)) if len(customers) == 1 else None
    return replace(payment, customer=customer, state=state, reason=reason)


async def _turn(unit: Unit, payment: Payment) -> int:
    """Return the number of the payment's next move between accounts."""
    turn = 1
    while True:
        try:
            await unit.ledger.by_key(f"payment:{payment.identity}/{turn}")
        except NotFound:
            return turn
        turn += 1


@operation(Action.WRITE_PAYMENTS)
async def release_payment(key: PaymentId, *, actor: Actor, begin: Begin, clock: Clock) -> Payment:
    """Undo all that a payment was applied to: its invoices are open again, and the money is nobody's yet.

    Refuses with: NotAllowed, NotFound, WrongState (held, returned, or of nobody).
    """
    async with begin(actor) as unit:
        await unit.payments.lock()
        payment = await unit.payments.get(key)
        made = [one for one in (await unit.payments.allocations([key]))[key] if one.undone_at is None]
        taken = payment.state in {PaymentState.ALLOCATED, PaymentState.CREDIT}
        if not taken:
            raise WrongState(
                "payment {key} is {value}: there is nothing to undo",
                key=key,
                value=payment.state.value,
                field="payment",
            )
        now = clock.now()
        await unit.payments.undo([one.id for one in made], at=now, client=actor.client)
        given = shares([(None, one.customer, one.amount_minor) for one in made])
        if payment.customer is not None:
            given = {payment.customer: payment.amount_minor}
        turn = await _turn(unit, payment)
        await unit.ledger.post(
            [
                moved(payment, customer, -amount, on=now.date(), turn=turn + index)
                for index, (customer, amount) in enumerate(given.items())
            ]
        )
        done = replace(payment, state=PaymentState.UNALLOCATED, reason=None, customer=None)
        await unit.payments.change(done)
        await unit.audit.write("payment.release", f"payment:{key}", {"undone": len(made)})
        await unit.outbox.promise("payment.released", {}, subject=f"payment:{key}")
    return done
