from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.mediation import numbers
from domain.mediation.numbers import e164, of_type
from domain.mediation.profile import NumberPlan

SE, RU, US, PT, IT, NO = (NumberPlan(country=country) for country in ("SE", "RU", "US", "PT", "IT", "NO"))


@pytest.mark.parametrize(
    ("plan", "dialled", "expected"),
    [
        (SE, "0846500401", "46846500401"),
        (SE, "+46846500401", "46846500401"),
        (SE, "0046846500401", "46846500401"),
        (SE, "46846500401", "46846500401"),
        (SE, "070-174 06 05", "46701740605"),
        (SE, "+46 (70) 1740605", "46701740605"),
        (SE, "sip:+46701740605@192.0.2.1;user=phone", "46701740605"),
        (SE, "tel:+46701740605;ext=1", "46701740605"),
        (SE, "112", "112"),
        (SE, "118118", "118118"),
        (SE, "11414", "11414"),
        (SE, "90000", "90000"),
        (SE, "0718123456", "46718123456"),
        (SE, "101", "101"),
        (SE, "*60", "*60"),
        (SE, "anonymous", "anonymous"),
        (SE, "", ""),
        (SE, "000123456789", "000123456789"),
        (SE, "+", "+"),
        (RU, "89245559149", "79245559149"),
        (RU, "81079243525554", "79243525554"),
        (RU, "211474", "211474"),
        (US, "9785350209", "19785350209"),
        (US, "19785350209", "19785350209"),
        (US, "01146701740605", "46701740605"),
        (US, "911", "911"),
        (PT, "912345678", "351912345678"),
        (PT, "123", "123"),
        (IT, "0612345678", "390612345678"),
        (IT, "390612345678", "390612345678"),
        (NO, "112", "112"),
        (NO, "22334455", "4722334455"),
        (NumberPlan(), "0046846500401", "46846500401"),
        (NumberPlan(), "34650000188", "34650000188"),
        (NumberPlan(country="PT", national_prefix=""), "212345678", "351212345678"),
        (NumberPlan(country="SE", international_prefix="007"), "00746701740605", "46701740605"),
        (NumberPlan(country="SE", short=("07\\d{3}",)), "07123", "07123"),
        (NumberPlan(country="SE", rewrite=(("^9", ""), ("^810", "+"))), "981046701740605", "46701740605"),
    ],
)
def test_a_number_as_dialled_becomes_e164_or_stays(plan: NumberPlan, dialled: str, expected: str) -> None:
    assert e164(pl.Series([dialled]), plan).to_list() == [expected]


DIALLED = st.one_of(
    st.text("0123456789+", max_size=18),
    st.builds(
        "".join,
        st.tuples(st.sampled_from(["0", "00", "+46", "46", "8", "810", "118"]), st.text("0123456789", max_size=13)),
    ),
)


@settings(deadline=None)
@given(st.lists(DIALLED, min_size=1, max_size=30), st.sampled_from([SE, RU, NumberPlan(country="DE"), NumberPlan()]))
def test_the_kernel_and_the_expressions_agree(texts: list[str], plan: NumberPlan) -> None:
    """Both ways of the same rule: compiled over bytes, and as expressions for plans with patterns."""
    column = pl.Series(texts, dtype=pl.String)
    rules = numbers._rules(plan)
    quick = numbers._plain(column, rules)
    if quick is None:  # a plus that is not at the beginning
        assert any("+" in text[1:] for text in texts)
        return
    assert quick.to_list() == numbers._expressed(column, rules).to_list()


def test_the_type_of_a_number_decides() -> None:
    assert of_type(1, "46701740605", SE) == "+46701740605"
    assert of_type(2, "846500401", SE) == "+46846500401"
    assert of_type(2, "0846500401", SE) == "0846500401"
    assert of_type(2, "004930231250001", SE) == "004930231250001"
    assert of_type(0, "112", SE) == "112"
