"""Refusals in the caller's language: GNU gettext catalogues (``.po``), one a language, read when first needed.

The English template of a refusal is its ``msgid``. What is not in a catalogue is told in English; a test keeps them
whole. ``python -m api.catalogues`` brings them up to what the code says.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po

from domain.refusal import Refusal
from domain.telling.language import accepted

FOLDER: Final = Path(__file__).parent
LANGUAGES: Final = ("sv", "nb", "da", "fi", "de")
_speaks: ContextVar[str] = ContextVar("tollwright_speaks", default="en")


def speak(accept_language: str | None) -> None:
    """Tell refusals of this request in the first language of its ``Accept-Language`` that there is; else in English."""
    _speaks.set(accepted(accept_language).code)


def sentence(refusal: Refusal) -> str:
    """Return what a refusal says, in the language of the request."""
    language = _speaks.get()
    if language == "en":
        return refusal.message
    told = catalogue(language).get(refusal.template)
    if told is None:
        return refusal.message
    return told.format_map(refusal.values) if refusal.values else told


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Return a language's sentences by their templates."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        read = read_po(file, locale=language, abort_invalid=True)
    return {str(one.id): str(one.string) for one in read if one.id and one.string and not one.fuzzy}
