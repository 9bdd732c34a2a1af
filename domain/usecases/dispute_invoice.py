"""Hold an invoice, or a part of it, because its payer disputes it; and decide that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.commands import check_texts
from domain.credit.counting import promise_checks
from domain.credit.kinds import Kind
from domain.credit.limit import in_force
from domain.ids import CustomerId, DisputeId, InvoiceId, OperatorId
from domain.invoicing.disputes import REASON_MAX, Dispute, DisputeState, decided, disputed_amount
from domain.ledger.entry import minor
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Conflict, Stale
from domain.usecases.four_eyes import agreed, four_eyes, given_away


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeInvoice:
    """Hold the ``lines`` of an invoice (by position), or an ``amount`` with VAT, or with neither the whole of it."""

    invoice: InvoiceId
    reason: str
    lines: tuple[int, ...] = ()
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideDispute:
    """End a dispute without a credit note: reject it, or ``withdrawn`` by the payer. ``decision`` says why."""

    dispute: DisputeId
    version: int
    withdrawn: bool = False
    decision: str = ""


@operation(any_of=(Action.RUN_BILLS, Action.WRITE_CUSTOMERS))
@four_eyes(ApprovalKind.CREDIT)
async def dispute_invoice(cmd: DisputeInvoice, *, actor: Actor, begin: Begin, clock: Clock) -> Dispute:
    """Hold what is disputed of an invoice until it is decided; it is not reminded of meanwhile.

    What is disputed is not owed, so that who has a hard limit may use it up anew: of him it counts as credit that is
    given, against the level's limits and the rule of four eyes.

    Refuses with: NotAllowed, NotFound, WrongState (a credit note), BadValue (no reason, more than the invoice),
    Conflict (more than the invoice together with what is disputed already).
    """
    check_texts(cmd)
    if not 0 < len(cmd.reason.strip()) <= REASON_MAX:
        raise BadValue("a reason has 1 to {most} characters", most=REASON_MAX, field="reason")
    now = clock.now()
    async with begin(actor) as unit:
        invoice = await unit.invoices.get(cmd.invoice)
        amount = disputed_amount(invoice, lines=cmd.lines, amount=cmd.amount)
        held = (await unit.disputes.held([invoice.id])).get(invoice.id, 0)
        if held + minor(amount, invoice.currency) > minor(invoice.total, invoice.currency):
            raise Conflict(
                "invoice {number} is disputed already; together that is more than it comes to",
                number=invoice.number,
                field="amount",
            )
        if await _held_to_what_he_owes(unit, invoice.customer, now):
            await given_away(unit, actor, amount, invoice.currency, now=now)
            await agreed(unit, actor, ApprovalKind.CREDIT, cmd, now=now, amount=amount, currency=invoice.currency)
        kept = await unit.disputes.add(
            Dispute(
                id=DisputeId(0),
                operator=OperatorId(actor.operator),
                customer=invoice.customer,
                invoice=invoice.id,
                reseller=invoice.reseller,
                currency=invoice.currency,
                amount_minor=minor(amount, invoice.currency),
                lines=cmd.lines,
                reason=cmd.reason.strip(),
                opened_at=now,
                opened_by=actor.person,
            )
        )
        detail = {"dispute": kept.id, "amount": f"{amount:f}", "version": kept.version}
        await unit.audit.write("dispute_invoice", f"invoice:{invoice.id}", detail)
        await promise_checks(unit, [invoice.customer])
    return kept


async def _held_to_what_he_owes(unit: Unit, customer: CustomerId, now: datetime) -> bool:
    """Tell whether a customer may use nothing beyond an amount that what he owes counts in."""
    limits = await unit.credit.limits([customer])
    if not limits:
        return False
    overrides, groups = await unit.credit.overrides([customer]), await unit.credit.groups(customer, now)
    one = in_force(limits, overrides, groups, customer, None, now=now).get(Kind.ALL)
    return one is not None and one.amount is not None and (one.limit.hard or bool(one.limit.bars))


@operation(any_of=(Action.RUN_BILLS, Action.WRITE_CUSTOMERS))
async def decide_dispute(cmd: DecideDispute, *, actor: Actor, begin: Begin, clock: Clock) -> Dispute:
    """End a dispute without a credit note: what was held is to be paid. To credit it, credit the invoice and name it.

    Refuses with: NotAllowed, NotFound, Stale, WrongState (it is decided already), BadValue (the text is too long).
    """
    check_texts(cmd)
    if len(cmd.decision) > REASON_MAX:
        raise BadValue("a reason has 1 to {most} characters", most=REASON_MAX, field="decision")
    state = DisputeState.WITHDRAWN if cmd.withdrawn else DisputeState.REJECTED
    async with begin(actor) as unit:
        held = await unit.disputes.claim(cmd.dispute)
        if held.version != cmd.version:
            raise Stale("the dispute is at version {version}; read it again", version=held.version, field="version")
        done = decided(held, at=clock.now(), by=actor.person, state=state, decision=cmd.decision.strip())
        kept = await unit.disputes.keep(done)
        detail = {"dispute": kept.id, "state": kept.state.value, "version": kept.version}
        await unit.audit.write("decide_dispute", f"invoice:{kept.invoice}", detail)
        await promise_checks(unit, [kept.customer])
    return kept


@operation(Action.READ_INVOICES)
async def list_disputes(
    request: PageRequest,
    *,
    actor: Actor,
    begin: Begin,
    state: DisputeState | None = None,
    customer: CustomerId | None = None,
) -> Page[Dispute]:
    """List disputes by key, in a state and of a payer. Refuses with: NotAllowed, NotFound (customer)."""
    async with begin(actor) as unit:
        if customer is not None:
            await unit.customers.get(customer)
        return await unit.disputes.page(request, state=state, customer=customer)


@operation(Action.READ_INVOICES)
async def disputes_of_invoices(
    keys: Sequence[InvoiceId], *, actor: Actor, begin: Begin
) -> Mapping[InvoiceId, Sequence[Dispute]]:
    """Return the disputes of each invoice at once. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.disputes.of_invoices(keys)
