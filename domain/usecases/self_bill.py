"""Write the invoices of those whom the operator owes, take them back, and keep what the suppliers say of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.commands import check_texts
from domain.ids import InvoiceId
from domain.invoicing.crediting import Wanted, credit
from domain.invoicing.invoice import numbered
from domain.invoicing.tax_rules import currency_at_home
from domain.operators import Operator
from domain.period import Period
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, WrongState
from domain.selfbilling.document import Answer, Debt, SelfBilled, Unbilled, document_of, entry_of
from domain.selfbilling.supplier import SUPPLIERS_MAX, Supplier
from domain.usecases.fit_contract import day_in
from domain.usecases.four_eyes import agreed, four_eyes
from domain.usecases.load_taxes import worth

PERIOD_DAYS_MAX: Final = 366
REMARK_MAX: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfBill:
    """Write what suppliers are owed for ``period``; ``suppliers`` by code, None: all.

    ``issued_on`` None is today in the operator's zone. ``dry_run`` does everything and keeps nothing.
    """

    period: Period
    suppliers: tuple[str, ...] | None = None
    issued_on: date | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditSelfBilled:
    """Take back of a document an ``amount`` with VAT, or all of it. ``again``: what it was for is owed again."""

    number: str
    amount: Decimal | None = None
    again: bool = False
    text: str = ""
    issued_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSelfBilled:
    """What the supplier says of a document: he takes it as his invoice, or not, and why."""

    number: str
    answer: Answer
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfBilling:
    """What came of a run: the documents it made, and whose were not made. In a dry run they have no number."""

    documents: Sequence[SelfBilled] = field(default_factory=tuple)
    unbilled: Sequence[Unbilled] = field(default_factory=tuple)


class _Rehearsed(Exception):  # noqa: N818  (it only leaves the unit, so that nothing of it is kept)
    """Everything was done; now undo it."""


@operation(Action.RUN_BILLS, Action.READ_COSTS)
@four_eyes(ApprovalKind.BILL_RUN)
async def self_bill(
    cmd: SelfBill, *, actor: Actor, begin: Begin, clock: Clock, done: Callable[[SelfBilled], None] = lambda _: None
) -> SelfBilling:
    """Write the invoices of suppliers for a period, one transaction each, and return them and whose are in doubt.

    Running it again writes only what is new since. Refuses with: NotAllowed, BadValue (period), NotFound (supplier).
    """
    check_texts(cmd)
    if cmd.period.days > PERIOD_DAYS_MAX:
        raise BadValue("a period has at most {most} days", most=PERIOD_DAYS_MAX, field="period")
    if cmd.suppliers is not None and not 0 < len(cmd.suppliers) <= SUPPLIERS_MAX:
        raise BadValue("1 to {most} suppliers can be named, or none for all", most=SUPPLIERS_MAX, field="suppliers")
    async with begin(actor, bulk=True) as unit:
        operator = await unit.operators.own()
        known = [one.code for one in await unit.self_billing.suppliers()]
        chosen = known if cmd.suppliers is None else sorted(set(cmd.suppliers))
        for code in chosen:
            if code not in known:
                raise NotFound("no supplier {code}", code=code, field="suppliers")
    if not cmd.dry_run:
        await _approved(cmd, actor, begin, clock)
    made: list[SelfBilled] = []
    doubts: list[Unbilled] = []
    for code in chosen:
        found = await _billed(cmd, code, operator, actor, begin, clock)
        if isinstance(found, Unbilled):
            doubts.append(found)
        elif found is not None:
            made.append(found)
            done(found)
    if actor.approval is not None and not cmd.dry_run:
        async with begin(actor) as unit:
            await agreed(unit, actor, ApprovalKind.BILL_RUN, cmd, now=clock.now())
    return SelfBilling(documents=tuple(made), unbilled=tuple(doubts))


async def _approved(cmd: SelfBill, actor: Actor, begin: Begin, clock: Clock) -> None:
    """Look that nobody else must agree, or has. The approval is used up when all is written: cut short, it still holds.

    Raises Unapproved. Refuses with: WrongState (it was used already).
    """
    try:
        async with begin(actor) as unit:
            await agreed(unit, actor, ApprovalKind.BILL_RUN, cmd, now=clock.now())
            raise _Rehearsed  # noqa: TRY301  (it is only looked at)
    except _Rehearsed:
        pass


async def _billed(  # noqa: PLR0917  (what its caller was given)
    cmd: SelfBill, code: str, operator: Operator, actor: Actor, begin: Begin, clock: Clock
) -> SelfBilled | Unbilled | None:
    """Write one supplier's document, if he is owed anything."""
    found: SelfBilled | Unbilled | None = None
    async with begin(actor, bulk=True) as unit:  # apart: who brings usage waits for it
        horizon = await unit.self_billing.horizon()
    try:
        async with begin(actor, bulk=True) as unit:
            supplier = await unit.self_billing.claim(code)
            on = cmd.issued_on or day_in(operator, clock.now())
            found = await _document(unit, supplier, cmd.period, operator, on, horizon)
            if isinstance(found, SelfBilled):
                if cmd.dry_run:
                    raise _Rehearsed  # noqa: TRY301  (nothing of it may be kept)
                found = await _issued(unit, supplier, found, operator)
                detail = {"document": found.id, "number": found.invoice.number, "period": str(cmd.period)}
                await unit.audit.write("make_self_billed", f"supplier:{supplier.id}", detail)
    except _Rehearsed:
        pass
    return found


async def _document(  # noqa: PLR0917  (what its caller knows)
    unit: Unit, supplier: Supplier, period: Period, operator: Operator, on: date, horizon: int
) -> SelfBilled | Unbilled | None:
    days = supplier.agreed(period)
    if days is None:
        return Unbilled(
            supplier.code,
            "no_agreement",
            f"the agreement with supplier {supplier.code} does not hold for {period}: renew it, or let him invoice",
        )
    (start, until), since = days.instants(operator.zone), Period(supplier.valid_from, days.end).instants(operator.zone)
    home = currency_at_home(supplier.address.country, on)
    debt = Debt(
        supplier=supplier,
        period=days,
        issued_on=on,
        owed=await unit.self_billing.owed(
            supplier, since=since[0], start=start, until=until, horizon=horizon, zone=operator.zone
        ),
        commissions=await unit.self_billing.commissions(supplier, since=supplier.valid_from, until=days.end),
        home_currency=home,
        home=None if home in {None, supplier.currency} else await worth(unit, supplier.currency, home or "", on),
    )
    try:
        made = document_of(debt, operator)
    except BadValue as no:
        return Unbilled(supplier.code, "vat", no.message)
    if made is None or isinstance(made, Unbilled):
        return made
    statements = tuple(sorted({one.statement for one in debt.commissions}))
    return SelfBilled(
        supplier=supplier.id,
        invoice=made,
        trunks=supplier.trunks,
        since=since[0],
        until=until,
        horizon=horizon,
        statements=statements,
        reseller=supplier.reseller if statements else None,
    )


async def _issued(unit: Unit, supplier: Supplier, document: SelfBilled, operator: Operator) -> SelfBilled:
    """Give a document its number, keep it and book it."""
    number = await unit.self_billing.draw(supplier, document.invoice.kind)
    invoice = numbered(document.invoice, id=InvoiceId(0), number=number, reference=number)
    kept = await unit.self_billing.issue(replace(document, invoice=invoice))
    await unit.ledger.post([entry_of(invoice, operator)])
    return kept


@operation(Action.RUN_BILLS, Action.READ_COSTS)
@four_eyes(ApprovalKind.CREDIT)
async def credit_self_billed(cmd: CreditSelfBilled, *, actor: Actor, begin: Begin, clock: Clock) -> SelfBilled:
    """Issue and book a credit note of a self-billed document, in the supplier's series, and return it.

    ``again`` lets what stands on it be owed again: only of all of a supplier's last document.

    Refuses with: NotAllowed, NotFound, BadValue (more than is left), WrongState (a credit note, credited before, not
    the last).
    """
    check_texts(cmd)
    if cmd.again and cmd.amount is not None:
        raise BadValue("what is made anew is credited as a whole: leave the amount out", field="amount")
    async with begin(actor, bulk=True) as unit:
        operator = await unit.operators.own()
        document = await unit.self_billing.by_number(cmd.number)
        supplier = next(one for one in await unit.self_billing.suppliers() if one.id == document.supplier)
        on = cmd.issued_on or max(day_in(operator, clock.now()), document.invoice.issued_on)
        others = [one.invoice for one in await unit.self_billing.correcting(document)]
        draft = credit(document.invoice, Wanted(on=on, amount=cmd.amount, text=cmd.text.strip()), others)
        now, amount = clock.now(), abs(draft.total)
        await agreed(unit, actor, ApprovalKind.CREDIT, cmd, now=now, amount=amount, currency=draft.currency)
        if cmd.again:
            await unit.self_billing.release(document)
        note = await _issued(unit, supplier, SelfBilled(supplier=supplier.id, invoice=draft), operator)
        detail = {"credit_note": note.invoice.number, "number": cmd.number, "again": cmd.again}
        await unit.audit.write("rebate_self_billed", f"supplier:{supplier.id}", detail)
    return note


@operation(Action.RUN_BILLS)
async def answer_self_billed(cmd: AnswerSelfBilled, *, actor: Actor, begin: Begin, clock: Clock) -> SelfBilled:
    """Keep whether the supplier takes a document as his invoice (2006/112/EC art. 224); said again, the last holds.

    Refuses with: NotAllowed, NotFound, BadValue (no reason why not), WrongState (it was taken back).
    """
    check_texts(cmd)
    remark = cmd.remark.strip()
    if len(remark) > REMARK_MAX:
        raise BadValue("a remark has at most {most} characters", most=REMARK_MAX, field="remark")
    if cmd.answer is Answer.REJECTED and not remark:
        raise BadValue("say why the supplier does not take it", field="remark")
    async with begin(actor) as unit:
        document = await unit.self_billing.by_number(cmd.number)
        if document.released:
            raise WrongState("{number} was taken back", number=cmd.number, field="number")
        await unit.self_billing.answer(document, cmd.answer, at=clock.now(), remark=remark)
        detail = {"document": document.id, "number": cmd.number, "answer": cmd.answer.value}
        await unit.audit.write("answer_self_billed", f"supplier:{document.supplier}", detail)
        return await unit.self_billing.by_number(cmd.number)


@operation(Action.READ_COSTS)
async def list_self_billed(
    page: PageRequest, *, actor: Actor, begin: Begin, supplier: str | None = None
) -> Page[SelfBilled]:
    """List the documents that were written for suppliers, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.self_billing.page(page, supplier=supplier)
