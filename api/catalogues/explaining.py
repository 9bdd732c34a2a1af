"""The one sentence of an explanation that was kept with its event."""

from __future__ import annotations

from dataclasses import replace

from api.catalogues import told
from domain.rating.explanation import Explanation
from domain.telling.language import Language


def in_words(explanation: Explanation, language: Language) -> Explanation:
    """Return an explanation whose reason is of the language."""
    if explanation.detail is None:
        return explanation
    return replace(explanation, detail=told(explanation.detail, language.code))
