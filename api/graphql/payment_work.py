"""What a person decides about payments: what one may be for, and whether it is one told twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import strawberry

from api.graphql.context import Info
from api.graphql.ids import global_id, key_of
from api.graphql.payments import PaymentType
from api.graphql.refusals import outcome
from domain.ids import (
    CustomerId,
    PaymentId,
)
from domain.payments.amounts import major_of
from domain.payments.suggesting import Because, Suggestion
from domain.usecases.list_payments import get_payment
from domain.usecases.work_payments import DecideDuplicate, apply_credit, decide_duplicate, suggest_payment

ID = strawberry.ID

strawberry.enum(Because, name="SuggestedBecause", description="Why an invoice is suggested.")


@strawberry.type(name="PaymentSuggestion", description="An open invoice that a payment may be for; never applied.")
class SuggestionType:
    """``domain.payments.suggesting.Suggestion``."""

    invoice: strawberry.ID
    customer: strawberry.ID
    number: str
    open: Decimal
    score: int = strawberry.field(description="From 0 to 100.")
    because: Because


async def _suggestions(info: Info, payment: ID) -> list[SuggestionType]:
    key = PaymentId(key_of(payment, "PaymentRecord", "payment"))
    of, _ = await info.context.ask(get_payment, key)
    found: list[Suggestion] = list(await info.context.ask(suggest_payment, key))
    return [
        SuggestionType(
            invoice=strawberry.ID(global_id("Invoice", one.invoice)),
            customer=strawberry.ID(global_id("Customer", one.customer)),
            number=one.number,
            open=major_of(one.open_minor, of.currency),
            score=one.score,
            because=one.because,
        )
        for one in found
    ]


async def _decide(info: Info, payment: ID, same: bool) -> Any:
    cmd = DecideDuplicate(payment=PaymentId(key_of(payment, "PaymentRecord", "payment")), same=same)
    return await info.context.ask(decide_duplicate, cmd, clock=info.context.wiring.clock)


@strawberry.type(name="CreditApplied", description="How much of a customer's credit was applied, in minor units.")
class CreditAppliedType:
    """What ``apply_credit`` answers."""

    amount_minor: int


async def _apply(info: Info, customer: ID) -> Any:
    key = CustomerId(key_of(customer, "Customer", "customer"))
    used: int = await info.context.ask(apply_credit, key, clock=info.context.wiring.clock)
    return CreditAppliedType(amount_minor=used)


@strawberry.type
class PaymentWorkQuery:
    """What a payment may be for."""

    payment_suggestions: list[SuggestionType] = strawberry.field(
        resolver=_suggestions, description="What a payment may be for, the likeliest first; nothing is applied."
    )


@strawberry.type
class PaymentWorkMutation:
    """Deciding about payments."""

    decide_duplicate = strawberry.mutation(
        resolver=_decide,
        graphql_type=outcome("DecideDuplicateResult", PaymentType),
        description="A possible duplicate is the same as one before, or booked as money of its own.",
    )
    apply_credit = strawberry.mutation(resolver=_apply, graphql_type=outcome("ApplyCreditResult", CreditAppliedType))
