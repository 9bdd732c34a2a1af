"""Collection rules: what the law does not allow is refused with its name, and the closest rule of the day holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.collection.rules import Channel, CollectionRule, CollectionStep, StepKind, check, rule_of
from domain.collection.shipped import LIMITS
from domain.customers.customer import CustomerKind
from domain.ids import CollectionRuleId, OperatorId
from domain.provisioning.order import Bar
from domain.refusal import BadValue

FIRM = CustomerKind.ORGANISATION


def rule(*steps: CollectionStep, **more: Any) -> CollectionRule:
    made = {
        "id": CollectionRuleId(0),
        "operator": OperatorId(1),
        "name": "all",
        "currency": "SEK",
        "valid_from": date(2026, 1, 1),
        "fees_agreed": True,
    }
    return CollectionRule(steps=steps, **(made | more))


def reminder(days: int, fee: str = "60", **more: Any) -> CollectionStep:
    return CollectionStep(kind=StepKind.REMINDER, days=days, fee=Decimal(fee), **more)


@pytest.mark.parametrize(
    ("made", "country"),
    [
        (rule(reminder(5), reminder(15), CollectionStep(kind=StepKind.DEMAND, days=25, fee=Decimal(180))), "SE"),
        (rule(reminder(5, "0", compensation=Decimal(450)), customer_kind=FIRM), "SE"),
        (rule(reminder(14, "38"), reminder(28, "38"), currency="NOK"), "NO"),
        (rule(reminder(1, "100"), reminder(11, "100"), reminder(21, "100"), currency="DKK"), "DK"),
        (rule(reminder(14, "5"), reminder(28, "5"), currency="EUR"), "FI"),
        (rule(CollectionStep(kind=StepKind.BAR, days=30, bars=(Bar.OUTGOING,), channel=Channel.SMS)), "SE"),
    ],
)
def test_what_the_law_allows(made: CollectionRule, country: str) -> None:
    assert check(made, LIMITS, country=country) == made


@pytest.mark.parametrize(
    ("made", "country", "told"),
    [
        (rule(reminder(5, "60.01")), "SE", "1981:739.* allows 60 SEK at most"),
        (rule(reminder(5), fees_agreed=False), "SE", "1981:739.* only where it was agreed when the debt arose"),
        (rule(CollectionStep(kind=StepKind.DEMAND, days=9, fee=Decimal(181))), "SE", "1981:739.* allows 180 SEK"),
        (rule(reminder(5, "0", compensation=Decimal(451)), customer_kind=FIRM), "SE", "1981:739.* 4 a .* 450 SEK"),
        (rule(reminder(5, "0", compensation=Decimal(450))), "SE", "between businesses alone"),
        (rule(reminder(13, "38"), currency="NOK"), "NO", "inkassoforskriften.* 14 days after"),
        (rule(reminder(14, "39"), currency="NOK"), "NO", "inkassoforskriften.* 38 NOK"),
        (rule(*(reminder(day, "38") for day in (14, 28, 42)), currency="NOK"), "NO", "inkassoforskriften.* 2 times"),
        (rule(reminder(1, "100"), reminder(10, "100"), currency="DKK"), "DK", "renteloven.* 10 days between"),
        (rule(*(reminder(day, "1") for day in (1, 11, 21, 31)), currency="DKK"), "DK", "renteloven.* 3 times"),
        (rule(reminder(14, "5.01"), currency="EUR"), "FI", "513/1999.* 5 EUR"),
        (rule(reminder(14, "5"), reminder(27, "5"), currency="EUR"), "FI", "513/1999.* 14 days between"),
        (rule(reminder(14, "5")), "FI", "in EUR; a fee in another currency"),
        (rule(reminder(14, "5"), valid_from=date(2001, 1, 1)), "FI", "no law of FI is known"),
        (rule(reminder(5), reminder(5)), "SE", "at least a day after"),
        (rule(CollectionStep(kind=StepKind.NOTICE, days=5, fee=Decimal(1))), "SE", "only a reminder or a demand"),
        (rule(CollectionStep(kind=StepKind.BAR, days=5)), "SE", "says what"),
        (rule(CollectionStep(kind=StepKind.HAND_OVER, days=5)), "SE", "to which agency"),
        (rule(reminder(0)), "SE", "1 to 1000 days"),
        (rule(), "SE", "1 to 12 steps"),
    ],
)
def test_what_is_refused_and_why(made: CollectionRule, country: str, told: str) -> None:
    with pytest.raises(BadValue, match=told):
        check(made, LIMITS, country=country)


def test_an_operator_s_own_row_holds_from_its_day_on() -> None:
    raised = replace(LIMITS[0], valid_from=date(2027, 1, 1), most=Decimal(70), law="lag 2026:1")
    check(rule(reminder(5, "70"), valid_from=date(2027, 1, 1)), [*LIMITS, raised], country="SE")
    with pytest.raises(BadValue, match="60 SEK"):
        check(rule(reminder(5, "70"), valid_from=date(2026, 12, 31)), [*LIMITS, raised], country="SE")


def test_the_closest_rule_that_held_when_the_invoice_was_issued() -> None:
    plain = rule(reminder(5), name="all")
    firms = rule(reminder(5), name="firms", customer_kind=FIRM, id=CollectionRuleId(2))
    gold = rule(reminder(5), name="gold", member_group="gold", id=CollectionRuleId(3))
    later = rule(reminder(5), name="all", valid_from=date(2026, 6, 1), id=CollectionRuleId(4))
    rules = [plain, firms, gold, later]

    def found(day: date, kind: CustomerKind, *groups: str, currency: str = "SEK") -> CollectionRule | None:
        return rule_of(rules, issued_on=day, currency=currency, country="SE", customer=kind, groups=groups)

    assert found(date(2025, 12, 31), FIRM) is None
    assert found(date(2026, 5, 31), CustomerKind.PERSON) is plain
    assert found(date(2026, 6, 1), CustomerKind.PERSON) is later
    assert found(date(2026, 6, 1), FIRM) is firms
    assert found(date(2026, 6, 1), FIRM, "gold", "other") is gold
    assert found(date(2026, 6, 1), FIRM, currency="EUR") is None
