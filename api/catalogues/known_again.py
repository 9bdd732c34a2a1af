"""Sentences known again by their words: which template a text was made of, and the values that stand in it.

A reason that was stored months ago, and a library's complaint, are plain English text. A template is found by the
words that stand between its values, in order, without going back, so that no text takes long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Final

TEXT_MAX: Final = 4000  # characters; a longer text is nobody's sentence
_WORDS_MIN: Final = 5  # letters that a template must have of its own, so that a name is not taken for a sentence


@dataclass(frozen=True, slots=True)
class Shape:
    """A template taken apart: ``words`` stand around and between the values named ``names``."""

    template: str
    words: tuple[str, ...]
    names: tuple[str, ...]

    def catch(self, text: str) -> dict[str, str] | None:
        """Return the values of a text of this shape."""
        first, *middle, last = self.words
        if not (text.startswith(first) and text.endswith(last)) or len(text) < len(first) + len(last):
            return None
        at, end = len(first), len(text) - len(last)
        caught: list[str] = []
        for word in middle:
            found = text.find(word, at, end)
            if found < 0:
                return None
            caught.append(text[at:found])
            at = found + len(word)
        caught.append(text[at:end])
        return dict(zip(self.names, caught, strict=True))


class Index:
    """A catalogue that finds its templates by what they became."""

    def __init__(self, catalogue: Mapping[str, str]) -> None:
        self._told = catalogue
        self._shapes: dict[str, list[Shape]] = {}
        for template in catalogue:
            shape = shape_of(template)
            if shape is not None:
                self._shapes.setdefault(shape.words[0].partition(" ")[0], []).append(shape)
        for some in self._shapes.values():
            some.sort(key=lambda shape: -sum(map(len, shape.words)))

    def find(self, text: str) -> tuple[str, dict[str, str]] | None:
        """Return the translation's template and the values for it."""
        if (exact := self._told.get(text)) is not None and len(text) >= _WORDS_MIN:
            return exact.replace("{", "{{").replace("}", "}}"), {}
        word = text.partition(" ")[0]
        # A shape whose first value touches its first word, as in ``it's {x}``, has a part of the word alone.
        starts = [word[:length] for length in range(len(word), -1, -1)]
        for start in starts:
            for shape in self._shapes.get(start, ()):
                caught = shape.catch(text)
                if caught is not None:
                    return self._told[shape.template], caught
        return None

    @staticmethod
    def fill(template: str, values: Mapping[str, str]) -> str:
        """Put values, which are written already, into a translation."""
        parts = Formatter().parse(template)
        return "".join(literal + ("" if name is None else values.get(name, "")) for literal, name, _, _ in parts)


def shape_of(template: str) -> Shape | None:
    """Take a template apart; None for one without values, or with too few words of its own."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError:  # a sentence without values may hold a single brace
        return None
    names = tuple(name for _, name, _, _ in parts if name is not None)
    if not names or any(not name.isidentifier() for name in names):
        return None
    words = [""]
    for literal, name, _, _ in parts:
        words[-1] += literal
        if name is not None:
            words.append("")
    if sum(character.isalpha() for word in words for character in word) < _WORDS_MIN:
        return None
    if any(not word for word in words[1:-1]):  # two values side by side cannot be told apart
        return None
    return Shape(template, tuple(words), names)
