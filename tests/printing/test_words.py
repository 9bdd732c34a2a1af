"""The printed words: every language has them all, and no document mixes two."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from string import Formatter
from types import ModuleType

import pytest

from domain.customers.customer import CallSpecification
from domain.invoicing.words import words as line_words
from domain.period import Period
from domain.telling.language import LANGUAGES
from integrations.printing import basis, danish, english, finnish, german, norwegian, swedish, words
from integrations.printing.heads import HEADS
from integrations.printing.words import _WORDS
from tests.einvoice.test_peppol import credit_note
from tests.invoicing.made import issued
from tests.printing.test_invoice_pdf import calls, pages, paper

MODULES: dict[str, ModuleType] = {
    "en": english, "sv": swedish, "nb": norwegian, "da": danish, "fi": finnish, "de": german,
}  # fmt: skip
# What is written alike in two languages or more, and so says nothing of which one it is.
ALIKE = {"Bankgiro", "IBAN"}


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_there_is_a_vocabulary_for_each_language():
    assert dict(_WORDS) == MODULES
    assert MODULES.keys() == LANGUAGES.keys()


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_word_is_missing_and_each_has_its_values(code):
    own = MODULES[code]
    assert own.SAY.keys() == english.SAY.keys()
    assert own.UNITS.keys() == english.UNITS.keys()
    for key, text in own.SAY.items():
        assert names(text) == names(english.SAY[key]), key
        assert text.strip() == text
        assert text


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_no_word_was_left_in_english(code):
    own = MODULES[code].SAY
    left = [key for key, text in english.SAY.items() if own[key] == text and text not in ALIKE]
    # Nordic and German have these from the same root as English.
    assert set(left) <= {"period", "destination", "specification", "of", "page", "credit_note", "subtotal"}, left


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_document_is_in_its_payers_language_alone(code, monkeypatch):
    marked = {key: f"¤{index}¤{text}" for index, (key, text) in enumerate(MODULES[code].SAY.items())}
    monkeypatch.setattr(MODULES[code], "SAY", marked)
    seen = set()
    both = (paper(language=code, call_specification=CallSpecification.ITEMISED), replace(issued(), language=code))
    for invoice in (*both, replace(credit_note(), language=code)):
        text = "\n".join(pages(invoice, [calls(3)]))
        seen |= {int(found) for found in re.findall(r"¤(\d+)¤", text)}
        # Every other language's words are absent: what is drawn came from this vocabulary, or is the parties' own.
        bare = re.sub(r"¤\d+¤", "", text)
        for other, module in MODULES.items():
            if other == code:
                continue
            own = " ".join(MODULES[code].SAY.values()).casefold()
            for key in ("number", "due", "to_pay", "calls", "late", "without_vat", "slip", "payee"):
                word = module.SAY[key].partition("{")[0].strip()
                if len(word) > 6 and word.casefold() not in own:
                    assert word not in bare, (other, word)
    keys = list(MODULES[code].SAY)
    drawn = {keys[index] for index in seen}
    assert {"number", "due", "customer", "period", "terms", "net", "vat_of", "calls", "description", "page"} <= drawn


def test_days_and_periods_are_written_as_the_language_does():
    october = Period(date(2026, 10, 1), date(2026, 11, 1))
    assert words.words("en").days(october) == "2026-10-01 – 10-31"
    assert words.words("nb").days(october) == "01.10. – 31.10.2026"
    assert words.words("fi").days(october) == "1.10. – 31.10.2026"
    assert words.words("de").days(Period(date(2025, 12, 1), date(2026, 3, 1))) == "01.12.2025 – 28.02.2026"
    assert words.words("da").days(Period(date(2026, 3, 1), date(2026, 3, 2))) == "01.03.2026"
    assert words.words("no").language.code == "nb"
    assert words.words("fr").language.code == "en"


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_sheet_of_a_runs_lines_is_as_its_readers_write(code):
    plain = list(csv.reader(io.StringIO("".join(basis.rows([issued()])))))
    comma = LANGUAGES[code].point == ","
    text = "".join(basis.rows([issued()], LANGUAGES[code]))
    told = list(csv.reader(io.StringIO(text), delimiter=";" if comma else ","))
    assert plain[0] == list(basis.COLUMNS)
    assert told[0] == list(HEADS[code])
    assert len(set(told[0])) == len(basis.COLUMNS)
    assert code == "en" or told[0] != list(HEADS["en"])
    assert len(told) == len(plain)
    for row, own in zip(plain[1:], told[1:], strict=True):
        assert own[2] == LANGUAGES[code].day(date.fromisoformat(row[2]))
        number = own[19].replace(",", ".") if comma else own[19]
        assert Decimal(number) == Decimal(row[19])


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_lines_of_an_invoice_have_words_in_each_language(code):
    own, base = line_words(code), line_words("en")
    assert own.language.code == code
    assert own.modes.keys() == base.modes.keys()
    for name in ("one_time", "binding", "received", "late", "correction", "credit"):
        text = getattr(own, name)
        assert names(text) == names(getattr(base, name))
        assert code == "en" or text != getattr(base, name)
