"""End collection for who has paid: what was barred is unbarred at once, and agencies are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.collection.booking import claimed
from domain.collection.interest import accrue
from domain.collection.planning import minor_of
from domain.collection.progress import DoneStep
from domain.collection.rules import StepKind
from domain.ids import ClaimId, CollectionStepId, CustomerId
from domain.invoicing.invoice import DocumentKind
from domain.payments.claim import Claim, ClaimKind
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.usecases.collection_law import law_of
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
        until = await _claim_last_interest(unit, customer, over, actor=actor, on=on)
        await follow_cases(unit, customer, now=now, on=on)
        for step in over:
            # Where the payment comes back, interest goes on from where it was claimed up to.
            claimed_until = until.get(step.id, step.interest_until)
            await unit.collection.steps.put(replace(step, ended_at=now, interest_until=claimed_until))
        placed = [order for one in over if one.kind is StepKind.BAR for order in one.orders]
        if placed and not barring:
            orders = await unbar_lines(unit, placed, actor=actor, now=now)
            await unit.audit.write("unbar_lines", f"customer:{customer}", {"orders": list(orders)})
        if over:
            detail = {"customer": customer, "invoices": sorted({one.invoice for one in over})}
            await unit.audit.write("end_reminders", f"customer:{customer}", detail)
    return len(over)


async def _claim_last_interest(
    unit: Unit, customer: CustomerId, over: Sequence[DoneStep], *, actor: Actor, on: date
) -> dict[CollectionStepId, date]:
    """Claim what has accrued since interest was claimed last, of invoices paid since; less than is minded is let go.

    Returns up to which day it is claimed now, by the last step that claimed any.
    """
    asked = {one.invoice: one for one in over if one.interest_until is not None}
    claimed_until: dict[CollectionStepId, date] = {}
    if not asked:
        return claimed_until
    debtor = await unit.customers.get(customer)
    law = await law_of(unit)
    country = (await unit.operators.own()).country
    history = await unit.receivables.history(sorted(asked))
    rules = {one.id: one for one in await unit.collection.rules.find()}
    for invoice in sorted(asked):
        mine = [one for one in over if one.invoice == invoice and one.interest_until is not None]
        last = max(mine, key=lambda one: one.position)
        rule = rules[last.rule]
        accrued = accrue(
            history[invoice],
            since=max(one.interest_until for one in mine if one.interest_until is not None),
            until=on,
            country=rule.country or country,
            customer=debtor.kind,
            rates=law.rates,
            terms=law.terms,
        )
        amount = accrued.amount_minor
        if amount <= 0 or accrued.until is None or amount < minor_of(rule.minimum, last.currency):
            continue
        claimed_until[last.id] = accrued.until
        key = f"claim:{ClaimKind.INTEREST.value}:{invoice}:end:{last.id}"
        day = await unit.ledger.open_day(on)
        await unit.ledger.post([claimed(key, ClaimKind.INTEREST, customer, last.currency, amount, day)])
        await unit.giro.claims.add(
            Claim(
                id=ClaimId(0),
                operator=actor.operator,
                customer=customer,
                invoice=invoice,
                kind=ClaimKind.INTEREST,
                currency=last.currency,
                amount_minor=amount,
                claimed_on=day,
                due_on=on + timedelta(days=rule.pay_days),
                entry=key,
                text=(await unit.invoices.get(invoice)).number,
            )
        )
    return claimed_until
