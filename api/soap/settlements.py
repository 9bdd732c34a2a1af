"""The operations of the WSDL about what closes invoices without a payment in, and about refunds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from spyne import Date, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import Model, _enum, many, needed
from api.soap.payments import invoice_named
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import PaymentId, SettlementId
from domain.payments.amounts import major_of
from domain.payments.refund import Refund, RefundState
from domain.payments.settlement import Settlement, SettlementKind
from domain.usecases.refund_credit import RefundCredit, refund_credit
from domain.usecases.settle_items import OffsetCredit, WriteOff, offset_credit, undo_settlement, write_off

StateOfRefund = _enum(RefundState, "RefundState")
KindOfSettlement = _enum(SettlementKind, "SettlementKind")


class SettlementModel(Model):
    """What closed documents without a payment in."""

    __type_name__ = "Settlement"

    id = needed(Integer)
    kind = needed(KindOfSettlement)
    currency = needed(Unicode)
    amount = needed(XsDecimal)
    bookedOn = needed(Date)
    undoneOn = Date


class RefundModel(Model):
    """Money paid back."""

    __type_name__ = "Refund"

    id = needed(Integer)
    currency = needed(Unicode)
    amount = needed(XsDecimal)
    name = needed(Unicode)
    account = needed(Unicode)
    state = needed(StateOfRefund)


class NewRefund(Model):
    """What is left of a payment, or owed for a credit note by its number; without an amount all of it."""

    payment = Integer
    creditNote = Unicode
    amount = XsDecimal
    account = needed(Unicode)
    scheme = Unicode
    name = Unicode
    bic = Unicode
    text = Unicode


class Settlements(ServiceBase):  # type: ignore[misc]  # spyne has no types
    """Write-offs, set-offs and refunds."""

    __service_name__ = "Billing"

    @operation("WriteOff", needed(many(Unicode)), Unicode, returns=SettlementModel, result="settlement")
    async def write_off(ctx: Any, invoice: Any, text: str | None) -> Any:
        """Give up all that is open of invoices of one customer, by their numbers."""
        keys = [await invoice_named(ctx, one, f"invoice.{index}") for index, one in enumerate(invoice or [])]
        cmd = WriteOff(invoices=tuple(keys), text=text or "")
        return _settlement(await ctx.udc.ask(write_off, cmd, clock=ctx.udc.wiring.clock))

    @operation(
        "OffsetCredit", needed(Unicode), needed(Unicode), XsDecimal, returns=SettlementModel, result="settlement"
    )
    async def offset_credit(ctx: Any, creditNote: str, invoice: str, amount: Decimal | None) -> Any:
        """Set what is open of a credit note off against an invoice of the same customer."""
        note = await invoice_named(ctx, creditNote, "creditNote")
        cmd = OffsetCredit(credit_note=note, invoice=await invoice_named(ctx, invoice, "invoice"), amount=amount)
        return _settlement(await ctx.udc.ask(offset_credit, cmd, clock=ctx.udc.wiring.clock))

    @operation("UndoSettlement", needed(Integer), returns=SettlementModel, result="settlement")
    async def undo_settlement(ctx: Any, settlement: int) -> Any:
        """Undo a write-off or a set-off: all it closed is open again."""
        return _settlement(await ctx.udc.ask(undo_settlement, SettlementId(settlement), clock=ctx.udc.wiring.clock))

    @operation("RefundCredit", needed(NewRefund), returns=RefundModel, result="refund")
    async def refund_credit(ctx: Any, refund: Any) -> Any:
        """Ask for a refund; the next file of refunds takes it to the bank."""
        note = None if refund.creditNote is None else await invoice_named(ctx, refund.creditNote, "creditNote")
        cmd = RefundCredit(
            payment=None if refund.payment is None else PaymentId(refund.payment),
            credit_note=note,
            amount=refund.amount,
            account=refund.account,
            scheme=refund.scheme or "IBAN",
            name=refund.name or "",
            bic=refund.bic or "",
            text=refund.text or "",
        )
        return _refund(await ctx.udc.ask(refund_credit, cmd, clock=ctx.udc.wiring.clock))


def _settlement(one: Settlement) -> SettlementModel:
    return SettlementModel(
        id=one.id,
        kind=one.kind.value,
        currency=one.currency,
        amount=plain(major_of(one.amount_minor, one.currency)),
        bookedOn=one.booked_on,
        undoneOn=one.undone_on,
    )


def _refund(one: Refund) -> RefundModel:
    return RefundModel(
        id=one.id,
        currency=one.currency,
        amount=plain(major_of(one.amount_minor, one.currency)),
        name=one.name,
        account=one.account,
        state=one.state.value,
    )
