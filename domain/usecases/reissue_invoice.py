"""Issue an invoice anew: credit all that is left of it, and charge it to whom it should have gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.commands import check_texts
from domain.customers.customer import Customer
from domain.ids import CustomerId, InvoiceId
from domain.invoicing.crediting import Wanted, credit
from domain.invoicing.invoice import DocumentKind, Invoice, numbered
from domain.invoicing.reissuing import Agreed, anew
from domain.invoicing.series import SeriesKind
from domain.ledger.entry import of_invoice
from domain.operators import Operator
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.usecases.credit_invoice import decide_disputes, keep_credit, let_leave
from domain.usecases.four_eyes import agreed, four_eyes, given_away
from domain.usecases.issue_bills import reference_of, seller_named
from domain.usecases.load_taxes import load_taxes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReissueInvoice:
    """Take ``invoice`` back and issue it anew to its payer as he is now, or to ``customer``.

    ``issued_on`` None is today in the operator's zone. ``text`` says why, on the credit note's lines.
    """

    invoice: InvoiceId
    customer: CustomerId | None = None
    issued_on: date | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reissued:
    """The credit note, and the invoice that stands for the first one now."""

    credit_note: Invoice
    invoice: Invoice


@operation(Action.RUN_BILLS)
@four_eyes(ApprovalKind.CREDIT)
async def reissue_invoice(cmd: ReissueInvoice, *, actor: Actor, begin: Begin, clock: Clock) -> Reissued:
    """Credit what is left of an invoice and issue that anew, with the payer's present particulars; both or neither.

    Usage and fees are charged once: the next run finds them billed by the new invoice. What is credited counts against
    the level's limits, since it is somebody else who may be charged.

    Refuses with: NotAllowed, NotFound (invoice, customer), WrongState (a credit note, credited before), BadValue (what
    the payer lacks, another seller's customer, a day before the invoice's).
    """
    check_texts(cmd)
    async with begin(actor, bulk=True) as unit:
        operator = await unit.operators.own()
        invoice = await unit.invoices.get(cmd.invoice)
        payer = await unit.customers.get(cmd.customer or invoice.customer)
        on = cmd.issued_on or max(clock.now().astimezone(ZoneInfo(operator.zone)).date(), invoice.issued_on)
        # In one order with bill runs, so that nobody waits in a ring.
        (note_key,), (note_number,) = await unit.invoices.draw(
            DocumentKind.CREDIT_NOTE, 1, seller=invoice.sold_by, on=on
        )
        (key,), (number,) = await unit.invoices.draw(DocumentKind.INVOICE, 1, seller=invoice.sold_by, on=on)
        others = await unit.invoices.correcting(invoice.number)
        given = credit(invoice, Wanted(on=on, text=cmd.text.strip(), reissue=True), others)
        sells = await seller_named(unit, operator, invoice.sold_by)
        made = anew(
            invoice, given, seller=sells, payer=payer, on=on, agreed=await _agreed(unit, invoice, operator, payer, on)
        )
        now, amount = clock.now(), abs(given.total)
        await given_away(unit, actor, amount, given.currency, now=now)
        await agreed(unit, actor, ApprovalKind.CREDIT, cmd, now=now, amount=amount, currency=given.currency)
        note_series = await unit.operators.series_of(SeriesKind.CREDIT_NOTE, invoice.sold_by)
        series = await unit.operators.series_of(SeriesKind.INVOICE, invoice.sold_by)
        note = numbered(given, id=note_key, number=note_number, reference=reference_of(sells, note_number, note_series))
        new = numbered(made, id=key, number=number, reference=reference_of(sells, number, series))
        await keep_credit(unit, note, invoice, others)
        await decide_disputes(unit, note, invoice, by=actor.person, at=clock.now())
        await unit.invoices.issue([new])
        await let_leave(unit, new)
        if new.sold_by is None:
            await unit.ledger.post([of_invoice(new)])
        detail = {"credit_note": note.number, "invoice": new.number}
        await unit.audit.write("invoice.reissue", f"invoice:{invoice.id}", detail)
        await unit.outbox.promise("invoice.credited", {"credit_note": note.id}, subject=f"invoice:{invoice.id}")
        await unit.outbox.promise("invoice.issued", {"invoices": [new.id]}, subject=f"invoice:{new.id}")
    return Reissued(credit_note=note, invoice=new)


async def _agreed(unit: Unit, invoice: Invoice, operator: Operator, payer: Customer, on: date) -> Agreed:
    contracts = await unit.contracts.many(
        sorted({line.contract for line in invoice.lines if line.contract is not None})
    )
    named = {line.service for line in invoice.lines if line.service is not None}
    named |= {held.service for one in contracts.values() for held in one.services}
    taxes = await load_taxes(unit, operator, [payer], on)
    return Agreed(services=await unit.services.many(sorted(named)), contracts=contracts, taxes=taxes)
