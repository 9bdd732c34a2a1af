"""The desk of payments that did not apply themselves: what they may be for, duplicates, and credit that waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import CustomerId, PaymentId
from domain.payments.allocating import on_oldest
from domain.payments.booking import received, shares
from domain.payments.payment import Payment, PaymentState, Reason
from domain.payments.suggesting import Suggestion, candidates, name_words, same_name, suggest
from domain.ports.clock import Clock
from domain.ports.page import PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import WrongState
from domain.usecases.allocate_payment import left_of
from domain.usecases.applying import allocations, claims_about, move, rules_of
from domain.usecases.debit_outcomes import came_in
from domain.usecases.posting_payments import post_payments, told_of

NAMES_MAX = 50


@operation(Action.READ_PAYMENTS)
async def suggest_payment(key: PaymentId, *, actor: Actor, begin: Begin) -> Sequence[Suggestion]:
    """Return what a payment may be for, the likeliest first; nothing is applied. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        payment = await unit.payments.get(key)
        words = candidates(payment.record)
        named = await unit.payments.items_named(words)
        numbered = await unit.payments.customers_numbered(words)
        payer = name_words(payment.record["payer"].get("name", ""))
        alike: set[CustomerId] = set()
        if len(payer) > 1:
            longest = max(payer, key=len)
            page = await unit.customers.page(PageRequest(NAMES_MAX), text=longest)
            alike = {one.id for one in page.items if same_name(payer, name_words(one.name))}
        opened = await unit.payments.open_of([*numbered.values(), *(key for key in alike)])
        same = await unit.payments.open_of_amount(payment.amount_minor, payment.currency)
        return suggest(
            payment.amount_minor,
            payment.currency,
            named=named,
            numbered={key: opened[key] for key in numbered.values()},
            alike={key: opened[key] for key in alike},
            same_amount=same,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideDuplicate:
    """A payment that is held as a possible duplicate: the ``same`` as one before, or money of its own.

    A return whose payment is not known is decided the same way.
    """

    payment: PaymentId
    same: bool


@operation(Action.WRITE_PAYMENTS)
async def decide_duplicate(cmd: DecideDuplicate, *, actor: Actor, begin: Begin, clock: Clock) -> Payment:
    """Note a payment as told before, or post it as any other: applied to what it names, a debit of ours ended.

    A return whose payment is not known by now either is nobody's.

    Refuses with: NotAllowed, NotFound, WrongState (it is not held as a possible duplicate).
    """
    async with begin(actor) as unit:
        await unit.payments.lock()
        payment = await unit.payments.get(cmd.payment)
        unmet = payment.reason is Reason.UNKNOWN_ORIGINAL and (cmd.same or not came_in(payment))
        decidable = payment.reason is Reason.POSSIBLE_DUPLICATE or unmet
        if payment.state is not PaymentState.HELD or not decidable:
            raise WrongState("payment {id} is not held as a possible duplicate", id=payment.id, field="payment")
        if cmd.same:
            done = await unit.payments.change(replace(payment, state=PaymentState.NOTED, reason=Reason.DUPLICATE))
        else:
            open_ = replace(payment, state=PaymentState.UNALLOCATED, reason=None)
            posted, _ = await post_payments(unit, [open_], await rules_of(unit), now=clock.now(), client=actor.client)
            done = await _of_nobody(unit, payment) if posted[0].state is PaymentState.HELD else posted[0]
        await unit.audit.write("settle_duplicate", f"payment:{payment.id}", {"same": cmd.same})
    return done


async def _of_nobody(unit: Unit, payment: Payment) -> Payment:
    """Book a return of which no payment is known."""
    entry = None
    if payment.amount_minor:
        entry = received(payment, 0, on=await unit.ledger.open_day(payment.booked_on))
        await unit.ledger.post([entry])
    done = replace(
        payment, state=PaymentState.UNALLOCATED, reason=Reason.NO_REFERENCE, entry=None if entry is None else entry.key
    )
    await unit.outbox.promise("payment.returned", told_of(done), subject=f"payment:{payment.id}")
    return await unit.payments.change(done)


@operation(Action.WRITE_PAYMENTS)
async def apply_credit(customer: CustomerId, *, actor: Actor, begin: Begin, clock: Clock) -> int:
    """Apply what is left of a customer's payments to his oldest open invoices; return how much, in minor units.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        await unit.payments.lock()
        await unit.customers.get(customer)
        used = await use_credit(unit, customer, actor=actor, clock=clock)
        if used:
            await unit.audit.write("apply_credit", f"customer:{customer}", {"amount_minor": used})
    return used


async def use_credit(unit: Unit, customer: CustomerId, *, actor: Actor, clock: Clock) -> int:
    """Apply what is left of a customer's payments to his oldest open invoices, in a unit that holds the lock."""
    now, rules, used = clock.now(), await rules_of(unit), 0
    for payment, rest in await unit.payments.left_of(customer):
        items = [one for one in await unit.payments.open_items(customer) if one.currency == payment.currency]
        claims = await claims_about(unit, [one.invoice for one in items])
        pieces = on_oldest(rest, items, claims, rules)
        if not pieces:
            continue
        given = shares([(piece.customer, piece.amount) for piece in pieces])
        day = await move(unit, payment, given, on=now.date(), held=True)
        made = allocations(pieces, operator=actor.operator, at=now, client=actor.client, on=day, payment=payment.id)
        await unit.payments.allocate(made)
        spent = sum(piece.amount for piece in pieces)
        used += spent
        whole = await left_of(unit, payment) == 0
        state, reason = (PaymentState.ALLOCATED, None) if whole else (PaymentState.CREDIT, Reason.OVERPAID)
        await unit.payments.change(replace(payment, state=state, reason=reason))
    return used
