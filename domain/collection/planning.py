"""What is to be done about one customer's invoices on a day, and what it costs him."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from domain.access.frozen import freeze
from domain.collection.deciding import Decision, Overdue, compensation_of, decide, fee_of
from domain.collection.interest import Accrued, Step, accrue
from domain.collection.limits import InterestTerm, LegalLimit, ReferenceRate
from domain.collection.progress import DoneStep, Hold
from domain.collection.rules import Channel, CollectionRule, CollectionStep, rule_of
from domain.customers.customer import CustomerKind
from domain.ids import CustomerId, InvoiceId
from domain.invoicing.invoice import decimals_of

NOTHING: Final = Accrued()


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """Everything dated that a decision follows: the operator's rules, and what the law says."""

    rules: Sequence[CollectionRule]
    limits: Sequence[LegalLimit]
    rates: Sequence[ReferenceRate]
    terms: Sequence[InterestTerm]


@dataclass(frozen=True, slots=True, kw_only=True)
class Debtor:
    """One customer as he stands on a day. ``history``: how the principal of each invoice came to what it is."""

    customer: CustomerId
    kind: CustomerKind
    country: str
    groups: frozenset[str]
    overdue: Sequence[Overdue]
    done: Sequence[DoneStep]
    holds: Sequence[Hold]
    history: Mapping[InvoiceId, Sequence[Step]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A step to take for an invoice, and what it claims, in minor units; ``turn`` 2: it is taken again."""

    decision: Decision
    rule: CollectionRule
    step: CollectionStep
    position: int
    turn: int = 1
    fee_minor: int = 0
    compensation_minor: int = 0
    interest: Accrued = NOTHING

    @property
    def costs_minor(self) -> int:
        """Return what it costs the customer."""
        return self.fee_minor + self.compensation_minor + self.interest.amount_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps to take for a customer, and the decisions that nothing is done."""

    customer: CustomerId
    taken: tuple[Taken, ...]
    idle: tuple[Decision, ...]


def plan(debtor: Debtor, law: Law, *, on: date, country: str) -> Plan:
    """Decide about each invoice of a customer. ``country`` is whose law holds: the creditor's.

    One letter goes out for all invoices that come to the same kind of step, and its fee is asked for once: with the
    invoice that was due first.
    """
    taken: list[Taken] = []
    idle: list[Decision] = []
    charged: set[tuple[str, str, str]] = set()
    for overdue in sorted(debtor.overdue, key=lambda one: (one.due_on, one.invoice)):
        rule = rule_of(
            law.rules,
            issued_on=overdue.issued_on,
            currency=overdue.currency,
            country=debtor.country,
            customer=debtor.kind,
            groups=debtor.groups,
        )
        least = 0 if rule is None else minor_of(rule.minimum, overdue.currency)
        decision = decide(overdue, rule, debtor.done, debtor.holds, on=on, minimum_minor=least)
        if decision.step is None or decision.rule is None or decision.position is None:
            idle.append(decision)
            continue
        word = (decision.step.kind.value, decision.step.channel.value, overdue.currency)
        taken.append(_taken(decision, decision.rule, decision.step, debtor, law, on, country, free=word in charged))
        if taken[-1].fee_minor:
            charged.add(word)
    return Plan(customer=debtor.customer, taken=tuple(taken), idle=tuple(idle))


def _taken(  # noqa: PLR0917  (what its caller has)
    decision: Decision,
    rule: CollectionRule,
    step: CollectionStep,
    debtor: Debtor,
    law: Law,
    on: date,
    country: str,
    *,
    free: bool,
) -> Taken:
    overdue = decision.overdue
    mine = [one for one in debtor.done if one.invoice == overdue.invoice]
    place = rule.country or country
    compensation = minor_of(
        compensation_of(step, overdue, debtor.done, law.limits, country=place, on=on), overdue.currency
    )
    # Compensation covers the costs of reminding: only what is more than was asked for already is added.
    compensation = max(compensation - sum(one.fee_minor for one in mine), 0)
    fee = (
        Decimal(0)
        if free or compensation
        else fee_of(step, overdue, rule, debtor.done, law.limits, country=place, on=on)
    )
    interest = NOTHING
    if step.interest:
        interest = accrued_of(overdue, mine, debtor, law, on=on, country=place)
    return Taken(
        decision=decision,
        rule=rule,
        step=step,
        position=decision.position or 0,
        turn=1 + sum(one.position == decision.position for one in mine),
        fee_minor=minor_of(fee, overdue.currency),
        compensation_minor=compensation,
        interest=interest,
    )


def accrued_of(
    overdue: Overdue, mine: Sequence[DoneStep], debtor: Debtor, law: Law, *, on: date, country: str
) -> Accrued:
    """Return the interest of an invoice that has not been claimed yet, up to a day."""
    since = max((one.interest_until for one in mine if one.interest_until is not None), default=overdue.due_on)
    return accrue(
        debtor.history.get(overdue.invoice, ()),
        since=since,
        until=on,
        country=country,
        customer=debtor.kind,
        rates=law.rates,
        terms=law.terms,
    )


def letters(taken: Sequence[Taken]) -> dict[tuple[str, str, str], list[Taken]]:
    """Return the steps by the letter they go out with: kind, channel, currency; those without are left out."""
    found: dict[tuple[str, str, str], list[Taken]] = {}
    for one in taken:
        if one.step.channel is not Channel.NONE:
            word = (one.step.kind.value, one.step.channel.value, one.decision.overdue.currency)
            found.setdefault(word, []).append(one)
    return found


def letter_rows(taken: Sequence[Taken], earlier: Mapping[InvoiceId, int], *, on: date) -> dict[str, Any]:
    """Return what a letter says of its invoices, as JSON: what is open, what is added, and by when to pay.

    ``earlier``: what is open of fees and interest that were claimed before, by invoice.
    """
    rows = []
    for one in taken:
        overdue = one.decision.overdue
        rows.append(
            {
                "invoice": overdue.invoice,
                "number": overdue.number,
                "issued_on": overdue.issued_on.isoformat(),
                "due_on": overdue.due_on.isoformat(),
                "open_minor": overdue.asked_minor,
                "disputed_minor": overdue.disputed_minor,
                "earlier_minor": earlier.get(overdue.invoice, 0),
                "fee_minor": one.fee_minor,
                "compensation_minor": one.compensation_minor,
                "interest_minor": one.interest.amount_minor,
                "interest": [freeze(line) for line in one.interest.lines],
            }
        )
    days = min(one.rule.pay_days for one in taken)
    return {"rows": rows, "pay_by": (on + timedelta(days=days)).isoformat()}


def minor_of(amount: Decimal, currency: str) -> int:
    """Return an amount in minor units; one with more decimals than its currency has is cut.

    >>> minor_of(Decimal("60.00"), "SEK"), minor_of(Decimal("5"), "ISK")
    (6000, 5)
    """
    return int(amount.scaleb(decimals_of(currency)))
