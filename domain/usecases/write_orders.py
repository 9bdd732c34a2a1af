"""Write what goes to banks: direct debits of due invoices and requests about mandates, and refunds. Each once.

A file is kept with its orders in one transaction, and numbered; only then is it anybody's to fetch. An invoice that is
on its way is not ordered again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.ids import DebitId, InvoiceId, OrderFileId
from domain.invoicing.invoice import DocumentKind, decimals_of
from domain.jobs.job import NewJob
from domain.ledger.entry import BAS, Entry, Posting
from domain.payments.banking_days import banking_day
from domain.payments.debit import DebitOrder, DebitState, OrderFile
from domain.payments.instalments import PlanState
from domain.payments.mandate import Mandate, MandateState
from domain.payments.orders import CURRENCIES, Ask, Batch, Debit, MandateRequest, Payout, Scheme
from domain.payments.payment import OpenItem
from domain.payments.refund import Refund, RefundState
from domain.payments.rules import Rules
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.payments import OrderWriter
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue
from domain.usecases.applying import rules_of
from domain.usecases.four_eyes import agreed, four_eyes
from domain.usecases.manage_mandates import ASKED

FORMATS: Final = {
    Scheme.AUTOGIRO: "autogiro",
    Scheme.AVTALEGIRO: "avtalegiro",
    Scheme.BETALINGSSERVICE: "bs0601",
    Scheme.SEPA_CORE: "pain008.08",
    Scheme.SEPA_B2B: "pain008.08-b2b",
}
REFUNDS: Final = "pain001.09"
_REFUNDING: Final = "pain001"
RELEASE_JOB: Final = "release_orders"
_OLDER: Final = {"08": "02", "09": "03"}
_REFERENCE_MAX: Final = 16
DAYS_OFF_MAX: Final = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteDebits:
    """Order what is due of a scheme's payers, as of a day (None: today). ``older``: in the older version of SEPA's.

    ``due_by`` None: due within the rules' days. ``target``: the place that the file is to go to by itself.
    """

    scheme: Scheme
    on: dt.date | None = None
    older: bool = False
    due_by: dt.date | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOrderFile:
    """Take a file's content to the bank."""

    file: OrderFileId


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file, None where there was nothing to write; with how many debits and requests stand in it."""

    file: OrderFile | None
    debits: int = 0
    requests: int = 0
    refunds: int = 0


@operation(Action.WRITE_PAYMENTS)
async def write_debits(cmd: WriteDebits, write: OrderWriter, *, actor: Actor, begin: Begin, clock: Clock) -> Written:
    """Write the direct debits of due invoices, and for Autogiro what is asked about mandates, into one file.

    Refuses with: NotAllowed, BadValue (a day far off, the rules do not say who the creditor is, a field that does not
    fit).
    """
    now = clock.now()
    on = _near(cmd.on, now.date())
    async with begin(actor) as unit:
        await unit.payments.lock()
        rules = await rules_of(unit)
        asked = await _requests(unit) if cmd.scheme is Scheme.AUTOGIRO else []
        due = await _due(unit, cmd.scheme, rules, on, cmd.due_by or on + dt.timedelta(days=rules.lead_days))
        if not asked and not due:
            return Written(file=None)
        total = sum(amount for _, _, amount, _ in due)
        format_ = _version(FORMATS[cmd.scheme], older=cmd.older)
        file = await _new_file(unit, format_, len(due) + len(asked), CURRENCIES[cmd.scheme], total, actor, now)
        debits = await _order(unit, file, due, on)
        batch = Batch(
            creditor=rules.creditor,
            number=file.number,
            made_at=now,
            debits=tuple(debits),
            requests=tuple(_request(one) for one in asked),
        )
        file = await _fill(unit, file, write(format_, batch))
        for one in asked:
            state = MandateState.SENT if one.state is MandateState.REQUESTED else one.state
            await unit.giro.mandates.put(replace(one, state=state, file=file.id))
        if cmd.target is not None:
            file = await unit.giro.files.put(replace(file, target=cmd.target))
            await unit.jobs.add(NewJob(kind=RELEASE_JOB, payload={"file": file.id}, dedupe=f"order_file:{file.id}"))
        detail = {"format": format_, "number": file.number, "debits": len(debits), "requests": len(asked)}
        await unit.audit.write("order_debits", f"order_file:{file.id}", detail)
    return Written(file=file, debits=len(debits), requests=len(asked))


def _near(on: dt.date | None, today: dt.date) -> dt.date:
    """Return the day on which a bank is asked. Refuses with: BadValue."""
    if on is not None and abs((on - today).days) > DAYS_OFF_MAX:
        raise BadValue("a day at most {most} days from today", most=DAYS_OFF_MAX, field="on")
    return on or today


def _version(format_: str, *, older: bool) -> str:
    """Return a format in the older of its two versions, where it has them."""
    for new, old in _OLDER.items():
        if older:
            format_ = format_.replace(f".{new}", f".{old}")
    return format_


async def _requests(unit: Unit) -> list[Mandate]:
    """Return the mandates of which Bankgirot is to be told: asked for here, or ended here."""
    asked = await unit.giro.mandates.find(scheme=Scheme.AUTOGIRO, state=MandateState.REQUESTED)
    over = await unit.giro.mandates.find(scheme=Scheme.AUTOGIRO, state=MandateState.CANCELLED, file=None)
    return [*asked, *(one for one in over if (one.reason or "").startswith(ASKED))]


def _request(one: Mandate) -> MandateRequest:
    gone = one.state is MandateState.CANCELLED
    # What a payer left at his Internet bank is agreed to by his number alone.
    told = one.origin == "api" and not gone
    return MandateRequest(
        ask=Ask.CANCEL if gone else Ask.REGISTER,
        payer_number=one.payer_number,
        account=one.account if told else "",
        identity=one.identity if told else "",
    )


async def _due(
    unit: Unit, scheme: Scheme, rules: Rules, on: dt.date, due_by: dt.date
) -> list[tuple[Mandate, OpenItem, int, int]]:
    """Return each invoice to be taken: by which mandate, how much in minor units, and the attempt's number.

    Whose double was merged into him pays its invoices, too.
    """
    mandates = {
        one.customer: one
        for one in await unit.giro.mandates.find(scheme=scheme, state=MandateState.ACTIVE, blocked=False)
        if one.debitable(on)
    }
    if not mandates:
        return []
    for owner, doubles in (await unit.persons.doubles(list(mandates))).items():
        mandates.update(dict.fromkeys(doubles, mandates[owner]))
    opened = await unit.payments.open_of(list(mandates), due_by=due_by)
    currency = CURRENCIES[scheme]
    items = [
        (mandates[owner], item)
        for owner, several in opened.items()
        for item in several
        if item.open_minor > 0 and item.currency == currency and item.kind == DocumentKind.INVOICE.value
    ]
    keys = [item.invoice for _, item in items]
    if not keys:
        return []
    before: dict[InvoiceId, list[DebitOrder]] = defaultdict(list)
    for order in await unit.giro.debits.find(invoice=keys):
        before[order.invoice].append(order)
    held = await unit.disputes.held(keys)
    plans = await unit.giro.plans.find(customer=list(mandates), state=PlanState.ACTIVE)
    planned = {invoice for plan in plans for invoice in plan.invoices}
    found = []
    for mandate, item in items:
        amount = item.open_minor - held.get(item.invoice, 0)
        if amount > 0 and item.invoice not in planned and _again(before[item.invoice], rules, on):
            found.append((mandate, item, amount, len(before[item.invoice]) + 1))
    return found


def _again(orders: Sequence[DebitOrder], rules: Rules, on: dt.date) -> bool:
    """Tell whether an invoice may be ordered: never so far, or rejected and to be tried again by now."""
    if not orders:
        return True
    last = max(orders, key=lambda one: one.attempt)
    if last.state is DebitState.CANCELLED:
        return True
    if last.state is not DebitState.REJECTED:
        return False
    tried = sum(one.state is DebitState.REJECTED for one in orders)
    return tried <= rules.retries and last.due_on + dt.timedelta(days=rules.retry_days) <= on


async def _order(
    unit: Unit, file: OrderFile, due: Sequence[tuple[Mandate, OpenItem, int, int]], on: dt.date
) -> list[Debit]:
    """Keep the orders of a file, book them as on their way from the day they are due, and return them to be written."""
    rows, entries = [], []
    for mandate, item, amount, attempt in due:
        when = banking_day(mandate.scheme, max(item.due_on, on + dt.timedelta(days=1)))
        entry = Entry(
            key=f"debit:{file.id}-{item.invoice}",
            booked_on=await unit.ledger.open_day(when),
            text=f"direct debit of invoice {item.number}",
            postings=(
                Posting(BAS.in_transit, item.currency, amount),
                Posting(BAS.receivable, item.currency, -amount),
            ),
            customer=item.customer,
        )
        entries.append(entry)
        rows.append(
            DebitOrder(
                id=DebitId(0),
                operator=file.operator,
                file=file.id,
                mandate=mandate.id,
                customer=item.customer,
                invoice=item.invoice,
                currency=item.currency,
                amount_minor=amount,
                due_on=when,
                attempt=attempt,
                state=DebitState.SENT,
                entry=entry.key,
            )
        )
    await unit.ledger.post(entries)
    kept = await unit.giro.debits.add_all(rows)
    people = await unit.customers.many([one.customer for one in kept])
    debits, first = [], {mandate.id for mandate, *_ in due if not mandate.used}
    unused = set(first)
    for order, (mandate, item, _, _) in zip(kept, due, strict=True):
        person = people[order.customer]
        debits.append(
            Debit(
                key=order.key,
                payer_number=mandate.payer_number,
                amount=Decimal(order.amount_minor).scaleb(-decimals_of(order.currency)),
                currency=order.currency,
                due_on=order.due_on,
                reference=_reference(mandate.scheme, item),
                name=person.name,
                account=mandate.account,
                bic=mandate.bic,
                signed_on=mandate.signed_on,
                sequence="FRST" if mandate.id in unused else "RCUR",
                notify=mandate.notify,
                street=person.address.street,
                postcode=person.address.postcode,
            )
        )
        unused.discard(mandate.id)
    for key in sorted(first):
        await unit.giro.mandates.put(replace(await unit.giro.mandates.get(key), used=True))
    return debits


def _reference(scheme: Scheme, item: OpenItem) -> str:
    if scheme is Scheme.AUTOGIRO and len(item.reference) > _REFERENCE_MAX:
        return item.number
    return item.reference or item.number


async def _new_file(  # noqa: PLR0917  (what a file says)
    unit: Unit, format_: str, orders: int, currency: str | None, total: int, actor: Actor, now: dt.datetime
) -> OrderFile:
    """Keep the next file of a format, still empty."""
    number = await unit.payments.next_file_number(format_)
    return await unit.giro.files.add(
        OrderFile(
            id=OrderFileId(0),
            operator=actor.operator,
            format=format_,
            number=number,
            name=f"{format_}-{number:06d}.{'xml' if format_.startswith('pain') else 'txt'}",
            content=b"",
            sha256=b"",
            orders=orders,
            currency=currency,
            total_minor=total,
            made_at=now,
            client=actor.client,
        )
    )


async def _fill(unit: Unit, file: OrderFile, content: bytes) -> OrderFile:
    return await unit.giro.files.put(replace(file, content=content, sha256=hashlib.sha256(content).digest()))


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRefunds:
    """Write all refunds that wait. ``on``: the day on which the bank is to pay (None: today)."""

    on: dt.date | None = None
    older: bool = False


@operation(Action.PAY_OUT)
async def write_refunds(cmd: WriteRefunds, write: OrderWriter, *, actor: Actor, begin: Begin, clock: Clock) -> Written:
    """Write the refunds that wait into one file of pain.001.

    Refuses with: NotAllowed, BadValue (no IBAN of ours, a day far off).
    """
    now = clock.now()
    on = _near(cmd.on, now.date())
    async with begin(actor) as unit:
        await unit.payments.lock()
        waiting = await unit.giro.refunds.find(state=RefundState.REQUESTED)
        if not waiting:
            return Written(file=None)
        rules = await rules_of(unit)
        currencies = {one.currency for one in waiting}
        format_ = _version(REFUNDS, older=cmd.older)
        total = sum(one.amount_minor for one in waiting)
        one_currency = next(iter(currencies)) if len(currencies) == 1 else None
        file = await _new_file(unit, format_, len(waiting), one_currency, total, actor, now)
        batch = Batch(
            creditor=rules.creditor,
            number=file.number,
            made_at=now,
            payouts=tuple(_payout(one, on) for one in waiting),
        )
        file = await _fill(unit, file, write(format_, batch))
        for one in waiting:
            await unit.giro.refunds.put(replace(one, state=RefundState.SENT, file=file.id))
        detail = {"format": format_, "number": file.number, "refunds": len(waiting)}
        await unit.audit.write("order_refunds", f"order_file:{file.id}", detail)
    return Written(file=file, refunds=len(waiting))


def _payout(one: Refund, on: dt.date) -> Payout:
    return Payout(
        key=one.key,
        name=one.name,
        account=one.account,
        scheme=one.scheme,
        bic=one.bic,
        amount=Decimal(one.amount_minor).scaleb(-decimals_of(one.currency)),
        currency=one.currency,
        on=on,
        text=one.text,
    )


@operation(Action.READ_PAYMENTS)
async def list_order_files(request: PageRequest, *, actor: Actor, begin: Begin) -> Page[OrderFile]:
    """List files that were written, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.giro.files.page(request)


@operation(Action.WRITE_PAYMENTS)
@four_eyes(ApprovalKind.DEBIT)
async def take_order_file(cmd: TakeOrderFile, *, actor: Actor, begin: Begin, clock: Clock) -> OrderFile:
    """Return a file's content to be given to the bank; who took it first, and when, is kept.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        file = await unit.giro.files.get(cmd.file)
        first = file.taken_at is None
        if first:
            if not file.format.startswith(_REFUNDING):  # those were agreed on one by one
                await agreed(unit, actor, ApprovalKind.DEBIT, cmd, now=clock.now(), amount=await own_total(unit, file))
            file = await unit.giro.files.put(replace(file, taken_at=clock.now(), taken_by=actor.caller))
        await unit.audit.write("take_order_file", f"order_file:{file.id}", {"name": file.name, "first": first})
    return file


async def own_total(unit: Unit, file: OrderFile) -> Decimal | None:
    """Return what a file comes to in the operator's currency; None of another."""
    own = (await unit.operators.own()).currency
    return Decimal(file.total_minor).scaleb(-decimals_of(own)) if file.currency == own else None


@operation(Action.READ_PAYMENTS)
async def list_debits(
    request: PageRequest,
    *,
    actor: Actor,
    begin: Begin,
    state: DebitState | None = None,
    invoice: InvoiceId | None = None,
    file: OrderFileId | None = None,
) -> Page[DebitOrder]:
    """List direct debits by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.giro.debits.page(request, state=state, invoice=invoice, file=file)
