"""What a seller's documents have in common: his head, with the address where a window envelope shows it, and foot."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

from domain.invoicing.invoice import Party
from integrations.printing.faces import BOLD, PLAIN, fitted
from integrations.printing.sheet import GREY, HEIGHT, LEFT, RIGHT, TOP, Sheet
from integrations.printing.words import Words, grouped_organisation

# ReportLab keeps what a face has drawn per document in places that two threads must not use at once.
DRAWING: Final = threading.Lock()


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
        sheet.text(LEFT, TOP, self.seller.name, size=10, face=BOLD, colour=sheet.brand.accent)
        sheet.text_to(RIGHT, TOP, f"{self.title} {self.number}", size=9, colour=GREY)
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
        sheet.text(LEFT, 37, "  ·  ".join(filter(None, facts)), size=7, colour=GREY)
        reach = "  ·  ".join(filter(None, (seller.email, seller.phone)))
        sheet.text(LEFT, 27, reach, size=7, colour=GREY)
        if sheet.brand.note:
            sheet.text(LEFT, 17, fitted(sheet.brand.note, PLAIN, 7, RIGHT - LEFT), size=7, colour=GREY)
        sheet.text_to(RIGHT - 16, 27, f"{said['page']} {sheet.page} {said['of']}", size=7, colour=GREY)
        sheet.pages_at(RIGHT - 13, 27)

    def head(self, facts: Sequence[tuple[str, str]], to: Party) -> None:
        """Draw foot, seller, title, the facts that are not empty, and to whom it goes."""
        self.foot()
        sheet, seller = self.sheet, self.seller
        if sheet.brand.logo is None or not sheet.picture(LEFT, TOP - 20, sheet.brand.logo, width=180, height=32):
            sheet.text(LEFT, TOP - 8, seller.name, size=16, face=BOLD, colour=sheet.brand.accent)
        sheet.text_to(RIGHT, TOP - 8, self.title, size=20, face=BOLD)
        sheet.rule(TOP - 24, colour=sheet.brand.accent, thick=1.2)
        facts = [(label, value) for label, value in facts if value]
        y, step = TOP - 52.0, min(15.0, 108 / max(len(facts), 1))
        for label, value in facts:
            sheet.text(LEFT, y, label, size=8, colour=GREY)
            sheet.text(LEFT + 96, y, value[:34], size=9)
            y -= step
        place = to.address
        lines = [
            to.name,
            to.attention or "",
            place.street,
            place.street2 or "",
            f"{place.postcode} {place.city}",
            place.country if place.country != seller.address.country else "",
        ]
        y = HEIGHT - 138  # 49 mm from the top, 113 mm from the left: the window of a C5 envelope
        for index, line in enumerate(filter(None, lines)):
            sheet.text(320, y, line[:52], size=10, face=PLAIN if index else BOLD)
            y -= 13.5
        sheet.y = TOP - 166
