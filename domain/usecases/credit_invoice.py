"""Credit an invoice: what is left of it, an amount, or lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.commands import check_texts
from domain.ids import DisputeId, InvoiceId
from domain.invoicing.crediting import LineCredit, Wanted, credit
from domain.invoicing.disputes import DisputeState, decided
from domain.invoicing.invoice import CreditScope, DocumentKind, Invoice, numbered
from domain.invoicing.series import SeriesKind
from domain.jobs.job import NewJob
from domain.ledger.entry import of_invoice
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue
from domain.usecases.four_eyes import agreed, four_eyes, given_away
from domain.usecases.issue_bills import reference_of, seller_named
from domain.usecases.send_documents import QUEUE

LINES_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditInvoice:
    """Take back of ``invoice`` the ``lines``, or an ``amount`` with VAT, or with neither all that is left of it.

    ``issued_on`` None is today in the operator's zone. ``text`` says why, on the note's lines. ``dispute`` is one of
    this invoice that is decided so.
    """

    invoice: InvoiceId
    issued_on: date | None = None
    amount: Decimal | None = None
    lines: tuple[LineCredit, ...] = ()
    text: str = ""
    dispute: DisputeId | None = None


@operation(Action.RUN_BILLS)
@four_eyes(ApprovalKind.CREDIT)
async def credit_invoice(cmd: CreditInvoice, *, actor: Actor, begin: Begin, clock: Clock) -> Invoice:
    """Issue and book a credit note of an invoice, and return it; the invoice itself never changes.

    Refuses with: NotAllowed, NotFound (invoice, dispute), BadValue (more than is left), WrongState (a credit note,
    credited before, a dispute that is decided).
    """
    check_texts(cmd)
    if len(cmd.lines) > LINES_MAX:
        raise BadValue("at most {most} lines at a time", most=LINES_MAX, field="lines")
    async with begin(actor, bulk=True) as unit:
        operator = await unit.operators.own()
        invoice = await unit.invoices.get(cmd.invoice)
        on = cmd.issued_on or max(clock.now().astimezone(ZoneInfo(operator.zone)).date(), invoice.issued_on)
        # Whoever credits at the same time waits for the series here.
        (key,), (number,) = await unit.invoices.draw(DocumentKind.CREDIT_NOTE, 1, seller=invoice.sold_by, on=on)
        others = await unit.invoices.correcting(invoice.number)
        wanted = Wanted(on=on, amount=cmd.amount, lines=cmd.lines, text=cmd.text.strip())
        draft = credit(invoice, wanted, others)
        now, amount = clock.now(), abs(draft.total)
        await given_away(unit, actor, amount, draft.currency, now=now)
        await agreed(unit, actor, ApprovalKind.CREDIT, cmd, now=now, amount=amount, currency=draft.currency)
        sells = await seller_named(unit, operator, invoice.sold_by)
        series = await unit.operators.series_of(SeriesKind.CREDIT_NOTE, invoice.sold_by)
        note = numbered(draft, id=key, number=number, reference=reference_of(sells, number, series))
        await keep_credit(unit, note, invoice, others)
        detail = {"credit_note": number, "scope": str(note.credit), "total": f"{-note.total:f}"}
        await unit.audit.write("invoice.credit", f"invoice:{invoice.id}", detail)
        await unit.outbox.promise("invoice.credited", {"credit_note": note.id}, subject=f"invoice:{invoice.id}")
        if cmd.dispute is not None:
            held = await unit.disputes.claim(cmd.dispute)
            if held.invoice != invoice.id:
                raise BadValue("dispute {key} is of another invoice", key=held.id, field="dispute")
            await unit.disputes.keep(decided(held, credited=number, by=actor.person, at=now))
            await unit.audit.write("decide_dispute", f"invoice:{invoice.id}", {"dispute": held.id, "credited": number})
        await decide_disputes(unit, note, invoice, by=actor.person, at=now)
    return note


async def keep_credit(unit: Unit, note: Invoice, invoice: Invoice, others: Sequence[Invoice]) -> None:
    """Keep, book and send an issued credit note; one that mirrors an untouched invoice reverses its entry."""
    await unit.invoices.issue([note])
    await let_leave(unit, note)
    if invoice.sold_by is None:
        entry = of_invoice(note)
        if not others and note.credit is not CreditScope.PART:
            entry = replace(entry, reverses=of_invoice(invoice).key)
        await unit.ledger.post([entry])


async def decide_disputes(unit: Unit, note: Invoice, invoice: Invoice, *, by: str, at: datetime) -> None:
    """Let a credit note that leaves nothing of an invoice decide whatever is disputed of it."""
    if note.credit is CreditScope.PART:
        return
    for one in (await unit.disputes.of_invoices([invoice.id])).get(invoice.id, ()):
        held = await unit.disputes.claim(one.id)
        if held.state is DisputeState.OPEN:
            await unit.disputes.keep(decided(held, credited=note.number, by=by, at=at))
            detail = {"dispute": held.id, "credited": note.number}
            await unit.audit.write("decide_dispute", f"invoice:{invoice.id}", detail)


async def let_leave(unit: Unit, document: Invoice) -> None:
    """Promise that a document which is of no bill run is sent as its payer gets them."""
    job = NewJob(kind=QUEUE, payload={"invoices": [document.id]}, dedupe=f"invoice:{document.id}")
    await unit.jobs.add(job)
