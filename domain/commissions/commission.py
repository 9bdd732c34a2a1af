"""Salespersons, rules, and what rules make of bases."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.ids import OperatorId, ResellerId
from domain.money import round_to
from domain.period import Period
from domain.refusal import BadValue

RULES_MAX: Final = 1000
PEOPLE_MAX: Final = 20_000
_CODE = re.compile(r"[A-Za-z0-9._-]{1,40}", re.ASCII)


class CommissionOn(StrEnum):
    """What a commission is of: invoiced fees, invoiced usage, the margin of usage, or each new contract."""

    FEES = "fees"
    USAGE = "usage"
    MARGIN = "margin"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True, kw_only=True)
class Salesperson:
    """Who sells. ``code`` is what contracts name him by; ``reseller`` None: he sells for the operator himself."""

    id: int
    operator: OperatorId
    code: str
    name: str
    team: str | None = None
    reseller: ResellerId | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``percent`` of a base, or ``amount`` for each new contract; in ``[valid_from, valid_to)``.

    ``salesperson``, ``team`` and ``reseller``: whose contracts alone; None: anybody's.
    """

    id: int
    operator: OperatorId
    name: str
    basis: CommissionOn
    percent: Decimal | None = None
    amount: Decimal | None = None
    salesperson: str | None = None
    team: str | None = None
    reseller: ResellerId | None = None
    valid_from: date
    valid_to: date | None = None
    version: int = 1

    def holds_on(self, day: date) -> bool:
        """Tell whether it holds that day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What contracts of one salesperson and reseller brought on a day. ``salesperson`` is empty where nobody sold."""

    on: CommissionOn
    day: date
    salesperson: str
    reseller: ResellerId | None
    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionLine:
    """What one rule pays one salesperson, or one reseller, for a period. ``rate``: per cent, or an amount each.

    ``base`` and ``rate`` are None where they would tell a margin to somebody who may not see it.
    """

    reseller: ResellerId | None
    salesperson: str
    team: str
    rule: str
    basis: CommissionOn
    count: int
    base: Decimal | None
    rate: Decimal | None
    commission: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a period came to, as it was made. ``id`` 0: a preview that is not kept. ``horizon``: the last usage seen."""

    id: int
    operator: OperatorId
    period: Period
    currency: str
    made_at: datetime
    client: str
    horizon: int
    lines: tuple[CommissionLine, ...] = ()

    @property
    def total(self) -> Decimal:
        """What all lines come to."""
        return sum((line.commission for line in self.lines), Decimal(0))


def without_margins(statement: Statement) -> Statement:
    """Return a statement without what margins were, and the rates by which they could be reckoned."""
    lines = (
        replace(line, base=None, rate=None) if line.basis is CommissionOn.MARGIN else line for line in statement.lines
    )
    return replace(statement, lines=tuple(lines))


class CommissionBy(StrEnum):
    """What the lines of a statement are added up by."""

    SALESPERSON = "salesperson"
    TEAM = "team"
    RESELLER = "reseller"


def check_salesperson(one: Salesperson) -> Salesperson:
    """Return him. Refuses with: BadValue, naming the field."""
    if not _CODE.fullmatch(one.code):
        raise BadValue("a code has 1 to 40 letters, digits, dots, hyphens or underscores", field="code")
    if not one.name.strip() or len(one.name) > 200:
        raise BadValue("a name has 1 to {most} characters", most=200, field="name")
    if one.team is not None and not (one.team.strip() and len(one.team) <= 100):
        raise BadValue("a team has 1 to {most} characters", most=100, field="team")
    return one


def check_rule(rule: Rule) -> Rule:
    """Return it. Refuses with: BadValue, naming the field."""
    if not rule.name.strip() or len(rule.name) > 100:
        raise BadValue("a name has 1 to {most} characters", most=100, field="name")
    if rule.basis is CommissionOn.CONTRACT and rule.amount is None:
        raise BadValue("a new contract pays an amount", field="amount")
    if rule.basis is not CommissionOn.CONTRACT and rule.percent is None:
        raise BadValue("what is of an amount is per cent of it", field="percent")
    if (rule.percent is None) == (rule.amount is None):
        raise BadValue("say per cent or an amount, and not both", field="percent")
    if rule.percent is not None and not (rule.percent.is_finite() and 0 <= rule.percent <= 100):
        raise BadValue("per cent are 0 to 100", field="percent")
    if rule.amount is not None and not (rule.amount.is_finite() and 0 <= rule.amount < 10**9):
        raise BadValue("an amount is not below zero", field="amount")
    for name in ("percent", "amount"):
        value = getattr(rule, name)
        if value is not None and value != round_to(value, 4):
            raise BadValue("there are at most four decimals", field=name)
    if rule.valid_to is not None and rule.valid_to <= rule.valid_from:
        raise BadValue("it ends after it begins", field="validTo")
    return rule


def lines_of(
    rules: Sequence[Rule], people: Mapping[str, Salesperson], bases: Iterable[Base], *, decimals: int = 2
) -> tuple[CommissionLine, ...]:
    """Apply every rule that fits to every base; a line per rule, salesperson and reseller, rounded once."""
    sums: dict[tuple[int, str, str, str, int], list[Base]] = defaultdict(list)
    known = {rule.id: rule for rule in rules}
    for base in bases:
        seller = people.get(base.salesperson)
        team = (seller.team or "") if seller is not None else ""
        for rule in rules:
            if _fits(rule, base, team):
                sums[base.reseller or 0, base.salesperson, team, rule.name, rule.id].append(base)
    lines = []
    for (reseller, salesperson, team, name, key), found in sorted(sums.items()):
        rule = known[key]
        count, amount = sum(base.count for base in found), sum((base.amount for base in found), Decimal(0))
        if rule.amount is not None:
            rate, earned = rule.amount, rule.amount * count
        else:
            assert rule.percent is not None
            rate, earned = rule.percent, amount * rule.percent / 100
        lines.append(
            CommissionLine(
                reseller=ResellerId(reseller) if reseller else None,
                salesperson=salesperson,
                team=team,
                rule=name,
                basis=rule.basis,
                count=count,
                base=round_to(amount, 6),
                rate=rate,
                commission=round_to(earned, decimals),
            )
        )
    return tuple(lines)


def _fits(rule: Rule, base: Base, team: str) -> bool:
    return (
        rule.basis is base.on
        and rule.holds_on(base.day)
        and (bool(base.salesperson) or base.reseller is not None)
        and rule.salesperson in {None, base.salesperson}
        and rule.team in {None, team}
        and rule.reseller in {None, base.reseller}
    )


def added_up(lines: Iterable[CommissionLine], by: CommissionBy) -> list[tuple[str, Decimal]]:
    """Return what lines come to by salesperson's code, team, or reseller's key; empty for none."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        key = getattr(line, by.value)
        sums["" if key is None else str(key)] += line.commission
    return sorted(sums.items())
