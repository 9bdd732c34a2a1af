"""Instalment plans, and the operator's rules for payments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import check_texts
from domain.ids import CustomerId, InstalmentPlanId, InvoiceId
from domain.payments.amounts import minor_of
from domain.payments.instalments import Instalment, InstalmentPlan, PlanState, check_parts
from domain.payments.rules import KeptRules, Rules, check
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.refusal import BadValue, Conflict, NotFound, Stale, WrongState
from domain.usecases.applying import kept_rules

INVOICES_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPart:
    """A part of a plan, in the currency's own unit."""

    due_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreeInstalments:
    """Let a customer pay ``invoices`` in ``parts``, which come to what is open of them."""

    customer: CustomerId
    invoices: tuple[InvoiceId, ...]
    parts: tuple[WantedPart, ...]


@operation(Action.WRITE_PAYMENTS)
async def agree_instalments(cmd: AgreeInstalments, *, actor: Actor, begin: Begin, clock: Clock) -> InstalmentPlan:
    """Agree a plan; while it is kept its invoices are neither reminded nor debited.

    Refuses with: NotAllowed, NotFound, BadValue (another sum than is open, days that are over), Conflict (an invoice
    is in a plan).
    """
    now = clock.now()
    if not 1 <= len(set(cmd.invoices)) == len(cmd.invoices) <= INVOICES_MAX:
        raise BadValue("a plan is of 1 to {most} invoices", most=INVOICES_MAX, field="invoices")
    async with begin(actor) as unit:
        await unit.payments.lock()
        await unit.customers.get(cmd.customer)
        items = await unit.payments.items(cmd.invoices)
        for index, key in enumerate(cmd.invoices):
            item = items.get(key)
            if item is None or item.customer != cmd.customer:
                raise NotFound("no invoice {invoice}", invoice=key, field=f"invoices.{index}")
            if item.open_minor <= 0:
                raise BadValue("of {number} nothing is open", number=item.number, field=f"invoices.{index}")
        if len({item.currency for item in items.values()}) != 1:
            raise BadValue("they are of one customer and currency", field="invoices")
        for plan in await unit.giro.plans.find(customer=cmd.customer, state=PlanState.ACTIVE):
            if set(plan.invoices) & set(cmd.invoices):
                raise Conflict("an invoice is in plan {key} already", key=plan.id, field="invoices")
        opened = sum(item.open_minor for item in items.values())
        currency = next(iter(items.values())).currency
        parts = [
            Instalment(due_on=part.due_on, amount_minor=minor_of(part.amount, currency, f"parts.{index}.amount"))
            for index, part in enumerate(cmd.parts)
        ]
        kept = await unit.giro.plans.add(
            InstalmentPlan(
                id=InstalmentPlanId(0),
                operator=actor.operator,
                customer=cmd.customer,
                invoices=cmd.invoices,
                currency=currency,
                parts=check_parts(parts, opened, now.date()),
                state=PlanState.ACTIVE,
                made_at=now,
                client=actor.client,
            )
        )
        detail = {"plan": kept.id, "parts": len(kept.parts), "amount_minor": opened}
        await unit.audit.write("plan_instalments", f"customer:{cmd.customer}", detail)
    return kept


@operation(Action.WRITE_PAYMENTS)
async def end_instalments(
    key: InstalmentPlanId, version: int, state: PlanState, *, actor: Actor, begin: Begin
) -> InstalmentPlan:
    """End an active plan as kept, broken or cancelled. Refuses with: NotAllowed, NotFound, Stale, WrongState."""
    async with begin(actor) as unit:
        await unit.payments.lock()
        known = await unit.giro.plans.get(key)
        if known.state is not PlanState.ACTIVE or state is PlanState.ACTIVE:
            raise WrongState("plan {key} is {state}", key=key, state=known.state.value, field="plan")
        kept = await unit.giro.plans.put(replace(known, state=state, version=version))
        detail = {"plan": key, "state": state.value}
        await unit.audit.write("end_instalments", f"customer:{kept.customer}", detail)
    return kept


@operation(Action.READ_PAYMENTS)
async def list_instalments(
    request: PageRequest, *, actor: Actor, begin: Begin, customer: CustomerId | None = None
) -> Page[InstalmentPlan]:
    """List instalment plans by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.giro.plans.page(request, customer=customer)


@operation(Action.READ_PAYMENTS)
async def get_payment_rules(*, actor: Actor, begin: Begin) -> KeptRules:
    """Return the operator's rules for payments. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await kept_rules(unit, actor.operator)


@operation(Action.MANAGE_OPERATOR)
async def put_payment_rules(rules: Rules, version: int, *, actor: Actor, begin: Begin) -> KeptRules:
    """Set the rules as a whole, at the version that was read. Refuses with: NotAllowed, BadValue, Stale."""
    check_texts(rules)
    check(rules)
    async with begin(actor) as unit:
        await unit.payments.lock()
        known = await kept_rules(unit, actor.operator)
        if known.version != version:
            raise Stale("the rules have changed since they were read", field="version")
        changed = replace(known, rules=rules)
        kept = await (unit.giro.rules.put(changed) if version else unit.giro.rules.add(replace(changed, version=1)))
        await unit.audit.write("set_payment_rules", f"operator:{actor.operator}", {"version": kept.version})
    return kept
