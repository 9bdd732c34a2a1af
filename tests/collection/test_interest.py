"""Late interest: by the day, split at the half-year and where the principal changes, never beyond the known rates."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.collection.interest import Accrued, Step, accrue, interest
from domain.collection.limits import ReferenceRate, rate_of
from domain.collection.reference_rates import RATES as SHIPPED
from domain.collection.shipped import TERMS
from domain.customers.customer import CustomerKind

RATES = [
    ReferenceRate(country="SE", valid_from=date(2026, 1, 1), percent=Decimal("2.0")),
    ReferenceRate(country="SE", valid_from=date(2026, 7, 1), percent=Decimal("2.5")),
    ReferenceRate(country="NO", valid_from=date(2026, 7, 1), percent=Decimal("12.25")),
    ReferenceRate(country="FI", valid_from=date(2026, 1, 1), percent=Decimal("2.5")),
]
PERSON = CustomerKind.PERSON


def count(steps: list[Step], since: date, until: date, country: str = "SE", kind: CustomerKind = PERSON) -> Accrued:
    return accrue(steps, since=since, until=until, country=country, customer=kind, rates=RATES, terms=TERMS)


def test_it_is_split_at_the_half_year() -> None:
    found = count([Step(date(2026, 5, 1), 100_000)], date(2026, 6, 1), date(2026, 7, 11))
    # 1 000.00 at 10 % for 30 days, and at 10.5 % for 10.
    assert [(line.days, line.percent, line.amount_minor) for line in found.lines] == [
        (30, Decimal("10.0"), 822),
        (10, Decimal("10.5"), 288),
    ]
    assert (found.amount_minor, found.until) == (1110, date(2026, 7, 11))


def test_it_follows_part_payments() -> None:
    steps = [Step(date(2026, 7, 1), 100_000), Step(date(2026, 8, 11), -60_000), Step(date(2026, 8, 21), -40_000)]
    found = count(steps, date(2026, 8, 1), date(2026, 9, 30))
    assert [(line.start.day, line.principal_minor, line.days) for line in found.lines] == [
        (1, 100_000, 10),
        (11, 40_000, 10),
    ]
    assert found.amount_minor == 288 + 115


def test_who_pays_a_day_late_pays_a_day_s_interest_and_in_time_none() -> None:
    due = date(2026, 8, 1)
    paid = [Step(date(2026, 7, 1), 100_000), Step(due + timedelta(days=1), -100_000)]
    assert [line.days for line in count(paid, due, date(2026, 12, 31)).lines] == [1]
    in_time = [Step(date(2026, 7, 1), 100_000), Step(due, -100_000)]
    assert count(in_time, due, date(2026, 12, 31)) == Accrued()


def test_a_half_year_whose_rate_nobody_entered_stops_it() -> None:
    found = count([Step(date(2026, 5, 1), 100_000)], date(2026, 12, 30), date(2027, 1, 10))
    assert (found.until, found.unknown_from) == (date(2027, 1, 1), date(2027, 1, 1))
    assert count([Step(date(2025, 5, 1), 100_000)], date(2025, 8, 1), date(2025, 9, 1)).unknown_from == date(2025, 8, 1)


def test_norway_s_rate_is_the_interest_itself_and_finland_asks_businesses_for_a_point_more() -> None:
    steps = [Step(date(2026, 1, 1), 100_000)]
    assert count(steps, date(2026, 8, 1), date(2026, 8, 2), "NO").lines[0].percent == Decimal("12.25")
    assert count(steps, date(2026, 2, 1), date(2026, 2, 2), "FI").lines[0].percent == Decimal("9.5")
    firm = count(steps, date(2026, 2, 1), date(2026, 2, 2), "FI", CustomerKind.ORGANISATION)
    assert firm.lines[0].percent == Decimal("10.5")


def test_norwegian_interest_is_of_three_years_at_most() -> None:
    rates = [
        ReferenceRate(country="NO", valid_from=date(year, month, 1), percent=Decimal(12))
        for year in range(2019, 2027)
        for month in (1, 7)
    ]
    found = accrue(
        [Step(date(2019, 1, 1), 100_000)],
        since=date(2019, 2, 1),
        until=date(2026, 2, 1),
        country="NO",
        customer=PERSON,
        rates=rates,
        terms=TERMS,
    )
    assert found.lines[0].start == date(2023, 2, 1)


@given(
    principal=st.integers(1, 10**9),
    days=st.lists(st.tuples(st.integers(0, 180), st.integers(1, 10**8)), max_size=6),
    cut=st.integers(1, 179),
)
def test_charging_in_two_parts_comes_to_the_same(principal: int, days: list[tuple[int, int]], cut: int) -> None:
    """Interest up to a day and from that day on is, but for rounding once more, the interest of both."""
    since = date(2026, 7, 1)
    steps = [Step(date(2026, 6, 1), principal), *(Step(since + timedelta(days=day), -paid) for day, paid in days)]
    whole = count(steps, since, since + timedelta(days=180))
    middle = since + timedelta(days=cut)
    parts = count(steps, since, middle).amount_minor + count(steps, middle, since + timedelta(days=180)).amount_minor
    assert abs(whole.amount_minor - parts) <= 1
    assert sum(line.days for line in whole.lines) <= 180
    assert all(line.principal_minor <= principal for line in whole.lines)


@pytest.mark.parametrize(("days", "minor"), [(0, 0), (1, 29), (365, 10_500)])
def test_simple_interest(days: int, minor: int) -> None:
    assert interest(100_000, Decimal("10.5"), days) == minor


@pytest.mark.parametrize(
    ("country", "on", "percent"),
    [
        ("SE", date(2016, 7, 1), "-0.50"),
        ("SE", date(2023, 12, 31), "3.50"),
        ("SE", date(2024, 1, 1), "4.00"),
        ("NO", date(2023, 7, 1), "11.75"),
        ("NO", date(2025, 6, 30), "12.50"),
        ("DK", date(2024, 6, 30), "3.75"),
        ("DK", date(2024, 7, 1), "3.50"),
        ("FI", date(2025, 1, 1), "3.5"),
    ],
)
def test_the_rates_that_were_published_stand_in_their_half_year(country: str, on: date, percent: str) -> None:
    found = rate_of(SHIPPED, country=country, on=on)
    assert found is not None
    assert found.percent == Decimal(percent)


def test_a_half_year_that_nobody_published_has_no_rate() -> None:
    assert all(one.valid_from.month in {1, 7} and one.valid_from.day == 1 for one in SHIPPED)
    assert len({(one.country, one.valid_from) for one in SHIPPED}) == len(SHIPPED)
    assert rate_of(SHIPPED, country="SE", on=date(2026, 11, 22)) is None
