"""Pay money back to a customer: two people agree where the operator's rules say so, and a file of pain.001 takes it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.commands import check_texts
from domain.ids import CustomerId, InvoiceId, PaymentId, RefundId
from domain.invoicing.invoice import decimals_of
from domain.ledger.entry import BAS, Entry, Posting
from domain.payments.allocating import Piece
from domain.payments.amounts import minor_of
from domain.payments.payment import PaymentState
from domain.payments.refund import Refund, RefundState, check_account, check_bic
from domain.payments.settlement import SettlementKind
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, WrongState
from domain.usecases.allocate_payment import left_of
from domain.usecases.applying import settle
from domain.usecases.debit_outcomes import end_refund
from domain.usecases.four_eyes import agreed, four_eyes


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCredit:
    """Pay back what is left of ``payment``, or what is owed for ``credit_note``; ``amount`` None: all of it.

    ``account`` is an IBAN, a bankgiro number (``scheme`` BGNR) or a Swedish account (BBAN). ``name`` empty: the
    customer's own. A payment of nobody is paid back too, where its payer is to get it again: then ``name`` is needed.
    """

    account: str
    scheme: str = "IBAN"
    payment: PaymentId | None = None
    credit_note: InvoiceId | None = None
    amount: Decimal | None = None
    name: str = ""
    bic: str = ""
    text: str = ""


@operation(Action.PAY_OUT)
@four_eyes(ApprovalKind.PAYOUT)
async def refund_credit(cmd: RefundCredit, *, actor: Actor, begin: Begin, clock: Clock) -> Refund:
    """Ask for a refund; the next file of refunds takes it to the bank.

    Refuses with: NotAllowed, NotFound, BadValue (nothing left, more than that, no such account), WrongState.
    """
    check_texts(cmd)
    account, bic = check_account(cmd.account, cmd.scheme), check_bic(cmd.bic)
    if (cmd.payment is None) == (cmd.credit_note is None):
        raise BadValue("name a payment or a credit note", field="payment")
    now = clock.now()
    async with begin(actor) as unit:
        await unit.payments.lock()
        made = replace(await _draft(unit, cmd, actor, now), account=account, bic=bic)
        amount = Decimal(made.amount_minor).scaleb(-decimals_of(made.currency))
        await agreed(unit, actor, ApprovalKind.PAYOUT, cmd, now=now, amount=amount, currency=made.currency)
        if made.invoice is not None:
            settled = await settle(
                unit,
                SettlementKind.REFUND,
                [Piece(customer=made.customer, amount=-made.amount_minor, invoice=made.invoice)],
                operator=actor.operator,
                currency=made.currency,
                at=now,
                on=now.date(),
                client=actor.client,
                against={BAS.payouts: -made.amount_minor},
            )
            kept = await unit.giro.refunds.add(replace(made, entry=settled.entry or "", settlement=settled.id))
        else:
            kept = await _of_payment(unit, made, now)
        detail = {"refund": kept.id, "amount_minor": kept.amount_minor, "currency": kept.currency}
        await unit.audit.write("request_refund", f"refund:{kept.id}", detail | {"customer": kept.customer})
    return kept


async def _draft(unit: Unit, cmd: RefundCredit, actor: Actor, now: dt.datetime) -> Refund:
    """Return what is to be paid back. Refuses with: NotFound, BadValue, WrongState."""
    if cmd.payment is not None:
        payment = await unit.payments.get(cmd.payment)
        if payment.state is not PaymentState.CREDIT or payment.customer is None:
            raise WrongState(
                "of payment {id} nothing is a customer's credit; give it to a customer first",
                id=payment.id,
                field="payment",
            )
        most, customer, currency = await left_of(unit, payment), payment.customer, payment.currency
    else:
        assert cmd.credit_note is not None
        item = (await unit.payments.items([cmd.credit_note])).get(cmd.credit_note)
        if item is None:
            raise NotFound("no invoice {invoice}", invoice=cmd.credit_note, field="creditNote")
        most, customer, currency = -item.open_minor, item.customer, item.currency
    amount = most if cmd.amount is None else minor_of(cmd.amount, currency, "amount")
    if most <= 0 or not 0 < amount <= most:
        raise BadValue("it is more than nothing and {most} minor units at most", most=max(most, 0), field="amount")
    person = await unit.customers.get(customer)
    return Refund(
        id=RefundId(0),
        operator=actor.operator,
        customer=customer,
        currency=currency,
        amount_minor=amount,
        name=cmd.name.strip() or person.name,
        account="",
        scheme=cmd.scheme,
        bic=cmd.bic,
        text=cmd.text,
        state=RefundState.REQUESTED,
        entry="",
        made_at=now,
        client=actor.client,
        payment=cmd.payment,
        invoice=cmd.credit_note,
    )


async def _of_payment(unit: Unit, made: Refund, now: dt.datetime) -> Refund:
    """Book the refund of a payment's rest, and mark the payment where nothing is left of it."""
    assert made.payment is not None
    before = await unit.giro.refunds.find(payment=made.payment)
    entry = Entry(
        key=f"refund:{made.payment}-{len(before) + 1}",
        booked_on=await unit.ledger.open_day(now.date()),
        text=f"refund of payment {made.payment}",
        postings=(
            Posting(BAS.credit, made.currency, made.amount_minor),
            Posting(BAS.payouts, made.currency, -made.amount_minor),
        ),
        customer=made.customer,
    )
    await unit.ledger.post([entry])
    kept = await unit.giro.refunds.add(replace(made, entry=entry.key))
    payment = await unit.payments.get(made.payment)
    if await left_of(unit, payment) == 0:
        await unit.payments.change(replace(payment, state=PaymentState.ALLOCATED, reason=None))
    return kept


@operation(Action.PAY_OUT)
async def end_refund_by_hand(
    key: RefundId, version: int, state: RefundState, *, actor: Actor, begin: Begin, clock: Clock
) -> Refund:
    """Cancel a refund that waits, or say of one that was sent that the bank paid it, or could not.

    Refuses with: NotAllowed, NotFound, Stale, WrongState (another state does not lead there).
    """
    now = clock.now()
    async with begin(actor) as unit:
        await unit.payments.lock()
        known = await unit.giro.refunds.get(key)
        leads = {
            RefundState.REQUESTED: {RefundState.CANCELLED},
            RefundState.SENT: {RefundState.PAID, RefundState.FAILED},
        }
        if state not in leads.get(known.state, set()):
            raise WrongState("refund {key} is {state}", key=key, state=known.state.value, field="refund")
        done = await end_refund(unit, replace(known, version=version), state, on=now.date(), client=actor.client)
        verb = {RefundState.CANCELLED: "cancel", RefundState.PAID: "confirm", RefundState.FAILED: "fail"}[state]
        await unit.audit.write(f"{verb}_refund", f"refund:{key}", {"customer": done.customer})
    return done


@operation(Action.READ_PAYMENTS)
async def list_refunds(
    request: PageRequest,
    *,
    actor: Actor,
    begin: Begin,
    customer: CustomerId | None = None,
    state: RefundState | None = None,
) -> Page[Refund]:
    """List refunds by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.giro.refunds.page(request, customer=customer, state=state)
