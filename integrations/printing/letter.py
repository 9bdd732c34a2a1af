"""What a seller's documents have in common: his head, with the address where a window envelope shows it, and foot."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from typing import Final

from babel import Locale

from domain.invoicing.invoice import Party
from integrations.printing.faces import BOLD, PLAIN, fitted, printable, shrunk, width, wrapped
from integrations.printing.sheet import GREY, HEIGHT, LEFT, RIGHT, TOP, Sheet
from integrations.printing.words import Words, grouped_organisation

# ReportLab keeps what a face has drawn per document in places that two threads must not use at once.
DRAWING: Final = threading.Lock()
WINDOW: Final = 320.0  # where the address begins, from the left


class Letter:
    """Draws a document's first head, and the head and foot of every other page of its sheet."""

    def __init__(self, sheet: Sheet, said: Words, seller: Party, title: str, number: str) -> None:
        self.sheet = sheet
        self.said = said
        self.seller = seller
        self.title = title
        self.number = number
        sheet.running = self.running

    def running(self, sheet: Sheet) -> None:
        """Draw the head and foot of every page but the first."""
        about = f"{self.title} {self.number}"
        room = RIGHT - LEFT - width(printable(about), PLAIN, 9) - 12
        name = fitted(self.seller.name, BOLD, 10, room)
        sheet.text(LEFT, TOP, name, size=10, face=BOLD, colour=sheet.brand.accent)
        sheet.text_to(RIGHT, TOP, about, size=9, colour=GREY)
        sheet.rule(TOP - 9, colour=sheet.brand.accent, thick=0.8)
        sheet.y = TOP - 12
        self.foot()

    def foot(self) -> None:
        """Draw who sells, how he is reached, and which page it is."""
        sheet, seller, said = self.sheet, self.seller, self.said
        place = seller.address
        sheet.rule(48, thick=0.4)
        organisation = grouped_organisation(seller.identity_number or "", place.country)
        facts = [
            f"{seller.name}, {place.street}, {place.postcode} {place.city}",
            f"{said['organisation']} {organisation}" if organisation else "",
            f"{said['vat_id']} {seller.vat_id}" if seller.vat_id else "",
            said["f_tax"] if place.country == "SE" else "",
        ]
        whole, reach = "  ·  ".join(filter(None, facts)), "  ·  ".join(filter(None, (seller.email, seller.phone)))
        if width(printable(whole), PLAIN, 7) > RIGHT - LEFT:
            whole, reach = facts[0], "  ·  ".join(filter(None, (*facts[1:], reach)))
        sheet.text(LEFT, 37, fitted(whole, PLAIN, 7, RIGHT - LEFT), size=7, colour=GREY)
        sheet.text(LEFT, 27, fitted(reach, PLAIN, 7, RIGHT - LEFT - 70), size=7, colour=GREY)
        if sheet.brand.note:
            sheet.text(LEFT, 17, fitted(sheet.brand.note, PLAIN, 7, RIGHT - LEFT), size=7, colour=GREY)
        sheet.text_to(RIGHT - 16, 27, f"{said['page']} {sheet.page} {said['of']}", size=7, colour=GREY)
        sheet.pages_at(RIGHT - 13, 27)

    def head(self, facts: Sequence[tuple[str, str]], to: Party) -> None:
        """Draw foot, seller, title, the facts that are not empty, and to whom it goes."""
        self.foot()
        sheet, seller = self.sheet, self.seller
        if sheet.brand.logo is None or not sheet.picture(LEFT, TOP - 20, sheet.brand.logo, width=180, height=32):
            room = RIGHT - LEFT - width(printable(self.title, BOLD), BOLD, 20) - 18
            size = shrunk(seller.name, BOLD, 16, room, least=9)
            name = fitted(seller.name, BOLD, size, room)
            sheet.text(LEFT, TOP - 8, name, size=size, face=BOLD, colour=sheet.brand.accent)
        sheet.text_to(RIGHT, TOP - 8, self.title, size=20, face=BOLD)
        sheet.rule(TOP - 24, colour=sheet.brand.accent, thick=1.2)
        facts = [(label, value) for label, value in facts if value]
        y, step = TOP - 52.0, min(15.0, 108 / max(len(facts), 1))
        for label, value in facts:
            sheet.text(LEFT, y, label, size=8, colour=GREY)
            sheet.text(LEFT + 96, y, fitted(value, PLAIN, 9, WINDOW - LEFT - 108), size=9)
            y -= step
        place = to.address
        room = RIGHT - WINDOW
        names = wrapped(to.name, BOLD, 10, room)
        lines = [
            *(
                (name, BOLD)
                for name in (names if len(names) < 3 else [names[0], fitted(" ".join(names[1:]), BOLD, 10, room)])
            ),
            (to.attention or "", PLAIN),
            (place.street, PLAIN),
            (place.street2 or "", PLAIN),
            (f"{place.postcode} {place.city}", PLAIN),
            (abroad(place.country) if place.country != seller.address.country else "", PLAIN),
        ]
        lines = [(line, face) for line, face in lines if line]
        y = HEIGHT - 138  # 49 mm from the top, 113 mm from the left: the window of a C5 envelope
        step = 13.5 if len(lines) <= 6 else 11.5
        for line, face in lines:
            sheet.text(WINDOW, y, fitted(line, face, 10, room), size=10, face=face)
            y -= step
        sheet.y = TOP - 166


@functools.cache
def abroad(country: str) -> str:
    """Return a country as the last line of an address names it: in capitals, in a language that every post reads (UPU).

    >>> abroad("DE"), abroad("GB"), abroad("??")
    ('GERMANY', 'UNITED KINGDOM', '??')
    """
    return str(Locale("en").territories.get(country, country)).upper()
