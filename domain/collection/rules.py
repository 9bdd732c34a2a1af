"""Collection rules: for which customers, from which day on, which steps follow a due date and what they cost.

The rule of an invoice is the one that held when it was issued, since a fee may only be charged where it was agreed when
the debt arose. Of several the closest holds: one of a group goes before one of a kind of customers, that before one
of a country, and that before one for all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Final

from domain.collection.limits import LegalLimit, LimitKind, limit_of
from domain.customers.customer import CustomerKind
from domain.ids import CollectionRuleId, OperatorId
from domain.money import currency
from domain.provisioning.order import Bar
from domain.refusal import BadValue

STEPS_MAX: Final = 12
RULES_MAX: Final = 500  # of an operator, with those that held before
DAYS_MAX: Final = 1_000
_NAME: Final = re.compile(r"[^\x00-\x1f]{1,100}")


class StepKind(StrEnum):
    """What is done.

    ``notice``: a friendly word that costs nothing. ``reminder``: a payment reminder. ``demand``: the creditor's own
    demand before collection (inkassokrav). ``bar``: lines are barred. ``end``: lines are ended. ``hand_over``: to a
    collection agency.
    """

    NOTICE = "notice"
    REMINDER = "reminder"
    DEMAND = "demand"
    BAR = "bar"
    END = "end"
    HAND_OVER = "hand_over"


class Channel(StrEnum):
    """How the payer is told: a letter to be printed, a mail with it, a text message, or not at all."""

    LETTER = "letter"
    EMAIL = "email"
    SMS = "sms"
    NONE = "none"


FEES: Final = {StepKind.REMINDER: LimitKind.REMINDER_FEE, StepKind.DEMAND: LimitKind.DEMAND_FEE}


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionStep:
    """Done ``days`` after the due date, and never sooner after the step before it than the two differ.

    ``fee`` is asked for with it; ``compensation`` is a business's for late payment, once per invoice, and takes the
    place of reminder fees. ``interest``: what has accrued is claimed. ``bars``: of a step that bars.
    """

    kind: StepKind
    days: int
    fee: Decimal = Decimal(0)
    compensation: Decimal = Decimal(0)
    interest: bool = False
    channel: Channel = Channel.LETTER
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionRule:
    """A rule of the operator.

    ``fees_agreed``: the terms that its customers agreed to from ``valid_from`` on say that reminders cost; what the law
    allows only so is charged by no other. ``minimum``: less than this open is left alone. ``pay_days``: how long a
    letter gives. ``agency``: whom ``hand_over`` hands over to, by name.
    """

    id: CollectionRuleId
    operator: OperatorId
    name: str
    currency: str
    steps: tuple[CollectionStep, ...]
    valid_from: date
    country: str | None = None
    customer_kind: CustomerKind | None = None
    member_group: str | None = None
    fees_agreed: bool = False
    minimum: Decimal = Decimal(0)
    pay_days: int = 10
    agency: str | None = None
    active: bool = True
    version: int = 1


def check(rule: CollectionRule, limits: Sequence[LegalLimit], *, country: str) -> CollectionRule:
    """Return the rule. ``country`` is whose law holds where it names none.

    Refuses with: BadValue, naming the field, and the law where it asks for more than that allows.
    """
    if not _NAME.fullmatch(rule.name):
        raise BadValue("a name has 1 to {most} characters", most=100, field="name")
    if not 1 <= len(rule.steps) <= STEPS_MAX:
        raise BadValue("a rule has 1 to {most} steps", most=STEPS_MAX, field="steps")
    currency(rule.currency)
    if rule.minimum < 0 or not rule.minimum.is_finite():
        raise BadValue("an amount is not negative", field="minimum")
    if not 0 <= rule.pay_days <= 90:
        raise BadValue("a letter gives 0 to {most} days", most=90, field="payDays")
    for index, step in enumerate(rule.steps):
        _check_step(rule, step, f"steps.{index}")
    if any(later.days <= sooner.days for sooner, later in pairwise(rule.steps)):
        raise BadValue("each step comes at least a day after the one before it", field="steps")
    last = rule.steps[-1]
    if any(one.kind is StepKind.HAND_OVER for one in rule.steps[:-1]):
        raise BadValue("nothing comes after handing over", field="steps")
    if last.kind is StepKind.HAND_OVER and not rule.agency:
        raise BadValue("say to which agency it is handed over", field="agency")
    _check_law(rule, limits, rule.country or country)
    return rule


def _check_step(rule: CollectionRule, step: CollectionStep, place: str) -> None:
    if not 1 <= step.days <= DAYS_MAX:
        raise BadValue("a step comes 1 to {most} days after the due date", most=DAYS_MAX, field=f"{place}.days")
    for name in ("fee", "compensation"):
        amount: Decimal = getattr(step, name)
        if not amount.is_finite() or amount < 0 or round(amount, 2) != amount:
            raise BadValue("an amount is not negative and has two decimals at most", field=f"{place}.{name}")
    if step.fee and step.kind not in FEES:
        raise BadValue("only a reminder or a demand has a fee", field=f"{place}.fee")
    if step.compensation and rule.customer_kind is not CustomerKind.ORGANISATION:
        raise BadValue("compensation for late payment is between businesses alone", field=f"{place}.compensation")
    if (step.kind is StepKind.BAR) != bool(step.bars):
        raise BadValue("a step that bars says what, and no other does", field=f"{place}.bars")


def _check_law(rule: CollectionRule, limits: Sequence[LegalLimit], country: str) -> None:
    """Refuse what the law does not allow on the rule's first day: the amount, the time, how often, unless agreed."""
    seen: dict[LimitKind, list[CollectionStep]] = {}
    for index, step in enumerate(rule.steps):
        place = f"steps.{index}"
        for kind, amount, field in (
            (FEES.get(step.kind), step.fee, f"{place}.fee"),
            (LimitKind.COMPENSATION, step.compensation, f"{place}.compensation"),
        ):
            if not amount or kind is None:
                continue
            limit = limit_of(limits, kind, country=country, customer=rule.customer_kind, on=rule.valid_from)
            if limit is None:
                raise BadValue(
                    "no law of {country} is known that allows this charge; enter its limit first",
                    country=country,
                    field=field,
                )
            _within(rule, step, limit, amount, seen.setdefault(kind, []), field)
            seen[kind].append(step)


def _within(  # noqa: PLR0917  (what a limit is about)
    rule: CollectionRule,
    step: CollectionStep,
    limit: LegalLimit,
    amount: Decimal,
    before: Sequence[CollectionStep],
    field: str,
) -> None:
    if rule.currency != limit.currency:
        raise BadValue(
            "{law} sets its limit in {currency}; a fee in another currency is not allowed",
            law=limit.law,
            currency=limit.currency,
            field="currency",
        )
    if amount > limit.most:
        raise BadValue(
            "{law} allows {most} {currency} at most",
            law=limit.law,
            most=f"{limit.most:f}",
            currency=limit.currency,
            field=field,
        )
    if step.days < limit.first_days:
        raise BadValue(
            "{law} allows this {days} days after the due date at the earliest",
            law=limit.law,
            days=limit.first_days,
            field=field,
        )
    if before and step.days - before[-1].days < limit.between_days:
        raise BadValue("{law} asks for {days} days between two", law=limit.law, days=limit.between_days, field=field)
    if limit.count is not None and len(before) >= limit.count:
        raise BadValue("{law} allows this {count} times at most", law=limit.law, count=limit.count, field=field)
    if limit.agreed and not rule.fees_agreed:
        raise BadValue(
            "{law} allows this only where it was agreed when the debt arose; say so by feesAgreed",
            law=limit.law,
            field=field,
        )


def rule_of(
    rules: Iterable[CollectionRule],
    *,
    issued_on: date,
    currency: str,
    country: str,
    customer: CustomerKind,
    groups: Collection[str],
) -> CollectionRule | None:
    """Return the rule of an invoice; None where there is none, and nothing is done."""
    found: tuple[tuple[int, int, int, date, int], CollectionRule] | None = None
    for rule in rules:
        fits = (
            rule.active
            and rule.valid_from <= issued_on
            and rule.currency == currency
            and rule.country in {None, country}
            and rule.customer_kind in {None, customer}
            and (rule.member_group is None or rule.member_group in groups)
        )
        closeness = (
            int(rule.member_group is not None),
            int(rule.customer_kind is not None),
            int(rule.country is not None),
            rule.valid_from,
            int(rule.id),
        )
        if fits and (found is None or closeness > found[0]):
            found = (closeness, rule)
    return None if found is None else found[1]
