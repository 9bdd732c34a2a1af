"""The typefaces (DejaVu Sans Condensed, licence beside the files), and text made fit to be drawn with them."""

from __future__ import annotations

import functools
import unicodedata
from pathlib import Path
from typing import Any, Final

from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

PLAIN: Final = "TollwrightSans"
BOLD: Final = "TollwrightSans-Bold"
_FILES: Final = {PLAIN: "DejaVuSansCondensed.ttf", BOLD: "DejaVuSansCondensed-Bold.ttf"}
_FOLDER: Final = Path(__file__).resolve().parent / "fonts"
TEXT_MAX: Final = 1000


@functools.lru_cache
def register() -> None:
    """Make the faces known to ReportLab; streams are binary from then on, not base 85."""
    rl_config.useA85 = 0
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, _FOLDER / file))


@functools.lru_cache(maxsize=4)
def _glyphs(face: str) -> frozenset[int]:
    register()
    font: Any = pdfmetrics.getFont(face)
    return frozenset(font.face.charToGlyph)


@functools.lru_cache(maxsize=20_000)
def printable(text: str, face: str = PLAIN) -> str:
    r"""Return the text as it can be drawn on one line: composed, without controls, ``?`` for what the face lacks.

    >>> printable("A\u030ake\x00\n\u202eB \u65e5")
    'Åke B ?'
    """
    composed = unicodedata.normalize("NFC", text[:TEXT_MAX])
    known = _glyphs(face)
    kept = []
    for character in composed:
        kind = unicodedata.category(character)
        if character.isspace():
            kept.append("\u00a0" if character == "\u00a0" else " ")
        elif kind[0] != "C":
            kept.append(character if ord(character) in known else "?")
    return " ".join("".join(kept).split(" ")).strip()


def width(text: str, face: str, size: float) -> float:
    """Return how wide the text is drawn, in points."""
    return float(pdfmetrics.stringWidth(text, face, size))


def fitted(text: str, face: str, size: float, room: float) -> str:
    """Return the text, cut with an ellipsis where it is wider than ``room`` points."""
    shown = printable(text, face)
    if width(shown, face, size) <= room:
        return shown
    low, high = 0, len(shown)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        if width(shown[:middle].rstrip() + "…", face, size) <= room:
            low = middle
        else:
            high = middle - 1
    return shown[:low].rstrip() + "…"


def wrapped(text: str, face: str, size: float, room: float) -> list[str]:
    """Return the text in lines that fit, broken at spaces; a word that is wider than a line is broken itself."""
    lines: list[str] = []
    line = ""
    for word in printable(text, face).split(" "):
        longer = f"{line} {word}" if line else word
        if width(longer, face, size) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        while width(word, face, size) > room:
            fits = next(place for place in range(len(word), 0, -1) if width(word[:place], face, size) <= room)
            lines.append(word[:fits])
            word = word[fits:]  # noqa: PLW2901  (what is left of it)
        line = word
    return [*lines, line] if line else lines


def shrunk(text: str, face: str, size: float, room: float, *, least: float) -> float:
    """Return the largest size, from ``size`` down to ``least``, at which the text is no wider than ``room``."""
    wide = width(printable(text, face), face, size)
    return size if wide <= room else max(least, size * room / wide)
