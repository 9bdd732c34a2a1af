"""Which step comes next for an invoice that is due, or why none does today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.collection.limits import LegalLimit, LimitKind, limit_of
from domain.collection.progress import DoneStep, Hold, HoldKind
from domain.collection.rules import FEES, CollectionRule, CollectionStep, StepKind
from domain.customers.customer import CustomerKind
from domain.ids import CustomerId, InvoiceId


class Why(StrEnum):
    """Why nothing is done about an invoice on a day."""

    NO_RULE = "no_rule"
    BELOW_MINIMUM = "below_minimum"
    DISPUTED = "disputed"
    PROMISED = "promised"
    STOPPED = "stopped"
    INSTALMENTS = "instalments"
    HANDED_OVER = "handed_over"
    NOT_YET = "not_yet"
    ALL_DONE = "all_done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """An invoice that is due and open; ``customer`` is its payer.

    ``disputed_minor`` of it is disputed; ``planned``: instalments that are kept stand for it.
    """

    invoice: InvoiceId
    number: str
    customer: CustomerId
    kind: CustomerKind
    currency: str
    issued_on: date
    due_on: date
    open_minor: int
    disputed_minor: int = 0
    planned: bool = False

    @property
    def asked_minor(self) -> int:
        """Return what may be asked for."""
        return max(self.open_minor - self.disputed_minor, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The step to take (its place in the rule), or why there is none, and from which day on there may be."""

    overdue: Overdue
    rule: CollectionRule | None = None
    position: int | None = None
    why: Why | None = None
    since: date | None = None

    @property
    def step(self) -> CollectionStep | None:
        """Return the step to take."""
        return None if self.rule is None or self.position is None else self.rule.steps[self.position]


def decide(
    overdue: Overdue,
    rule: CollectionRule | None,
    done: Sequence[DoneStep],
    holds: Sequence[Hold],
    *,
    on: date,
    minimum_minor: int,
) -> Decision:
    """Decide about one invoice on a day. One step a day at most, each once, and none before its time.

    A bar that was lifted since the invoice was paid is taken again as soon as it is not paid any more.
    """
    if rule is None:
        return Decision(overdue=overdue, why=Why.NO_RULE)
    mine = [one for one in done if one.invoice == overdue.invoice]
    if any(one.kind is StepKind.HAND_OVER for one in mine):
        return Decision(overdue=overdue, rule=rule, why=Why.HANDED_OVER)
    if (held := _held(overdue, holds, on)) is not None:
        return Decision(overdue=overdue, rule=rule, why=held[0], since=held[1])
    if overdue.asked_minor < max(minimum_minor, 1):
        why = Why.DISPUTED if overdue.disputed_minor else Why.BELOW_MINIMUM
        return Decision(overdue=overdue, rule=rule, why=why)
    if (again := _lifted(mine)) is not None and _bars(rule, again):
        return Decision(overdue=overdue, rule=rule, position=again)
    taken = {one.position: one for one in mine}
    position = max(taken, default=-1) + 1
    if position >= len(rule.steps):
        return Decision(overdue=overdue, rule=rule, why=Why.ALL_DONE)
    when = due_day(overdue, rule, position, taken.get(position - 1))
    if on < when:
        return Decision(overdue=overdue, rule=rule, why=Why.NOT_YET, since=when)
    return Decision(overdue=overdue, rule=rule, position=position)


def _lifted(mine: Sequence[DoneStep]) -> int | None:
    """Return the last bar that was lifted when the invoice was paid: it is open again, the payment having come back."""
    bars = [one for one in mine if one.kind is StepKind.BAR]
    if not bars or any(one.ended_at is None for one in bars):
        return None
    return max(one.position for one in bars)


def _bars(rule: CollectionRule, position: int) -> bool:
    """Tell whether a step bars; a rule that was changed may do something else there now."""
    return position < len(rule.steps) and rule.steps[position].kind is StepKind.BAR


def due_day(overdue: Overdue, rule: CollectionRule, position: int, before: DoneStep | None) -> date:
    """Return the day from which a step may be taken: its days after the due date, and its distance after the last."""
    step = rule.steps[position]
    when = overdue.due_on + timedelta(days=step.days)
    if before is not None:
        apart = step.days - rule.steps[position - 1].days
        when = max(when, before.done_on + timedelta(days=apart))
    return when


def fee_of(
    step: CollectionStep,
    overdue: Overdue,
    rule: CollectionRule,
    done: Sequence[DoneStep],
    limits: Sequence[LegalLimit],
    *,
    country: str,
    on: date,
) -> Decimal:
    """Return what a step's fee comes to on a day: never more, sooner or oftener than the law of that day allows."""
    kind = FEES.get(step.kind)
    if not step.fee or kind is None:
        return Decimal(0)
    limit = limit_of(limits, kind, country=country, customer=overdue.kind, on=on)
    mine = [one for one in done if one.invoice == overdue.invoice]
    charged = [one for one in mine if one.fee_minor and FEES.get(one.kind) is kind]
    if limit is None or any(one.compensation_minor for one in mine) or (limit.agreed and not rule.fees_agreed):
        return Decimal(0)
    if (on - overdue.due_on).days < limit.first_days or (limit.count is not None and len(charged) >= limit.count):
        return Decimal(0)
    if charged and (on - max(one.done_on for one in charged)).days < limit.between_days:
        return Decimal(0)
    return min(step.fee, limit.most)


def compensation_of(
    step: CollectionStep,
    overdue: Overdue,
    done: Sequence[DoneStep],
    limits: Sequence[LegalLimit],
    *,
    country: str,
    on: date,
) -> Decimal:
    """Return a business's compensation for being paid late, once per invoice; the reminder fees before it are in it."""
    if not step.compensation or overdue.kind is not CustomerKind.ORGANISATION:
        return Decimal(0)
    limit = limit_of(limits, LimitKind.COMPENSATION, country=country, customer=overdue.kind, on=on)
    mine = [one for one in done if one.invoice == overdue.invoice]
    if limit is None or any(one.compensation_minor for one in mine):
        return Decimal(0)
    return min(step.compensation, limit.most)


def _held(overdue: Overdue, holds: Sequence[Hold], on: date) -> tuple[Why, date | None] | None:
    """Return why an invoice is held up, and until when."""
    if overdue.disputed_minor >= overdue.open_minor > 0:
        return Why.DISPUTED, None
    for hold in holds:
        if hold.customer == overdue.customer and hold.stops(overdue.invoice, on):
            why = Why.PROMISED if hold.kind is HoldKind.PROMISE else Why.STOPPED
            return why, None if hold.until is None else hold.until + timedelta(days=1)
    return (Why.INSTALMENTS, None) if overdue.planned else None
