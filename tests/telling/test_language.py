"""Languages: none lacks a sentence, and each writes numbers, money and times as its readers do."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from string import Formatter

import pytest
from babel.dates import format_date
from babel.numbers import format_decimal

from domain.refusal import BadValue
from domain.telling.language import LANGUAGES, accepted, language

NB = "\u00a0"
AT = datetime(2026, 10, 25, 0, 30, 5, tzinfo=UTC)


def words(sentence):
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_there_are_the_six_languages():
    assert list(LANGUAGES) == ["en", "sv", "nb", "da", "fi", "de"]


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_language_lacks_a_sentence_or_a_word_of_it(code):
    english, own = LANGUAGES["en"].sentences, LANGUAGES[code].sentences
    assert own.keys() == english.keys()
    for name, sentence in own.items():
        assert words(sentence) == words(english[name]), name
        assert sentence.strip() == sentence
        assert sentence


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_no_sentence_was_left_in_english(code):
    english, own = LANGUAGES["en"].sentences, LANGUAGES[code].sentences
    long = [
        name
        for name, said in english.items()
        if len(re.findall(r"[a-z]{2,}", re.sub(r"{.*?}", "", said))) > 1 and own[name] == said
    ]
    assert long == []


@pytest.mark.parametrize(
    ("code", "number", "money", "time"),
    [
        ("en", "-1,234,567.05", f"0.49{NB}SEK", "2026-10-25 02:30:05 +02:00"),
        ("sv", f"-1{NB}234{NB}567,05", f"0,49{NB}SEK", "2026-10-25 02:30:05 +02:00"),
        ("nb", f"-1{NB}234{NB}567,05", f"0,49{NB}SEK", "25.10.2026 02:30:05 +02:00"),
        ("da", "-1.234.567,05", f"0,49{NB}SEK", "25.10.2026 02.30.05 +02:00"),
        ("fi", f"-1{NB}234{NB}567,05", f"0,49{NB}SEK", "25.10.2026 02.30.05 +02:00"),
        ("de", "-1.234.567,05", f"0,49{NB}SEK", "25.10.2026 02:30:05 +02:00"),
    ],
)
def test_numbers_money_and_times_are_written_as_the_language_does(code, number, money, time):
    one = LANGUAGES[code]
    assert one.number(Decimal("-1234567.050")) == number
    assert one.money(Decimal("0.490000000"), "SEK") == money
    assert one.time(AT, "Europe/Stockholm") == time


def test_a_time_between_two_seconds_and_at_the_calendars_ends():
    assert LANGUAGES["sv"].time(AT.replace(microsecond=500_000)) == "2026-10-25 00:30:05,5 +00:00"
    for at in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        for zone in ("Pacific/Apia", "America/St_Johns"):
            assert LANGUAGES["de"].time(at, zone)


@pytest.mark.parametrize(
    ("header", "otherwise", "found"),
    [
        (None, "sv", "sv"),
        ("", "xx", "en"),
        ("de-AT, en;q=0.5", "sv", "de"),
        ("en;q=0.5, da;q=0.9", "sv", "da"),
        ("no", "sv", "nb"),
        ("fr-FR, fi;q=0", "sv", "sv"),
        ("*;q=1", "da", "da"),
        ("sv;q=9, " + "x," * 5000, "en", "en"),
    ],
)
def test_the_first_language_there_is_of_those_accepted(header, otherwise, found):
    assert accepted(header, otherwise).code == found


def test_another_language_is_refused_by_name():
    assert language("NO").code == "nb"
    assert language("sv_SE").code == "sv"
    with pytest.raises(BadValue, match="'fr' is not one of en, sv, nb, da, fi, de"):
        language("fr")


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_numbers_and_days_are_those_of_the_unicode_locale_data(code):
    one = LANGUAGES[code]
    for number in (Decimal("1234567.25"), Decimal("0.5"), 12345):
        assert one.number(number) == format_decimal(number, locale=code, decimal_quantization=False)
    day = date(2026, 3, 1)
    form = {"de": "dd.MM.yyyy"}.get(code, "short")  # the short form of German has two digits of the year
    assert one.day(day) == format_date(day, form, locale=code)
