"""The slip one pays with, at the foot of the first page, as the seller's country knows it.

Sweden: bankgiro and a QR code for banks (usingqr.com 1). Finland: the virtual barcode (Finance Finland 2014, version 4
and 5) as Code 128. Norway: account and KID. Denmark: ``+71<payment id+creditor<`` of the joint slip. Whoever is paid in
euro by IBAN: the SEPA credit transfer code (EPC069-12).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Final

import segno
from reportlab.graphics.barcode.code128 import Code128

from domain.invoicing.invoice import DocumentKind, Invoice, Party, decimals_of
from domain.invoicing.references import fik_valid, rf, rf_valid, viite_valid
from integrations.printing.faces import BOLD, PLAIN, fitted, printable, shrunk
from integrations.printing.sheet import GREY, INK, LEFT, RIGHT, Sheet
from integrations.printing.words import Words, grouped_bankgiro, grouped_organisation

HEIGHT: Final = 196.0
FOOT: Final = 62.0
QR_SIDE: Final = 92.0
BAR_WIDE: Final = 0.72  # of the Finnish bars' narrowest, 0.254 mm; all are 239 points, 84 mm
BARS_HIGH: Final = 29.0
_MASK: Final = 0  # a chequerboard, which leaves no wide even surface
# How long the IBANs of a country are.
_DANISH: Final = 18
_NORWEGIAN: Final = 15
_FINNISH: Final = 18
_CENTS_MAX: Final = 99_999_999
_SEPA_MAX: Final = Decimal("999999999.99")
_NAME_MAX: Final = 70
_TEXT_MAX: Final = 140


def has_slip(invoice: Invoice) -> bool:
    """Tell whether there is something to pay."""
    return invoice.kind is DocumentKind.INVOICE and invoice.total > 0 and not invoice.self_billed


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
    fields = [
        (said["to_pay"], f"{said.money(invoice.total, decimals_of(invoice.currency))} {invoice.currency}"),
        (said["due"], said.day(invoice.due_on)),
        *ways(invoice, said),
    ]
    code, bars = payment_code(invoice), virtual_barcode(invoice)
    _party(sheet, LEFT, top - (112 if bars is None else 98), said["payer"], invoice.payer)
    x, y = LEFT + 214, top - 38
    low = FOOT + 6 if bars is None else FOOT + BARS_HIGH + 16  # the bars are longer than the column beside the box
    sheet.box(x - 12, low, RIGHT - x + 12, top - 26 - low, sheet.brand.tone)
    step = 31.0 if len(fields) <= 5 else 155.0 / len(fields)
    for label, value in fields:
        if value:
            beside = code is not None and y - 12 > top - 56 - QR_SIDE
            room = RIGHT - x - (QR_SIDE + 30 if beside else 8)
            sheet.text(x, y, label, size=7, colour=GREY)
            sheet.text(x, y - 12, value, size=shrunk(value, BOLD, 10.5, room, least=6), face=BOLD)
            y -= step
    if code is not None:
        place = top - 36 - QR_SIDE
        _qr(sheet, code, RIGHT - QR_SIDE - 18, place)
        sheet.text(RIGHT - QR_SIDE - 24, place - 15, said["scan"], size=7, colour=GREY)
    if bars is not None:
        _barcode(sheet, bars, LEFT, FOOT + 10)


def ways(invoice: Invoice, said: Words) -> list[tuple[str, str]]:
    """Return what the slip says of how to pay, as it is known in the seller's country."""
    payment, country = invoice.payment, invoice.seller.address.country
    iban = (payment.iban or "").replace(" ", "")
    grouped = " ".join(iban[place : place + 4] for place in range(0, len(iban), 4))
    match country:
        case "DK" if payment.bankgiro and fik_valid(payment.reference):
            return [(said["slip_line"], f"+71<{payment.reference}+{payment.bankgiro}<"), (said["iban"], grouped)]
        case "DK" if len(iban) == _DANISH:
            account = f"{iban[4:8]} {iban[8:]}"
            return [(said["reference"], payment.reference), (said["account"], account), (said["iban"], grouped)]
        case "NO" if len(iban) == _NORWEGIAN:
            account = f"{iban[4:8]} {iban[8:10]} {iban[10:]}"
            return [(said["reference"], payment.reference), (said["account"], account), (said["iban"], grouped)]
        case "FI":
            return [(said["reference"], _fives(payment.reference)), (said["iban"], grouped)]
    bankgiro = grouped_bankgiro(payment.bankgiro) if payment.bankgiro else ""
    return [(said["reference"], payment.reference), (said["bankgiro"], bankgiro), (said["iban"], grouped)]


def _fives(reference: str) -> str:
    """Write a Finnish reference in fives from the right.

    >>> _fives("1234561"), _fives("RF332348236")
    ('12 34561', 'RF33 2348 236')
    """
    if reference.startswith("RF"):
        return " ".join(reference[place : place + 4] for place in range(0, len(reference), 4))
    first = len(reference) % 5
    parts = [reference[:first], *(reference[place : place + 5] for place in range(first, len(reference), 5))]
    return " ".join(filter(None, parts))


def virtual_barcode(invoice: Invoice) -> str | None:
    """Return the 54 digits of the Finnish virtual barcode, or None where the slip has none.

    Version 4 holds a national reference, version 5 an ISO 11649 one. What is above 999,999.99 euro is told as zero.
    """
    iban = (invoice.payment.iban or "").replace(" ", "")
    reference = invoice.payment.reference
    if invoice.currency != "EUR" or not iban.startswith("FI") or len(iban) != _FINNISH:
        return None
    cents = int(invoice.total * 100)
    amount = f"{cents:08d}" if 0 < cents <= _CENTS_MAX else "0" * 8
    day = f"{invoice.due_on:%y%m%d}"
    if rf_valid(reference) and reference[4:].isdigit():
        return f"5{iban[2:]}{amount}{reference[2:4]}{reference[4:]:0>21}{day}"
    if viite_valid(reference):
        return f"4{iban[2:]}{amount}000{reference:0>20}{day}"
    return None


def payment_code(invoice: Invoice) -> str | None:
    """Return what the QR code says, or None where there is nothing that a bank could read."""
    seller, payment = invoice.seller, invoice.payment
    iban = (payment.iban or "").replace(" ", "")
    if iban and invoice.currency == "EUR":
        return _sepa_code(invoice, iban)
    # A bankgiro takes kronor, and the code says no currency where it is paid in them.
    if not payment.bankgiro or seller.address.country != "SE" or invoice.currency != "SEK":
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


def _sepa_code(invoice: Invoice, iban: str) -> str:
    """Return a SEPA credit transfer as European banks scan it (EPC069-12, version 2): structured reference or text.

    A Finnish reference is told in its international form, which Finnish banks take as the same.
    """
    reference = invoice.payment.reference
    if invoice.seller.address.country == "FI" and viite_valid(reference):
        reference = rf(reference.lstrip("0"))
    structured = reference if rf_valid(reference) else ""
    text = "" if structured else f"{invoice.number} {reference}"[:_TEXT_MAX]
    name = printable(invoice.seller.name)[:_NAME_MAX]
    lines = ["BCD", "002", "1", "SCT", "", name, iban, f"EUR{invoice.total:.2f}", "", structured, text]
    return (
        "\n".join(lines).rstrip("\n")
        if invoice.total <= _SEPA_MAX
        else "\n".join([*lines[:7], "", "", structured, text])
    )


def _barcode(sheet: Sheet, digits: str, x: float, y: float) -> None:
    """Draw digits as Code 128 (subset C): at most 105 mm long, at least 10 mm high, no bar narrower than 0.25 mm."""
    bars = Code128(digits, barWidth=BAR_WIDE, barHeight=BARS_HIGH, humanReadable=0, quiet=0)
    sheet.canvas.saveState()
    sheet.canvas.setFillColorRGB(*INK)
    bars.drawOn(sheet.canvas, x, y)
    sheet.canvas.restoreState()
    sheet.text(x, y - 7, digits, size=5.5, colour=GREY)


def _party(sheet: Sheet, x: float, y: float, label: str, party: Party) -> None:
    sheet.text(x, y, label, size=7, colour=GREY)
    address = party.address
    lines = [party.name, address.street, address.street2 or "", f"{address.postcode} {address.city}"]
    for line in filter(None, lines):
        y -= 11.5
        sheet.text(x, y, fitted(line, PLAIN, 8.5, 194), size=8.5)


def _qr(sheet: Sheet, text: str, x: float, y: float) -> None:
    """Draw a QR code (ISO/IEC 18004) as runs of rectangles."""
    # Every mask can be read; to weigh all eight takes longer than the rest of the page.
    matrix = segno.make(text, error="m", micro=False, mask=_MASK).matrix
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
