"""The heads of reports: every column has one in every language, and no two of a report are the same."""

from __future__ import annotations

import pytest

from api.rest.trail import COLUMNS
from domain.telling.language import LANGUAGES
from integrations.printing.report_heads import HEADS, heads

METER = ("operator", "period_start", "period_end", "measure", "quantity", "per", "unit_price", "amount", "currency")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("columns", [COLUMNS, METER])
def test_every_column_has_a_head_of_its_own(language: str, columns: tuple[str, ...]) -> None:
    told = heads(columns, language)
    assert len(set(told)) == len(columns)
    assert all(one and "," not in one for one in told)
    assert heads(columns, None) == list(columns)


def test_the_languages_have_the_same_heads_and_words_of_their_own() -> None:
    assert set(HEADS) == set(LANGUAGES)
    assert {tuple(words) for words in HEADS.values()} == {tuple(HEADS["en"])}
    for language, words in HEADS.items():
        same = [name for name, word in words.items() if word == HEADS["en"][name]]
        assert language == "en" or len(same) <= 6, (language, same)
