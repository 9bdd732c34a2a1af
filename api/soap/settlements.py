"""The operations of the WSDL about what closes invoices without a payment in, and the claims beside invoices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from spyne import Date, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.payments import invoice_named
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import ClaimId, SettlementId
from domain.payments.amounts import major_of
from domain.payments.claim import ClaimKind
from domain.payments.settlement import Settlement, SettlementKind
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.get_customer import get_customer
from domain.usecases.list_payments import list_claims
from domain.usecases.settle_items import (
    OffsetCredit,
    WriteOff,
    list_settlements,
    offset_credit,
    undo_settlement,
    write_off,
)

KindOfClaim = _enum(ClaimKind, "ClaimKind")
PAGE: Final = 200
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


class SettlementPage(Model):
    """Settlements by key."""

    count = needed(Integer)
    settlement = many(SettlementModel)
    next = Unicode


class ClaimModel(Model):
    """A fee or interest: a receivable beside the invoice that it is about, and what is open of it."""

    __type_name__ = "Claim"

    id = needed(Integer)
    kind = needed(KindOfClaim)
    currency = needed(Unicode)
    amount = needed(XsDecimal)
    open = needed(XsDecimal)
    claimedOn = needed(Date)
    dueOn = needed(Date)
    text = needed(Unicode)
    withdrawnOn = Date


class ClaimList(Model):
    """A customer's claims, by key."""

    claim = many(ClaimModel)


class Settlements(ServiceBase):
    """Write-offs, set-offs and claims."""

    __service_name__ = "Billing"

    @operation("WriteOff", many(Unicode), Unicode, many(Integer(ge=1)), returns=SettlementModel, result="settlement")
    async def write_off(ctx: Any, invoice: Any, text: str | None, claim: Any) -> Any:
        """Give up all that is open of invoices, by their numbers, and of claims, by their ids, of one customer."""
        keys = [await invoice_named(ctx, one, f"invoice.{index}") for index, one in enumerate(invoice or [])]
        claims = tuple(ClaimId(int(one)) for one in claim or [])
        cmd = WriteOff(invoices=tuple(keys), claims=claims, text=text or "")
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

    @operation("ListSettlements", Unicode, Integer(ge=1, le=PAGE_MAX), Unicode, returns=SettlementPage, result="page")
    async def list_settlements(ctx: Any, customerNumber: str | None, first: int | None, after: str | None) -> Any:
        """Return settlements by key, of a customer or of all; those that were undone too."""
        customer = None if customerNumber is None else (await ctx.udc.ask(get_customer, customerNumber)).id
        page = await ctx.udc.ask(list_settlements, PageRequest(first or PAGE, key_after(after)), customer=customer)
        following = str(page.items[-1].id) if page.more else None
        found = [_settlement(one) for one in page.items]
        return SettlementPage(count=len(found), settlement=found, next=following)

    @operation("ListClaims", needed(Unicode), returns=ClaimList, result="claims")
    async def list_claims(ctx: Any, customerNumber: str) -> Any:
        """Return a customer's claims; those withdrawn and those paid too, with nothing open."""
        customer = await ctx.udc.ask(get_customer, customerNumber)
        return ClaimList(
            claim=[
                ClaimModel(
                    id=one.claim.id,
                    kind=one.claim.kind.value,
                    currency=one.claim.currency,
                    amount=plain(major_of(one.claim.amount_minor, one.claim.currency)),
                    open=plain(major_of(one.open_minor, one.claim.currency)),
                    claimedOn=one.claim.claimed_on,
                    dueOn=one.claim.due_on,
                    text=one.claim.text,
                    withdrawnOn=one.claim.withdrawn_on,
                )
                for one in await ctx.udc.ask(list_claims, customer.id)
            ]
        )


def _settlement(one: Settlement) -> SettlementModel:
    return SettlementModel(
        id=one.id,
        kind=one.kind.value,
        currency=one.currency,
        amount=plain(major_of(one.amount_minor, one.currency)),
        bookedOn=one.booked_on,
        undoneOn=one.undone_on,
    )
