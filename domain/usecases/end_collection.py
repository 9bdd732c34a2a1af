"""End collection for who has paid: what was barred is unbarred at once, and agencies are told."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.collection.rules import StepKind
from domain.ids import CustomerId
from domain.invoicing.invoice import DocumentKind
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.usecases.hand_over import follow_cases
from domain.usecases.hold_lines import unbar_lines


@operation(Action.WRITE_PAYMENTS)
async def end_collection(customer: CustomerId, *, actor: Actor, begin: Begin, clock: Clock) -> int:
    """End what is over of a customer's collection, and return how many steps that were.

    An invoice's collection is over when nothing of it is open. Lines that were barred for it are unbarred once none of
    his invoices that lines were barred for is open any more, and an agency is told of what was paid past it.
    Refuses with: NotAllowed, NotFound.
    """
    now = clock.now()
    async with begin(actor) as unit:
        await unit.payments.lock()
        on = now.astimezone(ZoneInfo((await unit.operators.own()).zone)).date()
        running = await unit.collection.steps.find(customer=customer, ended_at=None)
        items = await unit.payments.items(sorted({one.invoice for one in running}))
        unpaid = {key for key, item in items.items() if item.kind == DocumentKind.INVOICE.value and item.open_minor > 0}
        barring = {one.invoice for one in running if one.kind is StepKind.BAR} & unpaid
        over = [one for one in running if one.invoice not in unpaid]
        await follow_cases(unit, customer, now=now, on=on)
        for step in over:
            await unit.collection.steps.put(replace(step, ended_at=now))
        placed = [order for one in over if one.kind is StepKind.BAR for order in one.orders]
        if placed and not barring:
            orders = await unbar_lines(unit, placed, actor=actor, now=now)
            await unit.audit.write("unbar_lines", f"customer:{customer}", {"orders": list(orders)})
        if over:
            detail = {"customer": customer, "invoices": sorted({one.invoice for one in over})}
            await unit.audit.write("end_reminders", f"customer:{customer}", detail)
    return len(over)
