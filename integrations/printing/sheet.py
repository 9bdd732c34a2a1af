"""The document while it is drawn (A4 by ReportLab's canvas): pages, running heads and feet, columns, rules."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from domain.invoicing.branding import BLOCKS, Branding
from domain.invoicing.invoice import Look
from integrations.printing.faces import BOLD, PLAIN, fitted, printable, register, width

WIDTH: Final = 595.28
HEIGHT: Final = 841.89
LEFT: Final = 48.0
FIGURES: Final = 11  # characters of an amount that every column has room for, its neighbour's included
LEAST: Final = 4.5  # points of a figure that is made smaller
RIGHT: Final = WIDTH - 48.0
TOP: Final = HEIGHT - 48.0
BOTTOM: Final = 66.0
PAGES_MAX: Final = 20_000

Colour = tuple[float, float, float]
INK: Final[Colour] = (0.10, 0.12, 0.14)
GREY: Final[Colour] = (0.42, 0.45, 0.48)
RULE: Final[Colour] = (0.80, 0.82, 0.84)


@dataclass(frozen=True, slots=True)
class Brand:
    """How a seller's documents look: the colour of heads and rules, and its light tone behind the amounts."""

    accent: Colour = (0.03, 0.33, 0.40)
    tone: Colour = (0.92, 0.96, 0.96)
    logo: bytes | None = None
    note: str | None = None
    blocks: tuple[str, ...] = BLOCKS
    scale: float = 1.0
    intro: Mapping[str, str] = field(default_factory=dict)
    closing: Mapping[str, str] = field(default_factory=dict)


def branded(branding: Branding | None, look: Look | None, logo: bytes | None) -> Brand | None:
    """Return the brand of a document: what was set for its seller, before the look that it was issued with."""
    if branding is None:
        return brand_of(look, logo)
    said = look or Look()
    own = Look(accent=branding.accent or said.accent, note=branding.note or said.note)
    return replace(
        brand_of(own, logo) or Brand(),
        blocks=branding.blocks,
        scale=branding.text_percent / 100,
        intro=branding.intro,
        closing=branding.closing,
    )


def brand_of(look: Look | None, logo: bytes | None) -> Brand | None:
    """Return the brand that a look says; None where it says nothing. ``logo`` is its picture, a PNG."""
    if look is None or (look.accent, logo, look.note) == (None, None, None):
        return None
    if look.accent is None:
        return Brand(logo=logo, note=look.note)
    accent = tuple(int(look.accent[place : place + 2], 16) / 255 for place in (1, 3, 5))
    tone = tuple(1 - (1 - part) * 0.08 for part in accent)
    return Brand(accent=accent, tone=tone, logo=logo, note=look.note)  # type: ignore[arg-type]  # three parts each


@dataclass(frozen=True, slots=True)
class Column:
    """A column between two x; ``right`` aligns its text to the right edge."""

    left: float
    right: float
    at_right: bool = False


class Sheet:
    """Draws page after page. ``y`` is the base line drawn last; ``running`` draws a page's head and foot."""

    def __init__(self, brand: Brand, *, title: str, author: str, language: str) -> None:
        register()
        self.brand = brand
        self.page = 1
        self.y = TOP
        self.bottom = BOTTOM
        self.running: Callable[[Sheet], None] = lambda _: None
        self._font: tuple[str, float] | None = None
        self._colour: Colour | None = None
        self._out = io.BytesIO()
        self.canvas = Canvas(
            self._out, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1, initialFontName=PLAIN, lang=language
        )
        self.canvas.setTitle(printable(title))
        self.canvas.setAuthor(printable(author))
        self.canvas.setCreator("Tollwright")

    def text(self, x: float, y: float, text: str, *, size: float = 9, face: str = PLAIN, colour: Colour = INK) -> None:
        """Draw text from x."""
        self._ready(face, size, colour)
        self.canvas.drawString(x, y, printable(text, face))

    def text_to(
        self, x: float, y: float, text: str, *, size: float = 9, face: str = PLAIN, colour: Colour = INK
    ) -> None:
        """Draw text up to x."""
        self._ready(face, size, colour)
        self.canvas.drawRightString(x, y, printable(text, face))

    def row(
        self, columns: Sequence[Column], cells: Sequence[str], *, size: float, face: str = PLAIN, colour: Colour = INK
    ) -> None:
        """Draw one line of cells at ``y``, its texts cut to their columns."""
        self._ready(face, size, colour)
        for column, cell in zip(columns, cells, strict=True):
            if not cell:
                continue
            if column.at_right:  # figures are never cut, but smaller where they would run into others
                shown = printable(cell, face)
                wide, room = width(shown, face, size), column.right - column.left - 1
                if wide > room and len(shown) > FIGURES:
                    small = max(size * room / wide, LEAST)
                    self.text_to(column.right, self.y, shown, size=small, face=face, colour=colour)
                    self._ready(face, size, colour)
                    continue
                self.canvas.drawString(column.right - wide, self.y, shown)
            else:
                self.canvas.drawString(column.left, self.y, fitted(cell, face, size, column.right - column.left))

    def rule(
        self, y: float, *, left: float = LEFT, right: float = RIGHT, colour: Colour = RULE, thick: float = 0.5
    ) -> None:
        """Draw a horizontal line."""
        self.canvas.setStrokeColorRGB(*colour)
        self.canvas.setLineWidth(thick)
        self.canvas.line(left, y, right, y)

    def picture(self, x: float, y: float, content: bytes, *, width: float, height: float) -> bool:
        """Draw a picture as large as fits, on white; False where it cannot be read."""
        try:
            with Image.open(io.BytesIO(content), formats=["PNG"]) as one:
                whole = one.convert("RGBA")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return False
        # Without transparency, which every reader and printer draws alike.
        flat = Image.new("RGB", whole.size, "white")
        flat.paste(whole, mask=whole.getchannel("A"))
        scale = min(width / flat.width, height / flat.height)
        self.canvas.drawImage(ImageReader(flat), x, y, flat.width * scale, flat.height * scale)
        return True

    def box(self, x: float, y: float, wide: float, high: float, colour: Colour) -> None:
        """Fill a rectangle with rounded corners."""
        self.canvas.setFillColorRGB(*colour)
        self._colour = None
        self.canvas.roundRect(x, y, wide, high, 4, stroke=0, fill=1)

    def down(self, height: float) -> bool:
        """Go down; where there is no room begin a page and tell so."""
        if self.y - height < self.bottom:
            self.turn()
            self.y -= height
            return True
        self.y -= height
        return False

    def turn(self) -> None:
        """Begin the next page with its running head and foot."""
        assert self.page < PAGES_MAX
        self.canvas.showPage()
        self._font = self._colour = None
        self.page += 1
        self.y = TOP
        self.bottom = BOTTOM
        self.running(self)

    def pages_at(self, x: float, y: float) -> None:
        """Leave room at (x, y) for the number of pages, which is known at the end."""
        self.canvas.saveState()
        self.canvas.translate(x, y)
        self.canvas.doForm("pages")
        self.canvas.restoreState()

    def close(self) -> bytes:
        """End the document and return it."""
        self.canvas.showPage()
        self.canvas.beginForm("pages", 0, -3, 40, 12)
        self.canvas.setFont(PLAIN, 7)
        self.canvas.setFillColorRGB(*GREY)
        self.canvas.drawString(0, 0, str(self.page))
        self.canvas.endForm()
        self.canvas.save()
        return self._out.getvalue()

    def _ready(self, face: str, size: float, colour: Colour) -> None:
        if self._font != (face, size):
            self.canvas.setFont(face, size)
            self._font = (face, size)
        if self._colour != colour:
            self.canvas.setFillColorRGB(*colour)
            self._colour = colour


def heading(sheet: Sheet, text: str, *, room: float = 60) -> None:
    """Draw a section's heading with at least ``room`` points under it."""
    if sheet.y - 26 - room < sheet.bottom:
        sheet.turn()
    sheet.y -= 26
    sheet.text(LEFT, sheet.y, text, size=13, face=BOLD, colour=sheet.brand.accent)
