"""How far payments apply themselves, and who the creditor is to banks."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any, Final

import strawberry

from api.graphql.context import Info
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from domain.payments.amounts import major_of, minor_of
from domain.payments.orders import Creditor
from domain.payments.rules import KeptRules, Order, Rules
from domain.usecases.agree_instalments import (
    get_payment_rules,
    put_payment_rules,
)

strawberry.enum(
    Order, name="PaymentOrder", description="What a payment pays first of an invoice, its fees and interest."
)


@strawberry.type(name="CurrencyAmount", description="An amount in a currency's own unit.")
class CurrencyAmountType:
    """An amount."""

    currency: str
    amount: Decimal


@strawberry.type(name="Creditor", description="Who the operator is to banks and clearing houses.")
class CreditorType:
    """``domain.payments.orders.Creditor``."""

    name: str
    bankgiro: str | None
    customer_no: str | None
    nets_sender: str | None
    nets_account: str | None
    cvr: str | None
    pbs_number: str | None
    debtor_group: str
    creditor_id: str | None
    iban: str | None
    bic: str | None


@strawberry.type(name="PaymentRules", description="How far payments apply themselves, and who the creditor is.")
class RulesType:
    """``domain.payments.rules.Rules``."""

    tolerance: list[CurrencyAmountType] = strawberry.field(description="How much a payment may miss an invoice by.")
    oldest_first: bool = strawberry.field(description="What names a customer alone pays his oldest invoice.")
    use_credit: bool = strawberry.field(description="What is paid too much pays the customer's next oldest invoice.")
    order: Order
    retries: int = strawberry.field(description="How often a rejected debit is tried again.")
    retry_days: int
    return_fee: list[CurrencyAmountType]
    block_after: int = strawberry.field(description="Returned debits after which a mandate is blocked; 0: never.")
    lead_days: int = strawberry.field(description="How many days before its due date an invoice is ordered.")
    vat_relief: bool = strawberry.field(description="The VAT of a bad debt is taken back.")
    exchange: bool = strawberry.field(description="Other currencies are exchanged by the rate of their day.")
    exchange_tolerance: int = strawberry.field(
        description="How much an exchanged payment may miss an invoice by, in hundredths of a per cent."
    )
    creditor: CreditorType
    version: int


@strawberry.input(description="An amount in a currency's own unit.")
class CurrencyAmountInput:
    """An amount."""

    currency: str
    amount: Decimal


@strawberry.input(description="Who the operator is to banks and clearing houses.")
class CreditorInput:
    """``Creditor``."""

    name: str
    bankgiro: str | None = None
    customer_no: str | None = None
    nets_sender: str | None = None
    nets_account: str | None = None
    cvr: str | None = None
    pbs_number: str | None = None
    debtor_group: str = "00001"
    creditor_id: str | None = None
    iban: str | None = None
    bic: str | None = None


@strawberry.input(description="The rules as a whole, at the version that was read (0: there were none).")
class PaymentRulesInput:
    """``Rules``."""

    version: int
    creditor: CreditorInput
    tolerance: list[CurrencyAmountInput] = strawberry.field(default_factory=list)
    oldest_first: bool = False
    use_credit: bool = False
    order: Order = Order.COSTS_INTEREST_PRINCIPAL
    retries: int = 0
    retry_days: int = 7
    return_fee: list[CurrencyAmountInput] = strawberry.field(default_factory=list)
    block_after: int = 3
    lead_days: int = 5
    vat_relief: bool = False
    exchange: bool = False
    exchange_tolerance: int = 0
    idempotency_key: str | None = kept_key()


# What is said as it is.
_PLAIN: Final = (
    *("oldest_first", "use_credit", "order", "retries", "retry_days", "block_after", "lead_days", "vat_relief"),
    *("exchange", "exchange_tolerance"),
)


def _amounts(told: Any) -> list[CurrencyAmountType]:
    return [CurrencyAmountType(currency=code, amount=major_of(amount, code)) for code, amount in sorted(told.items())]


def _shown(kept: KeptRules) -> RulesType:
    rules = kept.rules
    return RulesType(
        tolerance=_amounts(rules.tolerance),
        return_fee=_amounts(rules.return_fee),
        creditor=CreditorType(**{one.name: getattr(rules.creditor, one.name) for one in dataclasses.fields(Creditor)}),
        version=kept.version,
        **{name: getattr(rules, name) for name in _PLAIN},
    )


async def _rules(info: Info) -> RulesType:
    return _shown(await info.context.ask(get_payment_rules))


async def _set_rules(info: Info, input: PaymentRulesInput) -> Any:
    def sums(told: list[CurrencyAmountInput], field: str) -> dict[str, int]:
        return {one.currency: minor_of(one.amount, one.currency, field) for one in told}

    rules = Rules(
        tolerance=sums(input.tolerance, "tolerance"),
        return_fee=sums(input.return_fee, "returnFee"),
        creditor=Creditor(**{one.name: getattr(input.creditor, one.name) for one in dataclasses.fields(Creditor)}),
        **{name: getattr(input, name) for name in _PLAIN},
    )
    return _shown(await info.context.ask(put_payment_rules, rules, input.version))


@strawberry.type
class PaymentRulesQuery:
    """The rules."""

    payment_rules: RulesType = strawberry.field(resolver=_rules)


@strawberry.type
class PaymentRulesMutation:
    """Keeping the rules."""

    set_payment_rules = strawberry.mutation(
        resolver=_set_rules, graphql_type=outcome("SetPaymentRulesResult", RulesType)
    )
