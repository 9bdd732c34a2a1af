"""What became of the allowances of an invoice's period, as a table."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from typing import Final

from domain.buckets.statement import BUCKET_COUNTS, BucketEntry
from domain.invoicing.invoice import Invoice, Unit, decimals_of
from integrations.printing.faces import BOLD
from integrations.printing.sheet import GREY, LEFT, RIGHT, Column, Sheet, heading
from integrations.printing.words import Words, length

_STEP: Final = (RIGHT - LEFT - 150) / len(BUCKET_COUNTS)
_COLUMNS: Final = (
    Column(LEFT, LEFT + 76),
    Column(LEFT + 80, LEFT + 150),
    *(
        Column(LEFT + 150 + index * _STEP + 3, LEFT + 150 + (index + 1) * _STEP, at_right=True)
        for index in range(len(BUCKET_COUNTS))
    ),
)
_ROW: Final = 13


def draw_buckets(sheet: Sheet, invoice: Invoice, said: Words) -> None:
    """Draw a row for each bucket and owner, under the name of the customer where there are several."""
    heading(sheet, said["buckets"])
    _heads(sheet, said)
    names = {line.customer: line.customer_name for line in invoice.lines}
    many = len({one.customer for one in invoice.buckets} | {invoice.customer}) > 1
    for customer, owned in groupby(invoice.buckets, key=lambda one: one.customer):
        if many and customer in names:
            _down(sheet, said)
            sheet.text(LEFT, sheet.y, names[customer], size=8, face=BOLD)
        for one in owned:
            _down(sheet, said)
            counts = [amount(getattr(one.entry, name), one.entry, invoice, said) for name in BUCKET_COUNTS]
            sheet.row(_COLUMNS, (one.entry.bucket, one.label, *counts), size=7.5)
    sheet.rule(sheet.y - 5)


def amount(value: Decimal, entry: BucketEntry, invoice: Invoice, said: Words) -> str:
    """Write seconds as a duration, kB as MB, money with its decimals, and messages as their number."""
    if not value:
        return said.number(value)
    if entry.unit == "seconds":
        return length(int(value), "voice", said)
    if entry.unit == "kB":
        return f"{said.number(value / 1000, 0, 2)} {said.units[Unit.MEGABYTE]}"
    if entry.unit == "money":
        currency = entry.currency or invoice.currency
        return f"{said.money(value, decimals_of(currency))} {currency}"
    return said.number(value)


def _heads(sheet: Sheet, said: Words) -> None:
    sheet.y -= 18
    sheet.row(_COLUMNS, (said["bucket"], "", *(said[name] for name in BUCKET_COUNTS)), size=7, colour=GREY)
    sheet.rule(sheet.y - 5)
    sheet.y -= 4


def _down(sheet: Sheet, said: Words) -> None:
    if sheet.down(_ROW):
        _heads(sheet, said)
        sheet.y -= _ROW
