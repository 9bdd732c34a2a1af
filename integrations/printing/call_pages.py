"""The call specification: a table per subscription on pages of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from domain.invoicing.invoice import CallRow, Invoice
from integrations.printing.faces import BOLD
from integrations.printing.sheet import GREY, LEFT, RIGHT, Column, Sheet, heading
from integrations.printing.words import Words, length

DECIMALS: Final = 4  # of every amount, so that they stand below one another by their decimal marks
_CALLS: Final = (
    Column(LEFT, 104),
    Column(108, 150),
    Column(156, 262),
    Column(268, 434),
    Column(434, 486, at_right=True),
    Column(488, RIGHT, at_right=True),
)


def draw_calls(
    sheet: Sheet, invoice: Invoice, blocks: Iterable[Sequence[CallRow]], *, said: Words, zone: ZoneInfo
) -> None:
    """Draw the calls, which come in the order of customer, subscription and start; without any, no page is begun."""
    _CallPages(sheet, invoice, said, zone).draw(blocks)


class _CallPages:
    def __init__(self, sheet: Sheet, invoice: Invoice, said: Words, zone: ZoneInfo) -> None:
        self.sheet = sheet
        self.said = said
        self.zone = zone
        self.currency = invoice.currency
        self.names = {line.customer: line.customer_name for line in invoice.lines}

    def draw(self, blocks: Iterable[Sequence[CallRow]]) -> None:
        sheet, said = self.sheet, self.said
        owner: tuple[int, int] | None = None
        count, amount = 0, 0
        for row in (row for block in blocks for row in block):
            if owner is None:
                sheet.turn()
                heading(sheet, said["calls"])
                note = said["calls_note"].format(currency=self.currency, zone=self.zone.key)
                sheet.down(13)
                sheet.text(LEFT, sheet.y, note, size=7.5, colour=GREY)
            if owner != (row.customer, row.subscription):
                if owner is not None:
                    self.sum(count, amount)
                owner, count, amount = (row.customer, row.subscription), 0, 0
                if sheet.y - 70 < sheet.bottom:
                    sheet.turn()
                sheet.y -= 24
                name = f"  {self.names.get(row.customer, '')}" if len(self.names) > 1 else ""
                sheet.text(LEFT, sheet.y, f"{row.label or row.number}{name}", size=9, face=BOLD)
                self.heads()
            if sheet.down(10.4):
                self.heads()
                sheet.y -= 10.4
            self.row(row)
            count += 1
            amount += row.amount_micro
        if owner is not None:
            self.sum(count, amount)

    def heads(self) -> None:
        said = self.said
        self.sheet.y -= 14
        heads = tuple(said[name] for name in ("day", "time", "to_number", "destination", "length", "amount"))
        self.sheet.row(_CALLS, heads, size=7, colour=GREY)
        self.sheet.rule(self.sheet.y - 4)
        self.sheet.y -= 3

    def row(self, row: CallRow) -> None:
        said = self.said
        start = row.start.astimezone(self.zone)
        place = f"{row.destination} ({said['in']})" if row.direction == "in" else row.destination
        cells = (
            said.day(start),
            said.clock(start),
            row.number,
            place,
            length(row.used, row.mode, said),
            said.money(Decimal(row.amount_micro).scaleb(-6), DECIMALS),
        )
        self.sheet.row(_CALLS, cells, size=7.5)

    def sum(self, count: int, amount: int) -> None:
        self.sheet.rule(self.sheet.y - 4)
        self.sheet.down(14)
        columns = (Column(LEFT, 300), Column(434, RIGHT, at_right=True))
        value = self.said.money(Decimal(amount).scaleb(-6), DECIMALS)
        self.sheet.row(columns, (self.said["events"].format(count=count), value), size=8, face=BOLD)
