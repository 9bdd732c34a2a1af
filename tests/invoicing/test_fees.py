from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.contracts.contract import ContractService, ContractState
from domain.invoicing.bill_run import BilledFee
from domain.invoicing.fees import FeeCharge, Window, charges, due_fees
from domain.invoicing.proration import Priced, covers, fee_periods
from domain.money import round_to
from domain.period import Period
from tests.invoicing.made import MOBILE, OCTOBER, SWITCHBOARD, contract

SERVICES = {each.id: each for each in (MOBILE, SWITCHBOARD)}
NOVEMBER = Period(date(2026, 11, 1), date(2026, 12, 1))
dates = st.dates(date(2023, 1, 1), date(2028, 12, 31))


def run(agreed, billed, period=OCTOBER, since=OCTOBER.start) -> list[FeeCharge]:
    window = Window(period, period.end, since=since)
    return charges(due_fees(agreed, SERVICES, window), billed, window)


def keep(billed, made, number="1") -> dict:
    """What the store knows after these charges were issued."""
    after = dict(billed)
    for charge in made:
        before = after.get(charge.key)
        after[charge.key] = BilledFee((before.net if before else Decimal(0)) + charge.amount, number)
    return after


def told(made) -> list[tuple[str, str, str]]:
    return [(str(charge.period), str(charge.amount), charge.corrects or "") for charge in made]


def test_a_month_in_advance_and_the_one_time_fee():
    assert told(run(contract(date(2026, 10, 10)), {})) == [
        ("2026-10-10..2026-11-01", "141.23", ""),  # 199 * 22 / 31
        ("2026-10-10..2026-10-11", "49.00", ""),
    ]


def test_running_again_charges_nothing():
    agreed = contract(date(2026, 10, 10))
    billed = keep({}, run(agreed, {}))
    assert run(agreed, billed) == []
    assert told(run(agreed, billed, NOVEMBER)) == [("2026-11-01..2026-12-01", "199.00", "")]


def test_an_end_back_in_time_becomes_a_correction_that_names_the_invoice():
    agreed = contract(date(2026, 10, 1))
    billed = keep({}, run(agreed, {}), "100001")
    ended = contract(date(2026, 10, 1), end=date(2026, 10, 16), state=ContractState.ENDED)
    found = run(ended, billed, NOVEMBER)
    assert told(found) == [("2026-10-01..2026-10-16", "-102.71", "100001")]  # 199 * 15 / 31 = 96.29
    assert run(ended, keep(billed, found), NOVEMBER) == []


def test_a_service_that_never_was_is_taken_back():
    agreed = contract(date(2026, 10, 1))
    billed = keep({}, run(agreed, {}))
    gone = contract(date(2026, 10, 1), ContractService(service=SWITCHBOARD.id, start=date(2026, 10, 1)))
    assert sum(charge.amount for charge in run(gone, billed)) == Decimal("-199.00") - 49 + Decimal("199.00")


def test_arrears_are_billed_when_they_end_and_left_alone_by_an_earlier_run():
    slow = {SWITCHBOARD.id: replace(SWITCHBOARD, interval_months=3)}
    agreed = contract(date(2026, 10, 1), ContractService(service=SWITCHBOARD.id, start=date(2026, 10, 1)))
    december = Period(date(2026, 12, 1), date(2027, 1, 1))
    billed: dict = {}
    for period, expected in ((OCTOBER, []), (NOVEMBER, []), (december, ["199.00"]), (OCTOBER, [])):
        window = Window(period, period.end, since=OCTOBER.start)
        found = charges(due_fees(agreed, slow, window), billed, window)
        assert [str(charge.amount) for charge in found] == expected
        billed = keep(billed, found)


def test_arrears_of_a_later_run_are_left_alone_by_an_earlier_one_with_fees_ahead():
    slow = {SWITCHBOARD.id: SWITCHBOARD}
    agreed = contract(date(2026, 10, 1), ContractService(service=SWITCHBOARD.id, start=date(2026, 10, 1)))
    billed: dict = {}
    for period, expected in ((OCTOBER, ["199.00"]), (NOVEMBER, ["199.00"]), (OCTOBER, []), (NOVEMBER, [])):
        window = Window(period, date(2027, 1, 1), since=OCTOBER.start)
        found = charges(due_fees(agreed, slow, window), billed, window)
        assert [str(charge.amount) for charge in found] == expected
        billed = keep(billed, found)


def test_a_draft_pays_nothing_and_a_suspended_contract_goes_on_paying():
    assert run(contract(date(2026, 10, 1), state=ContractState.DRAFT), {}) == []
    assert run(contract(date(2026, 10, 1), state=ContractState.SUSPENDED), {})


def test_what_was_paid_before_the_first_run_is_not_charged_again():
    old = contract(date(2019, 3, 14))
    assert told(run(old, {})) == [("2026-10-01..2026-11-01", "199.00", "")]


@given(
    fee_start=dates,
    length=st.integers(1, 400),
    cuts=st.sets(st.integers(1, 399), max_size=6),
    fee=st.decimals(0, 10_000, places=2),
)
def test_covers_never_overlap_and_leave_no_day_out(fee_start, length, cuts, fee):
    period = Period(fee_start, fee_start + timedelta(days=length))
    edges = [0, *sorted(cut for cut in cuts if cut < length), length]
    prices = [
        Priced(fee_start + timedelta(days=a), fee_start + timedelta(days=b) if b < length else None, fee)
        for a, b in itertools.pairwise(edges)
    ]
    found = covers(period, prices)
    assert found[0].period.start == period.start
    assert found[-1].period.end == period.end
    assert all(a.period.end == b.period.start for a, b in itertools.pairwise(found))
    total = sum(cover.amount for cover in found)
    assert abs(total - fee) <= Decimal("0.005") * len(found)
    if len(found) == 1:
        assert total == round_to(fee, 2)


@given(anchor=dates, months=st.sampled_from([1, 2, 3, 6, 12]), start=dates, length=st.integers(1, 900))
def test_fee_periods_cover_a_window_without_gap_or_overlap(anchor, months, start, length):
    window = Period(start, start + timedelta(days=length))
    found = list(fee_periods(anchor, months, window))
    assert found[0].start <= window.start < found[0].end
    assert found[-1].start < window.end <= found[-1].end
    assert all(a.end == b.start for a, b in itertools.pairwise(found))
    assert all(28 * months <= each.days <= 31 * months for each in found)


@given(
    start=st.dates(date(2026, 8, 1), date(2027, 1, 31)),
    held=st.none() | st.integers(1, 200),
    later_end=st.none() | st.integers(1, 200),
    advance=st.booleans(),
)
def test_whatever_changes_the_sum_of_all_invoices_is_what_is_right_now(start, held, later_end, advance):
    """Recompute and difference: the runs before a change and after it add up to runs that knew it from the start."""
    service = MOBILE if advance else SWITCHBOARD
    months = [
        OCTOBER,
        NOVEMBER,
        Period(date(2026, 12, 1), date(2027, 1, 1)),
        Period(date(2027, 1, 1), date(2027, 2, 1)),
    ]

    def agreed(days):
        end = start + timedelta(days=days) if days else None
        return contract(start, ContractService(service=service.id, start=start), end=end)

    changed: dict = {}
    for index, period in enumerate(months):
        changed = keep(changed, run(agreed(held if index < 2 else later_end), changed, period))
    straight: dict = {}
    for period in months:
        straight = keep(straight, run(agreed(later_end), straight, period))
    assert {k: v.net for k, v in changed.items() if v.net} == {k: v.net for k, v in straight.items() if v.net}
    assert run(agreed(later_end), changed, months[-1]) == []
