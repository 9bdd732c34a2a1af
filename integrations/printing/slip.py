"""The slip one pays with, at the foot of the first page, with a QR code for Swedish banks (usingqr.com 1)."""

from __future__ import annotations

import json
from typing import Final

import segno

from domain.invoicing.invoice import DocumentKind, Invoice, Party
from integrations.printing.faces import BOLD, printable
from integrations.printing.sheet import GREY, INK, LEFT, RIGHT, Sheet
from integrations.printing.words import Words, grouped_bankgiro, grouped_organisation

HEIGHT: Final = 196.0
FOOT: Final = 62.0
QR_SIDE: Final = 92.0


def has_slip(invoice: Invoice) -> bool:
    """Tell whether there is something to pay."""
    return invoice.kind is DocumentKind.INVOICE and invoice.total > 0


def draw_slip(sheet: Sheet, invoice: Invoice, said: Words) -> None:
    """Draw the slip; what stands above it ends at ``FOOT + HEIGHT``."""
    canvas = sheet.canvas
    top = FOOT + HEIGHT
    canvas.saveState()
    canvas.setDash(2, 3)
    sheet.rule(top, left=LEFT - 24, right=RIGHT + 24, colour=GREY)
    canvas.restoreState()
    sheet.text(LEFT, top - 20, said["slip"], size=11, face=BOLD, colour=sheet.brand.accent)
    _party(sheet, LEFT, top - 38, said["payee"], invoice.seller)
    _party(sheet, LEFT, top - 112, said["payer"], invoice.payer)
    payment = invoice.payment
    fields = [
        (said["to_pay"], f"{said.money(invoice.total)} {invoice.currency}"),
        (said["due"], said.day(invoice.due_on)),
        (said["reference"], payment.reference),
        (said["bankgiro"], grouped_bankgiro(payment.bankgiro) if payment.bankgiro else ""),
        (
            said["iban"],
            " ".join(payment.iban[i : i + 4] for i in range(0, len(payment.iban), 4)) if payment.iban else "",
        ),
    ]
    x, y = LEFT + 214, top - 38
    sheet.box(x - 12, FOOT + 6, RIGHT - x + 12, HEIGHT - 32, sheet.brand.tone)
    for label, value in fields:
        if value:
            sheet.text(x, y, label, size=7, colour=GREY)
            sheet.text(x, y - 12, value, size=10.5, face=BOLD)
            y -= 31
    if (code := payment_code(invoice)) is not None:
        _qr(sheet, code, RIGHT - QR_SIDE - 18, top - 44 - QR_SIDE)
        sheet.text(RIGHT - QR_SIDE - 24, top - 60 - QR_SIDE, said["scan"], size=7, colour=GREY)


def payment_code(invoice: Invoice) -> str | None:
    """Return what the QR code says, or None where the seller has no bankgiro."""
    seller, payment = invoice.seller, invoice.payment
    if not payment.bankgiro or seller.address.country != "SE":
        return None
    said = {
        "uqr": 1,
        "tp": 1,
        "nme": printable(seller.name)[:60],
        "cc": "SE",
        "cid": grouped_organisation(seller.identity_number or "", "SE"),
        "iref": payment.reference,
        "idt": f"{invoice.issued_on:%Y%m%d}",
        "ddt": f"{invoice.due_on:%Y%m%d}",
        "pt": "BG",
        "acc": grouped_bankgiro(payment.bankgiro),
    }
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    # The amounts are JSON numbers, written by us so that no float stands between.
    return f'{text[:-1]},"due":{invoice.total:.2f},"vat":{invoice.vat_total:.2f}}}'


def _party(sheet: Sheet, x: float, y: float, label: str, party: Party) -> None:
    sheet.text(x, y, label, size=7, colour=GREY)
    address = party.address
    lines = [party.name, address.street, address.street2 or "", f"{address.postcode} {address.city}"]
    for line in filter(None, lines):
        y -= 11.5
        sheet.text(x, y, line[:48], size=8.5)


def _qr(sheet: Sheet, text: str, x: float, y: float) -> None:
    """Draw a QR code (ISO/IEC 18004) as runs of rectangles."""
    matrix = segno.make(text, error="m", micro=False).matrix
    side = QR_SIDE / len(matrix)
    canvas = sheet.canvas
    canvas.saveState()
    canvas.setFillColorRGB(1, 1, 1)
    canvas.rect(x - 6, y - 6, QR_SIDE + 12, QR_SIDE + 12, stroke=0, fill=1)
    canvas.setFillColorRGB(*INK)
    path = canvas.beginPath()
    for row, cells in enumerate(matrix):
        start = 0
        for column in range(1, len(cells) + 1):
            if column == len(cells) or cells[column] != cells[start]:
                if cells[start]:
                    path.rect(x + start * side, y + QR_SIDE - (row + 1) * side, (column - start) * side, side)
                start = column
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.restoreState()
