"""The daily run of collection: for each customer what is due by the rules, once, or a look at what would be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.collection.booking import claimed
from domain.collection.deciding import Overdue
from domain.collection.planning import Debtor, Plan, Taken, letter_rows, letters, plan
from domain.collection.progress import CaseState, DoneStep, Letter
from domain.collection.rules import Channel, StepKind
from domain.customers.customer import Customer
from domain.ids import (
    ClaimId,
    CollectionLetterId,
    CollectionStepId,
    CustomerId,
    InvoiceId,
    OrderId,
)
from domain.invoicing.invoice import DocumentKind, decimals_of
from domain.jobs.job import NewJob
from domain.operators import Operator
from domain.payments.claim import Claim, ClaimKind
from domain.payments.instalments import PlanState
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Conflict
from domain.usecases.applying import claims_about
from domain.usecases.collection_law import law_of
from domain.usecases.end_collection import end_collection
from domain.usecases.hand_over import open_case
from domain.usecases.hold_lines import bar_lines, end_lines

LETTER_JOB: Final = "collection_letter"
LETTER_ATTEMPTS: Final = 12
RUN_JOB: Final = "collection_run"
HOUR: Final = 6  # of the operator's day


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCollection:
    """Take the steps that are due. ``dry_run``: only say which, on any day ``on`` (None: today).

    ``customers`` None is everybody.
    """

    on: date | None = None
    dry_run: bool = False
    customers: tuple[CustomerId, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionRun:
    """What a run did, or would do, customer by customer; ``letters`` and ``claimed_minor`` (by currency) add it up."""

    on: date
    dry_run: bool
    customers: int
    steps: int
    letters: int
    claimed_minor: dict[str, int]


@operation(Action.WRITE_PAYMENTS)
async def run_collection(
    cmd: RunCollection,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    done: Callable[[Customer, Plan], None] = lambda *_: None,
) -> CollectionRun:
    """Take the steps that are due today, one transaction a customer; run again, it takes none twice.

    ``done`` hears of every customer who has something due, also of what is not done and why. Refuses with: NotAllowed,
    BadValue (another day than today without ``dry_run``).
    """
    now = clock.now()
    async with begin(actor) as unit:
        operator = await unit.operators.own()
        on = cmd.on or _today(operator, now)
        if not cmd.dry_run and on != _today(operator, now):
            raise BadValue("steps are taken today; another day can only be looked at", field="on")
        law = await law_of(unit)
        amounts = await unit.receivables.open_amounts(customers=cmd.customers)
        due = sorted({one.customer for one in amounts if one.open_minor > 0 and one.due_on and one.due_on < on})
    steps = sent = 0
    claims: dict[str, int] = {}
    for key in due:
        try:
            async with begin(actor) as unit:
                await unit.payments.lock()
                customer = await unit.customers.get(key)
                made = plan(await debtor_of(unit, customer, on), law, on=on, country=operator.country)
                if not cmd.dry_run:
                    sent += await _take(unit, operator, customer, made, actor=actor, now=now, on=on)
        except Conflict:  # somebody else took these steps at the same time
            continue
        steps += len(made.taken)
        sent += len(letters(made.taken)) if cmd.dry_run else 0
        for one in made.taken:
            currency = one.decision.overdue.currency
            claims[currency] = claims.get(currency, 0) + one.costs_minor
        done(customer, made)
    if not cmd.dry_run:
        # Who has paid was looked at when he did; what else ends it, such as a dispute, is seen here.
        async with begin(actor) as unit:
            running = {one.customer for one in await unit.collection.steps.find(ended_at=None)}
            running |= {one.customer for one in await unit.collection.cases.find(state=CaseState.OPEN)}
        for key in sorted(running if cmd.customers is None else running & set(cmd.customers)):
            await end_collection(key, actor=actor, begin=begin, clock=clock)
    return CollectionRun(
        on=on, dry_run=cmd.dry_run, customers=len(due), steps=steps, letters=sent, claimed_minor=claims
    )


async def debtor_of(unit: Unit, customer: Customer, on: date) -> Debtor:
    """Return a customer with his invoices that are due, what was done about them, and what holds it up."""
    items = [
        item
        for item in await unit.payments.open_items(customer.id)
        if item.kind == DocumentKind.INVOICE.value and item.open_minor > 0 and item.due_on < on
    ]
    keys = [item.invoice for item in items]
    held = await unit.disputes.held(keys)
    planned = await _planned(unit, customer.id, {item.invoice: item.open_minor for item in items}, on)
    memberships = await unit.groups.of(customer.id)
    at = datetime(on.year, on.month, on.day, tzinfo=ZoneInfo("UTC"))
    overdue = [
        Overdue(
            invoice=item.invoice,
            number=item.number,
            customer=customer.id,
            kind=customer.kind,
            currency=item.currency,
            issued_on=item.issued_on,
            due_on=item.due_on,
            open_minor=item.open_minor,
            disputed_minor=held.get(item.invoice, 0),
            planned=item.invoice in planned,
        )
        for item in items
    ]
    return Debtor(
        customer=customer.id,
        kind=customer.kind,
        country=customer.address.country,
        groups=frozenset(
            one.name for one in memberships if one.valid_from <= at and (one.valid_to is None or one.valid_to > at)
        ),
        overdue=overdue,
        done=await unit.collection.steps.find(customer=customer.id),
        holds=await unit.collection.holds.find(customer=customer.id, ended_at=None),
        history=await unit.receivables.history(keys),
    )


async def _planned(unit: Unit, customer: CustomerId, left: dict[InvoiceId, int], on: date) -> set[InvoiceId]:
    """Return the invoices that instalments stand for which are kept so far."""
    found: set[InvoiceId] = set()
    for one in await unit.giro.plans.find(customer=customer, state=PlanState.ACTIVE):
        if one.due(on, sum(left.get(invoice, 0) for invoice in one.invoices)) == 0:
            found.update(one.invoices)
    return found


async def _take(
    unit: Unit, operator: Operator, customer: Customer, made: Plan, *, actor: Actor, now: datetime, on: date
) -> int:
    """Take the steps of a customer: letters, claims, bars, ends, and the hand-over; return how many letters."""
    if not made.taken:
        return 0
    written: dict[InvoiceId, CollectionLetterId] = {}
    groups = letters(made.taken)
    for (kind, channel, currency), taken in groups.items():
        letter = await _write(
            unit, operator, customer, taken, StepKind(kind), Channel(channel), currency, now=now, on=on
        )
        written.update({one.decision.overdue.invoice: letter.id for one in taken})
    for one in made.taken:
        await _claim(unit, customer, one, actor=actor, on=on)
        orders = await _orders(unit, customer, one, actor=actor, now=now)
        overdue = one.decision.overdue
        step = await unit.collection.steps.add(
            DoneStep(
                id=CollectionStepId(0),
                operator=actor.operator,
                customer=customer.id,
                invoice=overdue.invoice,
                rule=one.rule.id,
                position=one.position,
                kind=one.step.kind,
                done_on=on,
                at=now,
                client=actor.caller,
                currency=overdue.currency,
                open_minor=overdue.open_minor,
                fee_minor=one.fee_minor,
                compensation_minor=one.compensation_minor,
                interest_minor=one.interest.amount_minor,
                interest_until=one.interest.until,
                letter=written.get(overdue.invoice),
                orders=orders,
            )
        )
        detail = {
            "customer": customer.id,
            "invoice": overdue.invoice,
            "kind": one.step.kind.value,
            "open_minor": overdue.open_minor,
            "claimed_minor": one.costs_minor,
        }
        action = {StepKind.BAR: "bar_lines", StepKind.END: "end_lines"}.get(one.step.kind, "send_reminder")
        if one.step.kind is not StepKind.HAND_OVER:
            await unit.audit.write(action, f"reminder:{step.id}", detail)
    over = [one for one in made.taken if one.step.kind is StepKind.HAND_OVER]
    for agency, currency in sorted({(one.rule.agency or "", one.decision.overdue.currency) for one in over}):
        mine = [one.decision.overdue.invoice for one in over if _goes(one, agency, currency)]
        await open_case(unit, customer, mine, agency=agency, currency=currency, actor=actor, now=now, on=on)
    return len(groups)


def _goes(one: Taken, agency: str, currency: str) -> bool:
    return (one.rule.agency or "", one.decision.overdue.currency) == (agency, currency)


async def _write(  # noqa: PLR0917  (what a letter is)
    unit: Unit,
    operator: Operator,
    customer: Customer,
    taken: Sequence[Taken],
    kind: StepKind,
    channel: Channel,
    currency: str,
    *,
    now: datetime,
    on: date,
) -> Letter:
    """Keep a letter with all that it says, and let it be sent."""
    first = (await unit.invoices.many([taken[0].decision.overdue.invoice]))[taken[0].decision.overdue.invoice]
    keys = [one.decision.overdue.invoice for one in taken]
    earlier = {
        invoice: sum(one.open_minor for one in found if one.claim.currency == currency)
        for invoice, found in (await claims_about(unit, keys)).items()
    }
    content: dict[str, Any] = letter_rows(taken, earlier, on=on)
    content["reference"] = first.payment.reference
    content["language"] = customer.language
    letter = await unit.collection.letters.add(
        Letter(
            id=CollectionLetterId(0),
            operator=operator.id,
            customer=customer.id,
            kind=kind,
            channel=channel,
            made_on=on,
            currency=currency,
            content=content,
        )
    )
    payload = {"letter": letter.id}
    await unit.jobs.add(
        NewJob(kind=LETTER_JOB, payload=payload, dedupe=str(letter.id), run_at=now, attempts_max=LETTER_ATTEMPTS)
    )
    return letter


async def _claim(unit: Unit, customer: Customer, one: Taken, *, actor: Actor, on: date) -> None:
    """Book what a step claims, each a claim of its own beside the invoice."""
    overdue = one.decision.overdue
    fee = ClaimKind.COLLECTION_FEE if one.step.kind is StepKind.DEMAND else ClaimKind.REMINDER_FEE
    amounts = (
        (fee, one.fee_minor),
        (ClaimKind.COMPENSATION, one.compensation_minor),
        (ClaimKind.INTEREST, one.interest.amount_minor),
    )
    for kind, amount in amounts:
        if not amount:
            continue
        again = f":{one.turn}" if one.turn > 1 else ""
        key = f"claim:{kind.value}:{overdue.invoice}:{one.position}{again}"
        day = await unit.ledger.open_day(on)
        await unit.ledger.post([claimed(key, kind, customer.id, overdue.currency, amount, day)])
        await unit.giro.claims.add(
            Claim(
                id=ClaimId(0),
                operator=actor.operator,
                customer=customer.id,
                invoice=overdue.invoice,
                kind=kind,
                currency=overdue.currency,
                amount_minor=amount,
                claimed_on=day,
                due_on=on + timedelta(days=one.rule.pay_days),
                entry=key,
                text=overdue.number,
            )
        )


async def _orders(unit: Unit, customer: Customer, one: Taken, *, actor: Actor, now: datetime) -> tuple[OrderId, ...]:
    if one.step.kind is StepKind.BAR:
        return await bar_lines(unit, customer.id, one.step.bars, actor=actor, now=now)
    if one.step.kind is StepKind.END:
        return await end_lines(unit, customer.id, actor=actor, now=now)
    return ()


async def promise_run(unit: Unit, now: datetime) -> None:
    """Let the steps be taken tomorrow morning, where there is a rule."""
    if not await unit.collection.rules.find(active=True):
        return
    zone = ZoneInfo((await unit.operators.own()).zone)
    day = now.astimezone(zone).date() + timedelta(days=1)
    at = datetime(day.year, day.month, day.day, HOUR, tzinfo=zone).astimezone(UTC)
    await unit.jobs.add(NewJob(kind=RUN_JOB, dedupe=day.isoformat(), run_at=at))


def _today(operator: Operator, now: datetime) -> date:
    return now.astimezone(ZoneInfo(operator.zone)).date()


def major(amount_minor: int, currency: str) -> Decimal:
    """Return an amount in the currency's own unit."""
    return Decimal(amount_minor).scaleb(-decimals_of(currency))
