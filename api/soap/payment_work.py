"""The operations of the WSDL about what a person decides of payments: what one may be for, and credit that waits."""

from __future__ import annotations

from typing import Any

from spyne import Boolean, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import Model, _enum, many, needed
from api.soap.payments import PaymentModel, numbers_of, payments_shown
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import PaymentId
from domain.payments.amounts import major_of
from domain.payments.suggesting import Because
from domain.usecases.get_customer import get_customer
from domain.usecases.list_payments import get_payment
from domain.usecases.work_payments import DecideDuplicate, apply_credit, decide_duplicate, suggest_payment

ReasonOfSuggestion = _enum(Because, "SuggestedBecause")


class SuggestionModel(Model):
    """An open invoice that a payment may be for; score from 0 to 100."""

    __type_name__ = "PaymentSuggestion"

    invoice = needed(Unicode)
    customerNumber = needed(Unicode)
    open = needed(XsDecimal)
    score = needed(Integer)
    because = needed(ReasonOfSuggestion)


class SuggestionList(Model):
    """The likeliest first."""

    suggestion = many(SuggestionModel)


class PaymentDesk(ServiceBase):
    """Payments that did not apply themselves."""

    __service_name__ = "Billing"

    @operation("ListPaymentSuggestions", needed(Integer(ge=1)), returns=SuggestionList, result="suggestions")
    async def suggest(ctx: Any, payment: int) -> Any:
        """Return what a payment may be for, the likeliest first; nothing is applied."""
        of, _ = await ctx.udc.ask(get_payment, PaymentId(payment))
        found = await ctx.udc.ask(suggest_payment, PaymentId(payment))
        numbers = await numbers_of(ctx, [one.customer for one in found])
        return SuggestionList(
            suggestion=[
                SuggestionModel(
                    invoice=one.number,
                    customerNumber=numbers[one.customer],
                    open=plain(major_of(one.open_minor, of.currency)),
                    score=one.score,
                    because=one.because.value,
                )
                for one in found
            ]
        )

    @operation("DecideDuplicate", needed(Integer), needed(Boolean), returns=PaymentModel, result="payment")
    async def decide_duplicate(ctx: Any, payment: int, same: bool) -> Any:
        """Say of a possible duplicate that it is the same as one before, or money of its own, which is booked."""
        cmd = DecideDuplicate(payment=PaymentId(payment), same=same)
        return (await payments_shown(ctx, [await ctx.udc.ask(decide_duplicate, cmd, clock=ctx.udc.wiring.clock)]))[0]

    @operation("ApplyCredit", needed(Unicode), returns=needed(Integer), result="amountMinor")
    async def apply(ctx: Any, customerNumber: str) -> Any:
        """Apply what is left of a customer's payments to his oldest open invoices; return how much, in minor units."""
        customer = await ctx.udc.ask(get_customer, customerNumber)
        return await ctx.udc.ask(apply_credit, customer.id, clock=ctx.udc.wiring.clock)
