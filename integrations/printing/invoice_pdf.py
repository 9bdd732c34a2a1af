"""An invoice or credit note as PDF (ISO 32000-1): a first page with sums and slip, its lines, and its calls."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from domain.customers.customer import CallSpecification
from domain.invoicing.branding import filled
from domain.invoicing.invoice import CallRow, DocumentKind, Invoice, Line, Unit, decimals_of
from domain.invoicing.vat import HomeRate
from domain.invoicing.words import title_of
from integrations.printing.bucket_table import draw_buckets
from integrations.printing.call_pages import draw_calls
from integrations.printing.faces import BOLD, PLAIN, shrunk, width, wrapped
from integrations.printing.letter import DRAWING, Letter
from integrations.printing.sheet import GREY, LEFT, RIGHT, Brand, Column, Sheet, heading
from integrations.printing.shown import by_kind, shown
from integrations.printing.slip import FOOT as SLIP_FOOT
from integrations.printing.slip import HEIGHT as SLIP_HEIGHT
from integrations.printing.slip import draw_slip, has_slip
from integrations.printing.words import Words, grouped_bankgiro, law, words

ROWS_ON_FIRST_PAGE: Final = 12
OWN_LINES_MAX: Final = 8  # of a text of the seller's own
TEXT_SIZE: Final = 8.5

_LINES: Final = (
    Column(LEFT, 186),
    Column(186, 212, at_right=True),
    Column(220, 280),
    Column(284, 362),
    Column(362, 402, at_right=True),
    Column(405, 421),
    Column(421, 464, at_right=True),
    Column(464, 489, at_right=True),
    Column(489, RIGHT, at_right=True),
)


def draw(invoice: Invoice, calls: Iterable[Sequence[CallRow]], *, zone: str, brand: Brand | None = None) -> bytes:
    """Return the PDF. ``calls`` are ordered by customer, subscription and start; ``zone`` is that of their times."""
    with DRAWING:
        return _Printer(invoice, zone, brand or Brand()).draw(calls)


class _Printer:
    def __init__(self, invoice: Invoice, zone: str, brand: Brand) -> None:
        self.invoice = invoice
        self.zone = ZoneInfo(zone)
        self.said: Words = words(invoice.language)
        self.decimals = decimals_of(invoice.currency)
        kind = f"self_billed_{invoice.kind.value}" if invoice.self_billed else invoice.kind.value
        self.title = title_of(invoice) or self.said[kind]
        # What the buyer makes out comes from him, and goes to the seller.
        self.ours, self.theirs = invoice.seller, invoice.recipient or invoice.payer
        if invoice.self_billed:
            self.ours, self.theirs = invoice.payer, invoice.recipient or invoice.seller
        credit = invoice.kind is DocumentKind.CREDIT_NOTE
        self.paid = self.said["to_pay" if credit is invoice.self_billed else "to_get" if credit else "to_supplier"]
        self.owed = -invoice.total if credit else invoice.total
        self.sheet = Sheet(
            brand, title=f"{self.title} {invoice.number}", author=self.ours.name, language=invoice.language
        )
        self.letter = Letter(self.sheet, self.said, self.ours, self.title, invoice.number)

    def draw(self, calls: Iterable[Sequence[CallRow]]) -> bytes:
        lines = list(shown(self.invoice, self.said))
        short = len(self.invoice.customers) == 1 and len(lines) <= ROWS_ON_FIRST_PAGE
        self.head()
        blocks = self.sheet.brand.blocks
        # Texts of the seller's own take room on the first page, which the lines may then not have.
        texts = {name: self.own_text(name) for name in ("intro", "closing") if name in blocks}
        short = short and len(lines) + sum(map(len, texts.values())) <= ROWS_ON_FIRST_PAGE
        drawing: dict[str, Callable[[], None]] = {
            "strip": self.strip,
            "lines": lambda: self.table(lines) if short else self.summary(),
            "totals": self.totals,
            **{name: functools.partial(self.paragraph, text) for name, text in texts.items()},
        }
        for name in blocks:
            if name in drawing:
                drawing[name]()
        if has_slip(self.invoice) and "slip" in blocks:
            draw_slip(self.sheet, self.invoice, self.said)
        if not short:
            self.sheet.turn()
            self.specification(lines)
        if self.invoice.buckets and "buckets" in blocks:
            if short:
                self.sheet.turn()
            draw_buckets(self.sheet, self.invoice, self.said)
        if self.invoice.call_specification is CallSpecification.ITEMISED and "calls" in blocks:
            draw_calls(self.sheet, self.invoice, calls, said=self.said, zone=self.zone)
        return self.sheet.close()

    def own_text(self, name: str) -> list[str]:
        """Return a text of the seller's own in the payer's language, in lines that fit."""
        told: Mapping[str, str] = getattr(self.sheet.brand, name)
        text = told.get(self.said.language.code) or told.get("en") or ""
        if not text:
            return []
        invoice, said = self.invoice, self.said
        known = {
            "number": invoice.number,
            "amount": self.money(abs(invoice.total)),
            "currency": invoice.currency,
            "due": said.day(invoice.due_on),
            "reference": invoice.payment.reference,
            "customer": invoice.payer.number or "",
            "name": invoice.payer.name,
            "period": said.days(invoice.period),
            "seller": invoice.seller.name,
        }
        size = TEXT_SIZE * self.sheet.brand.scale
        lines = [line for part in filled(text, known).split("\n") for line in wrapped(part, PLAIN, size, RIGHT - LEFT)]
        return lines[:OWN_LINES_MAX]

    def paragraph(self, lines: Sequence[str]) -> None:
        """Draw a text of the seller's own."""
        size = TEXT_SIZE * self.sheet.brand.scale
        self.sheet.y -= 6 if lines else 0
        for line in lines:
            self.sheet.y -= size * 1.35
            self.sheet.text(LEFT, self.sheet.y, line, size=size)
        self.sheet.y -= 8 if lines else 0

    def money(self, value: Decimal) -> str:
        return self.said.money(value, self.decimals)

    def head(self) -> None:
        """Draw the letter's head with what names the invoice, and the payer where a window envelope shows him."""
        invoice, said = self.invoice, self.said
        credit = invoice.kind is DocumentKind.CREDIT_NOTE  # of which nothing is to be paid
        facts = [
            (said["number"], invoice.number),
            (said["date"], said.day(invoice.issued_on)),
            (said["customer"], "" if invoice.self_billed else invoice.payer.number or ""),
            (said["period"], said.days(invoice.period)),
            (said["terms"], "" if credit else f"{invoice.payment.terms_days} {said['days']}"),
            (said["credits"], invoice.original or ""),
            (said["buyer_vat"], (invoice.seller if invoice.self_billed else invoice.payer).vat_id or ""),
            (said["buyer_reference"], invoice.buyer_reference or ""),
            (said["order_reference"], invoice.order_reference or ""),
            (said["cost_centre"], invoice.cost_centre or ""),
        ]
        self.letter.head(facts, self.theirs)

    def strip(self) -> None:
        """Draw the amount, the day, and where to pay."""
        sheet, invoice, said = self.sheet, self.invoice, self.said
        base = sheet.y - 44
        sheet.box(LEFT, base, RIGHT - LEFT, 44, sheet.brand.tone)
        amount = f"{self.money(self.owed)} {invoice.currency}"
        cells = [(self.paid, amount, 15.0)]
        if has_slip(invoice) or (invoice.self_billed and invoice.total > 0):
            # Of a Danish seller it is the creditor number of the slip, which has a place of its own there.
            bankgiro = invoice.payment.bankgiro if invoice.seller.address.country == "SE" else None
            cells += [
                (said["due"], said.day(invoice.due_on), 11.0),
                (said["bankgiro"], grouped_bankgiro(bankgiro) if bankgiro else "", 11.0),
                (said["reference"], invoice.payment.reference, 11.0),
            ]
        places = ((LEFT + 14, 166.0), (234.0, 100.0), (340.0, 90.0), (436.0, RIGHT - 442.0))
        for (x, room), (label, value, size) in zip(places, cells, strict=False):
            if value:
                sheet.text(x, base + 30, label, size=7.5, colour=GREY)
                sheet.text(x, base + 12, value, size=shrunk(value, BOLD, size, room, least=6), face=BOLD)
        sheet.y = base - 4

    def table(self, lines: Sequence[Line]) -> None:
        """Draw lines under the heads of their columns."""
        self.columns()
        carried = Decimal(0)
        for line in lines:
            if self.sheet.down(13):
                self.columns()
                self.sheet.y -= 13
                self.carried(carried)
                self.sheet.y -= 13
            self.line(line)
            carried += line.net
        self.sheet.rule(self.sheet.y - 5)

    def carried(self, net: Decimal) -> None:
        """Draw what the lines before the page come to."""
        columns = (Column(LEFT, 420), Column(420, RIGHT, at_right=True))
        self.sheet.row(columns, (self.said["carried"], self.money(net)), size=8, colour=GREY)

    def columns(self) -> None:
        said = self.said
        self.sheet.y -= 18
        names = ("description", "count", "", "period", "quantity", "", "price", "vat", "amount")
        heads = [said[name] if name else "" for name in names]
        self.sheet.row(_LINES, heads, size=7.5, colour=GREY)
        self.sheet.rule(self.sheet.y - 5)
        self.sheet.y -= 4

    def line(self, line: Line) -> None:
        said = self.said
        cells = (
            line.text,
            "" if line.events is None else self.said.number(Decimal(line.events)),
            line.label or "",
            said.days(line.period),
            said.number(line.quantity, 2 if line.unit is Unit.MINUTE else 0, 3),
            said.units[line.unit],
            said.number(line.unit_price, 4 if line.unit is Unit.MINUTE else 2, 4),
            f"{said.number(line.vat.percent)} %",
            self.money(line.net),
        )
        self.sheet.row(_LINES, cells, size=8 * self.sheet.brand.scale)

    def summary(self) -> None:
        """Draw one row per customer and kind of line, or per kind alone where those are too many."""
        sheet, invoice, said = self.sheet, self.invoice, self.said
        sheet.y -= 22
        sheet.text(LEFT, sheet.y, said["summary"], size=11, face=BOLD, colour=sheet.brand.accent)
        sheet.text_to(RIGHT, sheet.y, said["without_vat"].format(currency=invoice.currency), size=7.5, colour=GREY)
        sheet.rule(sheet.y - 6)
        sheet.y -= 6
        per_customer = [
            (name, list(by_kind(list(lines), said)))
            for name, lines in groupby(invoice.lines, key=lambda line: (line.customer, line.customer_name))
        ]
        many = len(per_customer) > 1
        rows: list[tuple[str, Decimal, bool]] = []
        for (_, name), kinds in per_customer:
            if many:
                rows.append((name, sum((net for _, net in kinds), Decimal(0)), True))
            rows += [(label, net, False) for label, net in kinds]
        if len(rows) > ROWS_ON_FIRST_PAGE:
            rows = [row for row in rows if row[2]] if many else rows
        if len(rows) > ROWS_ON_FIRST_PAGE:
            rows = [(label, net, False) for label, net in by_kind(invoice.lines, said)]
        for label, net, bold in rows:
            sheet.y -= 13.5
            sheet.row(
                (Column(LEFT if bold or not many else LEFT + 12, 440), Column(440, RIGHT, at_right=True)),
                (label, self.money(net)),
                size=8.5,
                face=BOLD if bold else PLAIN,
            )
        sheet.rule(sheet.y - 5)

    def totals(self) -> None:
        """Draw net, VAT per category, rounding and what is to be paid; and the words the law wants."""
        sheet, invoice, said = self.sheet, self.invoice, self.said
        rows = [(said["net"], invoice.net)]
        for each in invoice.vat:
            percent = said.number(each.treatment.percent)
            rows.append((said["vat_of"].format(percent=percent, taxable=self.money(each.taxable)), each.tax))
        if invoice.rounding:
            rows.append((said["rounding"], invoice.rounding))
        sheet.y -= 6
        for label, value in rows:
            sheet.y -= 12.5
            sheet.text_to(450, sheet.y, label, size=8.5, colour=GREY)
            sheet.text_to(RIGHT, sheet.y, self.money(value), size=8.5)
        sheet.rule(sheet.y - 6, left=320)
        sheet.y -= 21
        amount = f"{self.money(self.owed)} {invoice.currency}"
        label_end = min(450.0, RIGHT - width(amount, BOLD, 10.5) - 12)
        sheet.text_to(label_end, sheet.y, self.paid, size=10.5, face=BOLD)
        sheet.text_to(RIGHT, sheet.y, amount, size=10.5, face=BOLD)
        notes = sorted({law(each.treatment, said) for each in invoice.vat if each.treatment.words})
        if invoice.home is not None and invoice.vat_at_home is not None:
            notes.insert(0, self._at_home(invoice.home, invoice.vat_at_home))
        if has_slip(invoice):
            notes.append(said["late"])
        if invoice.self_billed:
            notes.append(said["self_billing"])
        y = max(sheet.y, SLIP_FOOT + SLIP_HEIGHT + 12 + 9 * (len(notes) - 1))
        for note in notes:
            sheet.text(LEFT, y, note, size=7.5, colour=GREY)
            y -= 10

    def _at_home(self, home: HomeRate, amount: Decimal) -> str:
        """Return the VAT in the currency of the seller's country, with what it is converted by (ML 17:29)."""
        return self.said["vat_at_home"].format(
            currency=home.currency,
            amount=self.said.money(amount, decimals_of(home.currency)),
            of=self.invoice.currency,
            factor=self.said.number(home.factor.normalize()),
            source=home.source,
            day=self.said.day(home.day),
        )

    def specification(self, lines: Sequence[Line]) -> None:
        """Draw every line by customer and contract, with their subtotals."""
        sheet, said = self.sheet, self.said
        heading(sheet, said["specification"])
        sheet.text_to(RIGHT, sheet.y, said["without_vat"].format(currency=self.invoice.currency), size=7.5, colour=GREY)
        many = len(self.invoice.customers) > 1
        for (_, name), owned in groupby(lines, key=lambda line: (line.customer, line.customer_name)):
            mine = list(owned)
            if many:
                if sheet.y - 80 < sheet.bottom:
                    sheet.turn()
                sheet.y -= 26
                sheet.box(LEFT, sheet.y - 5, RIGHT - LEFT, 17, sheet.brand.tone)
                self.pair(name, sum((line.net for line in mine), Decimal(0)), size=9.5, inset=6)
            for number, contracted in groupby(mine, key=lambda line: line.contract_number):
                chosen = list(contracted)
                if sheet.y - 62 < sheet.bottom:
                    sheet.turn()
                sheet.y -= 20
                if number:
                    self.pair(
                        said["contract"].format(number=number), sum((line.net for line in chosen), Decimal(0)), size=8.5
                    )
                self.table(chosen)

    def pair(self, label: str, net: Decimal, *, size: float, inset: float = 0) -> None:
        """Draw a bold label and its subtotal."""
        columns = (Column(LEFT + inset, 420), Column(420, RIGHT - inset, at_right=True))
        self.sheet.row(columns, (label, self.money(net)), size=size, face=BOLD)
