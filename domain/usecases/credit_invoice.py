"""Credit an invoice as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.ids import InvoiceId
from domain.invoicing.crediting import credit
from domain.invoicing.invoice import DocumentKind, Invoice, numbered
from domain.ledger.entry import of_invoice
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import Conflict, WrongState
from domain.usecases.four_eyes import agreed, four_eyes, given_away
from domain.usecases.run_bills import reference_of, seller_named


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditInvoice:
    """Take back ``invoice``. ``issued_on`` None is today in the operator's zone."""

    invoice: InvoiceId
    issued_on: date | None = None


@operation(Action.RUN_BILLS)
@four_eyes(ApprovalKind.CREDIT)
async def credit_invoice(cmd: CreditInvoice, *, actor: Actor, begin: Begin, clock: Clock) -> Invoice:
    """Issue and book the credit note of an invoice, and return it; the invoice itself never changes.

    Refuses with: NotAllowed, NotFound, WrongState (a credit note, or credited before).
    """
    async with begin(actor, bulk=True) as unit:
        operator = await unit.operators.own()
        invoice = await unit.invoices.get(cmd.invoice)
        draft = credit(invoice, on=cmd.issued_on or clock.now().astimezone(ZoneInfo(operator.zone)).date())
        (key,), (number,) = await unit.invoices.draw(DocumentKind.CREDIT_NOTE, 1, seller=invoice.sold_by)
        now, amount = clock.now(), abs(draft.total)
        own = amount if draft.currency == operator.currency else None
        await given_away(unit, actor, amount, draft.currency, now=now)
        await agreed(unit, actor, ApprovalKind.CREDIT, cmd, now=now, amount=own)
        sells = await seller_named(unit, operator, invoice.sold_by)
        # Whoever credits at the same time has waited for the series.
        if invoice.sold_by is not None and any(one.run is None for one in await unit.invoices.credited(invoice.number)):
            raise WrongState("invoice {number} was credited before", number=invoice.number, field="invoice")
        note = numbered(draft, id=key, number=number, reference=reference_of(sells, number))
        await unit.invoices.issue([note])
        try:
            # An entry is reversed once: of two who credit at the same time, the ledger lets the first.
            if invoice.sold_by is None:
                await unit.ledger.post([replace(of_invoice(note), reverses=of_invoice(invoice).key)])
        except Conflict:
            raise WrongState("invoice {number} was credited before", number=invoice.number, field="invoice") from None
        await unit.audit.write("invoice.credit", f"invoice:{invoice.id}", {"credit_note": number})
        await unit.outbox.promise("invoice.credited", {"credit_note": note.id}, subject=f"invoice:{invoice.id}")
    return note
