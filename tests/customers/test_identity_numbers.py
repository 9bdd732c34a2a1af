"""Identity numbers and VAT ids: one good of each country that is checked, and the same with one digit changed."""

from __future__ import annotations

import pytest

from domain.identity_numbers import compact_organisation, compact_person, compact_vat
from domain.refusal import BadValue

# Examples of the tax authorities and of python-stdnum's own documentation.
VAT = {
    "AT": "ATU13585627", "BE": "BE0428759497", "BG": "BG175074752", "CY": "CY10259033P", "CZ": "CZ25123891",
    "DE": "DE136695976", "DK": "DK13585628", "EE": "EE100931558", "EL": "EL094259216", "ES": "ESB64717838",
    "FI": "FI20774740", "FR": "FR40303265045", "HR": "HR33392005961", "HU": "HU12892312", "IE": "IE6433435F",
    "IT": "IT00743110157", "LT": "LT119511515", "LU": "LU15027442", "LV": "LV40003521600", "MT": "MT11679112",
    "NL": "NL004495445B01", "PL": "PL8567346215", "PT": "PT501964843", "RO": "RO18547290", "SE": "SE556703748501",
    "SI": "SI50223054", "SK": "SK2022749619", "XI": "XI980780684", "GB": "GB980780684", "NO": "NO995525828MVA",
    "CH": "CHE107787577IVA",
}  # fmt: skip
PERSONS = {
    "SE": "8112189876", "NO": "15108695088", "DK": "2110625629", "FI": "131052-308T", "IS": "1201743399",
    "EE": "36805280109", "NL": "111222333", "PL": "44051401359", "BE": "85073003328",
}  # fmt: skip
ORGANISATIONS = {
    "SE": "5567037485", "NO": "988077917", "DK": "13585628", "FI": "20774740", "IS": "4504013150",
    "EE": "12345678", "FR": "552008443", "IT": "00743110157",
}  # fmt: skip


# The last digit of these is no check digit: a branch, a century; Danish numbers have none since 2007, but a birthday.
SPOILT = {"NL004495445B01": "NL004495446B01", "1201743399": "1201743389", "2110625629": "3213625629"}


def spoilt(number: str) -> str:
    """Return the number with its last digit another one."""
    if number in SPOILT:
        return SPOILT[number]
    index = max(place for place, character in enumerate(number) if character.isdigit())
    return f"{number[:index]}{(int(number[index]) + 1) % 10}{number[index + 1 :]}"


@pytest.mark.parametrize("country", VAT)
def test_a_vat_id_of_each_country(country: str) -> None:
    number = VAT[country]
    assert compact_vat(number) == number
    assert compact_vat(f"{number[:2].lower()} {number[2:]}") == number
    with pytest.raises(BadValue) as no:
        compact_vat(spoilt(number))
    assert no.value.field == "vatId"


@pytest.mark.parametrize("country", PERSONS)
def test_a_person_of_each_country(country: str) -> None:
    assert compact_person(country, PERSONS[country]) == PERSONS[country]
    with pytest.raises(BadValue):
        compact_person(country, spoilt(PERSONS[country]))


@pytest.mark.parametrize("country", ORGANISATIONS)
def test_an_organisation_of_each_country(country: str) -> None:
    assert compact_organisation(country, ORGANISATIONS[country]) == ORGANISATIONS[country]
    with pytest.raises(BadValue):
        compact_organisation(country, spoilt(ORGANISATIONS[country]))


@pytest.mark.parametrize("number", ["701063-2392", "701092-2391", "811232-9876", "7010632391x", "", "+"])
def test_swedish_numbers_that_are_none(number: str) -> None:
    with pytest.raises(BadValue):
        compact_person("SE", number)


def test_one_person_has_one_number_however_it_is_written() -> None:
    spellings = ["811218-9876", "8112189876", "19811218-9876", "198112189876", " 811218 9876 "]
    assert {compact_person("SE", one) for one in spellings} == {"8112189876"}
    assert compact_person("SE", "811218+9876") == "811218+9876"
    assert compact_person("SE", "19701063-2391") == compact_person("SE", "701063-2391") == "7010632391"


def test_a_country_without_a_rule_keeps_what_was_written() -> None:
    assert compact_person("US", " 123-45 ") == "123-45"
    for bad in ("US123", "12", "ÅÅ1", ""):
        with pytest.raises(BadValue):
            compact_vat(bad)
