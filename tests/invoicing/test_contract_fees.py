"""What a contract's fees come to, worked out by hand: anniversaries, discounts, suspensions, lines, bindings."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.contracts.contract import ContractService, ContractState, Phase
from domain.contracts.ending import ended
from domain.contracts.service import ServicePrice
from domain.contracts.terms import Discount, DiscountOn, Terms
from domain.ids import ServiceId, SubscriptionId
from domain.invoicing.bill_run import BilledFee, FeeKey
from domain.invoicing.fees import FeeCharge, Window, charges, due_fees
from domain.period import Period
from tests.invoicing.made import MOBILE, OCTOBER, contract

NOVEMBER = Period(date(2026, 11, 1), date(2026, 12, 1))
DECEMBER = Period(date(2026, 12, 1), date(2027, 1, 1))
PLAIN = replace(MOBILE, one_time_fee=Decimal(0))
YEARLY = replace(PLAIN, id=ServiceId(3), code="Y", periodic_fee=Decimal("1200.00"), interval_months=12)
D = Decimal


def run(agreed: Any, period: Period, billed: Any = None, *services: Any, spans: Any = None) -> list[FeeCharge]:
    window = Window(period, period.end, since=date(2026, 1, 1))
    known = {each.id: each for each in (PLAIN, YEARLY, *services)}
    return charges(due_fees(agreed, known, window, spans), billed or {}, window)


def told(made: list[FeeCharge]) -> list[str]:
    return [f"{charge.period} {charge.amount}" for charge in made]


def months(agreed: Any, *services: Any, spans: Any = None) -> list[list[str]]:
    """Bill October, November and December one after the other."""
    billed: dict[FeeKey, BilledFee] = {}
    found = []
    for period in (OCTOBER, NOVEMBER, DECEMBER):
        made = run(agreed, period, billed, *services, spans=spans)
        for charge in made:
            before = billed.get(charge.key)
            billed[charge.key] = BilledFee((before.net if before else D(0)) + charge.amount, "1")
        found.append(told(made))
    return found


def test_anniversaries_count_from_the_first_day_of_the_contract():
    service = replace(PLAIN, anniversary=True)
    assert months(contract(date(2026, 10, 10)), service) == [
        ["2026-10-10..2026-11-10 199.00"],
        ["2026-11-10..2026-12-10 199.00"],
        ["2026-12-10..2027-01-10 199.00"],
    ]
    # 15 of the 30 days from 10 November.
    assert months(contract(date(2026, 10, 10), end=date(2026, 11, 25)), service) == [
        ["2026-10-10..2026-11-10 199.00"],
        ["2026-11-10..2026-11-25 99.50"],
        [],
    ]


def test_anniversaries_in_arrears_are_due_with_their_last_day():
    service = replace(PLAIN, anniversary=True, in_advance=False)
    assert months(contract(date(2026, 10, 10)), service) == [
        [],
        ["2026-10-10..2026-11-10 199.00"],
        ["2026-11-10..2026-12-10 199.00"],
    ]


def test_the_contract_says_what_counts_and_how_much_is_billed_at_once():
    by_quarter = contract(date(2026, 10, 1), terms=Terms(interval_months=3))
    assert months(by_quarter) == [["2026-10-01..2027-01-01 597.00"], [], []]
    from_its_day = contract(date(2026, 10, 10), terms=Terms(interval_months=2, anniversary=True))
    assert months(from_its_day) == [["2026-10-10..2026-12-10 398.00"], [], ["2026-12-10..2027-02-10 398.00"]]
    line = ContractService(service=YEARLY.id, start=date(2026, 10, 1))
    assert months(contract(date(2026, 10, 1), line, terms=Terms(interval_months=1))) == [
        ["2026-10-01..2026-11-01 100.00"],
        ["2026-11-01..2026-12-01 100.00"],
        ["2026-12-01..2027-01-01 100.00"],
    ]


FROM_OCTOBER = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("discounts", "november"),
    [
        ((Discount(start=FROM_OCTOBER, percent=D(10)),), ["2026-11-01..2026-12-01 179.10"]),
        # 15 of 30 days at 179.10 and at 199.00.
        (
            (Discount(start=FROM_OCTOBER, end=date(2026, 11, 16), percent=D(10)),),
            ["2026-11-01..2026-11-16 89.55", "2026-11-16..2026-12-01 99.50"],
        ),
        ((Discount(start=FROM_OCTOBER, amount=D(50)),), ["2026-11-01..2026-12-01 149.00"]),
        ((Discount(start=FROM_OCTOBER, amount=D(500)),), []),
        # 199 less 10 % is 179.10, less 50.
        (
            (Discount(start=FROM_OCTOBER, amount=D(50)), Discount(start=FROM_OCTOBER, percent=D(10))),
            ["2026-11-01..2026-12-01 129.10"],
        ),
        # Half, and half of what is left: 49.75.
        (
            (Discount(start=FROM_OCTOBER, percent=D(50)), Discount(start=FROM_OCTOBER, percent=D(50))),
            ["2026-11-01..2026-12-01 49.75"],
        ),
        ((Discount(start=FROM_OCTOBER, percent=D(10), service=YEARLY.id),), ["2026-11-01..2026-12-01 199.00"]),
        ((Discount(start=FROM_OCTOBER, percent=D(10), on=DiscountOn.ONE_TIME),), ["2026-11-01..2026-12-01 199.00"]),
        ((Discount(start=FROM_OCTOBER, percent=D(10), on=DiscountOn.USAGE),), ["2026-11-01..2026-12-01 199.00"]),
    ],
)
def test_discounts(discounts, november):
    agreed = contract(date(2026, 11, 1), discounts=discounts)
    assert told(run(agreed, NOVEMBER)) == november


def test_a_discount_on_what_is_charged_once():
    agreed = contract(FROM_OCTOBER, discounts=(Discount(start=FROM_OCTOBER, percent=D(50), on=DiscountOn.ONE_TIME),))
    assert "2026-10-01..2026-10-02 24.50" in told(run(agreed, OCTOBER, None, MOBILE))


def test_an_amount_is_taken_of_a_line_and_not_of_each_piece():
    line = ContractService(service=PLAIN.id, start=FROM_OCTOBER, quantity=3)
    (charge,) = run(contract(FROM_OCTOBER, line, discounts=(Discount(start=FROM_OCTOBER, amount=D(97)),)), OCTOBER)
    assert (charge.amount, charge.quantity) == (D("500.00"), 3)


def test_a_discount_that_was_agreed_later_gives_back_what_was_too_much():
    agreed = contract(FROM_OCTOBER)
    (charged,) = run(agreed, OCTOBER)
    billed = {charged.key: BilledFee(charged.amount, "100001")}
    cheaper = replace(agreed, discounts=(Discount(start=FROM_OCTOBER, percent=D(10)),))
    (back,) = run(cheaper, OCTOBER, billed)
    assert (back.amount, back.corrects) == (D("-19.90"), "100001")
    assert run(cheaper, OCTOBER, {charged.key: BilledFee(D("179.10"), "100001")}) == []


@pytest.mark.parametrize(
    ("pays", "october"),
    [
        (True, ["2026-10-01..2026-11-01 199.00"]),
        # 10 and 11 of 31 days.
        (False, ["2026-10-01..2026-10-11 64.19", "2026-10-21..2026-11-01 70.61"]),
    ],
)
def test_a_suspended_contract_pays_where_that_was_agreed(pays, october):
    phases = (
        Phase(start=FROM_OCTOBER, state=ContractState.ACTIVE),
        Phase(start=date(2026, 10, 11), state=ContractState.SUSPENDED),
        Phase(start=date(2026, 10, 21), state=ContractState.ACTIVE),
    )
    agreed = contract(FROM_OCTOBER, phases=phases, terms=Terms(pays_suspended=pays))
    assert told(run(agreed, OCTOBER)) == october


def test_a_suspension_without_end_is_free_until_it_ends():
    phases = (
        Phase(start=FROM_OCTOBER, state=ContractState.ACTIVE),
        Phase(start=date(2026, 10, 11), state=ContractState.SUSPENDED),
    )
    agreed = contract(FROM_OCTOBER, phases=phases, state=ContractState.SUSPENDED, terms=Terms(pays_suspended=False))
    assert months(agreed) == [["2026-10-01..2026-10-11 64.19"], [], []]


def test_days_as_a_draft_cost_nothing():
    phases = (Phase(start=date(2026, 10, 15), state=ContractState.ACTIVE),)
    # 17 of 31 days.
    assert told(run(contract(FROM_OCTOBER, phases=phases), OCTOBER)) == ["2026-10-15..2026-11-01 109.13"]


def test_a_line_costs_while_its_subscription_is_active():
    key = SubscriptionId(7)
    agreed = contract(FROM_OCTOBER, ContractService(service=MOBILE.id, start=FROM_OCTOBER, subscription=key))
    assert run(agreed, OCTOBER, None, MOBILE) == []
    assert run(agreed, OCTOBER, None, MOBILE, spans={SubscriptionId(8): (FROM_OCTOBER, None)}) == []
    active = {key: (date(2026, 10, 15), None)}
    assert told(run(agreed, OCTOBER, None, MOBILE, spans=active)) == [
        "2026-10-15..2026-11-01 109.13",
        "2026-10-15..2026-10-16 49.00",
    ]
    over = {key: (date(2026, 10, 15), date(2026, 10, 25))}
    assert told(run(agreed, OCTOBER, None, MOBILE, spans=over))[0] == "2026-10-15..2026-10-25 64.19"


def test_each_line_is_billed_for_itself_and_once():
    lines = [ContractService(service=PLAIN.id, start=FROM_OCTOBER, subscription=SubscriptionId(key)) for key in (7, 8)]
    spans = {SubscriptionId(7): (FROM_OCTOBER, None), SubscriptionId(8): (FROM_OCTOBER, date(2026, 11, 16))}
    assert months(contract(FROM_OCTOBER, *lines), spans=spans) == [
        ["2026-10-01..2026-11-01 199.00", "2026-10-01..2026-11-01 199.00"],
        ["2026-11-01..2026-12-01 199.00", "2026-11-01..2026-11-16 99.50"],
        ["2026-12-01..2027-01-01 199.00"],
    ]


def test_a_new_default_price_holds_from_its_day_on_and_not_before():
    dearer = replace(PLAIN, prices=(ServicePrice(start=date(2026, 11, 16), one_time_fee=D(0), periodic_fee=D(299)),))
    assert months(contract(FROM_OCTOBER), dearer) == [
        ["2026-10-01..2026-11-01 199.00"],
        ["2026-11-01..2026-11-16 99.50", "2026-11-16..2026-12-01 149.50"],
        ["2026-12-01..2027-01-01 299.00"],
    ]
    own = ContractService(service=PLAIN.id, start=FROM_OCTOBER, periodic_fee=D(150))
    assert months(contract(FROM_OCTOBER, own), dearer)[2] == ["2026-12-01..2027-01-01 150.00"]


def test_what_changes_nothing_of_a_fee_splits_none_and_costs_no_oere():
    cheap = replace(PLAIN, periodic_fee=D("1.01"))
    same = (ServicePrice(start=date(2026, 11, 16), one_time_fee=D(50), periodic_fee=D("1.01")),)
    assert months(contract(FROM_OCTOBER), replace(cheap, prices=same))[1] == ["2026-11-01..2026-12-01 1.01"]
    other = Discount(percent=D(10), start=FROM_OCTOBER, end=date(2026, 11, 16))
    twice = (other, replace(other, start=date(2026, 11, 16), end=None))
    assert months(contract(FROM_OCTOBER, discounts=twice), cheap)[1] == ["2026-11-01..2026-12-01 0.91"]


def test_halves_go_up_where_a_third_of_a_fee_is_no_decimal():
    # 0.05 for six months, billed by the month: 18 of November's 30 days are exactly half an oere.
    half_year = replace(PLAIN, id=ServiceId(4), code="H", interval_months=6, periodic_fee=D("0.05"))
    line = ContractService(service=half_year.id, start=date(2026, 11, 13))
    agreed = contract(FROM_OCTOBER, line, terms=Terms(interval_months=1))
    assert months(agreed, half_year)[1] == ["2026-11-13..2026-12-01 0.01"]


def test_what_a_suspension_costs_changes_from_the_day_that_it_was_agreed():
    agreed = contract(
        FROM_OCTOBER,
        phases=(
            Phase(start=FROM_OCTOBER, state=ContractState.ACTIVE),
            Phase(start=date(2026, 11, 1), state=ContractState.SUSPENDED),
        ),
        state=ContractState.SUSPENDED,
    ).agreed(Terms(pays_suspended=False), None, date(2026, 11, 16))
    assert months(agreed) == [["2026-10-01..2026-11-01 199.00"], ["2026-11-01..2026-11-16 99.50"], []]


def test_a_year_in_advance_is_charged_whole_also_where_its_price_changes_in_it():
    line = ContractService(service=YEARLY.id, start=FROM_OCTOBER)
    dearer = replace(
        YEARLY,
        anniversary=True,
        prices=(ServicePrice(start=date(2027, 4, 1), one_time_fee=D(0), periodic_fee=D(2400)),),
    )
    # 182 of 365 days at 1200 and 183 at 2400.
    assert months(contract(FROM_OCTOBER, line), dearer) == [
        ["2026-10-01..2027-04-01 598.36", "2027-04-01..2027-10-01 1203.29"],
        [],
        [],
    ]


def test_who_leaves_early_pays_what_is_left_of_the_binding():
    agreed = contract(date(2026, 1, 10), terms=Terms(binding_months=12, notice_months=1))
    leaving = ended(agreed, date(2026, 9, 15), date(2026, 10, 15))
    # 14 of 31 days; then 17 of 31, November, December and 9 of 31: 109.13 + 199 + 199 + 57.77.
    window = Window(OCTOBER, OCTOBER.end, since=OCTOBER.start)
    made = charges(due_fees(leaving, {PLAIN.id: PLAIN}, window), {}, window)
    assert told(made) == ["2026-10-01..2026-10-15 89.87", "2026-10-15..2027-01-10 564.90"]
    assert made[1].bound_until == date(2027, 1, 10)
    half = ended(replace(agreed, terms=replace(agreed.terms, binding_share=D(50))), date(2026, 9, 15), leaving.end)
    made = charges(due_fees(half, {PLAIN.id: PLAIN}, window), {}, window)
    assert told(made)[1] == "2026-10-15..2027-01-10 282.45"


def test_who_has_left_does_not_pay_what_the_service_costs_later():
    agreed = contract(date(2026, 1, 10), terms=Terms(binding_months=12, notice_months=1))
    leaving = ended(agreed, date(2026, 9, 15), date(2026, 10, 15))
    window = Window(OCTOBER, OCTOBER.end, since=OCTOBER.start)
    for day, left in ((date(2026, 10, 15), "564.90"), (date(2026, 10, 14), "1129.81")):  # after and on the last day
        raised = replace(PLAIN, prices=(ServicePrice(start=day, one_time_fee=D(0), periodic_fee=D(398)),))
        made = charges(due_fees(leaving, {PLAIN.id: raised}, window), {}, window)
        assert told(made)[-1] == f"2026-10-15..2027-01-10 {left}"


@pytest.mark.parametrize(
    "leaving",
    [
        ended(contract(date(2026, 1, 10), terms=Terms(binding_months=12)), date(2026, 9, 15), None),
        ended(contract(date(2026, 1, 10), terms=Terms(binding_months=9)), date(2026, 9, 15), date(2026, 10, 15)),
        ended(
            contract(date(2026, 1, 10), terms=Terms(binding_months=12)),
            date(2026, 9, 15),
            date(2026, 10, 15),
            free=True,
        ),
    ],
    ids=["when it is free", "after the binding", "waived"],
)
def test_nothing_is_left_to_pay(leaving):
    assert not [charge for charge in run(leaving, OCTOBER) if charge.bound_until]


@pytest.mark.parametrize("months", [1, 2, 3, 6, 12])
@pytest.mark.parametrize("advance", [True, False])
@pytest.mark.parametrize("anniversary", [True, False])
def test_every_interval_is_charged_once_for_each_day_of_two_years(months: int, advance: bool, anniversary: bool):
    """By the calendar the first part is prorated; by the contract's first day every fee period is whole."""
    service = replace(
        PLAIN, periodic_fee=D(100) * months, interval_months=months, in_advance=advance, anniversary=anniversary
    )
    begin, last = date(2026, 2, 10), date(2028, 2, 10)
    agreed = contract(begin, ContractService(service=service.id, start=begin), end=last)
    billed: dict[FeeKey, BilledFee] = {}
    found: list[FeeCharge] = []
    day = date(2026, 1, 1)
    while day < date(2029, 1, 1):
        period = Period(day, date(day.year + day.month // 12, day.month % 12 + 1, 1))
        window = Window(period, period.end, since=date(2026, 1, 1))
        for charge in charges(due_fees(agreed, {service.id: service}, window), billed, window):
            assert charge.corrects is None
            billed[charge.key] = BilledFee(charge.amount, "1")
            held = charge.period.start if advance else date.fromordinal(charge.period.end.toordinal() - 1)
            assert period.start <= held < period.end, "in advance with its first day, in arrears with its last"
            found.append(charge)
        day = period.end
    days = sorted((charge.period.start, charge.period.end) for charge in found)
    assert (days[0][0], days[-1][1]) == (begin, last)
    assert all(one[1] == following[0] for one, following in itertools.pairwise(days)), "no day twice, none left out"
    if anniversary:
        assert {charge.amount for charge in found} == {D(100) * months}
        assert len(found) == 24 // months
    else:
        whole = [charge for charge in found if charge.unit_fee == charge.amount]
        assert len(found) - len(whole) == 2
        assert all((start.month - 1) % months == 0 and start.day == 1 for start, _ in days[1:])
