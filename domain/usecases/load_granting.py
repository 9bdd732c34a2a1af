"""What decides what a customer's lines are granted, read without what is not asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.buckets.balance import Granting, Line
from domain.buckets.standing import Standing
from domain.ids import ContractId, CustomerId, SubscriptionId
from domain.intake.raters import Raters
from domain.ports.unit import Unit
from domain.refusal import BadValue, NotFound

LINES_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """A customer, a contract or a subscription: exactly one of the three."""

    customer: CustomerId | None = None
    contract: ContractId | None = None
    subscription: SubscriptionId | None = None

    @property
    def owner(self) -> str:
        """As an owner of buckets."""
        for kind in ("subscription", "contract", "customer"):
            if (key := getattr(self, kind)) is not None:
                return f"{kind}:{key}"
        raise AssertionError("nobody")


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The lines of somebody, his customer, what grants to them, and how their customer's buckets stand."""

    customer: CustomerId
    lines: list[Line]
    granting: Granting
    standing: Standing


async def customer_of(unit: Unit, whose: Whose) -> CustomerId:
    """Return whose customer it is. Refuses with: BadValue (not exactly one of the three), NotFound."""
    if sum(one is not None for one in (whose.customer, whose.contract, whose.subscription)) != 1:
        raise BadValue("give a customer, a contract or a subscription", field="customer")
    if whose.customer is not None:
        return (await unit.customers.get(whose.customer)).id
    if whose.contract is not None:
        return (await unit.contracts.get(whose.contract)).customer
    assert whose.subscription is not None
    found = await unit.subscriptions.many([whose.subscription])
    if whose.subscription not in found:
        raise NotFound("no subscription {key}", key=whose.subscription, field="subscription")
    return found[whose.subscription].customer


async def granting_to(unit: Unit, whose: Whose, raters: Raters) -> Found:
    """Return what decides over somebody's allowances. Refuses with: BadValue, NotFound."""
    customer = await customer_of(unit, whose)
    buckets, plans = await raters.buckets(unit)
    lines = await unit.draws.lines(customer, whose.contract, whose.subscription, first=LINES_MAX)
    assigned = await unit.plans.of_customer(customer) if plans else []
    zone = (await unit.operators.own()).zone
    standing = await unit.draws.balances(customer)
    granting = Granting(buckets=buckets, plans=plans, assigned=assigned, zone=zone)
    return Found(customer, list(lines), granting, standing)
