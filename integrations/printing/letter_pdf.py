"""A letter as PDF: a seller's head and foot, an address for the window, paragraphs, tables, and the slip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from domain.invoicing.invoice import Invoice, Party
from integrations.printing.faces import BOLD, PLAIN, printable, width, wrapped
from integrations.printing.letter import DRAWING, Letter
from integrations.printing.sheet import GREY, LEFT, RIGHT, Brand, Column, Sheet, heading
from integrations.printing.slip import HEIGHT as SLIP_HEIGHT
from integrations.printing.slip import draw_slip
from integrations.printing.words import Words, words

TEXT_SIZE: Final = 9.5
LINE: Final = 13.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """Whose letter it is, to whom, in which language, its title and number, and the facts below the title."""

    seller: Party
    to: Party
    language: str
    title: str
    number: str
    on: date
    facts: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text, broken into lines where it does not fit; an empty line parts paragraphs."""

    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading with what follows kept below it."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows below heads; ``at_right`` are the places of columns of figures. ``sums`` are bold and come last."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    at_right: Sequence[int] = ()
    sums: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class Slip:
    """The slip at the foot of the page, for what this document says is to be paid: its total, due date, reference."""

    of: Invoice


Part = Paragraph | Heading | Table | Slip


def letter_pdf(head: Letterhead, parts: Sequence[Part], *, brand: Brand | None = None) -> bytes:
    """Return the PDF of a letter; the same parts give the same bytes."""
    with DRAWING:
        return _Printer(head, brand or Brand()).draw(parts)


class _Printer:
    def __init__(self, head: Letterhead, brand: Brand) -> None:
        self.head = head
        self.said: Words = words(head.language)
        title = f"{head.title} {head.number}".strip()
        self.sheet = Sheet(brand, title=title, author=head.seller.name, language=head.language)
        self.letter = Letter(self.sheet, self.said, head.seller, head.title, head.number)

    def draw(self, parts: Sequence[Part]) -> bytes:
        facts = [(self.said["letter_date"], self.said.day(self.head.on)), *self.head.facts]
        self.letter.head(facts, self.head.to)
        for part in parts:
            match part:
                case Heading(text):
                    heading(self.sheet, text, room=40)
                    self.sheet.y -= 4
                case Paragraph(text, bold):
                    self.paragraph(text, BOLD if bold else PLAIN)
                case Table():
                    self.table(part)
                case Slip(of):
                    self.slip(of)
        return self.sheet.close()

    def paragraph(self, text: str, face: str) -> None:
        for block in text.split("\n"):
            for line in wrapped(block, face, TEXT_SIZE, RIGHT - LEFT) or [""]:
                self.sheet.down(LINE)
                self.sheet.text(LEFT, self.sheet.y, line, size=TEXT_SIZE, face=face)
        self.sheet.y -= 5

    def table(self, table: Table) -> None:
        columns = _columns(table)
        self.heads(columns, table)
        for rows, face in ((table.rows, PLAIN), (table.sums, BOLD)):
            for row in rows:
                if self.sheet.down(LINE):
                    self.heads(columns, table)
                    self.sheet.y -= LINE
                self.sheet.row(columns, row, size=8.5, face=face)
            if rows:
                self.sheet.rule(self.sheet.y - 5)
                self.sheet.y -= 3
        self.sheet.y -= 6

    def heads(self, columns: Sequence[Column], table: Table) -> None:
        self.sheet.down(16)
        self.sheet.row(columns, table.heads, size=7.5, colour=GREY)
        self.sheet.rule(self.sheet.y - 5)
        self.sheet.y -= 3

    def slip(self, invoice: Invoice) -> None:
        if self.sheet.y < self.sheet.bottom + SLIP_HEIGHT + 10:
            self.sheet.turn()
        draw_slip(self.sheet, invoice, self.said)


def _columns(table: Table) -> list[Column]:
    """Return columns as wide as what stands in them; the first column of text gets what is left."""
    count = len(table.heads)
    wide = [
        max(width(printable(row[place]), BOLD, 8.5) for row in (table.heads, *table.rows, *table.sums)) + 10
        for place in range(count)
    ]
    first = next((place for place in range(count) if place not in table.at_right), 0)
    rest = RIGHT - LEFT - sum(one for place, one in enumerate(wide) if place != first)
    wide[first] = max(rest, 60.0)
    scale = min(1.0, (RIGHT - LEFT) / sum(wide))
    columns, x = [], LEFT
    for place, one in enumerate(wide):
        right = x + one * scale
        columns.append(Column(x, right - (0 if place in table.at_right else 6), at_right=place in table.at_right))
        x = right
    return columns
