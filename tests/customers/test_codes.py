"""Countries, languages, accounts and prefixes are ones that there are."""

from __future__ import annotations

import pytest

from domain.contracts.service import check_account
from domain.countries import COUNTRIES, check_country
from domain.identity_numbers import check_language
from domain.numbers.ordering import check_preselection
from domain.refusal import BadValue


@pytest.mark.parametrize("code", ["SE", "NO", "GB", "AX", "US"])
def test_a_country_of_iso_3166(code: str) -> None:
    check_country(code, field="country")


@pytest.mark.parametrize("code", ["XX", "ZZ", "EU", "UK", "se", "SWE", "", "S1"])
def test_no_country_of_iso_3166(code: str) -> None:
    with pytest.raises(BadValue) as no:
        check_country(code, field="address.country")
    assert no.value.field == "address.country"


def test_there_are_as_many_countries_as_the_standard_has() -> None:
    assert len(COUNTRIES) == 249


@pytest.mark.parametrize("code", ["sv", "en", "nb", "no", "da", "fi", "de"])
def test_a_language_that_is_spoken(code: str) -> None:
    assert check_language(code) == code


@pytest.mark.parametrize("code", ["fr", "xx", "SV", "sv-SE", "swe", ""])
def test_a_language_that_is_not(code: str) -> None:
    with pytest.raises(BadValue):
        check_language(code)


@pytest.mark.parametrize(("account", "good"), [("3041", True), ("30", False), ("3o41", False), ("3041 ", False)])
def test_accounts_are_as_the_chart_numbers_them(account: str, good: bool) -> None:
    if good:
        check_account(account, field="account")
    else:
        with pytest.raises(BadValue):
            check_account(account, field="account")


@pytest.mark.parametrize(
    ("prefix", "country", "good"),
    [
        ("9533", "SE", True),
        ("9433", "SE", False),
        ("95330", "SE", False),
        ("953", "SE", False),
        ("1502", "NO", True),
        ("9533", "NO", False),
        ("1050", "DK", True),
        ("01033", "DE", True),
        ("101", "FI", True),
        ("95-33", "FI", False),
    ],
)
def test_a_prefix_is_as_the_countrys_number_plan_has_it(prefix: str, country: str, good: bool) -> None:
    if good:
        check_preselection(prefix, country)
    else:
        with pytest.raises(BadValue) as no:
            check_preselection(prefix, country)
        assert no.value.field == "prefix"
