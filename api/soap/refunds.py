"""The operations of the WSDL about refunds: money that is paid back to customers."""

from __future__ import annotations

from typing import Any, Final

from spyne import DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.payments import invoice_named
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import PaymentId, RefundId
from domain.payments.amounts import major_of
from domain.payments.refund import Refund, RefundState
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.get_customer import get_customer
from domain.usecases.refund_credit import RefundCredit, end_refund_by_hand, list_refunds, refund_credit

PAGE: Final = 200
StateOfRefund = _enum(RefundState, "RefundState")


class RefundModel(Model):
    """Money paid back."""

    __type_name__ = "Refund"

    id = needed(Integer)
    currency = needed(Unicode)
    amount = needed(XsDecimal)
    name = needed(Unicode)
    account = needed(Unicode)
    state = needed(StateOfRefund)
    madeAt = needed(DateTime)
    version = needed(Integer)


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


class RefundPage(Model):
    """Refunds by key."""

    count = needed(Integer)
    refund = many(RefundModel)
    next = Unicode


class Refunds(ServiceBase):
    """Refunds."""

    __service_name__ = "Billing"

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

    @operation(
        "EndRefund",
        needed(Integer(ge=1)),
        needed(Integer),
        needed(StateOfRefund),
        returns=RefundModel,
        result="refund",
    )
    async def end_refund(ctx: Any, refund: int, version: int, state: str) -> Any:
        """Cancel a refund that waits (cancelled), or say of one that was sent what the bank did: paid or failed."""
        kept = await ctx.udc.ask(
            end_refund_by_hand, RefundId(refund), version, RefundState(str(state)), clock=ctx.udc.wiring.clock
        )
        return _refund(kept)

    @operation(
        "ListRefunds",
        Unicode,
        StateOfRefund,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=RefundPage,
        result="page",
    )
    async def list_refunds(
        ctx: Any, customerNumber: str | None, state: str | None, first: int | None, after: str | None
    ) -> Any:
        """Return refunds by key, of a customer and in a state."""
        customer = None if customerNumber is None else (await ctx.udc.ask(get_customer, customerNumber)).id
        page = await ctx.udc.ask(
            list_refunds,
            PageRequest(first or PAGE, key_after(after)),
            customer=customer,
            state=None if state is None else RefundState(str(state)),
        )
        following = str(page.items[-1].id) if page.more else None
        return RefundPage(count=len(page.items), refund=[_refund(one) for one in page.items], next=following)


def _refund(one: Refund) -> RefundModel:
    return RefundModel(
        id=one.id,
        currency=one.currency,
        amount=plain(major_of(one.amount_minor, one.currency)),
        name=one.name,
        account=one.account,
        state=one.state.value,
        madeAt=one.made_at,
        version=one.version,
    )
