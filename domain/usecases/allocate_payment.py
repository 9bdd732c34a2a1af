"""Apply a payment to invoices and claims by hand, and take that back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import ClaimId, CustomerId, InvoiceId, PaymentId
from domain.payments.allocating import OpenClaim, Piece
from domain.payments.booking import Share, shares, signed
from domain.payments.exchanging import another
from domain.payments.payment import Allocation, OpenItem, Payment, PaymentState, Reason
from domain.payments.record import Kind
from domain.payments.refund import OUT
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, WrongState
from domain.usecases.applying import allocations, move, open_claims, unsettle_of
from domain.usecases.exchange_payment import exchange_held

_OPEN = frozenset({PaymentState.UNALLOCATED, PaymentState.CREDIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """``amount_minor`` of a payment for an invoice or a claim; None: as much as is open of it and left."""

    invoice: InvoiceId | None = None
    claim: ClaimId | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatePayment:
    """Apply ``payment`` to ``parts``; what is left is credit of the customer, whom they all belong to then.

    With no part it becomes the credit of ``customer``.
    """

    payment: PaymentId
    parts: Sequence[Part] = ()
    customer: CustomerId | None = None


@operation(Action.WRITE_PAYMENTS)
async def allocate_payment(cmd: AllocatePayment, *, actor: Actor, begin: Begin, clock: Clock) -> Payment:
    """Apply what is left of a payment.

    One that is nobody's yet and in another currency is exchanged first, where the rules say so.
    Refuses with: NotAllowed, NotFound, WrongState (all applied, held or returned, no rate), BadValue (another currency,
    more than is open or left, another customer's).
    """
    if not cmd.parts and cmd.customer is None:
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
        now = clock.now()
        payment = await _in_their_currency(unit, payment, cmd, now)
        left = await left_of(unit, payment)
        chosen, names = await _chosen(unit, payment, cmd, left)
        done, day = await _move(unit, payment, chosen, left, cmd.customer, now)
        await unit.payments.allocate(
            allocations(chosen, operator=actor.operator, at=now, client=actor.client, on=day, payment=payment.id)
        )
        await unit.payments.change(done)
        detail = {"invoices": names, "amount_minor": sum(piece.amount for piece in chosen)}
        await unit.audit.write("payment.allocate", f"payment:{payment.id}", detail)
        await unit.outbox.promise("payment.allocated", detail, subject=f"payment:{payment.id}")
    return done


async def _in_their_currency(unit: Unit, payment: Payment, cmd: AllocatePayment, now: dt.datetime) -> Payment:
    """Return a payment of nobody in the currency of all the invoices it is to pay; any other as it is."""
    if payment.state is not PaymentState.UNALLOCATED or payment.kind is not Kind.PAYMENT:
        return payment
    items = await unit.payments.items([part.invoice for part in cmd.parts if part.invoice is not None])
    currency = another(payment, items.values())
    return payment if currency is None else await exchange_held(unit, payment, currency, on=now.date())


async def left_of(unit: Unit, payment: Payment) -> int:
    """Return what is neither applied of a payment nor paid back, in minor units; of money out it is negative."""
    made = (await unit.payments.allocations([payment.id]))[payment.id]
    refunds = await unit.giro.refunds.find(payment=payment.id, state=tuple(OUT))
    applied = sum(one.amount_minor for one in made if one.undone_at is None)
    return signed(payment) - applied - sum(one.amount_minor for one in refunds)


async def _chosen(unit: Unit, payment: Payment, cmd: AllocatePayment, left: int) -> tuple[list[Piece], list[str]]:
    """Return what each document or claim gets, and what they are called. Refuses with: NotFound, BadValue."""
    items = await unit.payments.items([part.invoice for part in cmd.parts if part.invoice is not None])
    wanted = [part.claim for part in cmd.parts if part.claim is not None]
    found = await open_claims(unit, await unit.giro.claims.find(id=wanted)) if wanted else []
    claims = {one.claim.id: one for one in found}
    out = left < 0  # a deduction or a payout: it is for credit notes alone
    chosen, names = list[Piece](), list[str]()
    for index, part in enumerate(cmd.parts):
        place = f"parts.{index}"
        if (part.invoice is None) == (part.claim is None):
            raise BadValue("a part names an invoice or a claim", field=place)
        piece, name = _piece(payment, part, items, claims, left, place)
        left -= piece.amount
        chosen.append(piece)
        names.append(name)
    if left > 0 if out else left < 0:
        raise BadValue(
            "the parts are {value} more than is left of the payment, in minor units", value=abs(left), field="parts"
        )
    return chosen, names


def _piece(  # noqa: PLR0917  (what decides)
    payment: Payment,
    part: Part,
    items: Mapping[InvoiceId, OpenItem],
    claims: Mapping[ClaimId, OpenClaim],
    left: int,
    place: str,
) -> tuple[Piece, str]:
    if part.claim is not None:
        claim = claims.get(part.claim)
        if claim is None:
            raise NotFound("no open claim {claim}", claim=part.claim, field=f"{place}.claim")
        name, customer, currency, open_ = (
            f"claim {part.claim}",
            claim.claim.customer,
            claim.claim.currency,
            claim.open_minor,
        )
    else:
        item = None if part.invoice is None else items.get(part.invoice)
        if item is None:
            raise NotFound("no invoice {invoice}", invoice=part.invoice, field=f"{place}.invoice")
        name, customer, currency, open_ = item.number, item.customer, item.currency, item.open_minor
    if currency != payment.currency:
        raise BadValue(
            "invoice {number} is in {currency}, the payment in {currency_2}",
            number=name,
            currency=currency,
            currency_2=payment.currency,
            field=place,
        )
    if payment.customer not in {None, customer}:
        raise BadValue("invoice {number} is another customer's; release the payment first", number=name, field=place)
    out = signed(payment) < 0
    most = max(open_, min(left, 0)) if out else min(open_, max(left, 0))
    amount = part.amount_minor if part.amount_minor is not None else most
    if amount == 0 or (out and amount > 0) or (amount > 0) != (open_ > 0) or abs(amount) > abs(open_):
        raise BadValue(
            "of invoice {number} {open} is open, in minor units", number=name, open=open_, field=f"{place}.amount"
        )
    return Piece(customer=customer, amount=amount, invoice=part.invoice, claim=part.claim), name


async def _move(  # noqa: PLR0917  (what moves)
    unit: Unit, payment: Payment, chosen: Sequence[Piece], left: int, customer: CustomerId | None, now: dt.datetime
) -> tuple[Payment, dt.date]:
    """Give the payment to the customers of the parts, and return it as it is now, with the day it is booked on."""
    rest = left - sum(piece.amount for piece in chosen)
    state = PaymentState.CREDIT if rest else PaymentState.ALLOCATED
    reason = Reason.OVERPAID if rest else None
    given = shares([(piece.customer, piece.amount) for piece in chosen])
    if customer is not None:
        await unit.customers.get(customer)
    if payment.customer is not None:
        if customer not in {None, payment.customer}:
            raise BadValue("the payment is another customer's; release it first", field="customer")
        day = await move(unit, payment, given, on=now.date(), held=True)
        return replace(payment, state=state, reason=reason), day
    customers = {piece.customer for piece in chosen} | ({customer} if customer is not None else set())
    if len(customers) > 1 and (rest or customer is not None):
        raise BadValue("parts of several customers must come to what is left of the payment", field="parts")
    if rest:
        owner = next(iter(customers))
        given = [Share(owner, sum(share.applied for share in given), rest)]
    day = await move(unit, payment, given, on=now.date())
    only = next(iter(customers)) if len(customers) == 1 else None
    return replace(payment, customer=only, state=state, reason=reason), day


@operation(Action.WRITE_PAYMENTS)
async def release_payment(key: PaymentId, *, actor: Actor, begin: Begin, clock: Clock) -> Payment:
    """Undo all that a payment was applied to: its invoices are open again, and the money is nobody's yet.

    Refuses with: NotAllowed, NotFound, WrongState (held, returned, of nobody, or paid back in part).
    """
    async with begin(actor) as unit:
        await unit.payments.lock()
        payment = await unit.payments.get(key)
        taken = payment.state in {PaymentState.ALLOCATED, PaymentState.CREDIT}
        if not taken:
            raise WrongState(
                "payment {key} is {value}: there is nothing to undo",
                key=key,
                value=payment.state.value,
                field="payment",
            )
        if await unit.giro.refunds.find(payment=key, state=tuple(OUT)):
            raise WrongState("a part of payment {key} was paid back; cancel that first", key=key, field="payment")
        made = [one for one in (await unit.payments.allocations([key]))[key] if one.undone_at is None]
        now = clock.now()
        await unsettle_of(unit, key, at=now, on=now.date(), client=actor.client)
        day = await move(unit, payment, [-share for share in _given(payment, made)], on=now.date())
        await unit.payments.undo([one.id for one in made], at=now, client=actor.client, on=day)
        done = replace(payment, state=PaymentState.UNALLOCATED, reason=None, customer=None)
        await unit.payments.change(done)
        await unit.audit.write("payment.release", f"payment:{key}", {"undone": len(made)})
        await unit.outbox.promise("payment.released", {}, subject=f"payment:{key}")
    return done


def _given(payment: Payment, made: Sequence[Allocation]) -> list[Share]:
    """Return what customers have of a payment."""
    applied = shares([(one.customer, one.amount_minor) for one in made])
    if payment.customer is None:
        return applied
    total = sum(share.applied for share in applied)
    return [Share(payment.customer, total, signed(payment) - total)]
