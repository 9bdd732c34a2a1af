"""Hand what a customer owes over to a collection agency, and tell it what changes afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.collection.interest import accrue
from domain.collection.neutral import HandedOver, amount, case_content, correction
from domain.collection.progress import Agency, Case, CaseState, Message, MessageKind
from domain.collection.reference_rates import RATES
from domain.collection.shipped import TERMS
from domain.commands import check_texts
from domain.customers.customer import Customer
from domain.ids import CollectionCaseId, CollectionMessageId, CustomerId, InvoiceId
from domain.jobs.job import NewJob
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, WrongState

MESSAGE_JOB: Final = "collection_message"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Hand all that is overdue of ``customer`` over to the agency of this name, now."""

    customer: CustomerId
    agency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawCase:
    """Call a case back from its agency. ``version`` is the one that was read."""

    case: CollectionCaseId
    version: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeReceipt:
    """What the agency answers about a case: its own ``reference``, a word for where it stands, and a text."""

    case: CollectionCaseId
    status: str
    reference: str | None = None
    text: str = ""


async def agency_named(unit: Unit, name: str) -> Agency:
    """Return an active agency. Refuses with: NotFound."""
    for one in await unit.collection.agencies.find(name=name, active=True):
        return one
    raise NotFound("no collection agency {name}", name=name, field="agency")


async def open_case(
    unit: Unit,
    customer: Customer,
    invoices: Sequence[InvoiceId],
    *,
    agency: str,
    currency: str,
    actor: Actor,
    now: datetime,
    on: date,
) -> Case:
    """Open a case and keep the message that tells of it. Refuses with: NotFound (agency)."""
    known = await agency_named(unit, agency)
    operator = await unit.operators.own()
    handed = await _handed(unit, customer, invoices, on=on, country=operator.country)
    left = sum(one.principal_minor + sum(rest for _, rest in one.claims) for one in handed)
    case = await unit.collection.cases.add(
        Case(
            id=CollectionCaseId(0),
            operator=actor.operator,
            customer=customer.id,
            agency=known.name,
            currency=currency,
            invoices=tuple(invoices),
            opened_on=on,
            claimed_minor=left,
        )
    )
    content = case_content(case.id, operator, customer, handed, on=on, currency=currency)
    await _tell(unit, case, MessageKind.NEW, content, now=now)
    detail = {"customer": customer.id, "agency": known.name, "invoices": list(invoices), "version": case.version}
    await unit.audit.write("hand_over", f"collection:{case.id}", detail)
    return case


async def _handed(
    unit: Unit, customer: Customer, invoices: Sequence[InvoiceId], *, on: date, country: str
) -> list[HandedOver]:
    documents = await unit.invoices.many(invoices)
    items = await unit.payments.items(invoices)
    held = await unit.disputes.held(invoices)
    history = await unit.receivables.history(invoices)
    steps = await unit.collection.steps.find(customer=customer.id)
    claims = await unit.giro.claims.find(customer=customer.id, withdrawn_at=None)
    applied = await unit.payments.applied_to([one.id for one in claims])
    rates = [*RATES, *await unit.collection.rates.find()]
    found = []
    for key in invoices:
        invoice = documents[key]
        mine = [one for one in steps if one.invoice == key]
        since = max((one.interest_until for one in mine if one.interest_until is not None), default=invoice.due_on)
        found.append(
            HandedOver(
                invoice=invoice,
                principal_minor=items[key].open_minor,
                disputed_minor=held.get(key, 0),
                paid=[(one.day, -one.change_minor) for one in history.get(key, ()) if one.change_minor < 0],
                claims=[
                    (one, left)
                    for one in claims
                    if one.invoice == key and (left := one.amount_minor - applied.get(one.id, 0)) > 0
                ],
                steps=mine,
                accrued=accrue(
                    history.get(key, ()),
                    since=since,
                    until=on,
                    country=country,
                    customer=customer.kind,
                    rates=rates,
                    terms=TERMS,
                ),
                interest_since=since,
            )
        )
    return found


@operation(Action.WRITE_PAYMENTS)
async def hand_over(cmd: HandOver, *, actor: Actor, begin: Begin, clock: Clock) -> Case:
    """Hand over all invoices of a customer that are overdue, not disputed and not handed over yet.

    Refuses with: NotAllowed, NotFound (customer, agency), WrongState (nothing to hand over).
    """
    now = clock.now()
    async with begin(actor) as unit:
        await unit.payments.lock()
        customer = await unit.customers.get(cmd.customer)
        on = now.astimezone(ZoneInfo((await unit.operators.own()).zone)).date()
        gone = {key for one in await _open_cases(unit, [customer.id]) for key in one.invoices}
        items = [
            one
            for one in await unit.payments.open_items(customer.id)
            if one.kind == "invoice" and one.open_minor > 0 and one.due_on < on and one.invoice not in gone
        ]
        held = await unit.disputes.held([one.invoice for one in items])
        mine = [one for one in items if held.get(one.invoice, 0) < one.open_minor]
        if not mine:
            raise WrongState("nothing of this customer can be handed over", field="customer")
        currency = mine[0].currency
        keys = [one.invoice for one in mine if one.currency == currency]
        return await open_case(unit, customer, keys, agency=cmd.agency, currency=currency, actor=actor, now=now, on=on)


async def _open_cases(unit: Unit, customers: Sequence[CustomerId]) -> Sequence[Case]:
    return await unit.collection.cases.find(customer=list(customers), state=CaseState.OPEN)


@operation(Action.WRITE_PAYMENTS)
async def withdraw_collection_case(cmd: WithdrawCase, *, actor: Actor, begin: Begin, clock: Clock) -> Case:
    """Call a case back: the agency is told, and is to do nothing more about it.

    Refuses with: NotAllowed, NotFound, WrongState (it is over), Stale, BadValue (no reason).
    """
    check_texts(cmd)
    if not 1 <= len(cmd.reason.strip()) <= 500:
        raise BadValue("a reason has 1 to {most} characters", most=500, field="reason")
    now = clock.now()
    async with begin(actor) as unit:
        case = await _claimed(unit, cmd.case)
        on = now.astimezone(ZoneInfo((await unit.operators.own()).zone)).date()
        kept = await unit.collection.cases.put(
            replace(case, state=CaseState.WITHDRAWN, closed_at=now, version=cmd.version)
        )
        content = correction(case.id, on=on, currency=case.currency, what={"reason": cmd.reason})
        await _tell(unit, kept, MessageKind.WITHDRAWAL, content, now=now)
        detail = {"reason": cmd.reason, "version": kept.version}
        await unit.audit.write("withdraw_collection", f"collection:{case.id}", detail)
    return kept


@operation(Action.WRITE_PAYMENTS)
async def take_collection_receipt(cmd: TakeReceipt, *, actor: Actor, begin: Begin, clock: Clock) -> Case:
    """Keep what an agency answers about a case. Refuses with: NotAllowed, NotFound, BadValue."""
    check_texts(cmd)
    if not 1 <= len(cmd.status.strip()) <= 100:
        raise BadValue("a status has 1 to {most} characters", most=100, field="status")
    now = clock.now()
    async with begin(actor) as unit:
        case = await unit.collection.cases.get(cmd.case)
        kept = await unit.collection.cases.put(replace(case, reference=cmd.reference or case.reference))
        content = {"status": cmd.status, "text": cmd.text, "reference": cmd.reference}
        await _tell(unit, kept, MessageKind.RECEIPT, content, now=now, sent=True)
        await unit.audit.write("receive_receipt", f"collection:{case.id}", {"status": cmd.status})
    return kept


@operation(Action.READ_PAYMENTS)
async def list_collection_cases(
    request: PageRequest, *, actor: Actor, begin: Begin, state: CaseState | None = None
) -> Page[Case]:
    """List cases by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.collection.cases.page(request, state=state)


@operation(Action.READ_PAYMENTS)
async def get_collection_case(key: CollectionCaseId, *, actor: Actor, begin: Begin) -> tuple[Case, Sequence[Message]]:
    """Return a case with its messages, by number. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        case = await unit.collection.cases.get(key)
        found = await unit.collection.messages.find(of_case=case.id)
    return case, sorted(found, key=lambda one: one.number)


async def follow_cases(unit: Unit, customer: CustomerId, *, now: datetime, on: date) -> int:
    """Tell agencies what was paid, credited or disputed past them, and close the cases of which nothing is left."""
    told = 0
    for case in await _open_cases(unit, [customer]):
        items = await unit.payments.items(case.invoices)
        claims = [
            one
            for one in await unit.giro.claims.find(customer=customer, withdrawn_at=None)
            if one.invoice in case.invoices
        ]
        applied = await unit.payments.applied_to([one.id for one in claims])
        left = sum(max(item.open_minor, 0) for item in items.values())
        left += sum(one.amount_minor - applied.get(one.id, 0) for one in claims)
        disputed = amount(sum((await unit.disputes.held(case.invoices)).values()), case.currency)
        told_of = sorted(await unit.collection.messages.find(of_case=case.id), key=lambda one: one.number)
        known = next((one.content["disputed"] for one in reversed(told_of) if "disputed" in one.content), disputed)
        if left == case.claimed_minor and disputed == known:
            continue
        what: dict[str, Any] = {
            "disputed": disputed,
            "paid": amount(case.claimed_minor - left, case.currency),
            "left": amount(left, case.currency),
            "invoices": [
                {"number": item.number, "principal_left": amount(max(item.open_minor, 0), case.currency)}
                for item in items.values()
            ],
        }
        kept = replace(case, claimed_minor=left)
        if left <= 0:
            kept = replace(kept, state=CaseState.CLOSED, closed_at=now)
        kept = await unit.collection.cases.put(kept)
        content = correction(case.id, on=on, currency=case.currency, what=what)
        kind = MessageKind.CLOSED if left <= 0 else MessageKind.PAYMENT
        if left == case.claimed_minor:
            kind = MessageKind.DISPUTE
        await _tell(unit, kept, kind, content, now=now)
        if left <= 0:
            await unit.audit.write("close_collection", f"collection:{case.id}", {"version": kept.version})
        told += 1
    return told


async def _claimed(unit: Unit, key: CollectionCaseId) -> Case:
    case = await unit.collection.cases.get(key)
    if case.state is not CaseState.OPEN:
        raise WrongState("case {key} is {state}", key=key, state=case.state.value, field="case")
    return case


async def _tell(
    unit: Unit, case: Case, kind: MessageKind, content: Mapping[str, Any], *, now: datetime, sent: bool = False
) -> Message:
    """Keep the next message of a case, and let it be sent."""
    before = await unit.collection.messages.find(of_case=case.id)
    message = await unit.collection.messages.add(
        Message(
            id=CollectionMessageId(0),
            operator=case.operator,
            customer=case.customer,
            of_case=case.id,
            number=len(before) + 1,
            kind=kind,
            at=now,
            content={**content, "message": len(before) + 1, "kind": kind.value},
            sent_at=now if sent else None,
        )
    )
    if not sent:
        await unit.jobs.add(NewJob(kind=MESSAGE_JOB, payload={"message": message.id}, dedupe=str(message.id)))
    return message
