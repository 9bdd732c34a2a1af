"""A quote as PDF: the seller's letter with what is offered, its sums once and per month, terms, and room to sign."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Final

from domain.contracts.terms import Discount
from domain.invoicing.invoice import Totals, Unit, decimals_of
from domain.quotes.offer import Offer, OfferLine
from integrations.printing.faces import BOLD, PLAIN
from integrations.printing.letter import DRAWING, Letter
from integrations.printing.quote_words import QUOTE_WORDS
from integrations.printing.sheet import GREY, INK, LEFT, RIGHT, Brand, Column, Sheet, heading
from integrations.printing.words import Words, law, words

_LINES: Final = (
    Column(LEFT, 206),
    Column(206, 236, at_right=True),
    Column(236, 304, at_right=True),
    Column(304, 372, at_right=True),
    Column(376, 404),
    Column(404, 430, at_right=True),
    Column(430, 488, at_right=True),
    Column(488, RIGHT, at_right=True),
)
_SUMS: Final = (Column(LEFT, 420), Column(300, 462, at_right=True), Column(462, RIGHT, at_right=True))
_TEXT_WIDTH: Final = 105  # characters of 8.5 points


def draw_quote(offer: Offer, *, brand: Brand | None = None) -> bytes:
    """Return the PDF."""
    with DRAWING:
        return _Printer(offer, brand or Brand()).draw()


class _Printer:
    def __init__(self, offer: Offer, brand: Brand) -> None:
        self.offer = offer
        self.said: Words = words(offer.language)
        self.own: Mapping[str, str] = QUOTE_WORDS[self.said.language.code]
        self.decimals = decimals_of(offer.currency)
        title = f"{self.own['quote']} ({self.own['draft'].lower()})" if offer.draft else self.own["quote"]
        self.sheet = Sheet(brand, title=f"{title} {offer.number}", author=offer.seller.name, language=offer.language)
        self.letter = Letter(self.sheet, self.said, offer.seller, title, offer.number)

    def draw(self) -> bytes:
        offer, said, own = self.offer, self.said, self.own
        facts = [
            (own["quote_number"], offer.number),
            (own["date"], said.day(offer.issued_on)),
            (own["valid_until"], said.day(offer.valid_until)),
            (said["customer"], offer.customer.number or ""),
            (said["buyer_vat"], offer.customer.vat_id or ""),
            (own["start"], said.day(offer.start) if offer.start else ""),
            (own["binding"], self.months(offer.terms.binding_months)),
            (own["notice"], self.months(offer.terms.notice_months)),
        ]
        self.letter.head(facts, offer.recipient or offer.customer)
        if offer.text:
            self.sheet.y -= 8
            self.paragraph(offer.text)
        self.table()
        self.totals()
        if offer.discounts:
            self.discounts()
        if offer.terms.conditions:
            heading(self.sheet, own["conditions"])
            self.sheet.y -= 4
            self.paragraph(offer.terms.conditions)
        self.signing()
        return self.sheet.close()

    def money(self, value: Decimal) -> str:
        return self.said.money(value, self.decimals)

    def months(self, count: int) -> str:
        if not count:
            return ""
        return self.own["month"] if count == 1 else self.own["months"].format(count=count)

    def paragraph(self, text: str) -> None:
        for part in text.splitlines():
            for line in textwrap.wrap(part, _TEXT_WIDTH) or [""]:
                self.sheet.down(12)
                self.sheet.text(LEFT, self.sheet.y, line, size=8.5)

    def table(self) -> None:
        """Draw what is offered, the parts of a bundle under it."""
        sheet = self.sheet
        sheet.y -= 20
        sheet.text_to(
            RIGHT, sheet.y, self.said["without_vat"].format(currency=self.offer.currency), size=7.5, colour=GREY
        )
        self.columns()
        for line in self.offer.lines:
            if sheet.down(13.5):
                self.columns()
                sheet.y -= 13.5
            self.line(line)
        sheet.rule(sheet.y - 5)

    def columns(self) -> None:
        said, own = self.said, self.own
        self.sheet.y -= 14
        heads = (
            said["description"], said["quantity"], own["once_each"], own["periodic_each"], own["per"], said["vat"],
            own["once"], own["monthly"],
        )  # fmt: skip
        self.sheet.row(_LINES, heads, size=7.5, colour=GREY)
        self.sheet.rule(self.sheet.y - 5)
        self.sheet.y -= 4

    def line(self, line: OfferLine) -> None:
        said = self.said
        text, free = line.text, not (line.one_time_fee or line.periodic_fee)
        if line.part:
            text = f"   – {text}, {self.own['included']}" if free else f"   – {text}"
        unit = said.units[Unit.MONTH]
        cells = (
            text,
            said.number(Decimal(line.quantity)),
            self.each(line.one_time_fee),
            self.each(line.periodic_fee),
            "" if not line.periodic_fee else f"{line.months} {unit}" if line.months > 1 else unit,
            f"{said.number(line.vat.percent)} %",
            self.money(line.once) if line.once else "",
            self.money(line.monthly) if line.monthly else "",
        )
        self.sheet.row(_LINES, cells, size=8, colour=GREY if line.part and free else INK)

    def each(self, fee: Decimal) -> str:
        return self.said.number(fee, self.decimals, 6) if fee else ""

    def totals(self) -> None:
        """Draw net, VAT per rate and the sum, once and per month side by side."""
        said, own, once, monthly = self.said, self.own, self.offer.once, self.offer.monthly
        if self.sheet.y - 80 < self.sheet.bottom:
            self.sheet.turn()
        self.sheet.y -= 18
        self.sheet.row(_SUMS, ("", own["once"], own["monthly"]), size=7.5, colour=GREY)
        rows = [(said["net"], once.net, monthly.net)]
        for treatment in {each.treatment: None for each in (*once.vat, *monthly.vat)}:
            label = f"{said['vat']} {said.number(treatment.percent)} %"
            rows.append((label, _tax(once, treatment), _tax(monthly, treatment)))
        for label, first, second in rows:
            self.sheet.y -= 12.5
            self.sheet.row(_SUMS, (label, self.money(first), self.money(second)), size=8.5)
        self.sheet.rule(self.sheet.y - 5)
        self.sheet.y -= 19
        cells = (f"{own['with_vat']}, {self.offer.currency}", self.money(once.total), self.money(monthly.total))
        self.sheet.row(_SUMS, cells, size=10.5, face=BOLD)
        notes = sorted({law(each.treatment, said) for each in (*once.vat, *monthly.vat) if each.treatment.words})
        if self.offer.discounts:
            notes.append(own["before_discounts"])
        for note in notes:
            self.sheet.y -= 12
            self.sheet.text(LEFT, self.sheet.y, note, size=7.5, colour=GREY)

    def discounts(self) -> None:
        heading(self.sheet, self.own["discounts"])
        self.sheet.y -= 4
        for one in self.offer.discounts:
            self.sheet.down(12.5)
            self.sheet.text(LEFT, self.sheet.y, self.discount(one), size=8.5)

    def discount(self, one: Discount) -> str:
        said, own = self.said, self.own
        what = own[one.on.value]
        if one.service is not None:
            what = own["of_service"].format(what=what, service=self.offer.names[one.service])
        if one.percent is not None:
            text = own["percent_off"].format(percent=said.number(one.percent), what=what)
        else:
            amount = f"{self.money(one.amount or Decimal(0))} {self.offer.currency}"
            text = own["amount_off"].format(amount=amount, what=what)
        days = {"start": said.day(one.start)}
        if one.end is not None:
            days["end"] = said.day(one.end - timedelta(days=1))
        held = own["from" if one.end is None else "until"].format(**days)
        return ", ".join(filter(None, (one.text, text, held)))

    def signing(self) -> None:
        """Leave room for who accepts it."""
        sheet, own = self.sheet, self.own
        if self.offer.draft:
            return
        if sheet.y - 110 < sheet.bottom:
            sheet.turn()
        sheet.y -= 40
        sheet.text(LEFT, sheet.y, own["accepted"], size=9, face=BOLD)
        sheet.y -= 44
        for left, right, label in ((LEFT, 260, own["place"]), (290, RIGHT, own["name"])):
            sheet.rule(sheet.y, left=left, right=right)
            sheet.text(left, sheet.y - 10, label, size=7.5, face=PLAIN, colour=GREY)


def _tax(totals: Totals, treatment: object) -> Decimal:
    return sum((each.tax for each in totals.vat if each.treatment == treatment), Decimal(0))
