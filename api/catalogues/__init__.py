"""What people are told, in their language: GNU gettext catalogues (``.po``), one a language, read when first needed.

The English template of a sentence is its ``msgid``. A sentence that knows its template (a refusal, a ``Said``) is told
by it; one that was kept as text, or comes from a library, is known again by its words (``api.catalogues.known_again``).
What is not in a catalogue is told in English; a test keeps them whole. ``python -m api.catalogues`` brings them up to
what the code says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po

from api.catalogues.known_again import TEXT_MAX, Index
from domain.access.actor import Actor
from domain.refusal import Refusal
from domain.saying import Said
from domain.telling.language import LANGUAGES as LANGUAGES_KNOWN
from domain.telling.language import accepted

FOLDER: Final = Path(__file__).parent
LANGUAGES: Final = ("sv", "nb", "da", "fi", "de")
_speaks: ContextVar[str] = ContextVar("tollwright_speaks", default="en")
_accepts: ContextVar[str | None] = ContextVar("tollwright_accepts", default=None)
_DAY: Final = re.compile(r"[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_NESTED_MAX: Final = 3  # a reason in a reason in a sentence


def speak(accept_language: str | None) -> None:
    """Tell this request in the first language of its ``Accept-Language`` that there is; else in English."""
    _accepts.set(accept_language)
    _speaks.set(accepted(accept_language).code)


def accepts() -> str | None:
    """Return the ``Accept-Language`` of the request."""
    return _accepts.get()


def speak_to(actor: Actor | None, accept_language: str | None) -> None:
    """Tell this request in the language its caller has set for himself, before what his client accepts."""
    if actor is not None and actor.language is not None:
        _speaks.set(accepted(actor.language).code)
    else:
        speak(accept_language)


def spoken() -> str:
    """Return the language of the request."""
    return _speaks.get()


def sentence(refusal: Refusal) -> str:
    """Return what a refusal says, in the language of the request."""
    language = _speaks.get()
    if language == "en":
        return refusal.message
    return _filled(refusal.template, refusal.values, refusal.message, language)


def told(text: str, language: str | None = None) -> str:
    """Return a sentence of ours in a language, else in the request's; what is not ours comes back as it is."""
    language = language or _speaks.get()
    if language not in LANGUAGES or not text:
        return str(text)
    if isinstance(text, Said):
        return _filled(text.template, text.values, str(text), language)
    return _again(text, language, 0)


def perhaps(text: str | None) -> str | None:
    """Return a sentence that may be missing, in the language of the request."""
    return None if text is None else told(text)


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Return a language's sentences by their templates."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        read = read_po(file, locale=language, abort_invalid=True)
    return {str(one.id): str(one.string) for one in read if one.id and one.string and not one.fuzzy}


@cache
def _index(language: str) -> Index:
    return Index(catalogue(language))


def _filled(template: str, values: Mapping[str, object], english: str, language: str) -> str:
    """Return a template's translation with its values as the language writes them."""
    found = catalogue(language).get(template)
    if found is None:
        return _again(english, language, 0)
    if not values:
        return found
    return found.format_map({name: _written(value, language) for name, value in values.items()})


def _written(value: object, language: str) -> object:
    """Write a value for a person; what is a key, a code or the caller's own word stays as it is."""
    match value:
        case Said():
            return told(value, language)
        case datetime():
            return _Text(LANGUAGES_KNOWN[language].time(value))
        case date():
            return _Text(LANGUAGES_KNOWN[language].day(value))
        case Decimal() if value.is_finite():
            return _Text(LANGUAGES_KNOWN[language].number(value))
        case str():
            return _again(value, language, 1)
        case BaseException():
            return _Text(_again(str(value), language, 1))
    return value


class _Text(str):
    """A value that is written already, whatever form its place asks for."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return str(self)


def _again(text: str, language: str, depth: int) -> str:
    """Know a sentence by its words and tell it; also one behind a place (``rates[0]: ...``), and several (``; ``)."""
    if len(text) > TEXT_MAX:  # nobody's sentence; a caller's own text is not searched at his will
        return text
    index = _index(language)
    found = index.find(text)
    if found is not None:
        told_as, caught = found
        values = {name: _caught(value, language, depth) for name, value in caught.items()}
        return index.fill(told_as, values)
    if depth < _NESTED_MAX:
        if "; " in text:
            parts = text.split("; ")
            retold = [_again(part, language, depth + 1) for part in parts]
            if retold != parts:
                return "; ".join(retold)
        place, colon, rest = text.partition(": ")
        if colon and (again := _again(rest, language, depth + 1)) != rest:
            return f"{place}: {again}"
    return text


def _caught(value: str, language: str, depth: int) -> str:
    if _DAY.fullmatch(value):
        return LANGUAGES_KNOWN[language].day(date.fromisoformat(value))
    return _again(value, language, depth + 1) if " " in value and depth < _NESTED_MAX else value
